/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Call frames of functions of which only names are known, read off their code.
 *
 * gdb itself looks for `push ebp; mov ebp, esp' at a function's start, and
 * takes fright at what kernels have before it or between the two.  Here these
 * two are looked for among instructions that leave the stack alone, and then
 * each place where the frame is taken down, by LEAVE or `pop ebp'.  Compilers
 * leave some functions before they make the frame: such ways out go by the
 * stack pointer.  Of a function that has no frame nothing is said. */
#include "gdbstub/elf.h"
#include "gdbstub/stub_priv.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/cpu/cpu.h"
#include "core/x86/decode.h"
#include "core/x86/opcode.h"

enum {
	CODE_MAX = 64 << 20, /* bytes looked at: names may say anything */
	PROLOGUE_MAX = 24, /* instructions up to the frame */
	WAYS_OUT = 4,
	/* DWARF 4, 7.23 */
	CFA_ADVANCE = 0x40,
	CFA_OFFSET = 0x80,
	CFA_RESTORE = 0xc0,
	CFA_ADVANCE1 = 0x02,
	CFA_ADVANCE2 = 0x03,
	CFA_REMEMBER = 0x0a,
	CFA_RECALL = 0x0b,
	CFA_DEF = 0x0c,
	CFA_DEF_REGISTER = 0x0d,
	CFA_DEF_OFFSET = 0x0e,
};

struct code {
	const u8 *bytes;
	u32 len, at; /* of the next instruction */
	struct insn in;
	u32 out[WAYS_OUT]; /* where jumps go from before the frame */
	unsigned outs;
};

/* Decodes the next one; false: there is none. */
static bool next(struct code *c)
{
	if (c->at >= c->len ||
	    decode(c->bytes + c->at, c->len - c->at, true, &c->in) != DECODE_OK)
		return false;
	c->at += c->in.len;
	return true;
}

static bool names_esp(const struct insn *in)
{
	return in->has_modrm && in->mod == 3 &&
	       (in->rm == ESP || in->reg == ESP);
}

static u32 jump_target(const struct code *c)
{
	return c->at + c->in.imm;
}

/* A way out of the function before it has a frame? */
static bool leaves_early(struct code *c)
{
	switch (c->in.op->class) {
	case C_JCC:
	case C_JMP_REL:
		if (c->outs < WAYS_OUT)
			c->out[c->outs++] = jump_target(c);
		return true;
	case C_RET:
	case C_STI:
	case C_CLI:
		return true;
	default:
		return false;
	}
}

/* Does it leave the stack alone and go on to the next one? */
static bool is_straight(const struct insn *in)
{
	switch (in->op->class) {
	case C_COPY:
	case C_NOP:
	case C_LEA:
	case C_INCDEC:
	case C_MOFFS_LOAD:
	case C_MOFFS_STORE:
	case C_FROM_SEG:
		return !names_esp(in);
	default:
		return false;
	}
}

static bool is_push_ebp(const struct insn *in)
{
	return !in->map && in->opcode == 0x55;
}

static bool sets_frame(const struct insn *in)
{
	return !in->map && ((in->opcode == 0x89 && in->modrm == 0xe5) ||
			    (in->opcode == 0x8b && in->modrm == 0xec));
}

static bool takes_frame_down(const struct insn *in)
{
	return !in->map && (in->opcode == 0xc9 || in->opcode == 0x5d);
}

/* Goes on to the instruction that `is' says, past others that do nothing to
 * the stack; false: there is none. */
static bool reach(struct code *c, bool (*is)(const struct insn *in), bool early)
{
	for (unsigned i = 0; i < PROLOGUE_MAX && next(c); i++) {
		if (is(&c->in))
			return true;
		if (!is_straight(&c->in) && !(early && leaves_early(c)))
			return false;
	}
	return false;
}

static bool is_way_out(const struct code *c)
{
	for (unsigned i = 0; i < c->outs; i++)
		if (c->out[i] == c->at)
			return true;
	return false;
}

static void byte(struct buf *out, unsigned v)
{
	buf_byte(out, (char)v);
}

static void advance(struct buf *out, u32 by)
{
	if (by < 0x40) {
		byte(out, CFA_ADVANCE | by);
	} else if (by < 0x100) {
		byte(out, CFA_ADVANCE1);
		byte(out, by);
	} else {
		byte(out, CFA_ADVANCE2);
		byte(out, by & 0xff);
		byte(out, by >> 8);
	}
}

static void without_frame(struct buf *out)
{
	byte(out, CFA_DEF);
	byte(out, ESP);
	byte(out, 4);
	byte(out, CFA_RESTORE | EBP);
}

/* Places where the caller's ebp is back and CFA is esp + 4, for one more
 * instruction: a return, or a jump to another function. */
static void describe_ends(struct code *c, u32 said, struct buf *out)
{
	while (next(c)) {
		u32 down = c->at;

		if (is_way_out(c) && c->in.op->class == C_RET) {
			advance(out, c->at - said);
			without_frame(out);
			return; /* the rest is seldom run */
		}
		if (!takes_frame_down(&c->in))
			continue;
		if (!next(c))
			return;
		advance(out, down - said);
		byte(out, CFA_REMEMBER);
		without_frame(out);
		if (is_way_out(c))
			return;
		advance(out, c->at - down);
		byte(out, CFA_RECALL);
		said = c->at;
	}
}

/* Appends an entry for the function, if it has a frame. */
static void describe(const u8 *bytes, u32 len, u32 addr, struct buf *out)
{
	struct code c = {.bytes = bytes, .len = len};
	u32 pushed;
	size_t entry;

	if (!reach(&c, is_push_ebp, true))
		return;
	pushed = c.at;
	if (!reach(&c, sets_frame, false))
		return;
	entry = frames_begin_entry(addr, len, out);
	advance(out, pushed);
	byte(out, CFA_DEF_OFFSET);
	byte(out, 8);
	byte(out, CFA_OFFSET | EBP);
	byte(out, 2); /* CFA - 8 */
	advance(out, c.at - pushed);
	byte(out, CFA_DEF_REGISTER);
	byte(out, EBP);
	describe_ends(&c, c.at, out);
	frames_end_entry(entry, out);
}

void frames_make(struct gdbstub *g, const struct elf_function *f, size_t count,
		 struct buf *out)
{
	u8 *bytes = malloc(FUNCTION_MAX);
	u64 all = 0;

	NEED_MEMORY(bytes, "a function's code");
	frames_begin(out);
	for (size_t i = 0; i < count && all < CODE_MAX; i++) {
		u32 len = f[i].len;

		if (!len || len > FUNCTION_MAX ||
		    debug_read(g->d, f[i].addr, bytes, len) != len)
			continue;
		all += len;
		describe(bytes, len, f[i].addr, out);
	}
	free(bytes);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who called whom: the chain of saved frame pointers, with three cares.
 *
 * Before a function has set up its frame (its first two instructions, push
 * ebp and mov ebp, esp) the chain still belongs to the caller, and the return
 * address lies at esp or just above; without that, the caller would be
 * missing exactly when one stops at a breakpoint.  The same holds at a RET,
 * and in a function that has not touched the stack at all.
 *
 * Compilers drop frame pointers.  A frame is believed only if its pointer
 * lies above the last one within a stack's reach and its return address
 * follows a call instruction; the chain ends where it stops being
 * believable, and then, if it never began, the stack is searched for words
 * that look like return addresses, marked with `?`: candidates, not facts. */
#include "core/debug/debug_priv.h"
#include "core/x86/decode.h"
#include "core/x86/opcode.h"

enum { STACK_REACH = 1 << 16, SCAN_WORDS = 512, SCAN_FOUND = 12 };

static bool word(struct debug *d, u32 at, u32 *v)
{
	return debug_read(d, at, v, 4) == 4;
}

/* Does the address follow a call: E8 rel32, FF /2 of 2 to 7 bytes, 9A? */
static bool follows_call(struct debug *d, u32 pc)
{
	u8 b[7];

	if (pc < 7 || debug_read(d, pc - 7, b, 7) != 7)
		return false;
	if (b[2] == 0xe8 || b[0] == 0x9a)
		return true;
	for (unsigned i = 0; i < 6; i++)
		if (b[i] == 0xff &&
		    ((b[i + 1] >> 3 & 7) == 2 || (b[i + 1] >> 3 & 7) == 3))
			return true;
	return false;
}

static void show_frame(struct debug *d, unsigned n, u32 pc, const char *mark,
		       struct buf *out)
{
	struct source_line l;

	buf_printf(out, "#%-3u %s", n, mark);
	debug_address(d, pc, out);
	/* The call, not what follows it, which may be another line. */
	if (debug_line(d, n ? pc - 1 : pc, &l))
		buf_printf(out, " at %s:%u", l.file, l.line);
	buf_byte(out, '\n');
}

/* Does the instruction leave esp alone and go on to the next one?  Doubt
 * means no. */
static bool is_harmless(const struct insn *in)
{
	if (in->has_modrm && in->mod == 3 && (in->rm == ESP || in->reg == ESP))
		return false;
	switch (in->op->class) {
	case C_COPY:
	case C_NOP:
	case C_LEA:
	case C_MOFFS_LOAD:
	case C_MOFFS_STORE:
	case C_STI:
	case C_CLI:
	case C_SETDF:
	case C_MOV_FROM_CR:
	case C_RDTSC:
		return true;
	default:
		return in->op->operation == OPERATION_hlt;
	}
}

static bool leaves_stack_alone(struct debug *d, u32 from, u32 to)
{
	struct insn in;
	u8 b[INSN_MAX];

	while (from < to) {
		unsigned n = debug_read(d, from, b, sizeof(b));

		if (decode(b, n, true, &in) != DECODE_OK || !is_harmless(&in))
			return false;
		from += in.len;
	}
	return from == to;
}

/* Where the return address of the innermost frame lies when the frame is not
 * set up, yet or any more; 0 when it is. */
static u32 early_return(struct debug *d)
{
	const struct cpu *c = debug_cpu(d);
	u32 offset = 0, pc = debug_pc(d);
	u8 b[3] = {0};

	if (debug_read(d, pc, b, 3) && (b[0] == 0xc3 || b[0] == 0xc2))
		return c->gpr[ESP];
	if (!debug_name(d, pc, &offset)) {
		/* No symbols: `push ebp; mov ebp, esp` just ahead or begun. */
		if (b[0] == 0x55 && (b[1] == 0x89 || b[1] == 0x8b))
			return c->gpr[ESP];
		return 0;
	}
	if (leaves_stack_alone(d, pc - offset, pc))
		return c->gpr[ESP];
	if (offset == 1 && debug_read(d, pc - 1, b, 1) == 1 && b[0] == 0x55)
		return c->gpr[ESP] + 4;
	return 0;
}

static void scan(struct debug *d, struct buf *out)
{
	u32 esp = debug_cpu(d)->gpr[ESP] & ~3u, v;
	unsigned found = 0;

	for (unsigned i = 0; i < SCAN_WORDS && found < SCAN_FOUND; i++) {
		if (!word(d, esp + i * 4, &v))
			break;
		if (debug_name(d, v, NULL) && follows_call(d, v))
			show_frame(d, ++found, v, "? ", out);
	}
	if (found)
		buf_printf(out, "(? no frame pointers: words on the stack that "
				"follow a call)\n");
}

void debug_backtrace(struct debug *d, unsigned limit, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	u32 early = early_return(d), frame = c->gpr[EBP], pc, up;
	unsigned n = 0;

	show_frame(d, n++, debug_pc(d), "", out);
	if (early && word(d, early, &pc) && n < limit && follows_call(d, pc)) {
		show_frame(d, n++, pc, "", out);
		if (early != c->gpr[ESP])
			word(d, c->gpr[ESP], &frame); /* push ebp has run */
	}
	up = c->gpr[ESP];
	while (n < limit) {
		if (frame < up || frame - up > STACK_REACH ||
		    !word(d, frame + 4, &pc) || !follows_call(d, pc))
			break;
		show_frame(d, n++, pc, "", out);
		up = frame + 1;
		if (!word(d, frame, &frame))
			break;
	}
	if (n == 1 && limit > 1)
		scan(d, out);
}

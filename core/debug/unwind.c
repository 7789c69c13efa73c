/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Five ways to the caller, the surest first.
 *
 * Call frame information, where a symbol file has it: exact, also through the
 * entries of kernels that describe theirs.
 *
 * Before a function has set up its frame (its first two instructions, push
 * ebp and mov ebp, esp) the chain of frame pointers still belongs to the
 * caller, and the return address lies at esp or just above; without that, the
 * caller would be missing exactly when one stops at a breakpoint.  The same
 * holds at a RET, in a stub of VMI, and in a function that has not touched the
 * stack at all.
 *
 * Where nothing is left but pops and a return, as in a kernel's page for system
 * calls, they tell all.
 *
 * The chain of saved frame pointers.  Compilers drop them: a frame is believed
 * only if its pointer lies above the last one within a stack's reach and its
 * return address follows a call instruction.
 *
 * Where a kernel's chain ends, what the processor pushed when it came in is
 * sought on the stack: an address of code, a code selector, flags, and for
 * user code stack pointer and selector (SDM 3A 6.12).  The frame pointer of
 * what was interrupted was saved below it, by whatever kernel: of the words
 * there, the one that leads to a return address is it. */
#include "core/debug/unwind.h"

#include "core/debug/debug_priv.h"
#include "core/x86/decode.h"
#include "core/x86/opcode.h"

enum {
	STACK_REACH = 1 << 16,
	USER_REACH = 1 << 20,
	KERNEL_STACK = 1 << 13,
	AT_ENTRY = 12, /* a handler has pushed vector and error code at most */
	SAVED_WORDS = 16, /* below what the processor pushed */
	END_INSNS = 10, /* of a function's end */
	FLAGS_ZERO = 0x8028, /* bits of EFLAGS that are always 0; */
	FLAGS_HIGH = 22,     /* from here on, too */
};

static bool word(struct debug *d, u32 at, u32 *v)
{
	return debug_read(d, at, v, 4) == 4;
}

/* Does the address follow a call: E8 rel32, FF /2 of 2 to 7 bytes, 9A? */
bool unwind_follows_call(struct debug *d, u32 pc)
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

/* Where the return address lies when the frame is not set up, yet or any more;
 * 0 when it is. */
static u32 early_return(struct debug *d, u32 pc, u32 esp)
{
	u32 offset = 0;
	u8 b[3] = {0};

	if (debug_read(d, pc, b, 3) && (b[0] == 0xc3 || b[0] == 0xc2))
		return esp;
	if (!debug_name(d, pc, &offset)) {
		/* No symbols: `push ebp; mov ebp, esp` just ahead or begun. */
		if (b[0] == 0x55 && (b[1] == 0x89 || b[1] == 0x8b))
			return esp;
		return 0;
	}
	if (leaves_stack_alone(d, pc - offset, pc))
		return esp;
	if (offset == 1 && debug_read(d, pc - 1, b, 1) == 1 && b[0] == 0x55)
		return esp + 4;
	return 0;
}

/* ---- the ways ---- */

static bool by_frame_information(struct debug *d, struct unwind *u)
{
	struct unwind up = *u;
	struct cfi_row row;
	u32 cfa, values[CFI_REGS], eip_at = 0, cs;

	if (!debug_frame(d, u->exact ? u->pc : u->pc - 1, &row) ||
	    row.cfa == CFI_EIP)
		return false;
	cfa = u->regs[row.cfa] + (u32)row.offset;
	for (unsigned i = 0; i < CFI_REGS; i++) {
		const struct cfi_rule *rule = &row.reg[i];

		values[i] = i == CFI_ESP ? cfa : i < 8 ? u->regs[i] : 0;
		if (rule->how == CFI_AT &&
		    !word(d, cfa + (u32)rule->value, &values[i]))
			return false;
		if (rule->how == CFI_IS)
			values[i] = cfa + (u32)rule->value;
		if (rule->how == CFI_IN && rule->value < 8)
			values[i] = u->regs[rule->value];
		if (rule->how == CFI_OTHER)
			return false;
	}
	if (row.reg[row.eip].how != CFI_AT)
		return false; /* the outermost */
	eip_at = cfa + (u32)row.reg[row.eip].value;
	up.pc = values[row.eip];
	for (unsigned i = 0; i < 8; i++)
		up.regs[i] = values[i];
	up.exact = row.is_signal;
	up.event = UNWIND_NO_EVENT;
	if (row.is_signal && !u->user && word(d, eip_at + 4, &cs)) {
		up.user = (cs & 3) == 3;
		up.event = up.user ? UNWIND_FROM_USER : UNWIND_FROM_KERNEL;
		up.regs[ESP] = eip_at + 12;
		if (up.user && !word(d, eip_at + 12, &up.regs[ESP]))
			return false;
	}
	if (up.user == u->user && up.regs[ESP] <= u->regs[ESP])
		return false;
	*u = up;
	return up.pc;
}

static bool before_its_frame(struct debug *d, struct unwind *u)
{
	u32 at = u->exact ? early_return(d, u->pc, u->regs[ESP]) : 0, pc;

	if (!at || !word(d, at, &pc) || !unwind_follows_call(d, pc))
		return false;
	if (at != u->regs[ESP]) /* push ebp has run */
		word(d, u->regs[ESP], &u->regs[EBP]);
	u->pc = pc;
	u->regs[ESP] = at + 4;
	u->exact = false;
	u->event = UNWIND_NO_EVENT;
	return true;
}

/* Is nothing left of the function but pops and a return?  Then they are done. */
static bool at_its_end(struct debug *d, struct unwind *u)
{
	struct unwind up = *u;
	u32 at = u->pc, *esp = &up.regs[ESP], popped;
	struct insn in;
	u8 b[INSN_MAX];

	for (unsigned i = 0; u->exact && i < END_INSNS; i++, at += in.len) {
		unsigned n = debug_read(d, at, b, sizeof(b));

		if (decode(b, n, true, &in) != DECODE_OK || in.opsize != 4)
			return false;
		if (in.op->class == C_RET) {
			if (!word(d, *esp, &up.pc) ||
			    !unwind_follows_call(d, up.pc))
				return false;
			*esp += 4 + in.imm;
			up.exact = false;
			up.event = UNWIND_NO_EVENT;
			*u = up;
			return true;
		}
		if (in.op->class == C_LEAVE)
			*esp = up.regs[EBP];
		else if (in.op->class == C_NOP)
			continue;
		else if (in.op->class != C_POP_REG)
			return false;
		if (!word(d, *esp, &popped))
			return false;
		*esp += 4;
		up.regs[in.op->class == C_LEAVE ? EBP : in.opcode & 7] = popped;
	}
	return false;
}

static bool by_frame_pointer(struct debug *d, struct unwind *u)
{
	u32 frame = u->regs[EBP], pc, before;

	if (frame < u->regs[ESP] || frame - u->regs[ESP] > STACK_REACH ||
	    !word(d, frame + 4, &pc) || !unwind_follows_call(d, pc) ||
	    !word(d, frame, &before))
		return false;
	u->pc = pc;
	u->regs[EBP] = before;
	u->regs[ESP] = frame + 8;
	u->exact = false;
	u->event = UNWIND_NO_EVENT;
	return true;
}

/* Of a descriptor in the GDT: is it present, of that level, and code or not? */
static bool is_segment(struct debug *d, u32 selector, bool code)
{
	const struct cpu *c = debug_cpu(d);
	u32 at = selector & 0xfff8, high;

	if (selector > 0xffff || !at || selector & 4 ||
	    at + 7 > c->gdtr.limit || !word(d, c->gdtr.base + at + 4, &high))
		return false;
	return (high & 0x9000) == 0x9000 && !(high & 0x800) == !code &&
	       (high >> 13 & 3) == (selector & 3);
}

/* Did the processor push what lies at `at` when something came up? */
static bool is_event(struct debug *d, const u32 pushed[5])
{
	u8 byte;

	if (pushed[1] > 0xffff || !(pushed[2] & 2) ||
	    pushed[2] & FLAGS_ZERO || pushed[2] >> FLAGS_HIGH ||
	    !is_segment(d, pushed[1], true))
		return false;
	if ((pushed[1] & 3) == 3)
		return is_segment(d, pushed[4], false) && pushed[0] &&
		       pushed[3];
	return !(pushed[1] & 3) && debug_read(d, pushed[0], &byte, 1) &&
	       debug_name(d, pushed[0], NULL);
}

/* The frame pointer among what was saved below `at`. */
static u32 saved_frame(struct debug *d, u32 at, const struct unwind *up)
{
	u32 reach = up->user ? USER_REACH : STACK_REACH, v, pc;

	for (unsigned i = 1; i <= SAVED_WORDS; i++)
		if (word(d, at - 4 * i, &v) && v >= up->regs[ESP] &&
		    v - up->regs[ESP] < reach && word(d, v + 4, &pc) &&
		    unwind_follows_call(d, pc))
			return v;
	return 0;
}

u32 unwind_stack_end(const struct unwind *u)
{
	return u->regs[ESP] | (KERNEL_STACK - 1);
}

/* Sought in so many bytes of stack at most. */
static bool through_event(struct debug *d, struct unwind *u, u32 reach)
{
	u32 at = (u->regs[ESP] + 3) & ~3u, end = unwind_stack_end(u);

	if (end - at > reach + 12)
		end = at + reach + 12;
	for (; !u->user && at < end - 12; at += 4) {
		u32 pushed[5] = {0};

		if (debug_read(d, at, pushed, sizeof(pushed)) < 12)
			return false;
		if (!is_event(d, pushed))
			continue;
		u->pc = pushed[0];
		u->exact = true;
		u->user = pushed[1] & 3;
		u->event = u->user ? UNWIND_FROM_USER : UNWIND_FROM_KERNEL;
		u->regs[ESP] = u->user ? pushed[3] : at + 12;
		u->regs[EBP] = saved_frame(d, at, u);
		u->event_at = at;
		return true;
	}
	return false;
}

void unwind_begin(struct debug *d, struct unwind *u)
{
	const struct cpu *c = debug_cpu(d);

	*u = (struct unwind){.pc = debug_pc(d), .exact = true,
			     .user = c->cpl == 3};
	for (unsigned i = 0; i < 8; i++)
		u->regs[i] = c->gpr[i];
}

bool unwind_step(struct debug *d, struct unwind *u)
{
	u->way = UNWIND_SURE;
	if (by_frame_information(d, u) ||
	    (u->exact && through_event(d, u, AT_ENTRY)))
		return true;
	if (before_its_frame(d, u) || at_its_end(d, u)) {
		u->way = UNWIND_AT_EDGE;
		return true;
	}
	if (by_frame_pointer(d, u))
		return true;
	u->way = UNWIND_SOUGHT;
	return through_event(d, u, KERNEL_STACK);
}

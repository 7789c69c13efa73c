/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One block for one row of the instruction table: every row in turn, in each
 * form of its operands, with the prefixes it takes and some that it does not,
 * and with its memory operand in all kinds of places: across pages, up to
 * the special page (layout.h), over its edge and inside, in a page with code.
 * Where the special page is a device's, what the instruction does to memory
 * it does there, too.
 *
 * Nothing follows the instruction, so it may leave any register in any state;
 * what it uses as an address without naming it is set up before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/x86/decode.h"
#include "core/x86/opcode.h"
#include "tests/diff/gen.h"

/* Rows that ring 3 of a process cannot compare, and what tests them. */
static const struct {
	const char *names, *why;
} elsewhere[] = {
	{"push es,push cs,push ss,push ds,push fs,push gs,pop es,pop ss,pop ds,"
	 "pop fs,pop gs,les,lds,lss,lfs,lgs,lar,lsl,verr,verw",
	 "selectors are the host's own: ring0, guest/segments"},
	{"call far,jmp far,retf,iret",
	 "selectors are the host's own: ring0, guest/gates"},
	{"sgdt,sidt,sldt,str,smsw", "tables are the host's own: guest/system"},
	{"rdtsc,cpuid,rdpmc", "says which processor it is: guest/system"},
	{"int1", "a host that is a virtual machine may give another eip: "
		 "guest/debugregs"},
	{"sysenter", "enters the host's kernel: guest/system, ring0"},
};

const char *row_elsewhere(const struct opcode *o)
{
	bool far = (o->form & F_FAR) != 0;
	bool seg = o->map == 0 && (o->byte == 0x8c || o->byte == 0x8e);

	if (far || seg)
		return elsewhere[0].why;
	for (unsigned i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
		const char *at = strstr(elsewhere[i].names, o->name);
		size_t n = strlen(o->name);

		for (; at; at = strstr(at + 1, o->name))
			if ((at == elsewhere[i].names || at[-1] == ',') &&
			    (at[n] == ',' || !at[n]))
				return elsewhere[i].why;
	}
	return NULL;
}

/* ---- places ---- */

enum { PAGE = 0x1000, SPECIAL = ARENA + ARENA_SIZE };
/* Where the operand is: plainly in the arena, over a page of it, up to the
 * special page, over its edge, in it, in a page with code; then over the edge
 * of a device's page, and in it.  cover.sh knows this order. */
enum { PLACES = 6, DEVICES_EDGE = PLACES, IN_DEVICE };
unsigned row_place;
static unsigned special_is;
static bool reaches_device;

/* Makes the first page of the arena one that holds code: runs a RET there. */
static void make_code(void)
{
	uint32_t at = ARENA + rnd(0xfe0);

	b1(0xc6), mem_abs(0, at), b1(0xc3); /* mov byte [at], ret */
	b1(0xe8), b4(at - (here() + 4));
}

static uint32_t choose(int len, bool must_be_plain)
{
	uint32_t at, k = len > 1 ? 1 + rnd(len - 1) : 0;

	if (special_is == DEVICE && one_in(2))
		row_place = 3 + rnd(2);
	else if (must_be_plain)
		row_place = one_in(3) ? 1 : 0;
	else
		row_place = rnd(PLACES);
	switch (row_place) {
	case 1:
		at = ARENA + PAGE * (1 + rnd(3)) - k;
		break;
	case 2:
		at = SPECIAL - len;
		break;
	case 3:
		at = SPECIAL - k;
		break;
	case 4:
		at = SPECIAL;
		/* With 11 double words of a string below DEVICE_USED. */
		at += special_is == DEVICE ? 32 + rnd(64) : rnd(PAGE - 16);
		break;
	case 5:
		make_code();
		at = one_in(4) ? ARENA + PAGE - k : ARENA + rnd(0xff0);
		break;
	default:
		at = ARENA + 64 + rnd(ARENA_SIZE - 1024);
	}
	if (one_in(2) && row_place != 1 && row_place != 3)
		at &= ~15u;
	if (special_is == DEVICE && (row_place == 3 || row_place == 4)) {
		row_place += DEVICES_EDGE - 3;
		reaches_device = true;
	}
	return at;
}

static void load_reg(int r, uint32_t v)
{
	b1(0xb8 | r), b4(v);
}

/* ---- the operand ---- */

struct operand {
	int base, index, scale;
	uint32_t disp;
	bool small; /* 67h: an address below 64 KiB, where nothing is */
};

/* Loads registers so that the operand is at `at`; leaves `keep` alone. */
static struct operand address(uint32_t at, int keep)
{
	struct operand o = {-1, -1, 0, at, one_in(40)};

	if (o.small || one_in(3))
		return o;
	do
		o.base = rnd(8);
	while (o.base == ESP || o.base == keep);
	if (one_in(2)) {
		o.disp = rnd(256) - 128;
	} else {
		uint32_t i = value();

		do
			o.index = rnd(8);
		while (o.index == ESP || o.index == o.base || o.index == keep);
		o.scale = rnd(4);
		o.disp = value();
		load_reg(o.index, i);
		at -= i << o.scale;
	}
	load_reg(o.base, at - o.disp);
	return o;
}

static void modrm(int reg, const struct operand *o)
{
	bool short_form = (int32_t)o->disp == (int8_t)o->disp;
	int mod = short_form ? 1 : 2;

	if (o->small) {
		b1(reg << 3 | 6), b2(o->disp);
		return;
	}
	if (o->base < 0) {
		mem_abs(reg, o->disp);
		return;
	}
	b1(mod << 6 | reg << 3 | (o->index < 0 ? o->base : 4));
	if (o->index >= 0)
		b1(o->scale << 6 | o->index << 3 | o->base);
	if (short_form)
		b1(o->disp);
	else
		b4(o->disp);
}

/* ---- rows ---- */

static bool is(const struct opcode *o, const char *name)
{
	return !strcmp(o->name, name);
}

static bool is_flow(const struct opcode *o)
{
	switch (o->class) {
	case C_JCC:
	case C_JMP_REL:
	case C_JMP_RM:
	case C_CALL_REL:
	case C_CALL_RM:
	case C_RET:
	case C_LOOP:
		return true;
	}
	return false;
}

/* What memory holds matters to where the block goes on, or to what it is
 * allowed to do: it must be known, or not be there. */
static bool needs_content(const struct opcode *o)
{
	return o->class == C_JMP_RM || o->class == C_CALL_RM ||
	       o->class == C_RET || o->class == C_POPF;
}

/* The bytes that an instruction pushes, or pops as a negative number. */
static int pushed(const struct opcode *o)
{
	switch (o->class) {
	case C_PUSH_REG:
	case C_PUSH_IMM:
	case C_PUSH_RM:
	case C_PUSHF:
	case C_CALL_REL:
	case C_CALL_RM:
		return 4;
	case C_POP_REG:
	case C_POP_RM:
	case C_POPF:
	case C_RET:
		return -4;
	}
	return is(o, "pusha") || is(o, "enter") ? 32 : is(o, "popa") ? -32 : 0;
}

/* Which byte of these is touched first, and what is done before, is the
 * processor's choice (BOUND's lower bound may be enough for #BR): they are not
 * brought to fault. */
static bool is_long(const struct opcode *o)
{
	return o->operation == OPERATION_maskmov ||
	       o->operation == OPERATION_fxrstor ||
	       o->operation == OPERATION_frstor ||
	       o->operation == OPERATION_fldenv || is(o, "enter") ||
	       is(o, "popa") || is(o, "bound");
}

/* Which of them is read first is the processor's choice: one may fault. */
static bool reads_two(const struct opcode *o)
{
	return o->operation == OPERATION_cmps;
}

/* Registers that it uses as addresses, and a stack. */
static void implicit(const struct opcode *o, bool content)
{
	int stack = pushed(o), n = stack < 0 ? -stack : stack;

	if (o->class == C_STRING || o->operation == OPERATION_ins ||
	    o->operation == OPERATION_outs ||
	    o->operation == OPERATION_maskmov) {
		load_reg(ESI, choose(16, is_long(o)));
		load_reg(EDI, choose(16, is_long(o) ||
						 (reads_two(o) && row_place >= 2)));
		load_reg(ECX, rnd(12));
		if (one_in(4))
			b1(0xfd); /* std */
	}
	if (is(o, "xlat"))
		load_reg(EBX, choose(1, false) - rnd(2) * 255);
	if (o->class == C_LEAVE)
		load_reg(EBP, choose(4, false));
	if (is(o, "enter"))
		load_reg(EBP, choose(16, true));
	if (stack && (!content || o->class == C_RET || o->class == C_POPF)) {
		uint32_t at = choose(n, content || is_long(o));

		if (content) {
			b1(0xc7), mem_abs(0, at);
			if (o->class == C_POPF)
				b4(2 | (value() & (ARITH | 0x400)));
			else /* the gate; ends the block as well */
				b4(GATE_CODE);
		}
		load_reg(ESP, stack > 0 ? at + n : at);
	}
}

static int prefixes(const struct opcode *o, bool memory, bool small)
{
	static const uint8_t segments[] = {0x26, 0x2e, 0x36, 0x3e, 0x64};
	bool wide = (o->form & F_V) && !is_flow(o) && one_in(3);

	if (memory && one_in(10))
		b1(segments[rnd(reads_two(o) ? 4 : 5)]); /* FS may be null */
	if (small)
		b1(0x67);
	if (o->map == 0 && memory && one_in(o->form & F_LOCK ? 4 : 30))
		b1(0xf0);
	if (o->class == C_STRING && one_in(2))
		b1(0xf2 | rnd(2));
	if (o->prefix == PF2 || o->prefix == PF3)
		b1(o->prefix == PF2 ? 0xf2 : 0xf3);
	if (o->prefix == P66 || (o->prefix == ANY && wide))
		b1(0x66);
	return wide ? 2 : 4;
}

static void opcode(const struct opcode *o)
{
	if (o->map)
		b1(0x0f);
	if (o->map > 1)
		b1(o->map == 2 ? 0x38 : 0x3a);
	b1(o->byte);
}

static void immediates(const struct opcode *o, int size)
{
	if (o->form & F_IMM16)
		b2(is(o, "enter") ? rnd(64) : rnd(64) * 4);
	if (is_flow(o) && o->form & (F_IMM8S | F_IMMV)) {
		uint32_t skip = rnd(4);

		o->form &F_IMM8S ? b1(skip) : b4(skip);
		for (uint32_t i = 0; i < skip; i++)
			b1(0x40 | rnd(16)); /* inc, dec */
		return;
	}
	if (o->form & F_IMM8)
		b1(is(o, "enter") ? rnd(4)
		   : is(o, "int") ? 0x20 + rnd(0x60)
		   : is(o, "aam") ? rnd(4)
				  : value());
	if (o->form & F_IMM8S)
		b1(value());
	if (o->form & F_IMMV)
		size == 2 ? b2(value()) : b4(value());
}

/* Undefined flags, where C code stands for the instruction. */
static void unsure(const struct opcode *o)
{
	if (is(o, "daa") || is(o, "das"))
		undefined(OF);
	else if (is(o, "aaa") || is(o, "aas"))
		undefined(OF | SF | ZF | PF);
	else if (is(o, "aam") || is(o, "aad"))
		undefined(OF | AF | CF);
	else if (o->class == C_BT_MEM)
		undefined(OF | SF | AF | PF);
}

static int operand_len(const struct opcode *o)
{
	return o->mem_size && o->mem_size != SZ_V ? o->mem_size
	       : is(o, "bound")                   ? 8
						  : 4;
}

/* Memory holds where to go, or the place is one that faults. */
static void with_memory(const struct opcode *o, int reg)
{
	bool content = needs_content(o);
	uint32_t at = choose(operand_len(o), content || is_long(o));
	struct operand m;

	if (content) {
		b1(0xc7), mem_abs(0, at), b4(GATE_CODE);
	}
	implicit(o, content);
	m = address(at, o->class == C_BT_MEM ? reg : -1);
	if (is_long(o))
		m.small = false;
	if (o->class == C_BT_MEM)
		load_reg(reg, rnd(128) - 64);
	int size = prefixes(o, true, m.small);

	opcode(o);
	modrm(reg, &m);
	immediates(o, size);
}

static void with_registers(const struct opcode *o, int reg)
{
	int rm = rnd(8), size;

	implicit(o, needs_content(o));
	if (o->class == C_JMP_RM || o->class == C_CALL_RM)
		load_reg(rm, GATE_CODE);
	size = prefixes(o, false, false);
	opcode(o);
	b1(0xc0 | reg << 3 | rm);
	immediates(o, size);
}

static void without(const struct opcode *o)
{
	bool moffs = o->form & F_MOFFS, small = moffs && one_in(40);
	uint32_t at = moffs ? choose(operand_len(o), false) : 0;
	int size;

	implicit(o, needs_content(o));
	size = prefixes(o, moffs || o->class == C_STRING, small);
	opcode(o);
	if (moffs)
		small ? b2(at) : b4(at);
	immediates(o, size);
}

unsigned row_next;
unsigned row_made; /* the row of the block just made */

bool row_may_store_nothing(void)
{
	uint32_t form = opcodes[row_made].form;

	return form & F_X87 && form & F_W;
}

unsigned row(unsigned special)
{
	const struct opcode *o;
	int reg;

	special_is = special;
	reaches_device = false;
	do
		o = &opcodes[row_made = row_next++ % opcode_count];
	while (row_elsewhere(o) || o->operation == OPERATION_fxsave ||
	       o->operation == OPERATION_fnsave ||
	       o->operation == OPERATION_fnstenv);
	row_place = 0;
	reg = o->ext == NO_EXT ? (int)rnd(8) : o->ext;
	if (!(o->form & F_MODRM))
		without(o);
	else if (o->modform == MEM_FORM ||
		 (o->modform != REG_FORM && !one_in(3)))
		with_memory(o, reg);
	else if (is(o, "prefetchw"))
		return MISSING; /* as a register, it is #UD to some makers */
	else
		with_registers(o, reg);
	unsure(o);
	return special == DEVICE && !reaches_device ? MISSING : special;
}

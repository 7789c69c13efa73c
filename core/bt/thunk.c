/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls that only ask where they are.
 *
 * Position-independent i386 code begins its functions with a call of
 * `mov (%esp), %reg; ret', a thunk.  Such a call becomes the store of the
 * return address and the load of a constant, with the thunk's instructions
 * counted as if they stood behind it.
 *
 * What is at the thunk's address may be another page in another space.  So the
 * thunk's own block begins with a NOP that holds a number, one for each
 * physical address and register, and the call asks whether the space's link
 * leads to a block with that number.  If not, it is made. */
#include "core/bt/bt_priv.h"

enum {
	THUNK_LEN = 4,
	THUNK_MARK = 0x115a, /* in the lower half: no block's bytes 4 and 5 are
			      * that otherwise (a head has 45h there, a dead
			      * one the upper byte of a negative distance) */
	NUMBER_AT = 4,       /* in the NOP */
};

static const struct opcode thunk_row = {.class = C_THUNK, .name = "call"};
static const struct opcode done_row = {.class = C_NOP, .name = "thunk"};

/* mov reg, [esp]; ret */
static bool is_thunk(const u8 *code, unsigned *reg)
{
	*reg = code[1] >> 3;
	return code[0] == 0x8b && (code[1] & 0xc7) == 4 && *reg != ESP &&
	       code[2] == 0x24 && code[3] == 0xc3;
}

/* The number of the thunk at gpa, 0: there are too many. */
static u32 number_of(struct bt *bt, gpa_t gpa, unsigned reg)
{
	u64 key = gpa << 3 | reg | 1ull << 63;
	u32 i = (u32)(key * 0x9e3779b97f4a7c15ull >> 52) % THUNKS;

	for (; bt->thunks[i]; i = (i + 1) % THUNKS)
		if (bt->thunks[i] == key)
			return i << 16 | THUNK_MARK;
	if (bt->thunk_count == THUNKS / 2)
		return 0;
	bt->thunk_count++;
	bt->thunks[i] = key;
	return i << 16 | THUNK_MARK;
}

void thunk_forget_all(struct bt *bt)
{
	for (u32 i = 0; i < THUNKS; i++)
		bt->thunks[i] = 0;
	bt->thunk_count = 0;
}

static bool can_be_here(const struct tr *t)
{
	const u32 need = MODE_USER | MODE_CS32 | MODE_CS_FLAT | MODE_SS_FLAT;

	return (t->mode & need) == need && !(t->mode & MODE_ALIGN) &&
	       emit_linking(t) && !t->trial && t->bt->cfg.windows &&
	       !t->bt->records;
}

/* The block is a thunk's: it begins with its number. */
void thunk_head(struct tr *t)
{
	const struct block *b = t->b;
	unsigned reg;
	u32 number;

	if (!can_be_here(t) || b->insns != 2 || b->guest_len != THUNK_LEN ||
	    b->gpa2 != ~0ull || !is_thunk(t->code, &reg))
		return;
	number = number_of(t->bt, b->gpa, reg);
	if (!number)
		return;
	e8(&t->e, 0x0f); /* nop dword [rax + rax + number] */
	e8(&t->e, 0x1f);
	e8(&t->e, 0x84);
	e8(&t->e, 0x00);
	e32(&t->e, number);
}

/* If the CALL at `index`, which ends at offset `at`, calls a thunk, how many
 * instructions follow it as the thunk's. */
unsigned thunk_called(struct tr *t, unsigned index, unsigned at, unsigned max)
{
	struct insn *in = &t->insns[index];
	struct block *b = t->b;
	u32 target = b->eip + at + in->imm;
	const u8 *code;
	unsigned reg;
	u32 number;
	gpa_t gpa;

	if (in->op->class != C_CALL_REL || in->opsize != 4 || !can_be_here(t) ||
	    index + 4 > max ||
	    (target & (GUEST_PAGE - 1)) > GUEST_PAGE - THUNK_LEN ||
	    site_get(t->bt, block_insn_gpa(b, index)) > SITE_USER ||
	    !mem_probe(t->bt->cpu, target, &gpa))
		return 0;
	code = mem_phys_ptr(t->bt->cpu->mem, gpa, THUNK_LEN);
	if (!code || !is_thunk(code, &reg) ||
	    break_between(t->bt, target, THUNK_LEN) ||
	    (b->calls_rom && b->rom_shift != target - (u32)gpa) ||
	    link_slot(t->bt, target) < 0)
		return 0;
	number = number_of(t->bt, gpa, reg);
	if (!number)
		return 0;
	b->calls_rom = true;
	b->rom_shift = target - (u32)gpa;
	in[0].op = &thunk_row;
	in[0].reg = (u8)reg;
	in[0].disp = (s32)number;
	in[1] = in[2] = (struct insn){.op = &done_row, .len = 3};
	in[2].len = 1;
	for (unsigned i = 1; i <= 2; i++) {
		b->marks[index + i] = (struct insn_mark){
			.guest = target - b->eip + (i - 1) * 3, .rom = true};
		t->call[index + i] = t->timed[index + i] = 0;
	}
	return 2;
}

/* The call is made, and where it returns to is a block of its own. */
static void call(struct tr *t, int slot)
{
	unsigned fpu_ready = t->fpu_ready;
	s32 esp_due = t->esp_due;

	t->esp_due -= 4;
	stack_settle(t);
	emit_give_back(t);
	e_through_slot(&t->e, 2, slot);
	emit_continuation(t);
	t->ended = false;
	t->esp_due = esp_due;
	t->fpu_ready = fpu_ready;
}

void rule_thunk(struct tr *t)
{
	int slot = link_slot(t->bt, t->next + t->in->imm);
	struct emit *e = &t->e;
	u8 *right;

	e_addr(e, 0, 0xc7, 0, address_stack(t, -4, 4, F_W));
	e_eip(e, t->next);
	e_load_slot(e, slot);
	e_rm(e, 0, 0x8b, R9, R8, -1, 0, NUMBER_AT);
	e_mov_rr(e, 1, R10, RCX);
	e_lea(e, 0, RCX, R9, -1, 0, -t->in->disp);
	right = e_short(e, JECXZ);
	e_mov_rr(e, 1, RCX, R10);
	call(t, slot);
	e_short_here(e, right);
	e_mov_rr(e, 1, RCX, R10);
	e_mov_eip(e, t->in->reg, t->next);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rest: operations, and the few that are worth a line of host code. */
#include "core/bt/bt_priv.h"

static void incdec(struct tr *t)
{
	unsigned reg = t->in->opcode & 7, dec = (t->in->opcode >> 3) & 1;

	if (t->in->opsize == 2)
		e8(&t->e, 0x66);
	e_rr(&t->e, 0, 0xff, dec, reg == ESP ? R12 : reg);
}

static void lea(struct tr *t)
{
	unsigned reg = t->in->reg == ESP ? R12 : t->in->reg;

	if (t->in->opsize == 4 && t->in->addrsize == 4) {
		emit_ea(t, reg);
		return;
	}
	emit_ea(t, R8);
	if (t->in->opsize == 2)
		e8(&t->e, 0x66);
	e_mov_rr(&t->e, 0, reg, R8);
}

static void moffs(struct tr *t, bool store)
{
	bool byte = t->in->op->mem_size == 1;
	struct addr a = address_of(t, t->in->seg, byte ? 1 : t->in->opsize,
				   store ? F_W : F_R);

	if (!byte && t->in->opsize == 2)
		e8(&t->e, 0x66);
	e_addr(&t->e, 0, (store ? 0x88u : 0x8au) | !byte, RAX, a);
	address_after_write(t);
}

/* al := CF ? FFh : 0, flags untouched: setc, then NOT of one less. */
static void salc(struct tr *t)
{
	static const u8 code[] = { 0x0f, 0x92, 0xc0,	   /* setc al */
				   0x44, 0x8d, 0x40, 0xff, /* lea r8d,[rax-1] */
				   0x44, 0x88, 0xc0,	   /* mov al, r8b */
				   0xf6, 0xd0 };	   /* not al */

	for (unsigned i = 0; i < sizeof(code); i++)
		e8(&t->e, code[i]);
}

/* STI at CPL 0: IF is set, the next instruction runs first; when an
 * interrupt waits the dispatcher sees to that. */
static void sti(struct tr *t)
{
	struct emit *e = &t->e;

	e_store_rip_eip(e, &t->bt->live->sti_eip, t->next);
	e_store_rip_imm(e, &t->bt->cpu->iflag, EFL_IF);
	emit_look(t);
}

/* Host flags give the arithmetic ones and, always, IF and bit 1: the sum
 * with the other parts, less the host's IF, is the image. */
static void pushf(struct tr *t)
{
	struct emit *e = &t->e;
	struct cpu *c = t->bt->cpu;
	s32 size = t->in->opsize;
	struct addr a;

	e8(e, 0x9c); /* pushfq */
	e8(e, 0x41); /* pop r10 */
	e8(e, 0x5a);
	e_load_rip(e, 0, R9, &c->iflag);
	e_lea(e, 0, R10, R10, R9, 0, -EFL_IF);
	e_load_rip(e, 0, R9, &c->dflag);
	e_lea(e, 0, R10, R10, R9, 0, 0);
	e_load_rip(e, 0, R9, &c->sysflags);
	e_lea(e, 0, R10, R10, R9, 0, 0);
	a = address_stack(t, -size, (unsigned)size, F_W);
	if (size == 2)
		e8(e, 0x66);
	e_addr(e, 0, 0x89, R10, a);
	e_lea(e, 0, R12, R12, -1, 0, -size);
	address_after_write(t);
}

/* edx:eax := tsc_base - r14 - unretired + offset, flags untouched. */
static void rdtsc(struct tr *t)
{
	struct emit *e = &t->e;
	s32 behind = (s32)tr_unretired(t);

	e_mov_rr(e, 1, R8, R14);
	e_rr(e, 1, 0xf7, 2, R8); /* not r8: -r8 - 1 */
	e_load_rip(e, 1, R9, &t->bt->live->tsc_base);
	e_lea(e, 1, R8, R8, R9, 0, 1 - behind);
	e_load_rip(e, 1, R9, &t->bt->cpu->tsc_offset);
	e_lea(e, 1, R8, R8, R9, 0, 0);
	e_mov_rr(e, 0, RAX, R8);
	e_rorx(e, 1, RDX, R8, 32);
	e_mov_rr(e, 0, RDX, RDX);
}

void rule_odd(struct tr *t)
{
	struct cpu *c = t->bt->cpu;

	switch (t->in->op->class) {
	case C_INCDEC:
		incdec(t);
		return;
	case C_LEA:
		lea(t);
		return;
	case C_MOFFS_LOAD:
		moffs(t, false);
		return;
	case C_MOFFS_STORE:
		moffs(t, true);
		return;
	case C_SALC:
		salc(t);
		return;
	case C_SETDF:
		e_store_rip_imm(&t->e, &c->dflag,
				t->in->opcode & 1 ? EFL_DF : 0);
		return;
	case C_CLI:
		if (t->mode & MODE_CPL0)
			e_store_rip_imm(&t->e, &c->iflag, 0);
		else
			emit_op(t);
		return;
	case C_STI:
		if (t->mode & MODE_CPL0)
			sti(t);
		else
			emit_op(t);
		return;
	case C_RDTSC:
		if ((t->mode & MODE_CPL0) && t->bt->tsc_counts &&
		    t->bt->has_shrx)
			rdtsc(t);
		else
			emit_op(t);
		return;
	case C_PUSHF:
		/* The image leaves VM and RF out; neither is ever set here. */
		if ((t->mode & MODE_SS_FLAT) && !(t->mode & MODE_V86))
			pushf(t);
		else
			emit_op(t);
		return;
	default:
		emit_op(t);
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paravirtual calls in line.
 *
 * A call's stub in the ROM begins with an instruction that means nothing
 * elsewhere (UD1 with the call's number).  Where the caller of
 * bt_set_paravirt() has named a guest instruction that does the same, that
 * one is translated in its place, so a call costs what the instruction would
 * and a call and return that the host predicts.  The others are operations.
 *
 * Calls are counted exactly, when they are done; one that faults is not. */
#include "core/bt/bt_priv.h"

const struct opcode bt_get_if = { .class = C_GET_IF, .name = "get_if" };
const struct opcode bt_set_if = { .class = C_SET_IF, .form = F_END,
				  .name = "set_if" };

/* As the table's UD1, but the block goes on behind it. */
const struct opcode bt_paravirt_call = {
	.class = C_OP, .form = F_MODRM, .name = "call", .operation = OPERATION_ud1,
};

void bt_set_paravirt(struct bt *bt, const struct bt_paravirt *p)
{
	bt->paravirt = *p;
	if (bt->block_count)
		bt_flush(bt, "paravirtual calls changed");
}

/* ---- stopping before them ---- */

/* The call whose stub begins at gpa, -1: none. */
static int call_at(const struct bt_paravirt *p, gpa_t gpa)
{
	u64 at = gpa - p->rom - p->first;

	if (!p->calls || at % p->stride || at / p->stride >= p->calls)
		return -1;
	return (int)(at / p->stride);
}

int bt_call_here(const struct bt *bt)
{
	struct cpu *c = bt->cpu;
	gpa_t gpa;

	if (c->cpl || cpu_is_vm86(c) || !(c->seg[SEG_CS].attr & SEG_DB) ||
	    !mem_probe(c, c->seg[SEG_CS].base + c->eip, &gpa))
		return -1;
	return call_at(&bt->paravirt, gpa);
}

static bool stops(const struct bt *bt, int call)
{
	return call >= 0 && bt->call_stops[call / 64] >> (call % 64) & 1;
}

bool paravirt_stops(const struct bt *bt, gpa_t gpa)
{
	return stops(bt, call_at(&bt->paravirt, gpa));
}

bool paravirt_stops_here(const struct bt *bt)
{
	return stops(bt, bt_call_here(bt));
}

/* As at a breakpoint, no block runs over such a place or begins there. */
void bt_stop_at_calls(struct bt *bt, const u64 bits[BT_CALLS_MAX / 64])
{
	if (!__builtin_memcmp(bt->call_stops, bits, sizeof(bt->call_stops)))
		return;
	bt->stops_at_calls = false;
	for (unsigned i = 0; i < BT_CALLS_MAX / 64; i++) {
		bt->call_stops[i] = bits[i];
		bt->stops_at_calls |= bits[i] != 0;
	}
	cache_code_written(bt, bt->paravirt.rom, bt->paravirt.rom_len);
}

/* ---- translating them ---- */

void paravirt_decoded(struct tr *t, unsigned index, struct insn *in)
{
	const struct bt_paravirt *p = &t->bt->paravirt;
	gpa_t gpa = t->b->gpa + t->b->marks[index].guest;
	u32 number = (u32)in->disp;
	const struct insn *native;

	t->call[index] = t->timed[index] = 0;
	if (in->op->operation != OPERATION_ud1 || !(t->mode & MODE_CPL0) ||
	    gpa - p->rom >= p->rom_len || number >= p->calls)
		return;
	native = p->native[number];
	if (p->ticks && t->bt->has_shrx && !t->trial)
		t->timed[index] = (u8)(number + 1);
	if (p->in_line && native && (native->op != &bt_set_if || t->bt->has_shrx)) {
		*in = *native;
		t->call[index] = (u8)(number + 1);
	} else {
		in->op = &bt_paravirt_call;
	}
}

static void count(struct tr *t)
{
	struct emit *e = &t->e;
	u64 *at = &t->bt->paravirt.count[t->call[t->index] - 1];

	e_mov_ri64(e, R9, (u64)(uintptr_t)at);
	e_rm(e, 1, 0x8b, R8, R9, -1, 0, 0);
	e_lea(e, 1, R8, R8, -1, 0, 1);
	e_rm(e, 1, 0x89, R8, R9, -1, 0, 0);
}

/* ---- how long they take ---- */

/* rax := ticks of the host, no flags touched; r8 and r9 keep rax and rdx. */
static void read_clock(struct emit *e)
{
	e_mov_rr(e, 1, R8, RAX);
	e_mov_rr(e, 1, R9, RDX);
	e8(e, 0x0f); /* rdtsc */
	e8(e, 0x31);
	e_rorx32(e, RDX, RDX);
	e_lea(e, 1, RAX, RAX, RDX, 0, 0);
}

static void put_back(struct emit *e)
{
	e_mov_rr(e, 1, RAX, R8);
	e_mov_rr(e, 1, RDX, R9);
}

static void start_clock(struct tr *t)
{
	read_clock(&t->e);
	e_store_rip(&t->e, 1, &t->bt->live->call_start, RAX);
	put_back(&t->e);
}

/* ticks += now - start */
static void stop_clock(struct tr *t)
{
	struct emit *e = &t->e;
	u64 *at = &t->bt->paravirt.ticks[t->timed[t->index] - 1];

	read_clock(e);
	e_load_rip(e, 1, R10, &t->bt->live->call_start);
	e_rr(e, 1, 0xf7, 2, R10); /* not r10: -r10 - 1 */
	e_lea(e, 1, RAX, RAX, R10, 0, 1);
	e_mov_ri64(e, R10, (u64)(uintptr_t)at);
	e_rm(e, 1, 0x8b, R11, R10, -1, 0, 0);
	e_lea(e, 1, RAX, RAX, R11, 0, 0);
	e_rm(e, 1, 0x89, RAX, R10, -1, 0, 0);
	put_back(e);
}

/* ---- around one ---- */

/* These may leave for an interrupt when they are done. */
static bool may_leave(const struct tr *t)
{
	return t->in->op->class == C_STI || t->in->op->class == C_SET_IF;
}

void paravirt_before(struct tr *t)
{
	t->op_made = false;
	if (t->call[t->index] && may_leave(t))
		count(t);
	if (t->timed[t->index])
		start_clock(t);
}

void paravirt_after(struct tr *t)
{
	if (t->timed[t->index])
		stop_clock(t);
	if (t->call[t->index] && !may_leave(t) && !t->op_made)
		count(t);
}

/* C may not come back to this code, so it counts the call then, and takes its
 * time. */
void paravirt_at_c(struct tr *t)
{
	if (t->call[t->index])
		e_store_rip_imm(&t->e, &t->bt->live->call_made,
				t->call[t->index]);
	if (t->timed[t->index])
		e_store_rip_imm(&t->e, &t->bt->live->call_timed,
				t->timed[t->index]);
}

void paravirt_done(struct bt *bt, enum op_result r)
{
	struct live *l = bt->live;
	const struct bt_paravirt *p = &bt->paravirt;
	u64 now;

	if (l->call_made && r == OP_FAULT)
		p->faults[l->call_made - 1]++;
	else if (l->call_made && r != OP_AGAIN)
		p->count[l->call_made - 1]++;
	l->call_made = 0;
	if (!l->call_timed)
		return;
	now = __builtin_ia32_rdtsc();
	if (p->ticks)
		p->ticks[l->call_timed - 1] += now - l->call_start;
	l->call_start = now;
	l->call_timed = 0;
}

void paravirt_faulted(struct bt *bt, gpa_t gpa)
{
	int call = call_at(&bt->paravirt, gpa);

	if (call >= 0 && (bt->mode & MODE_CPL0))
		bt->paravirt.faults[call]++;
}

/* eax := IF, where EFLAGS has it. */
void rule_get_if(struct tr *t)
{
	e_load_rip(&t->e, 0, RAX, &t->bt->cpu->iflag);
}

/* IF := bit 9 of eax, no flag touched; when an interrupt waits the
 * dispatcher looks whether it can come. */
void rule_set_if(struct tr *t)
{
	struct emit *e = &t->e;
	u8 *none;

	e_mov_ri(e, R9, EFL_IF);
	e_pext(e, R8, RAX, R9);
	e_pdep(e, R8, R8, R9);
	e_store_rip(e, 0, &t->bt->cpu->iflag, R8);
	e_mov_rr(e, 0, R8, RCX);
	e_load_rip(e, 0, RCX, &t->bt->live->irq_waiting);
	none = e_short(e, JECXZ);
	e_mov_rr(e, 0, RCX, R8);
	emit_exit(t, BT_EXIT_SHADOW);
	e_short_here(e, none);
	e_mov_rr(e, 0, RCX, R8);
}

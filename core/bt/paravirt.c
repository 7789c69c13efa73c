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

const struct opcode bt_kernel_stack = { .class = C_KERNEL_STACK,
					.name = "kernel_stack" };
const struct opcode bt_call_iret = { .class = C_CALL_LEAVES, .form = F_END,
				     .name = "iret",
				     .operation = OPERATION_iret };
const struct opcode bt_call_sysexit = { .class = C_CALL_LEAVES, .form = F_END,
					.name = "sysexit",
					.operation = OPERATION_sysexit };

const struct opcode bt_announce = { .class = C_ANNOUNCE, .name = "announce" };
const struct opcode bt_lazy_mode = { .class = C_LAZY_MODE, .name = "lazy_mode" };
const struct opcode bt_set_long = { .class = C_SET_LONG, .form = F_MODRM | F_W,
				    .name = "set_long" };

/* INVLPG that does not end a block; its immediate is where the block is. */
static const struct opcode inval_page = {
	.class = C_OP, .form = F_MODRM, .name = "invlpg",
	.operation = OPERATION_invlpg, .slow = true,
};

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

u64 *bt_calls(struct bt *bt)
{
	return bt->live->calls;
}

/* ---- stopping before them ---- */

int paravirt_call_at(const struct bt *bt, gpa_t gpa)
{
	const struct bt_paravirt *p = &bt->paravirt;
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
	return paravirt_call_at(bt, gpa);
}

static bool stops(const struct bt *bt, int call)
{
	return call >= 0 && bt->call_stops[call / 64] >> (call % 64) & 1;
}

bool paravirt_stops(const struct bt *bt, gpa_t gpa)
{
	return stops(bt, paravirt_call_at(bt, gpa));
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

static bool can_be_made(const struct bt *bt, const struct insn *native)
{
	const struct opcode *op = native->op;

	return bt->has_shrx ||
	       (op != &bt_set_if && op != &bt_call_sysexit &&
		op != &bt_announce && op != &bt_lazy_mode &&
		op != &bt_set_long);
}

void paravirt_decoded(struct tr *t, unsigned index, struct insn *in)
{
	const struct bt_paravirt *p = &t->bt->paravirt;
	gpa_t gpa = block_insn_gpa(t->b, index);
	u32 number = (u32)in->disp;
	const struct insn *native;

	t->call[index] = t->timed[index] = 0;
	if (in->op->operation != OPERATION_ud1 || !(t->mode & MODE_CPL0) ||
	    gpa - p->rom >= p->rom_len || number >= p->calls)
		return;
	native = p->native[number];
	if (p->ticks && t->bt->has_shrx && !t->trial)
		t->timed[index] = (u8)(number + 1);
	if (p->in_line && native && can_be_made(t->bt, native)) {
		*in = *native;
		if (native->op->class == C_KERNEL_STACK ||
		    native->op->class == C_CALL_LEAVES ||
		    native->op->class == C_LAZY_MODE)
			in->disp = (s32)number; /* for by_function() */
		if (native->op->class == C_SET_LONG)
			in->imm = number; /* the same */
		if (native->op->operation == OPERATION_invlpg) {
			in->op = &inval_page;
			in->imm = (s32)t->b->lin;
		}
		t->call[index] = (u8)(number + 1);
	} else {
		in->op = &bt_paravirt_call;
	}
}

static void count(struct tr *t)
{
	u64 *at = &t->bt->live->calls[t->call[t->index] - 1];

	e_load_rip(&t->e, 1, R8, at);
	e_lea(&t->e, 1, R8, R8, -1, 0, 1);
	e_store_rip(&t->e, 1, at, R8);
}

/* ---- how long they take ---- */

/* rax := ticks of the host, no flags touched; r8 and r9 keep rax and rdx. */
static void read_clock(struct emit *e)
{
	e_mov_rr(e, 1, R8, RAX);
	e_mov_rr(e, 1, R9, RDX);
	e8(e, 0x0f); /* rdtsc */
	e8(e, 0x31);
	e_rorx(e, 1, RDX, RDX, 32);
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

/* Translated so that somebody hears of it? */
static bool told_of(const struct bt *bt, unsigned call)
{
	return bt->paravirt.tells[call / 64] >> (call % 64) & 1;
}

bool paravirt_tells(const struct tr *t)
{
	return t->call[t->index] && !t->trial &&
	       told_of(t->bt, t->call[t->index] - 1u);
}

static void tell(struct tr *t, enum bt_call_step step)
{
	e_store_rip_imm(&t->e, &t->bt->cpu->eip, t->eip);
	e_mov_ri(&t->e, R8, (t->call[t->index] - 1u) | (u32)step << 8);
	emit_count(t, R9, 0, 0);
	e_call(&t->e, t->bt->stub_tell);
	t->fpu_ready = 0;
}

/* From translated code. */
u64 bt_tell_call(struct bt *bt, u32 what, u32 unretired)
{
	bt->live->unretired = unretired;
	bt->eip_open = false;
	fpu_out(bt);
	bt->paravirt.told(bt->paravirt.told_arg, what & 0xff,
			  (enum bt_call_step)(what >> 8));
	return CALL_GO_ON;
}

void paravirt_before(struct tr *t)
{
	t->op_made = false;
	if (paravirt_tells(t))
		tell(t, BT_CALL_BEGINS);
	if (paravirt_tells(t) && may_leave(t))
		tell(t, BT_CALL_DONE);
	if (t->call[t->index] && may_leave(t))
		count(t);
	if (t->timed[t->index])
		start_clock(t);
}

/* Of which page a page-table entry was changed. */
static void note_entry(struct tr *t)
{
	u8 reg = t->bt->paravirt.entry_told[t->call[t->index] - 1];

	if (reg != BT_TELLS_NOTHING)
		e_store_rip(&t->e, 0, &t->bt->cpu->entry_told, reg);
}

void paravirt_after(struct tr *t)
{
	if (t->call[t->index])
		note_entry(t);
	if (t->timed[t->index])
		stop_clock(t);
	if (t->call[t->index] && !may_leave(t) && !t->op_made)
		count(t);
	if (paravirt_tells(t) && !may_leave(t) && !t->op_made)
		tell(t, BT_CALL_DONE);
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
		l->calls[l->call_made - 1]++;
	if (l->call_made && r != OP_AGAIN && told_of(bt, l->call_made - 1))
		p->told(p->told_arg, l->call_made - 1,
			r == OP_FAULT ? BT_CALL_FAULTS : BT_CALL_DONE);
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
	int call = paravirt_call_at(bt, gpa);

	if (call < 0 || !(bt->mode & MODE_CPL0))
		return;
	bt->paravirt.faults[call]++;
	if (told_of(bt, (unsigned)call))
		bt->paravirt.told(bt->paravirt.told_arg, (unsigned)call,
				  BT_CALL_FAULTS);
}

/* eax := IF, where EFLAGS has it. */
void rule_get_if(struct tr *t)
{
	e_load_rip(&t->e, 0, RAX, &t->bt->cpu->iflag);
}

/* IF := bit 9 of eax, no flag touched; when an interrupt waits the
 * dispatcher looks whether it can come.  Kernels turn IF off and back on all
 * the time, each time waiting for this: PEXT and PDEP would take twice as
 * long. */
void rule_set_if(struct tr *t)
{
	const unsigned bit = __builtin_ctz(EFL_IF);
	struct emit *e = &t->e;

	e_mov_ri(e, R9, 31);
	e_rorx(e, 0, R8, RAX, bit + 1); /* to bit 31, */
	e_shrx(e, R8, R8, R9);          /* alone to bit 0, */
	e_rorx(e, 0, R8, R8, 32 - bit); /* and back */
	e_store_rip(e, 0, &t->bt->cpu->iflag, R8);
	emit_look(t);
}

/* A bit of the page's flags, if there is such a page. */
void rule_announce(struct tr *t)
{
	struct emit *e = &t->e;
	u32 pages;
	u8 bit, *flags = mem_announced(t->bt->cpu->mem, &bit, &pages), *none;

	e_lea(e, 1, R9, RAX, -1, 0, -(s32)pages);
	e_mov_rr(e, 1, R10, RCX);
	e_rorx(e, 1, RCX, R9, 32);
	e_mov_rr(e, 0, RCX, RCX); /* 0: not below */
	none = e_short(e, JECXZ);
	e_mov_ri64(e, R8, (u64)(uintptr_t)flags);
	e_rm(e, 0, 0x0fb6, R9, R8, RAX, 0, 0); /* movzx */
	e_mov_ri(e, R11, (u8)~bit);
	e_pext(e, R9, R9, R11);
	e_pdep(e, R9, R9, R11);
	if (t->in->imm)
		e_lea(e, 0, R9, R9, -1, 0, bit);
	e_rm(e, 0, 0x88, R9, R8, RAX, 0, 0);
	e_short_here(e, none);
	e_mov_rr(e, 1, RCX, R10);
}

/* One more that makes no sense, if eax is no mode. */
void rule_lazy_mode(struct tr *t)
{
	const struct bt_paravirt *p = &t->bt->paravirt;
	struct emit *e = &t->e;

	e_lea(e, 1, R9, RAX, -1, 0, -(s32)p->lazy_modes);
	e_rorx(e, 1, R9, R9, 32); /* -1: it is below */
	e_lea(e, 0, R9, R9, -1, 0, 1);
	e_mov_ri64(e, R10, (u64)(uintptr_t)(p->senseless + t->in->disp));
	e_rm(e, 1, 0x8b, R8, R10, -1, 0, 0);
	e_lea(e, 1, R8, R8, R9, 0, 0);
	e_rm(e, 1, 0x89, R8, R10, -1, 0, 0);
	e_mov_ri64(e, R10, (u64)(uintptr_t)p->lazy);
	e_rm(e, 0, 0x89, RAX, R10, -1, 0, 0);
}

/* What cannot be made in line is called after all. */
static void by_function(struct tr *t)
{
	t->call[t->index] = 0;
	t->in->op = &bt_paravirt_call;
	stack_settle(t);
	emit_op(t);
}

/* The flags, on the stack, say of which page the entry is. */
void rule_set_long(struct tr *t)
{
	struct emit *e = &t->e;
	struct addr a;

	if (!(t->mode & MODE_SS_FLAT)) {
		t->in->disp = (s32)t->in->imm;
		by_function(t);
		return;
	}
	e_addr(e, 0, 0x8b, R10, address_stack(t, 4, 4, F_R));
	e_store_rip(e, 0, &t->bt->cpu->entry_told, R10);
	a = address_of(t, SEG_DS, 8, F_W);
	e_mov_rr(e, 0, R10, RDX);
	e_rorx(e, 1, R10, R10, 32);
	e_lea(e, 1, R10, R10, RAX, 0, 0);
	e_addr(e, 1, 0x89, R10, a);
	address_after_write(t);
}

enum { ESP0 = 4 }; /* in a 32-bit TSS, SS0 behind it (SDM 3A 7.2.1) */

static bool has_tss(const struct tr *t)
{
	const struct seg *tr = &t->bt->cpu->tr;
	u32 in_page = (tr->base + ESP0) & (GUEST_PAGE - 1);

	return tr->sel & ~3u && (tr->attr & 13) == 9 && tr->limit >= 103 &&
	       in_page <= GUEST_PAGE - 8 && address_is_window(t, SEG_DS);
}

/* TR is loaded once, so where it leads to is written into the code. */
void rule_kernel_stack(struct tr *t)
{
	const struct seg *tr = &t->bt->cpu->tr;
	struct emit *e = &t->e;

	if (!has_tss(t)) {
		by_function(t);
		return;
	}
	t->bt->tss_known = true;
	t->bt->tss = *tr;
	e_mov_ri(e, R8, tr->base + ESP0);
	e_rm(e, 0, 0x89, RDX, R15, R8, 0, 0);
	e_rr(e, 0, 0x0fb7, R9, RAX); /* movzx */
	e_rm(e, 0, 0x89, R9, R15, R8, 0, 4);
}

void paravirt_refresh(struct bt *bt)
{
	const struct seg *tr = &bt->cpu->tr;

	if (!bt->tss_known || (bt->tss.base == tr->base &&
			       bt->tss.sel == tr->sel &&
			       bt->tss.limit == tr->limit &&
			       bt->tss.attr == tr->attr))
		return;
	bt->tss_known = false;
	cache_code_written(bt, bt->paravirt.rom, bt->paravirt.rom_len);
}

/* The return address is dropped, and the instruction done as if it stood
 * where the call does; SYSEXIT, if it can, with IF set. */
void rule_call_leaves(struct tr *t)
{
	const u8 call_len = 5;
	struct cpu *c = t->bt->cpu;
	struct emit *e = &t->e;
	struct addr a;
	u8 *cannot;

	if (!(t->mode & MODE_SS_FLAT) || !address_is_window(t, SEG_SS)) {
		by_function(t);
		return;
	}
	if (t->index && t->insns[t->index - 1].op->class == C_CALL_IN_LINE) {
		e_store_rip_eip(e, &c->eip,
				block_insn_eip(t->b, t->index - 1));
	} else {
		a = address_stack(t, 0, 4, F_R);
		e_addr(e, 0, 0x8b, R10, a);
		e_lea(e, 0, R10, R10, -1, 0, -call_len);
		e_store_rip(e, 0, &c->eip, R10);
	}
	stack_move(t, 4);
	stack_settle(t);
	if (t->in->op == &bt_call_sysexit && t->bt->has_shrx) {
		e_mov_ri(e, R8, 0xfffc);
		e_load_rip(e, 0, R9, &c->sysenter_cs);
		e_mov_rr(e, 1, R10, RCX);
		e_pext(e, RCX, R9, R8);
		cannot = e_short(e, JECXZ);
		e_store_rip_imm(e, &c->iflag, EFL_IF);
		e_short_here(e, cannot);
		e_mov_rr(e, 1, RCX, R10);
	}
	emit_op_at(t);
}

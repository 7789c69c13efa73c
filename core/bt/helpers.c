/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What translated code calls.
 *
 * Each runs with the guest's general registers in struct cpu and the FPU
 * state still in the host's registers, and says whether translated code goes
 * on (see make_call in stubs.c).  On leaving, the budget gets back what the
 * block took for instructions it did not retire. */
#include "core/base/copy.h"
#include "core/bt/level.h"

struct block *calling_block(const struct bt *bt, unsigned *index)
{
	const u8 *pc = (const u8 *)(uintptr_t)bt->live->op_return - 1;
	struct block *b = cache_by_host(bt, pc);

	*index = block_insn_at(b, pc);
	return b;
}

/* ---- leaving, or going on elsewhere ---- */

static u64 leave_with(struct bt *bt, enum bt_exit why, u32 unretired)
{
	bt->live->budget += unretired;
	bt->live->exit = why;
	return CALL_LEAVE;
}

/* Is there anything that the dispatcher would see to before the next
 * instruction (run.c, standing and behind it)? */
static bool dispatcher_needed(struct bt *bt)
{
	const struct cpu *c = bt->cpu;

	return c->mode_changed || c->sysflags & EFL_TF ||
	       irq_deliverable(bt) || nmi_deliverable(bt) || bt->kick ||
	       c->ferr || c->halted || c->shutdown || c->exc.pending ||
	       bt->debug_trap || bt->points_on || bt->alone || catch_any(bt) ||
	       bt->live->sti_eip == c->eip ||
	       (bt->live->rom_doubt && !in_line_settled(bt));
}

/* Guest code goes on at eip: most often there is a block, and nothing else to
 * do, so that it is as good as a jump.  Else leaves, for the reason given. */
static u64 go_to_eip(struct bt *bt, enum bt_exit why, u32 unretired)
{
	struct cpu *c = bt->cpu;

	c->flushed = false;
	bt->live->unretired = unretired;
	if (c->fs_gs_changed)
		mode_refresh_fs_gs(bt);
	if (c->mode_changed | c->level_changed)
		level_refresh(bt);
	if (dispatcher_needed(bt) || !link_straight(bt))
		return leave_with(bt, why, unretired);
	bt->live->budget += unretired;
	if (c->sysflags & EFL_RF)
		run_suspend_rf(bt, run_icount(bt));
	return CALL_RESUME;
}

/* An exception is pending at the instruction of eip, which is not retired.
 * A handler that faults at once, for ever, must be left to the dispatcher. */
static u64 raised(struct bt *bt, u32 unretired)
{
	u64 now = run_icount(bt) - unretired;
	bool delivered = false;

	bt->live->soft_post = 0;
	if (bt->on_exception && !bt->points_on && !catch_any(bt) &&
	    !(bt->cpu->sysflags & EFL_TF) && now != bt->raised_icount) {
		bt->raised_icount = now;
		bt->live->unretired = unretired;
		bt->in_code = true;
		delivered = bt->on_exception(bt->exception_arg);
		bt->in_code = false;
	}
	if (!delivered)
		return leave_with(bt, BT_EXIT_EXCEPTION, unretired);
	bt->debug_trap = 0; /* the instruction is not done */
	bt->rf_icount = ~0ull;
	return go_to_eip(bt, BT_EXIT_OPERATION, unretired);
}

/* The same in the middle of a block. */
static u64 raised_here(struct bt *bt, u32 unretired)
{
	unsigned index;
	struct block *b = calling_block(bt, &index);

	bt->cpu->eip = block_insn_eip(b, index);
	bt->eip_open = false;
	paravirt_faulted(bt, block_insn_gpa(b, index));
	return raised(bt, unretired);
}

/* ---- soft access ---- */

static void *bounce(struct bt *bt, gla_t lin, unsigned size, u32 how)
{
	struct soft_pending *p = &bt->soft;
	u8 *buf = bt->bounce + 64 + (lin & 63);
	bool fpu_was_live = bt->cpu->fpu_live;

	fpu_out(bt);
	bt->in_code = true; /* devices ask for the time */
	p->bounce = buf;
	if (how & SOFT_READ) {
		mem_phys_read(bt->cpu->mem, p->gpa[0], buf, p->len[0]);
		if (p->parts == 2)
			mem_phys_read(bt->cpu->mem, p->gpa[1], buf + p->len[0],
				      p->len[1]);
		mem_ask_watch(bt->cpu, lin, size, false, true);
	}
	bt->in_code = false;
	if (fpu_was_live)
		fpu_in(bt); /* the instruction itself may be an x87 one */
	p->lin = lin;
	bt->live->soft_post = !!(how & SOFT_WRITE);
	return buf;
}

static void look_in_both(struct bt *bt)
{
	unsigned index;
	struct block *b = calling_block(bt, &index);
	gpa_t gpa = block_insn_gpa(b, index);

	if (!(bt->mode & MODE_USER) && site_get(bt, gpa) == SITE_COLD)
		site_change(bt, b, index, SITE_EITHER,
			    TRACE_adapt_OTHER_WINDOW);
}

/* Notes whose address an x87 error would name. */
static u64 given(struct bt *bt, void *host, gla_t lin, u32 how)
{
	if (how & SOFT_FPU) {
		bt->x87_host = (u64)(uintptr_t)host;
		bt->x87_lin = lin;
	}
	return (u64)(uintptr_t)host;
}

/* A read that somebody watches must be the last thing a block does, so that
 * the watcher is heard right after it: the instruction is left for a block of
 * its own.  (After a write there is a look anyway, bt_soft_post.) */
static bool must_be_alone(struct bt *bt, gla_t lin, unsigned size, u32 how)
{
	unsigned index;
	struct block *b;

	if ((how & SOFT_WRITE) ||
	    !mem_ask_watch(bt->cpu, lin, size, false, false))
		return false;
	b = calling_block(bt, &index);
	if (b->temporary && b->insns == 1)
		return false;
	bt->cpu->eip = block_insn_eip(b, index);
	bt->alone = true;
	leave_with(bt, BT_EXIT_AFTER, bt->live->unretired);
	return true;
}

/* An x87 or MMX instruction that does not look at its operand: it may have any
 * address for it.  If an error waits, that is another's, and so is x87_host. */
static u64 unused(struct bt *bt, u32 offset, u32 how, enum fpu_operand operand)
{
	u8 *nowhere = bt->bounce + 64;

	if (operand == FPU_OPERAND_WAITS)
		return (u64)(uintptr_t)nowhere;
	return given(bt, nowhere, bt->cpu->seg[how & SOFT_SEG].base + offset,
		     how);
}

static void faulted_with_fpu(struct bt *bt)
{
	unsigned index;
	struct block *b = calling_block(bt, &index);

	fpu_faulted(bt, b, index);
}

/*T:60 The exact way: segments, paging, devices. */
/* The host address for an access of `how` at `offset`; or a call_answer, when
 * there is an exception or to run the instruction again. */
u64 bt_soft_access(struct bt *bt, u32 offset, u32 how)
{
	struct cpu *c = bt->cpu;
	unsigned size = (how >> SOFT_SIZE_SHIFT) & 0xff;
	unsigned access = how & SOFT_WRITE ? MEM_WRITE : MEM_READ, check = access;
	struct soft_pending *p = &bt->soft;
	gla_t lin;
	void *host;

	bt->stats.soft_calls++;
	bt->live->unretired = how >> SOFT_COUNT_SHIFT & SOFT_COUNT;
	bt->eip_open = true;
	if (how & SOFT_FPU) {
		enum fpu_operand operand = fpu_operand(bt, how);

		if (operand != FPU_OPERAND_USED)
			return unused(bt, offset, how, operand);
	}
	if ((how & SOFT_READ) && !cpu_is_real(c) && (how & SOFT_WRITE))
		check = MEM_WRITE;
	if (!mem_seg_check(c, how & SOFT_SEG, offset, size, check, &lin))
		goto fault;
	if (how & SOFT_ALIGNED && lin & (size - 1)) { /* before any #PF */
		cpu_raise(c, EXC_GP, 0);
		goto fault;
	}
	host = mem_reach(c, lin, size, access);
	if (host && how & SOFT_COLD) {
		if (!site_soft_hit(bt, lin, how & SOFT_WRITE))
			look_in_both(bt);
		run_made_room(bt);
	}
	if (host && how & SOFT_WATCHED)
		site_reached(bt, lin);
	if (host)
		return given(bt, host, lin, how);
	p->parts = 1;
	p->len[0] = GUEST_PAGE - (lin & (GUEST_PAGE - 1));
	if (p->len[0] > size)
		p->len[0] = size;
	if (!mem_translate(c, lin, access, &p->gpa[0]))
		goto fault;
	if (p->len[0] < size) {
		p->parts = 2;
		p->len[1] = size - p->len[0];
		if (!mem_translate(c, lin + p->len[0], access, &p->gpa[1]))
			goto fault;
	}
	if (must_be_alone(bt, lin, size, how))
		return CALL_LEAVE;
	host = mem_host_ptr(c, lin, size, access);
	return given(bt, host ? host : bounce(bt, lin, size, how), lin, how);
fault:
	if (how & SOFT_FPU)
		faulted_with_fpu(bt);
	return raised_here(bt, bt->live->unretired);
}
/*T:*/

static bool must_look(const struct bt *bt)
{
	return bt->invalidated || irq_deliverable(bt) || bt->kick;
}

static void write_back(struct bt *bt)
{
	const struct soft_pending *p = &bt->soft;
	struct mem *m = bt->cpu->mem;
	unsigned size = p->len[0];

	mem_phys_write(m, p->gpa[0], p->bounce, p->len[0]);
	if (p->parts == 2) {
		mem_phys_write(m, p->gpa[1], p->bounce + size, p->len[1]);
		size += p->len[1];
	}
	mem_ask_watch(bt->cpu, p->lin, size, true, true);
}

/* After the instruction whose soft write went to a bounce buffer; or, with
 * SOFT_CALL, in the middle of a CALL to live->indirect. */
u64 bt_soft_post(struct bt *bt, u32 unretired)
{
	bool fpu_was_live = bt->cpu->fpu_live;
	bool call = unretired & SOFT_CALL;
	unsigned index;
	struct block *b;

	unretired &= ~SOFT_CALL;
	bt->live->soft_post = 0;
	bt->live->unretired = unretired;
	bt->eip_open = true;
	bt->invalidated = false;
	fpu_out(bt);
	bt->in_code = true;
	write_back(bt);
	bt->in_code = false;
	if (fpu_was_live)
		fpu_in(bt);
	if (bt->live->call_made | bt->live->call_timed)
		paravirt_done(bt, must_look(bt) ? OP_NEXT : OP_AGAIN);
	if (!must_look(bt))
		return 0;
	b = calling_block(bt, &index);
	bt->cpu->eip = call ? bt->live->indirect : block_insn_eip(b, index + 1);
	return leave_with(bt, BT_EXIT_AFTER, unretired - 1);
}

/* ---- operations ---- */

/* A segment load that left everything as it was needs no dispatcher. */
static bool mode_is_same(struct bt *bt)
{
	u64 context = bt->live->context, window = bt->live->window;

	if (bt->cpu->fs_gs_changed)
		mode_refresh_fs_gs(bt);
	if (!(bt->cpu->mode_changed | bt->cpu->level_changed))
		return true;
	run_refresh_mode(bt);
	return bt->live->context == context && bt->live->window == window;
}

/* The operation left a shadow on the instruction at `next`. */
static void note_shadow(struct bt *bt, u32 next)
{
	bt->live->sti_eip = next;
	if (bt->cpu->shadow == SHADOW_SS) {
		bt->in_code = true;
		bt->ss_icount = bt_icount(bt) + 1;
		bt->in_code = false;
	}
	bt->cpu->shadow = SHADOW_NONE;
}

/* The block's head has seen that it can be paid for as a whole; a repeated
 * instruction takes more. */
static bool may_be_short(const struct bt *bt, const struct insn *in)
{
	return in->rep && bt->live->budget - (u64)(uintptr_t)bt->budget_base <
				  BLOCK_INSNS;
}

static u64 after_op(struct bt *bt, const struct insn *in, u32 unretired)
{
	struct cpu *c = bt->cpu;
	u32 next = c->eip + in->len;
	bool same;

	if (c->shadow)
		note_shadow(bt, next);
	same = mode_is_same(bt);
	fpu_refresh(bt);
	if (same && !must_look(bt) && !c->flushed && !(c->sysflags & EFL_TF) &&
	    !may_be_short(bt, in))
		return CALL_GO_ON;
	c->eip = next;
	return go_to_eip(bt, BT_EXIT_AFTER, unretired - 1);
}

u64 bt_call_op(struct bt *bt, const struct insn *in, u32 unretired)
{
	struct cpu *c = bt->cpu;
	enum op_result r;

	bt->live->unretired = unretired;
	bt->eip_open = false;
	bt->stats.op_calls++;
	bt->invalidated = false;
	if (in->op->slow)
		fpu_out(bt);
	bt->in_code = true;
	r = op_table[in->op->operation](c, in);
	bt->in_code = false;
	if (bt->live->call_made | bt->live->call_timed)
		paravirt_done(bt, r);
	switch (r) {
	case OP_NEXT:
		return after_op(bt, in, unretired);
	case OP_FAULT:
		if (in->op == &bt_paravirt_call)
			bt->paravirt.faults[in->disp]++;
		return raised(bt, unretired);
	case OP_HALT:
		return leave_with(bt, BT_EXIT_HALT, unretired - 1);
	case OP_AGAIN: /* SDM 3B 17.3.1.1: an event now saves RF set */
		c->sysflags |= EFL_RF;
		/* fallthrough */
	default:
		bt->live->unretired = unretired - 1; /* it is done */
		entry_told(c);
		if (c->shadow)
			note_shadow(bt, c->eip);
		return go_to_eip(bt, BT_EXIT_OPERATION, unretired - 1);
	}
}

/* Is lin in the linear 4 MiB of this code?  Then its own pages may be others. */
static bool is_near(const struct bt *bt, const struct insn *in, gla_t lin)
{
	u32 stub = bt->cpu->seg[SEG_CS].base + bt->cpu->eip;

	return !((lin ^ (u32)in->imm) >> 22) || !((lin ^ stub) >> 22);
}

/* A call's INVLPG: nearly always of a page that has nothing to do with the
 * code around it, which goes on at once then. */
u64 bt_inval_page(struct bt *bt, const struct insn *in, u32 unretired)
{
	struct cpu *c = bt->cpu;
	struct live *l = bt->live;
	gla_t lin = c->seg[in->seg].base + c->gpr[EAX];

	if (c->cpl | bt->debug_trap | bt->observed | l->call_timed |
	    (c->sysflags & EFL_TF) | c->flushed | is_near(bt, in, lin))
		return bt_call_op(bt, in, unretired);
	l->unretired = unretired;
	bt->eip_open = false;
	bt->stats.op_calls++;
	bt->invalidated = false;
	bt->in_code = true;
	mem_flush_page(c, lin);
	op_note(OP_NOTE_INVLPG, lin, 0);
	bt->in_code = false;
	count_call(l);
	if (must_look(bt) || bt->stack_void || l->rom_doubt) {
		c->eip += in->len;
		return go_to_eip(bt, BT_EXIT_AFTER, unretired - 1);
	}
	c->flushed = false;
	return CALL_GO_ON;
}

/* IGNNE# is asserted: as long as there is an error, a WAIT does not.  (Other
 * instructions that would have to go on regardless meet the error again.) */
static bool still_ignored(struct bt *bt, u32 form, u32 unretired)
{
	unsigned index;
	struct block *b;

	fpu_out(bt);
	bt->cpu->ignne = fpu_error(bt->cpu);
	if (!bt->cpu->ignne || !(form & F_WAIT))
		return false;
	b = calling_block(bt, &index);
	bt->cpu->eip = block_insn_eip(b, index + 1);
	leave_with(bt, BT_EXIT_AFTER, unretired - 1);
	return true;
}

/* An x87 or SSE instruction found its state blocked: load it, or raise what
 * the manual says (SDM 3A 2.5, 13.1). */
u64 bt_fpu_needed(struct bt *bt, u32 form, u32 unretired)
{
	struct cpu *c = bt->cpu;
	int exc = -1;

	bt->live->unretired = unretired;
	bt->eip_open = true;
	if (form & F_WAIT) {
		if ((c->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
			exc = EXC_NM;
	} else if (form & F_X87) {
		if (c->cr0 & (CR0_EM | CR0_TS))
			exc = EXC_NM;
	} else if (c->cr0 & CR0_EM || ((form & F_SSE) && !(c->cr4 & CR4_OSFXSR))) {
		exc = EXC_UD;
	} else if (c->cr0 & CR0_TS) {
		exc = EXC_NM;
	}
	if (exc >= 0) {
		cpu_raise(c, (enum exc)exc, 0);
		return raised_here(bt, unretired);
	}
	if (c->ignne && still_ignored(bt, form, unretired))
		return 1;
	fpu_in(bt);
	return 0;
}

/* A block that surely needs the state begins: loads it.  If that is not
 * allowed now, the instructions are run one by one, until the one that needs
 * it says so itself. */
u64 bt_fpu_ahead(struct bt *bt, u32 form)
{
	struct cpu *c = bt->cpu;
	unsigned index;

	if (c->cr0 & (CR0_EM | CR0_TS) || c->ignne ||
	    ((form & F_SSE) && !(c->cr4 & CR4_OSFXSR))) {
		c->eip = calling_block(bt, &index)->eip;
		bt->eip_open = false;
		bt->alone = true;
		return leave_with(bt, BT_EXIT_AFTER, 0);
	}
	fpu_in(bt);
	return 0;
}

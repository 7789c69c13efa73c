/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls of the paravirtual ROM that stand in line with their callers.
 *
 * A direct CALL of a stub becomes the store of the return address, what the
 * stub does, and nothing for its RET.  The code does not ask whether the ROM
 * is still where it was called, nor whether somebody wants to stop in it:
 * callers are in the list of the ROM's page, as blocks made from it are, and
 * die with it; and the linear pages at which it is called are followed, as
 * pages of code are.  When one of them is mapped elsewhere, or that would not be
 * heard of any more (another space, room made among the mappings), it is in
 * doubt, and before code of the kernel goes on the callers die if the ROM is
 * not there.  As for other code, that happens when the guest flushes its TLB.
 *
 * A kernel that goes back and forth calls the ROM without this, then. */
#include "core/bt/bt_priv.h"

enum { LOSSES_MAX = 16 };

static const struct opcode call_row = { .class = C_CALL_IN_LINE, .name = "call" };
static const struct opcode ret_row = { .class = C_RET_IN_LINE, .name = "ret" };

static const u32 mode_needed = MODE_CPL0 | MODE_CS32 | MODE_CS_FLAT |
			       MODE_SS_FLAT | MODE_PAGED;

/* ---- where the ROM is ---- */

/* The page is followed, or can be without touching its accessed bits. */
static bool follow(struct bt *bt, gla_t page)
{
	gpa_t rom = bt->paravirt.rom, gpa;

	return (link_holds(bt, page, rom) ||
		(mem_probe_used(bt->cpu, page, &gpa) && gpa == rom)) &&
	       link_follow(bt, page, rom);
}

static bool is_followed(const struct bt *bt, gla_t lin)
{
	for (u32 i = 0; i < bt->callers.pages; i++)
		if (bt->callers.page[i] == (lin & ~(GUEST_PAGE - 1)))
			return true;
	return false;
}

static bool follow_new(struct bt *bt, gla_t lin)
{
	struct callers *k = &bt->callers;
	gla_t page = lin & ~(GUEST_PAGE - 1);

	if (is_followed(bt, lin))
		return true;
	if (k->pages == ARRAY_LEN(k->page) || k->losses == LOSSES_MAX ||
	    !follow(bt, page))
		return false;
	k->page[k->pages++] = page;
	return true;
}

static void kill_callers(struct bt *bt, enum trace_word why)
{
	struct block *b = bt->page_blocks[bt->paravirt.rom >> 12], *next;

	for (; b; b = next) {
		next = cache_next_in_page(b, bt->paravirt.rom >> 12);
		if (b->page2 == bt->paravirt.rom)
			cache_kill(bt, b, why);
	}
}

void in_line_unmapped(struct bt *bt, gla_t page)
{
	bt->live->rom_doubt |= is_followed(bt, page);
}

/* What was followed in a window may not be any more. */
void in_line_doubt(struct bt *bt)
{
	bt->live->rom_doubt = bt->callers.pages;
}

bool in_line_settled(struct bt *bt)
{
	struct callers *k = &bt->callers;

	if (!bt->live->rom_doubt || bt->mode & MODE_USER)
		return true;
	for (u32 i = 0; i < k->pages; i++)
		if (!link_holds(bt, k->page[i], bt->paravirt.rom))
			return false;
	bt->live->rom_doubt = false;
	return true;
}

void in_line_settle(struct bt *bt)
{
	struct callers *k = &bt->callers;
	bool there = bt->mode & MODE_PAGED;

	if (in_line_settled(bt))
		return;
	for (u32 i = 0; there && i < k->pages; i++)
		there = follow(bt, k->page[i]);
	if (!there) {
		kill_callers(bt, TRACE_invalidate_MAPPING);
		k->pages = 0;
		k->losses++;
	}
	bt->live->rom_doubt = false;
}

void in_line_forget_at(struct bt *bt, gla_t lin)
{
	if (is_followed(bt, lin))
		kill_callers(bt, TRACE_invalidate_BREAKPOINT);
}

/* ---- decoding ---- */

static bool leaves(const struct insn *in)
{
	return in->op->class == C_CALL_LEAVES;
}

/* A block's own instructions can follow one that stays in the block. */
static bool stays(const struct insn *native)
{
	return !(native->op->form & F_END) || native->op->class == C_STI ||
	       native->op->class == C_SET_IF ||
	       native->op->operation == OPERATION_invlpg;
}

/* Can the call that a CALL to lin makes be in line? */
static bool callee(struct tr *t, gla_t lin, gpa_t *gpa)
{
	struct bt *bt = t->bt;
	const struct bt_paravirt *p = &bt->paravirt;
	const struct insn *native;
	int number;

	if (!mem_probe(bt->cpu, lin, gpa))
		return false;
	number = paravirt_call_at(bt, *gpa);
	native = number < 0 ? NULL : p->native[number];
	return native && (stays(native) || leaves(native)) && !break_between(bt, lin, p->stride) &&
	       !paravirt_stops(bt, *gpa) && follow_new(bt, lin);
}

/* The CALL just decoded, at `index`, calls a stub: then its two instructions,
 * the call and RET, follow as if they stood behind it, each with its own
 * address, and the block goes on; or one that leaves, and the block ends. */
unsigned in_line_called(struct tr *t, unsigned index, unsigned at, unsigned max)
{
	struct insn *in = &t->insns[index];
	struct block *b = t->b;
	u32 target = b->eip + at + in->imm;
	const u8 *stub;
	gpa_t gpa;

	if (in->op->class != C_CALL_REL || in->opsize != 4 || t->trial ||
	    !t->bt->paravirt.in_line || (t->mode & mode_needed) != mode_needed ||
	    !emit_linking(t) || !t->bt->cfg.windows || index + 4 > max ||
	    t->bt->records || /* which takes a block for one run */
	    site_get(t->bt, block_insn_gpa(b, index)) > SITE_USER ||
	    !callee(t, target, &gpa))
		return 0;
	if (b->calls_rom && b->rom_shift != target - (u32)gpa)
		return 0;
	stub = mem_phys_ptr(t->bt->cpu->mem, gpa, INSN_MAX);
	if (!stub || decode(stub, INSN_MAX, true, &in[1]) != DECODE_OK ||
	    decode(stub + in[1].len, INSN_MAX - in[1].len, true, &in[2]) != DECODE_OK ||
	    in[2].opcode != 0xc3 || in[2].op->class != C_RET)
		return 0;
	b->marks[index + 1] = (struct insn_mark){ .guest = target - b->eip, .rom = true };
	b->marks[index + 2] = (struct insn_mark){
		.guest = target - b->eip + in[1].len, .rom = true };
	b->rom_shift = target - (u32)gpa; /* which tells what follows */
	paravirt_decoded(t, index + 1, &in[1]);
	t->call[index + 2] = t->timed[index + 2] = 0;
	if (!t->call[index + 1])
		return 0;
	b->calls_rom = true;
	b->page2 = t->bt->paravirt.rom;
	in[0].op = &call_row;
	if (leaves(&in[1]))
		return 1;
	in[2].op = &ret_row;
	return 2;
}

/* ---- the CALL and the RET ---- */

static void call(struct tr *t)
{
	e_addr(&t->e, 0, 0xc7, 0, address_stack(t, -4, 4, F_W));
	e_eip(&t->e, t->next);
	stack_move(t, -4);
}

/* What was called cannot have changed the return address, unless it stores. */
static void ret(struct tr *t)
{
	u32 next = block_insn_eip(t->b, t->index + 1);
	struct emit *e = &t->e;
	u8 *right;

	if (!(t->insns[t->index - 1].op->form & F_W)) {
		stack_move(t, 4);
		return;
	}
	e_addr(e, 0, 0x8b, R8, address_stack(t, 0, 4, F_R));
	stack_move(t, 4);
	stack_settle(t);
	e_mov_rr(e, 1, R10, RCX);
	e_lea(e, 0, RCX, R8, -1, 0, -(s32)next);
	right = e_short(e, JECXZ);
	e_mov_rr(e, 1, RCX, R10);
	emit_give_back(t);
	e_jmp(e, t->bt->stub_return);
	e_short_here(e, right);
	e_mov_rr(e, 1, RCX, R10);
}

void rule_call_in_line(struct tr *t)
{
	if (t->in->op->class == C_CALL_IN_LINE)
		call(t);
	else
		ret(t);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Returns: predicted by the host, and checked where they arrive.
 *
 * A guest call is a host call, a return the host's, with the address that the
 * guest returns to in r8d.  Nearly always that is the one behind the call
 * which the host comes back to, and this must be known without a jump and
 * without touching flags.  So the difference of the two is an address: a byte
 * is loaded from so far behind the last one of a page, and what follows that
 * page, as far as the difference can be, may not be accessed.  A return that
 * went elsewhere is a host fault.  Where that happens again soon, as with a
 * switch of stacks, a stub compares from then on. */
#include "core/bt/bt_priv.h"

#include <string.h>
#include <sys/mman.h>

/* The page, where a displacement reaches it and the host puts nothing by
 * itself, and the space behind it. */
#define PAGE_AT 0x7fffe000ull
#define LAST	(PAGE_AT + GUEST_PAGE - 1)
#define SPACE	(GUEST_PAGE + (4ull << 30))

/* Somebody may be there already, as the shadow of AddressSanitizer: then stubs
 * compare from the beginning. */
void returns_init(struct bt *bt)
{
	u8 *at;

	if (!bt->cfg.return_faults)
		return;
	at = mmap((void *)(uintptr_t)PAGE_AT, SPACE, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			  MAP_FIXED_NOREPLACE,
		  -1, 0);
	if (at == MAP_FAILED)
		return;
	bt->returns_fault = at == (u8 *)(uintptr_t)PAGE_AT &&
			    !mprotect(at, GUEST_PAGE, PROT_READ);
	if (!bt->returns_fault)
		munmap(at, SPACE);
}

void returns_forget(struct bt *bt)
{
	memset(bt->returned, 0, sizeof(bt->returned));
}

void returns_free(struct bt *bt)
{
	if (bt->returns_fault)
		munmap((void *)(uintptr_t)PAGE_AT, SPACE);
}

/* Both ways of the check have as many bytes, and end with 4 that change when
 * the block is copied. */
enum { CHECK_LEN = 8 };

/* A fault takes some 2 us, in which 10,000 instructions could have run. */
enum { SOON = 1 << 20 };

/* movzx r9d, byte [r9 + LAST] */
static const u8 load[] = { 0x45, 0x0f, 0xb6, 0x89 };

static void e_load_last(struct emit *e)
{
	e_bytes(e, load, sizeof(load));
	e_fixup(e, FIXUP_CHECK);
	e32(e, (u32)LAST);
}

static void e_ask_stub(struct emit *e, const u8 *stub)
{
	static const u8 nop[] = { 0x0f, 0x1f, 0 };

	e_bytes(e, nop, sizeof(nop));
	e8(e, CALL_OPCODE);
	e_fixup(e, FIXUP_CHECK);
	e32(e, (u32)(stub - (emit_pc(e) + 4)));
}

/*T:90 A return is predicted by the host, and checked. */
/* Where a host return comes back to: r8d is the address the guest returned
 * to.  Is it the one after this call? */
void emit_continuation(struct tr *t)
{
	struct emit *e = &t->e;

	e_lea_r9_r8_less(e, t->next);
	if (t->bt->returns_fault)
		e_load_last(e);
	else
		e_ask_stub(e, t->bt->stub_returned);
	if (t->bt->profiles && !t->trial)
		profile_emit_here(t);
	t->fpu_ready = 0; /* who was called may have left it otherwise */
	emit_jump_to(t, t->next);
}
/*T:*/

/* At a host fault: is it a return that went elsewhere?  Signal-safe. */
bool returns_missed(struct bt *bt, const u8 *pc, u64 address, u64 budget)
{
	u8 *check = codemem_written(bt, pc);
	struct emit e = { .at = check, .end = check + CHECK_LEN,
			  .delta = bt->code_x - bt->code_w };
	u64 icount = bt->limit - (budget - (u64)(uintptr_t)bt->budget_base);
	struct returned *before;

	if (!bt->returns_fault || address <= LAST ||
	    address >= PAGE_AT + SPACE || memcmp(check, load, sizeof(load)))
		return false;
	bt->stats.returns_missed++;
	before = &bt->returned[(u64)(uintptr_t)pc % RETURNS_MISSED];
	if (before->pc == pc && icount - before->icount < SOON)
		e_ask_stub(&e, bt->stub_returned);
	*before = (struct returned){ pc, icount };
	return true;
}

/* What e_ask_stub asks: r9d is the difference.  No flags; r10 is lost.  What
 * the host stack holds is of no use if it is not zero. */
void returns_emit_stub(struct bt *bt, struct emit *e)
{
	u8 *right;

	bt->stub_returned = emit_pc(e);
	e_mov_rr(e, 1, R10, RCX);
	e_mov_rr(e, 0, RCX, R9);
	right = e_short(e, JECXZ);
	e_mov_rr(e, 1, RCX, R10);
	e_jmp(e, bt->stub_return);
	e_short_here(e, right);
	e_mov_rr(e, 1, RCX, R10);
	e8(e, 0xc3);
}

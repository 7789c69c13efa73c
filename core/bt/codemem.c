/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Code memory.
 *
 * One reservation holds, in this order, the CPU state (so that code reaches
 * it relative to RIP), the stubs, the blocks, a small corner for temporary
 * blocks, and what empty slots lead to.  The code is shared memory mapped twice:
 * readable and executable where it runs, readable and writable elsewhere
 * (I-bt-4).  It has no file, or perf would look for names in that
 * (core/debug/perfmap.c). */
#include "core/bt/bt_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { HOST_STACKS = 2 * (HOST_STACK + GUEST_PAGE) };

static int map_code(struct bt *bt, u8 *at, struct err *e)
{
	u64 size = bt->code_size + SLOT_STUBS;

	bt->code_x = mmap(at, size, PROT_READ | PROT_EXEC,
			  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (bt->code_x == MAP_FAILED)
		return err_set(e, "code memory: %s", strerror(errno));
	/* Nothing is moved of shared memory when its old size is 0: it is
	 * mapped a second time. */
	bt->code_w = mremap(bt->code_x, 0, size, MREMAP_MAYMOVE);
	if (bt->code_w == MAP_FAILED ||
	    mprotect(bt->code_w, size, PROT_READ | PROT_WRITE) < 0)
		return err_set(e, "code memory: %s", strerror(errno));
	return 0;
}

/* [guard][BUDGET_MAX of zero pages]: see bt->budget_base. */
static int map_budget(struct bt *bt, struct err *e)
{
	u8 *at = mmap(NULL, BUDGET_MAX + 2 * GUEST_PAGE, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED ||
	    mprotect(at + GUEST_PAGE, BUDGET_MAX + GUEST_PAGE, PROT_READ) < 0)
		return err_set(e, "budget memory: %s", strerror(errno));
	bt->budget_base = at + GUEST_PAGE;
	return 0;
}

/* [guard][HOST_STACK] twice: supervisor, user. */
static int map_stacks(struct bt *bt, struct err *e)
{
	u8 *at = mmap(NULL, HOST_STACKS, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return err_set(e, "host stack: %s", strerror(errno));
	bt->host_stacks = at;
	for (unsigned i = 0; i < 2; i++) {
		bt->host_stack[i] = at + GUEST_PAGE + HOST_STACK;
		bt->level[i].mode = LEVEL_UNKNOWN;
		bt->level[i].stack_empty =
			(u64)(uintptr_t)bt->host_stack[i] - 16;
		if (mprotect(at + GUEST_PAGE, HOST_STACK,
			     PROT_READ | PROT_WRITE) < 0)
			return err_set(e, "host stack: %s", strerror(errno));
		at += GUEST_PAGE + HOST_STACK;
	}
	return 0;
}

int codemem_init(struct bt *bt, struct err *e)
{
	u64 area = (sizeof(struct area) + GUEST_PAGE - 1) & ~(u64)(GUEST_PAGE - 1);
	u8 *at;

	bt->code_size = bt->cfg.code_size;
	at = mmap(NULL, area + bt->code_size + SLOT_STUBS, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return err_set(e, "code memory: %s", strerror(errno));
	if (mprotect(at, area, PROT_READ | PROT_WRITE) < 0)
		return err_set(e, "code memory: %s", strerror(errno));
	bt->area = (struct area *)at;
	bt->cpu = &bt->area->cpu;
	bt->live = &bt->area->live;
	if (map_stacks(bt, e) < 0)
		return -1;
	if (map_budget(bt, e) < 0)
		return -1;
	returns_init(bt);
	return map_code(bt, at + area, e);
}

void codemem_free(struct bt *bt)
{
	u64 area = (sizeof(struct area) + GUEST_PAGE - 1) & ~(u64)(GUEST_PAGE - 1);

	returns_free(bt);
	if (bt->budget_base)
		munmap(bt->budget_base - GUEST_PAGE, BUDGET_MAX + 2 * GUEST_PAGE);
	if (bt->host_stacks)
		munmap(bt->host_stacks, HOST_STACKS);
	if (bt->code_w)
		munmap(bt->code_w, bt->code_size + SLOT_STUBS);
	if (bt->area)
		munmap(bt->area, area + bt->code_size + SLOT_STUBS);
}

/* Makes the rel32 at running address `site` lead to `target`. */
void codemem_patch_jump(struct bt *bt, u8 *site, const u8 *target)
{
	u32 rel = (u32)(target - (site + 4));

	__builtin_memcpy(codemem_written(bt, site), &rel, 4);
}

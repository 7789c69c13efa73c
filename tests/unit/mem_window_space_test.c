/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows: address spaces, paging modes, limits, random use, costs. */
/* LINK: tests/unit/mem_window_fixture.o core/mem/ram.o core/mem/walk.o core/mem/tlb.o core/mem/window.o core/mem/window_map.o core/mem/window_fill.o core/mem/window_sync.o core/mem/window_told.o core/base/err.o core/base/check.o */
#include "tests/unit/mem_window_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

/* ---- address spaces ---- */

static void windows_belong_to_cr3(void **state)
{
	u8 *first = window_user(mem);

	(void)state;
	set_pde(DIR2, 0, (TABLE + 0x2000) | RWU);
	set_pde(DIR2, 0xc0000000, (TABLE + 0x3000) | RWS);
	set_pte(TABLE, 0x5000, 0x200000 | RWU);
	set_pte(TABLE + 0x1000, 0xc0005000, 0x300000 | RWS);
	set_pte(TABLE + 0x2000, 0x5000, 0x400000 | RWU);
	set_pte(TABLE + 0x3000, 0xc0005000, 0x500000 | RWS);
	*word(0x300000) = 3;
	*word(0x500000) = 5;
	FILLS(0x5000, WRITE, WINDOW_USER);
	FILLS(0xc0005000, WRITE, WINDOW_SUPERVISOR);
	load_cr3(DIR2);
	assert_ptr_not_equal(window_user(mem), first);
	assert_false(mapped(0x5000, READ, WINDOW_USER));
	/* This kernel's half differs between directories. */
	FILLS(0xc0005000, READ, WINDOW_SUPERVISOR);
	assert_int_equal(*in_window(WINDOW_SUPERVISOR, 0xc0005000), 5);
	FILLS(0x5000, WRITE, WINDOW_USER);
	told = 0;
	load_cr3(DIR);
	assert_ptr_equal(window_user(mem), first);
	assert_int_equal(told, 0);
	assert_true(mapped(0x5000, WRITE, WINDOW_USER));
	assert_true(mapped(0xc0005000, READ, WINDOW_SUPERVISOR));
	assert_int_equal(*in_window(WINDOW_SUPERVISOR, 0xc0005000), 3);
	/* What went meanwhile is told on coming back. */
	load_cr3(DIR2);
	window_drop_page(mem, 0x5000);
	told = 0;
	load_cr3(DIR | 0x18);      /* caching bits name no other space */
	assert_int_equal(told, 1); /* all of it */
	assert_ptr_equal(window_user(mem), first);
	assert_false(mapped(0x5000, READ, WINDOW_USER));
	/* DIR2 becomes another process. */
	set_pde(DIR2, 0, TABLE | RWU);
	load_cr3(DIR2);
	assert_false(mapped(0x5000, READ, WINDOW_USER));
	*word(0x200000) = 9;
	FILLS(0x5000, READ, WINDOW_USER);
	assert_int_equal(*in_window(WINDOW_USER, 0x5000), 9);
}

/* Eight slots of the kernel's, from tables `first` and on. */
static void kernel_half(gpa_t dir, gpa_t first)
{
	for (u32 i = 0; i < 8; i++)
		set_pde(dir, 0xc0000000 + (i << 22),
			(u32)(first + i * 0x1000) | RWS);
}

static void fill_kernel_half(gpa_t first, u32 frame)
{
	for (u32 i = 0; i < 8; i++) {
		gla_t lin = 0xc0005000 + (i << 22);

		set_pte(first + i * 0x1000, lin, (frame + i * 0x1000) | RWS);
		FILLS(lin, WRITE, WINDOW_SUPERVISOR);
	}
}

static void supervisor_windows_belong_to_like_directories(void **state)
{
	enum { MINE = TABLE + 0x4000, YOURS = TABLE + 0xc000, DIR3 = 0x100000 };
	u8 *first = window_supervisor(mem), *second;

	(void)state;
	kernel_half(DIR, MINE);
	kernel_half(DIR2, YOURS);
	kernel_half(DIR3, MINE);
	load_cr3(DIR);
	fill_kernel_half(MINE, 0x300000);
	load_cr3(DIR3); /* another process */
	assert_ptr_equal(window_supervisor(mem), first);
	assert_true(mapped(0xc0005000, WRITE, WINDOW_SUPERVISOR));
	set_pde(DIR, 0xc0000000, (TABLE + 0x3000) | RWS);
	load_cr3(DIR); /* one entry of eight differs */
	assert_ptr_equal(window_supervisor(mem), first);
	assert_false(mapped(0xc0005000, READ, WINDOW_SUPERVISOR));
	assert_true(mapped(0xc0405000, WRITE, WINDOW_SUPERVISOR));

	load_cr3(DIR2);
	second = window_supervisor(mem);
	assert_ptr_not_equal(second, first);
	fill_kernel_half(YOURS, 0x400000);
	set_pte(MINE + 0x1000, 0xc0405000, 0x500000 | RWS); /* stale */
	load_cr3(DIR);
	assert_ptr_equal(window_supervisor(mem), first);
	assert_false(mapped(0xc0405000, READ, WINDOW_SUPERVISOR));
	assert_true(mapped(0xc0805000, WRITE, WINDOW_SUPERVISOR));
	load_cr3(DIR2);
	assert_ptr_equal(window_supervisor(mem), second);
	assert_true(mapped(0xc0405000, WRITE, WINDOW_SUPERVISOR));
}

static void flushes_of_global_pages_reach_other_supervisor_windows(void **state)
{
	enum { MINE = TABLE + 0x4000, YOURS = TABLE + 0xc000 };

	(void)state;
	mode(CR4_PGE);
	kernel_half(DIR, MINE);
	kernel_half(DIR2, YOURS);
	load_cr3(DIR);
	fill_kernel_half(MINE, 0x300000);
	set_pte(MINE, 0xc0106000, 0x310000 | RWS | PTE_G);
	FILLS(0xc0106000, WRITE, WINDOW_SUPERVISOR);
	load_cr3(DIR2);
	set_pte(MINE, 0xc0106000, 0x320000 | RWS | PTE_G);
	load_cr3(DIR);
	load_cr3(DIR2);
	mem_flush_page(&cpu, 0xc0106000);
	load_cr3(DIR);
	assert_false(mapped(0xc0106000, READ, WINDOW_SUPERVISOR));
}

static void windows_are_recycled(void **state)
{
	(void)state;
	mem->windows->users = 3;
	set_pte(TABLE, 0x5000, 0x200000 | RWU);
	for (u32 d = 0; d < 6; d++) {
		set_pde(0x100000 + d * 0x1000, 0, TABLE | RWU);
		load_cr3(0x100000 + d * 0x1000);
		assert_false(mapped(0x5000, READ, WINDOW_USER));
		FILLS(0x5000, WRITE, WINDOW_USER);
	}
	assert_int_equal(window_stats(mem)->evictions, 5); /* two of set_up */
	assert_int_equal(window_stats(mem)->mappings, 6);
	load_cr3(0x104000);
	assert_true(mapped(0x5000, WRITE, WINDOW_USER));
	load_cr3(0x103000);
	assert_true(mapped(0x5000, WRITE, WINDOW_USER));
	load_cr3(0x100000); /* takes 105000's */
	assert_false(mapped(0x5000, READ, WINDOW_USER));
	load_cr3(0x104000);
	assert_true(mapped(0x5000, WRITE, WINDOW_USER));
}

static bool is_resident(const u8 *at)
{
	unsigned char in;

	assert_int_equal(mincore((void *)((uintptr_t)at & ~4095ull), 4096, &in), 0);
	return in & 1;
}

static void switch_often(void)
{
	for (unsigned i = 0; i < WINDOWS * 4096 / 2; i++) {
		load_cr3(DIR2);
		load_cr3(DIR);
	}
}

/* Of a map what is not 0 stays, and the rest of the memory is the host's. */
static void maps_are_given_back(void **state)
{
	const u8 *map = window_map_user(mem);

	(void)state;
	set_pte(TABLE, 0x5000, 0x200000 | RWU);
	FILLS(0x5000, WRITE, WINDOW_USER);
	switch_often();
	assert_ptr_equal(window_map_user(mem), map);
	assert_true(is_resident(map) && map[5] && map[WINDOW_MAP_WRITABLE + 5]);
	set_pte(TABLE, 0x5000, 0);
	load_cr3(DIR);
	assert_false(map[5]);
	assert_true(is_resident(map));
	switch_often();
	assert_ptr_equal(window_map_user(mem), map);
	assert_false(is_resident(map));
	assert_false(is_resident(map + WINDOW_MAP_WRITABLE));
	assert_false(map[5]);
	set_pte(TABLE, 0x5000, 0x200000 | RWU);
	FILLS(0x5000, WRITE, WINDOW_USER);
	assert_true(map[5]);
}

static void paging_modes_empty_windows(void **state)
{
	(void)state;
	set_pte(TABLE, 0x5000, 0x200000 | RWU);
	set_pte(TABLE + 0x1000, 0xc0005000, 0x300000 | RWS);
	FILLS(0x5000, WRITE, WINDOW_USER);
	FILLS(0xc0005000, WRITE, WINDOW_SUPERVISOR);
	cpu.cr0 &= ~CR0_PG;
	mem_flush_all(&cpu);
	assert_false(mapped(0x5000, READ, WINDOW_USER));
	assert_false(mapped(0xc0005000, READ, WINDOW_SUPERVISOR));
	told = 0;
	mem_mark_code(&cpu, 0x700000, true);
	FILLS(0x600000, WRITE, WINDOW_SUPERVISOR);
	assert_int_equal(window_stats(mem)->mappings, 4); /* edges */
	*word(0x666660) = 66;
	assert_int_equal(*in_window(WINDOW_SUPERVISOR, 0x666660), 66);
	assert_int_equal(reach(0x700000, WRITE, WINDOW_SUPERVISOR),
			 WINDOW_SOFT);
	assert_int_equal(reach(RAM, READ, WINDOW_SUPERVISOR), WINDOW_SOFT);
	load_cr3(DIR2);
	assert_true(mapped(0x600000, WRITE, WINDOW_SUPERVISOR));
	cpu.cr0 |= CR0_PG;
	mem_flush_all(&cpu);
	assert_false(mapped(0x600000, READ, WINDOW_SUPERVISOR));
	window_reset(&cpu);
	assert_int_equal(window_stats(mem)->mappings, 0);
}

/* ---- large pages, PAE ---- */

static void large_pages(void **state)
{
	u64 before;

	(void)state;
	mode(CR4_PGE | CR4_PSE);
	set_pde(DIR, 0xc0400000, 0x800000 | PTE_P | PTE_RW | PTE_PS);
	before = window_stats(mem)->maps;
	FILLS(0xc0412345, READ, WINDOW_SUPERVISOR);
	assert_int_equal(window_stats(mem)->maps - before, 1);
	assert_false(
		mapped(0xc0400000, WRITE, WINDOW_SUPERVISOR)); /* D clear */
	mem_mark_code(&cpu, 0x850000, true);
	FILLS(0xc0412345, WRITE, WINDOW_SUPERVISOR);
	assert_int_equal(window_stats(mem)->maps - before, 1);
	assert_int_equal(window_stats(mem)->protects, 2);
	assert_int_equal(window_stats(mem)->mappings, 4);
	assert_true(mapped(0xc07fffff, WRITE, WINDOW_SUPERVISOR));
	assert_false(mapped(0xc0450000, WRITE, WINDOW_SUPERVISOR));
	assert_true(mapped(0xc0450000, READ, WINDOW_SUPERVISOR));
	mem_mark_code(&cpu, 0x850000, false);
	FILLS(0xc0450000, WRITE, WINDOW_SUPERVISOR);
	assert_int_equal(window_stats(mem)->mappings, 2);
	load_cr3(DIR);
	assert_true(mapped(0xc0400000, WRITE, WINDOW_SUPERVISOR));
	word(DIR)[0xc0400000 >> 22] &= ~PTE_D;
	mem_flush_page(&cpu, 0xc0400000);
	assert_false(mapped(0xc07ff000, WRITE, WINDOW_SUPERVISOR));
	assert_true(mapped(0xc07ff000, READ, WINDOW_SUPERVISOR));
	FILLS(0xc07ff000, WRITE, WINDOW_SUPERVISOR);
	assert_true(mapped(0xc0400000, WRITE, WINDOW_SUPERVISOR));
	set_pde(DIR, 0xc0400000, 0xc00000 | RWS | PTE_PS);
	mem_flush_page(&cpu, 0xc0410000);
	assert_false(mapped(0xc07ff000, READ, WINDOW_SUPERVISOR));
	/* Also by an address that is not mapped itself. */
	FILLS(0xc07ff000, READ, WINDOW_SUPERVISOR);
	window_drop_page(mem, 0xc0410000);
	assert_false(mapped(0xc0410000, READ, WINDOW_SUPERVISOR));
	set_pde(DIR, 0xc0400000, 0x800000 | RWS | PTE_PS);
	mem_flush_page(&cpu, 0xc0410000);
	assert_false(mapped(0xc07ff000, READ, WINDOW_SUPERVISOR));
}

static void pae(void **state)
{
	u32 dir = PDPT + 0x1000, table = PDPT + 0x5000;

	(void)state;
	for (int i = 0; i < 4; i++)
		quad(PDPT)[i] = (dir + (u32)i * 0x1000) | PTE_P;
	quad(dir)[1] = table | RWU;
	quad(dir + 0x3000)[2] = 0x800000 | RWS | PTE_PS | PTE_G;
	quad(table)[5] = 0x200000 | RWU | PTE_NX;
	quad(table)[6] = 0x201000 | RWU;
	quad(table)[7] = 0x100000000 | RWU; /* beyond RAM */
	cpu.efer = EFER_NXE;
	cpu.cr3 = PDPT;
	mode(CR4_PGE | CR4_PAE);
	load_cr3(PDPT);
	FILLS(0x205000, WRITE, WINDOW_USER);
	assert_true(mapped(0x206000, WRITE, WINDOW_USER));
	assert_int_equal(reach(0x207000, READ, WINDOW_USER), WINDOW_SOFT);
	FILLS(0xc0400000, WRITE, WINDOW_SUPERVISOR);
	assert_true(mapped(0xc05ff000, WRITE, WINDOW_SUPERVISOR));
	assert_false(mapped(0xc0600000, READ, WINDOW_SUPERVISOR));
	load_cr3(PDPT);
	assert_true(mapped(0x205000, WRITE, WINDOW_USER));
	assert_true(mapped(0xc0400000, WRITE, WINDOW_SUPERVISOR));
	told = 0;
	quad(table)[6] |= PTE_NX; /* whoever links code must hear of it */
	load_cr3(PDPT);
	assert_int_equal(told, 1);
	FILLS(0x206000, READ, WINDOW_USER);
	quad(table)[6] |= 1ull << 40; /* reserved */
	load_cr3(PDPT);
	assert_false(mapped(0x206000, READ, WINDOW_USER));
	quad(PDPT)[0] = 0;
	quad(PDPT)[3] = 0;
	load_cr3(PDPT);
	assert_int_equal(reach(0x205000, READ, WINDOW_USER), WINDOW_FAULT);
	assert_true(mapped(0xc0400000, READ, WINDOW_SUPERVISOR)); /* global */
	mem_flush_all(&cpu);
	assert_false(mapped(0xc0400000, READ, WINDOW_SUPERVISOR));
	cpu.efer = 0; /* NX is a reserved bit now */
	quad(PDPT)[0] = dir | PTE_P;
	load_cr3(PDPT);
	assert_int_equal(reach(0x205000, READ, WINDOW_USER), WINDOW_FAULT);
	assert_int_equal(cpu.exc.error & PF_RSVD, PF_RSVD);
}

/* ---- limits ---- */

static unsigned host_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	struct window_pool *p = mem->windows;
	unsigned n = 0;
	char line[512];

	while (fgets(line, sizeof(line), f)) {
		u8 *at = (u8 *)strtoull(line, NULL, 16);

		n += (u64)(at - p->region) < p->region_len;
	}
	fclose(f);
	return n;
}

static void limits_are_kept(void **state)
{
	(void)state;
	mem->windows->limit = 100;
	set_pde(DIR2, 0, (TABLE + 0x2000) | RWU);
	for (u32 i = 0; i < 1024; i++) {
		u32 frame = 0x1000000 + (i * 7 % 1024 << 12);

		set_pte(TABLE, i << 12, frame | RWU);
		set_pte(TABLE + 0x2000, i << 12, frame | RWU);
	}
	for (u32 round = 0; round < 2; round++)
		for (u32 i = 0; i < 1024; i++) {
			load_cr3(i & 1 ? DIR : DIR2);
			*word(0x1000000 + (i * 7 % 1024 << 12)) = i;
			FILLS(i << 12, i & 2 ? WRITE : READ, WINDOW_USER);
			assert_int_equal(
				*(u32 *)(void *)in_window(WINDOW_USER, i << 12),
				i);
			assert_true(window_stats(mem)->mappings < 140);
			assert_true(host_mappings() <=
				    window_stats(mem)->mappings + 3);
		}
	assert_true(window_stats(mem)->evictions > 10);
}

static void refusals_are_survived(void **state)
{
	(void)state;
	for (u32 i = 0; i < 64; i++)
		set_pte(TABLE, i << 12, (0x200000 + (i * 2 << 12)) | RWU);
	FILLS(0, WRITE, WINDOW_USER);
	mem->windows->fail = 1;
	FILLS(0x1000, WRITE, WINDOW_USER);
	mem->windows->fail = 2;
	FILLS(0x2000, WRITE, WINDOW_USER);
	assert_false(mapped(0, READ, WINDOW_USER)); /* all went */
	mem->windows->fail = 3;
	assert_int_equal(reach(0x3000, WRITE, WINDOW_USER), WINDOW_SOFT);
	FILLS(0x3000, WRITE, WINDOW_USER);
	mem_mark_code(&cpu, 0x206000, true); /* by protecting */
	assert_true(mapped(0x3000, READ, WINDOW_USER));
	mem_mark_code(&cpu, 0x206000, false);
	FILLS(0x3000, WRITE, WINDOW_USER);
	mem->windows->fail = 1;
	mem_mark_code(&cpu, 0x206000, true); /* refused: by unmapping */
	assert_false(mapped(0x3000, READ, WINDOW_USER));
	FILLS(0x3000, READ, WINDOW_USER);
	mem->windows->free = NULL;
	mem->windows->fail = 2;
	cpu.exc.pending = false;
	set_pte(TABLE + 0x1000, 0xc0000000, 0x300000 | RWS);
	FILLS(0xc0000000, WRITE, WINDOW_SUPERVISOR); /* a slot came free */
}

static void without_windows(void **state)
{
	struct err e;

	(void)state;
	window_free(mem);
	assert_null(window_user(mem));
	load_cr3(DIR);
	assert_int_equal(window_init(mem, false, &e), 0);
	set_pte(TABLE, 0x5000, 0x200000 | RWU);
	assert_int_equal(reach(0x5000, READ, WINDOW_USER), WINDOW_SOFT);
	assert_int_equal(reach(0x5000, READ, WINDOW_SUPERVISOR), WINDOW_SOFT);
	assert_int_equal(reach(0x6000, READ, WINDOW_USER), WINDOW_FAULT);
	mem_flush_all(&cpu);
	mem_flush_page(&cpu, 0x5000);
	mem_mark_code(&cpu, 0x200000, true);
	window_reset(&cpu);
}

static void guards_tell_their_window(void **state)
{
	gla_t lin;

	(void)state;
	load_cr3(DIR2);
	assert_int_equal(window_find(mem, window_supervisor(mem) - 4, &lin),
			 WINDOW_SUPERVISOR);
	assert_int_equal(lin, 0xfffffffc);
	assert_int_equal(window_find(mem,
				     window_supervisor(mem) + (1ull << 32) + 8,
				     &lin),
			 WINDOW_SUPERVISOR);
	assert_int_equal(lin, 8);
	assert_int_equal(
		window_find(mem, window_user(mem) - WINDOW_GUARD, &lin),
		WINDOW_USER);
	assert_int_equal(lin, 0xc0000000);
	assert_int_equal(
		window_find(mem, window_user(mem) + (1ull << 32), &lin),
		WINDOW_USER);
	assert_int_equal(lin, 0);
	assert_int_equal(window_find(mem, &lin, &lin), WINDOW_NONE);
}

/* ---- random use ---- */

/* What a record says must be what a walk would now allow, without having to
 * set a bit for it. */
static void check_record(const struct window *w, gla_t lin, u32 rec)
{
	unsigned how = rec & REC_WRITE ? MEM_WRITE : MEM_READ;
	u64 needs = rec & REC_WRITE ? PTE_A | PTE_D : PTE_A;
	struct walk walk;

	how |= w->user ? MEM_USER : MEM_SYSTEM;
	assert_int_equal(walk_page(&cpu, lin, how, &walk), 0);
	assert_int_equal(walk.gpa, rec & REC_FRAME);
	assert_int_equal(walk.user, w->user);
	assert_int_equal(walk.leaf_value & needs, needs);
	if (rec & REC_WRITE)
		assert_false(page_flags(mem, walk.gpa) & PAGE_CODE);
	assert_true(mapped(lin, !!(rec & REC_WRITE),
			   w->user ? WINDOW_USER : WINDOW_SUPERVISOR));
}

static unsigned checked;

static unsigned check_window(const struct window *w, bool current)
{
	unsigned records = 0;

	for (u32 i = 0; i < SLOTS; i++) {
		const struct slot *s = w->slot[i];

		for (u32 k = 0; s && k < slot_pages(w); k++) {
			if (!s->rec[k])
				continue;
			records++;
			checked += current;
			if (current)
				check_record(w,
					     (slot_first_page(w, s) + k) << 12,
					     s->rec[k]);
		}
	}
	return records;
}

/* After a flush that took everything stale. */
static void check_all(void)
{
	struct window_pool *p = mem->windows;
	unsigned records = 0, chained = 0;

	for (unsigned i = 0; i < WINDOWS; i = window_next(p, i))
		records += check_window(&p->win[i],
					window_is_current(p, &p->win[i]));
	for (u32 frame = 0; frame < RAM >> 12; frame++)
		for (u32 h = p->head[frame]; h; chained++) {
			struct window *w = &p->win[(h - 1) >> 20];
			u32 page = (h - 1) & (WINDOW_PAGES - 1);

			h = w->slot[page >> w->shift]
				    ->next[page & (slot_pages(w) - 1)];
		}
	assert_int_equal(records, chained);
	assert_true(host_mappings() <= window_stats(mem)->mappings +
					       2 * p->hollows + 3);
}

static u32 seed;
static u32 any(u32 n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

static u64 any_entry(u32 frame)
{
	static const u64 bits[] = {PTE_RW, PTE_US, PTE_A, PTE_D, PTE_G};
	u64 e = frame | (any(8) ? PTE_P : 0);

	for (unsigned i = 0; i < ARRAY_LEN(bits); i++)
		e |= any(3) ? bits[i] : 0;
	return e;
}

/* Slots 0 to 3 of two directories, by four tables; slot 3 may be large. */
static void any_change(bool is_pae, u32 dir)
{
	u32 table = TABLE + any(4) * 0x1000, i = any(64), slot = any(4);
	u64 e = any_entry(0x400000 + (any(80) << 12));
	bool large = slot == 3 && any(2);

	if (any(8)) {
		if (is_pae)
			quad(table)[i] = e | (any(9) ? 0 : PTE_NX);
		else
			word(table)[i] = (u32)e;
		return;
	}
	e = large ? (any_entry(any(2) ? 0x800000 : 0xc00000) | PTE_PS)
		  : any_entry(table) & ~(u64)PTE_G;
	if (is_pae)
		quad(dir)[slot] = e;
	else
		word(dir)[slot] = (u32)e;
}

static void random_use(bool is_pae)
{
	u32 dir[2] = {is_pae ? 0x4000 : DIR, is_pae ? 0x5000 : DIR2};
	u32 root[2] = {is_pae ? PDPT : DIR, is_pae ? PDPT + 0x20 : DIR2};
	u32 reach_of_slot = is_pae ? 0x200000 : 0x400000, now = 0;

	for (u32 i = 0; is_pae && i < 2; i++)
		quad(root[i])[0] = dir[i] | PTE_P;
	mode(CR4_PSE | CR4_PGE | (is_pae ? CR4_PAE : 0));
	cpu.efer = EFER_NXE;
	load_cr3(root[0]);
	mem->windows->limit = 150;
	for (u32 step = 0; step < 30000; step++) {
		u32 what = any(64);
		gla_t lin = any(4) * reach_of_slot + (any(64) << 12);

		if (what < 16) {
			any_change(is_pae, dir[any(2)]);
		} else if (what < 18) {
			mem_mark_code(&cpu, 0x400000 + (any(80) << 12), any(2));
		} else if (what < 20) {
			mem_flush_page(&cpu, lin);
		} else if (what < 22) {
			now = any(2);
			load_cr3(root[now]);
		} else if (what < 23) {
			mem_flush_all(&cpu);
			check_all();
		} else if (what < 24 && any(20) == 0) {
			mem->windows->fail = any(3);
		} else {
			reach(lin, any(2) ? WRITE : READ,
			      any(2) ? WINDOW_USER : WINDOW_SUPERVISOR);
		}
	}
	mem_flush_all(&cpu);
	check_all();
	assert_true(window_stats(mem)->evictions > 0);
	assert_true(checked > 10000);
}

static void random_use_32(void **state)
{
	(void)state;
	for (u32 run = 1; run < 4; run++) {
		seed = run;
		random_use(false);
	}
}

static void random_use_pae(void **state)
{
	(void)state;
	for (u32 run = 1; run < 4; run++) {
		seed = run;
		random_use(true);
	}
}

/* ---- costs, printed ---- */

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double best_cr3_load(void)
{
	double best = 1e9;

	for (int i = 0; i < 500; i++) {
		double t = now_ns();

		for (int k = 0; k < 10; k++)
			window_flush(&cpu, false);
		t = (now_ns() - t) / 10;
		best = t < best ? t : best;
	}
	return best;
}

static void costs(void **state)
{
	double t, best = 1e9;

	(void)state;
	for (u32 table = 0; table < 10; table++) {
		set_pde(DIR, table << 22, (TABLE + table * 0x1000) | RWU);
		for (u32 i = 0; i < 1024; i++)
			set_pte(TABLE + table * 0x1000, i << 12,
				(0x400000 + (table << 22) + (i << 12)) | RWU);
		for (u32 i = 0; i < 48; i += 16) /* 48 pages each */
			FILLS(table << 22 | i * 11 << 12, WRITE, WINDOW_USER);
	}
	printf("CR3 load, 10 tables, 30 runs of 16 pages: %.0f ns\n",
	       best_cr3_load());
	for (u32 i = 0; i < 10240; i++)
		FILLS(i << 12, WRITE, WINDOW_USER);
	printf("CR3 load, 10 tables, all pages: %.0f ns\n", best_cr3_load());
	load_cr3(DIR2);
	set_pde(DIR2, 0, (TABLE + 0x20000) | RWU);
	for (u32 i = 0; i < 1024; i += 16)
		set_pte(TABLE + 0x20000, i << 12, (0x400000 + (i << 12)) | RWU);
	for (u32 i = 0; i < 1024; i += 16) {
		t = now_ns();
		window_miss(&cpu, i << 12, true, WINDOW_USER);
		t = now_ns() - t;
		best = t < best ? t : best;
	}
	printf("miss filled with 1 page: %.0f ns\n", best);
	best = 1e9;
	for (u32 i = 0; i < 1024; i += 16) {
		mem_mark_code(&cpu, 0x400000 + (i << 12), true);
		mem_mark_code(&cpu, 0x400000 + (i << 12), false);
		t = now_ns();
		window_miss(&cpu, i << 12, true, WINDOW_USER);
		t = now_ns() - t;
		best = t < best ? t : best;
	}
	printf("miss, read-only made writable: %.0f ns\n", best);
	best = 1e9;
	for (u32 i = 0; i < 1024; i += 16) {
		set_pte(TABLE + 0x20000, i << 12, 0);
		t = now_ns();
		window_flush_page(&cpu, i << 12);
		t = now_ns() - t;
		best = t < best ? t : best;
	}
	printf("INVLPG of a page gone: %.0f ns\n", best);
	best = 1e9;
	for (u32 i = 0; i < 1024; i++)
		set_pte(TABLE + 0x20000, i << 12, (0x800000 + (i << 12)) | RWU);
	load_cr3(DIR2);
	for (u32 i = 0; i < 1024; i += 16) {
		t = now_ns();
		window_miss(&cpu, i << 12, true, WINDOW_USER);
		t = now_ns() - t;
		best = t < best ? t : best;
	}
	printf("miss filled with 16 pages: %.0f ns\n", best);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(windows_belong_to_cr3),
		T(supervisor_windows_belong_to_like_directories),
		T(flushes_of_global_pages_reach_other_supervisor_windows),
		T(windows_are_recycled),
		T(maps_are_given_back),
		T(paging_modes_empty_windows),
		T(large_pages),
		T(pae),
		T(limits_are_kept),
		T(refusals_are_survived),
		T(without_windows),
		T(guards_tell_their_window),
		T(random_use_32),
		T(random_use_pae),
		T(costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

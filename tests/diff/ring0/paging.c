/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trials of paging, with entries of 32 bits and of PAE: a few pages and a
 * large page behind them, entries with any rights, and accesses of all kinds
 * from levels 0 and 3, also across pages.  Level 0 changes entries as it
 * goes, and flushes.  After a page fault an entry is changed and the trial
 * goes on.
 *
 * What is left out.  Entries are always flushed after a change that takes
 * rights away: what a TLB keeps is not said.  TCG reads before it writes in
 * read-modify-write instructions, so their faults lack W (SDM 3A 4.7), and
 * come in another order where two pages are crossed.  The accessed and dirty
 * bits on the way to a fault may be set or not (SDM 3A 4.8), so they are
 * cleared after it.  TCG has PSE-36. */
#include "tests/diff/ring0/ring0.h"

enum { PAGES = 5, FRAMES = 0x1a00000, BIG_FRAME = 0x1800000,
       SPOT = 0x100, SPOT_SIZE = 0x100, SUBROUTINE = 0x7f0, CROSSING = 0xffc,
       MOST_RMW = 8, MOST_FAULTS = 12 };
enum { TABLE = PAGES, ENTRIES }; /* 0..3 PTEs, 4 the large page, 5 the table */

static u32 small_table[1024] __attribute__((aligned(4096)));
static u64 pointers[4] __attribute__((aligned(32)));
static u64 directory[512] __attribute__((aligned(4096)));
static u64 low_tables[16][512] __attribute__((aligned(4096)));
static u64 table[512] __attribute__((aligned(4096)));

static bool pae;
static bool tame; /* all is allowed, nothing changes */
static u32 rmw[MOST_RMW], rmw_count, faults;

/* ---- where things are ---- */

static u32 span(void)
{
	return pae ? 0x200000 : 0x400000;
}

static u32 page(unsigned i)
{
	return 0x8000000 + span() + i * 4096 - 4 * 4096;
}

static u32 frame(unsigned i)
{
	return i == 4 ? BIG_FRAME : FRAMES + i * 4096;
}

static void *entry(unsigned i)
{
	if (pae)
		return i == TABLE ? &directory[64] :
		       i == 4	  ? &directory[65] :
				    &table[508 + i];
	return i == TABLE ? pde(0x8000000) :
	       i == 4	  ? pde(0x8400000) :
			    &small_table[1020 + i];
}

static u64 get_entry(unsigned i)
{
	return pae ? *(u64 *)entry(i) : *(u32 *)entry(i);
}

static void set_entry(unsigned i, u64 v)
{
	if (pae)
		*(u64 *)entry(i) = v;
	else
		*(u32 *)entry(i) = (u32)v;
}

static u64 address_of(unsigned i)
{
	if (i == TABLE)
		return pae ? (u32)table : (u32)small_table;
	return i == 4 ? BIG_FRAME | PS : frame(rnd(4));
}

static u64 random_flags(unsigned i)
{
	u64 v = P | W | U;

	v ^= one_in(6) ? P : 0;
	v ^= one_in(4) ? W : 0;
	v ^= one_in(4) ? U : 0;
	v |= rnd(16) << 8 | (rnd(16) << 3 & (A | D | 0x18));
	if (pae && one_in(6))
		v |= 1ull << 63;
	if (pae && one_in(24)) /* reserved: 36 to 62 */
		v |= 1ull << (36 + rnd(27));
	if (i == 4 && (pae || (get_cr4() & 0x10)) && one_in(24)) /* reserved */
		v |= pae ? 1u << (13 + rnd(8)) : 1u << 21;
	return v;
}

/* ---- accesses ---- */

static u32 spot(unsigned *size)
{
	unsigned i = rnd(PAGES);

	if (i < PAGES - 1 && one_in(4)) { /* crossing into the next page */
		*size = one_in(2) ? 4 : 2;
		return page(i) + (*size == 4 ? 0xffd : 0xfff);
	}
	*size = 1u << rnd(3);
	return page(i) + SPOT + rnd(SPOT_SIZE - 16);
}

static void modrm(u32 lin, unsigned reg)
{
	b1(reg << 3 | 5);
	b4(lin);
}

static void plain_access(void)
{
	static const u8 opcodes[] = {0x8a, 0x88, 0x3a, 0x38, 0x84};
	unsigned size;
	u32 lin = spot(&size), form = rnd(5);

	opsize(size);
	b1(opcodes[form] + (size > 1));
	modrm(lin, rnd(4));
}

static void read_modify_write(void)
{
	unsigned size;
	u32 lin = spot(&size);

	if (rmw_count == MOST_RMW || (!tame && (lin + size - 1) >> 12 != lin >> 12))
		return;
	rmw[rmw_count++] = here();
	opsize(size);
	if (one_in(2)) {
		b1((one_in(6) ? 0x86 : 8 * rnd(7)) + (size > 1));
		modrm(lin, rnd(4));
	} else {
		b1(0xfe + (size > 1));
		modrm(lin, rnd(2));
	}
}

static void stack_access(void)
{
	unsigned size;
	u32 lin = spot(&size);

	size = size == 2 ? 2 : 4;
	opsize(size);
	if (one_in(2)) {
		b1(0xff);
		modrm(lin, 6);
	} else {
		b1(0x8f);
		modrm(lin, 0);
	}
}

static void string_access(void)
{
	unsigned log = rnd(3);

	mov_imm(ESI, page(rnd(PAGES)) + SPOT + rnd(0x40));
	mov_imm(EDI, page(rnd(PAGES)) + SPOT + 0x80 + rnd(0x40));
	mov_imm(ECX, rnd(16));
	b1(0xfc);
	if (one_in(2))
		b1(0xf3);
	opsize(1u << log);
	b1((one_in(2) ? 0xa4 : one_in(2) ? 0xaa : 0xac) + (log > 0));
}

static void execute(void)
{
	bool crossing = one_in(3);
	u32 lin = page(rnd(PAGES - crossing)) + (crossing ? CROSSING : SUBROUTINE);

	mov_imm(EDX, lin);
	b2(0xd2ff);
}

static void flush(unsigned i)
{
	for (unsigned p = i == TABLE ? 0 : i; p < (i == TABLE ? 4u : i + 1); p++) {
		b2(0x010f);
		modrm(page(p) + rnd(0x1000), 7);
	}
}

/* By level 0 itself: an entry, or CR0.WP. */
static void change(void)
{
	unsigned i = rnd(ENTRIES);

	if (one_in(4)) {
		b2(0x200f), b1(0xc0);
		b1(0x35), b4(0x10000);
		b2(0x220f), b1(0xc0);
		return;
	}
	b1(0xc7);
	modrm((u32)entry(i), 0);
	b4((u32)(address_of(i) | random_flags(i)));
	if (!(get_cr4() & 0x80) && one_in(3)) {
		b2(0x200f), b1(0xd8);
		b2(0x220f), b1(0xd8);
	} else {
		flush(i);
	}
}

/* ---- trials ---- */

static void flush_all(void)
{
	set_cr4(get_cr4() ^ 0x80);
	set_cr4(get_cr4() ^ 0x80);
	set_cr3(get_cr3());
}

static void fill_frames(void)
{
	static const u8 bytes[] = {0x46, 0xc3};

	for (u32 i = 0; i < PAGES; i++) {
		u8 *f = (u8 *)frame(i);

		f[0] = 0x44;
		f[1] = 0xc3;
		for (u32 j = 0; j < SPOT_SIZE; j++)
			f[SPOT + j] = (u8)(i * 16 + j);
		f[SUBROUTINE] = bytes[0];
		f[SUBROUTINE + 1] = bytes[1];
		f[CROSSING] = 0xb8;
		for (u32 j = 1; j < 4; j++)
			f[CROSSING + j] = (u8)(i * 16 + j);
	}
}

static void set_nxe(bool on)
{
	asm volatile("wrmsr" ::"c"(0xc0000080), "a"(on ? 0x800 : 0), "d"(0));
}

/* Maps what the two-level tables map, and the pages of trials. */
static void prepare_pae(void)
{
	if (pointers[0])
		return;
	for (u32 lin = 0; lin < 0x2000000; lin += 4096)
		low_tables[lin >> 21][lin >> 12 & 511] = *pte(lin);
	for (u32 i = 0; i < 16; i++)
		directory[i] = (u32)low_tables[i] | P | W | U;
	pointers[0] = (u32)directory | P;
}

static void switch_on_pae(void)
{
	prepare_pae();
	set_cr0(get_cr0() & 0x7fffffff);
	set_cr4(0x20 | (one_in(2) ? 0x80 : 0));
	set_cr3((u32)pointers);
	set_cr0(get_cr0() | 0x80000000);
}

static u32 two_level_cr3;

static void switch_off_pae(void)
{
	set_cr0(get_cr0() & 0x7fffffff);
	set_cr4(0);
	set_cr3(two_level_cr3);
	set_cr0(get_cr0() | 0x80000000);
	set_nxe(false);
}

static void make_any(void)
{
	world_new(true);
	start(one_in(2) ? 0 : 3, false);
	for (u32 i = 0; i < PAGES; i++) {
		*pte(frame(i)) = frame(i) | P | W;
		invlpg(frame(i));
	}
	if (pae) {
		switch_on_pae();
		set_nxe(!one_in(4));
	} else {
		set_cr4((one_in(2) ? 0x80 : 0) | (one_in(8) ? 0 : 0x10));
	}
	fill_frames();
	tame = one_in(4);
	for (unsigned i = 0; i < ENTRIES; i++)
		set_entry(i, address_of(i) | (tame || one_in(2) ?
						      P | W | U :
						      random_flags(i)));
	set_cr0(one_in(2) ? get_cr0() | 0x10000 : get_cr0() & ~0x10000u);
	flush_all();
	rmw_count = faults = 0;
	for (u32 n = 2 + rnd(6); n; n--) {
		switch (rnd(8)) {
		case 0:
		case 1: plain_access(); break;
		case 2: read_modify_write(); break;
		case 3: stack_access(); break;
		case 4: string_access(); break;
		case 5: execute(); break;
		case 6: filler(); break;
		default:
			if (now.cpl == 0 && !tame)
				change();
			else
				plain_access();
			break;
		}
	}
	end();
}

static void make_two_levels(void)
{
	two_level_cr3 = get_cr3();
	pae = false;
	make_any();
}

static void make_pae(void)
{
	two_level_cr3 = get_cr3();
	pae = true;
	make_any();
}

static void normalize(void)
{
	if (now.to.vec != 14)
		return;
	for (u32 i = 0; i < rmw_count; i++)
		if (rmw[i] == now.to.eip)
			now.to.err &= ~2u;
	if (now.to.err & 8) /* TCG: RSVD without P (SDM 3A 4.7) */
		now.to.err |= 1;
	for (unsigned i = 0; i < ENTRIES; i++)
		set_entry(i, get_entry(i) & ~(u64)(A | D));
}

static void fold_entries(void)
{
	for (unsigned i = 0; i < ENTRIES; i++) {
		fold_named("entry", (u32)get_entry(i), ~0u);
		fold((u32)(get_entry(i) >> 32));
	}
}

/* A page fault: another entry, a good one in the end. */
static bool stopped(void)
{
	unsigned i = (now.to.cr2 - page(0)) >> 12;

	if (now.to.vec != 14 || i >= PAGES || ++faults > MOST_FAULTS)
		return false;
	fold_entries();
	if (showing)
		print("\n");
	if (one_in(3)) {
		set_entry(i, address_of(i) | random_flags(i));
	} else {
		set_entry(i, address_of(i) | P | W | U);
		set_entry(TABLE, address_of(TABLE) | P | W | U);
	}
	flush_all();
	return true;
}

static void done(void)
{
	fold_entries();
	switch_off_pae();
	for (u32 i = 0; i < PAGES; i++) {
		u32 f = frame(i);

		for (u32 j = 0; j < SPOT_SIZE; j += 4)
			fold_named("word", peek(f + SPOT + j),
				   (i * 16 + j) * 0x1010101 + 0x3020100);
		fold_named("first", peek(f), ~0u);
		fold_named("last", peek(f + CROSSING), ~0u);
	}
}

const struct family paging = {.name = "paging", .make = make_two_levels,
			      .normalize = normalize, .stopped = stopped,
			      .done = done};
const struct family paging_pae = {.name = "pae", .make = make_pae,
				  .normalize = normalize, .stopped = stopped,
				  .done = done};

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest that is anything at all: any instructions at any privilege level
 * and in any mode, behind any page tables and descriptor tables, with
 * devices in its address space.  The monitor must live and its invariants
 * must hold.
 *
 * Every input runs twice, in one go and in pieces of a few instructions
 * between which the translator forgets (bt_disturb): the guest must not
 * notice.  That is only asked where the guest left its page tables as they
 * were: what it changes and does not flush a TLB may know or not.
 *
 * An input is a head, patches of tables, and code. */
#include <stdlib.h>
#include <string.h>

#include "core/bt/bt.h"
#include "core/cpu/cpu.h"
#include "core/mem/mem.h"
#include "tests/fuzz/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum {
	RAM = 2 << 20,
	GDT = 0x1000,
	IDT = 0x2000,
	TSS = 0x3000,
	HANDLER = 0x3800,
	STACK = 0x8000, /* of level 0; the others' below */
	DIR = 0x10000,  /* and a table behind it, then PAE's */
	TABLE = DIR + 0x1000,
	PDPT = DIR + 0x2000,
	PAE_DIR = DIR + 0x3000,
	PAE_TABLE = DIR + 0x4000,
	TABLES_END = DIR + 0x5000,
	CODE = 0x20ff0, /* goes on in the next page */
	DATA = 0x40000,
	INSNS = 3000,
	PATCHES = 12,
	ROUNDS = 10, /* without a reset */
};

struct head {
	u8 mode, ring, more, patches;
	u32 eflags, cut;
	u32 gpr[8];
};
enum { PAGED = 1, PAE = 2, PSE = 4, PGE = 8, WP = 16, NX = 32, REAL = 64, V86 = 128 };
enum { HANDLES = 1, CODE16 = 2, AM = 4, SSE = 8, TS = 16, STI = 32 };

/* Of a page-table entry, a descriptor, or any word of the tables. */
struct patch {
	u16 where;
	u8 what, frame;
	u8 raw[8];
};


static void put(u32 at, const void *bytes, u32 n)
{
	mem_phys_write(vm_mem(vm), at, bytes, n);
}

static void put32(u32 at, u32 value)
{
	put(at, &value, 4);
}

/* ---- the world ---- */

static void identity(void)
{
	put32(DIR, TABLE | 7);
	put32(PDPT, PAE_DIR | 1);
	put32(PAE_DIR, PAE_TABLE | 7);
	for (u32 i = 0; i < RAM >> 12; i++) {
		put32(TABLE + 4 * i, i << 12 | 7);
		put32(PAE_TABLE + 8 * i, i << 12 | 7);
	}
}

static void descriptors(bool handles)
{
	static const u64 gdt[12] = {
		0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff,
		0x00cff3000000ffff, 0x00008b0030000067, 0x0000820040000fff,
		0x00409a000000ffff, 0x000092040000ffff, 0x00cf96000000ffff,
		0x0000e50028000000, 0x0000ec0000083800,
	};
	static const u8 handler[] = { 0x83, 0xc4, 0x04, 0xcf }; /* and iret */

	put(GDT, gdt, sizeof(gdt));
	put(HANDLER, handler, sizeof(handler));
	for (u32 i = 0; i < 64 && handles; i++) {
		u32 to = i == 14 || i == 13 ? HANDLER : HANDLER + 3;

		put32(IDT + 8 * i, 8 << 16 | to);
		put32(IDT + 8 * i + 4, 0xee00);
	}
	put32(TSS + 4, STACK);
	put32(TSS + 8, 0x10);
	put32(TSS + 12, STACK - 0x1000);
	put32(TSS + 16, 0x11);
}

static u32 frame(u8 raw)
{
	static const u32 some[] = { 0xb8000, 0xfee00000, 0xfec00000, RAM,
				    RAM - 0x1000, 0xfffff000, DIR, TABLE, GDT,
				    IDT, CODE & ~0xfffu, 0xc8000, DATA, 0xa0000 };

	return raw & 0x80 ? some[raw % ARRAY_LEN(some)] : (u32)raw << 12;
}

static void apply(const struct patch *p)
{
	u32 low, high;

	memcpy(&low, p->raw, 4);
	memcpy(&high, p->raw + 4, 4);
	switch (p->what % 6) {
	case 0:
		put32(TABLE + p->where % 512 * 4, frame(p->frame) | (low & 0xfff));
		break;
	case 1:
		put32(PAE_TABLE + p->where % 512 * 8, frame(p->frame) | (low & 0xfff));
		put32(PAE_TABLE + p->where % 512 * 8 + 4, high & 0x80000001);
		break;
	case 2:
		put32(DIR + p->where % 1024 * 4, frame(p->frame) | (low & 0xfff));
		break;
	case 3:
		put32(PAE_DIR + p->where % 512 * 8, frame(p->frame) | (low & 0xfff));
		put32(PAE_DIR + p->where % 512 * 8 + 4, high & 0x80000001);
		break;
	case 4:
		put(GDT + p->where % 16 * 8, p->raw, 8);
		break;
	default:
		put(p->where & 0x4000 ? IDT + p->where % 64 * 8 : TSS + p->where % 104,
		    p->raw, 8);
	}
}

static struct seg flat(u16 sel, u16 attr)
{
	return (struct seg){ .sel = sel, .attr = attr, .limit = 0xffffffff };
}

static void registers(struct cpu *c, const struct head *h)
{
	static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS, SEG_SS };
	unsigned ring = h->mode & V86 ? 3 : h->ring & 3;

	memcpy(c->gpr, h->gpr, sizeof(c->gpr));
	for (unsigned i = 0; i < 8; i++)
		if (h->ring >> 2 & 1 || i == ESP)
			c->gpr[i] = (i == ESP ? STACK - 0x2000 : DATA) +
				    h->gpr[i] % 0x1000;
	c->gdtr = (struct dtable){ GDT, 127 };
	c->idtr = (struct dtable){ IDT, 511 };
	c->tr = (struct seg){ .sel = 0x28, .attr = 0x8b, .base = TSS, .limit = 0x67 };
	c->eip = CODE - h->ring / 16;
	if (h->mode & REAL) {
		c->seg[SEG_CS].sel = (CODE & ~0xffffu) >> 4;
		c->seg[SEG_CS].base = CODE & ~0xffffu;
		c->eip &= 0xffff;
		c->gpr[ESP] &= 0xffff;
		return;
	}
	c->cr0 = CR0_PE | CR0_ET | (h->mode & PAGED ? CR0_PG : 0) |
		 (h->mode & WP ? CR0_WP : 0) | (h->more & AM ? CR0_AM : 0) |
		 (h->more & TS ? CR0_TS : 0);
	c->cr4 = (h->mode & PAE ? CR4_PAE : 0) | (h->mode & PSE ? CR4_PSE : 0) |
		 (h->mode & PGE ? CR4_PGE : 0) |
		 (h->more & SSE ? CR4_OSFXSR | CR4_OSXMMEXCPT : 0);
	c->efer = h->mode & NX ? EFER_NXE : 0;
	c->cr3 = h->mode & PAE ? PDPT : DIR;
	c->pdpte[0] = PAE_DIR | 1;
	c->seg[SEG_CS] = flat((u16)((ring ? 0x18 : 8) | ring),
			      (u16)((h->more & CODE16 ? 0x89b : 0xc9b) | ring << SEG_DPL_SHIFT));
	for (unsigned i = 0; i < ARRAY_LEN(data); i++)
		c->seg[data[i]] = flat((u16)((ring ? 0x20 : 0x10) | ring),
				       (u16)(0xc93 | ring << SEG_DPL_SHIFT));
	c->cpl = (u8)ring;
	cpu_set_eflags(c, (h->eflags & 0x243cd5) | 2 | (h->more & STI ? 0x200 : 0));
	if (h->mode & V86) {
		cpu_set_eflags(c, cpu_eflags(c) | EFL_VM);
		for (unsigned i = 0; i < SEG_COUNT; i++)
			c->seg[i] = (struct seg){ .sel = 0x2000, .attr = 0xf3, .base = 0x20000, .limit = 0xffff };
		c->seg[SEG_CS].attr = 0xfb;
		c->eip &= 0xffff;
	}
}

/* What is behind the patches is code. */
static void renew(const struct head *h, const uint8_t *bytes, size_t len)
{
	struct patch p;

	identity();
	descriptors(h->more & HANDLES);
	for (unsigned i = 0; i < h->patches % PATCHES && len >= sizeof(p); i++) {
		memcpy(&p, bytes, sizeof(p));
		apply(&p);
		bytes += sizeof(p);
		len -= sizeof(p);
	}
	put(CODE, bytes, len < 4096 ? (u32)len : 4096);
	registers(vm_cpu(vm), h);
	vm_cpu(vm)->halted = vm_cpu(vm)->shutdown = false;
	vm_cpu(vm)->exc.pending = false;
	vm_cpu(vm)->mode_changed = true;
	mem_flush_all(vm_cpu(vm));
}

static void begin(const struct head *h, const uint8_t *bytes, size_t len)
{
	struct err e;

	CHECK(!vm_reset(vm, &e), "%s", e.text);
	renew(h, bytes, len);
}

/* ---- what could be noticed ---- */

struct outcome {
	enum vm_stop why;
	u64 icount, memory, tables;
	u32 gpr[8], eip, eflags, cr0, cr2, cr3, cr4;
	u16 sel[SEG_COUNT];
	u8 cpl;
};

static u64 fold(u64 hash, const void *bytes, u64 n, u64 mask)
{
	const u64 *at = bytes;

	for (; n; n -= 8)
		hash = ((hash ^ (*at++ & mask)) * 0x9e3779b97f4a7c15ull) ^ hash >> 29;
	return hash;
}

static struct outcome outcome(enum vm_stop why)
{
	const struct cpu *c = vm_cpu(vm);
	const u8 *ram = mem_phys_ptr(vm_mem(vm), 0, RAM);
	struct outcome o = { .why = why, .icount = vm_icount(vm), .eip = c->eip,
			     .eflags = cpu_eflags(c), .cr0 = c->cr0,
			     .cr2 = c->cr2, .cr3 = c->cr3, .cr4 = c->cr4,
			     .cpl = c->cpl };

	memcpy(o.gpr, c->gpr, sizeof(o.gpr));
	for (unsigned i = 0; i < SEG_COUNT; i++)
		o.sel[i] = c->seg[i].sel;
	o.memory = fold(0, ram, RAM, ~0ull);
	o.tables = fold(0, ram + DIR, TABLES_END - DIR, ~0x6000000060ull);
	return o;
}

static enum vm_stop run_whole(void)
{
	polls = 0;
	return vm_run(vm, INSNS);
}

static enum vm_stop run_in_pieces(u32 cut)
{
	enum vm_stop why = STOP_LIMIT;
	u64 dice = cut | 1, left;

	while (why == STOP_LIMIT && (left = INSNS - vm_icount(vm))) {
		u64 piece = 1 + (dice >> 40) % (1u << (dice >> 33) % 8);

		polls = 0;
		why = vm_run(vm, piece < left ? piece : left);
		dice = dice * 6364136223846793005ull + 1442695040888963407ull;
		if (dice >> 62 == 0)
			bt_disturb(vm_bt(vm), dice >> 20);
	}
	bt_catch(vm_bt(vm), 0, 0);
	return why;
}

static void compare(const struct head *h, const uint8_t *bytes, size_t len)
{
	struct outcome a, b;
	u64 before;

	begin(h, bytes, len);
	before = outcome(STOP_LIMIT).tables;
	a = outcome(run_whole());
	begin(h, bytes, len);
	b = outcome(run_in_pieces(h->cut));
	if (a.tables != before || b.tables != before || a.cr3 != b.cr3 ||
	    a.why == STOP_INTERRUPT || b.why == STOP_INTERRUPT)
		return;
	CHECK(a.why == b.why && a.icount == b.icount,
	      "stop %d after %llu instructions, in pieces %d after %llu", a.why,
	      (unsigned long long)a.icount, b.why, (unsigned long long)b.icount);
	CHECK(a.eip == b.eip && a.eflags == b.eflags && a.cpl == b.cpl,
	      "at %08x with %08x, in pieces at %08x with %08x", a.eip, a.eflags,
	      b.eip, b.eflags);
	CHECK(!memcmp(a.gpr, b.gpr, sizeof(a.gpr)) &&
		      !memcmp(a.sel, b.sel, sizeof(a.sel)),
	      "registers differ in pieces");
	CHECK(a.cr0 == b.cr0 && a.cr2 == b.cr2 && a.cr4 == b.cr4,
	      "control registers differ in pieces");
	CHECK(a.memory == b.memory, "memory differs in pieces");
}

/* xorshift64 (Marsaglia 2003) */
static u64 roll(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	return *seed ^= *seed << 17;
}

/* A reset takes longest; so what is alike runs without one, on the machine as
 * the last has left it. */
static void vary(const uint8_t *bytes, size_t len)
{
	u64 seed = fold(len + 1, bytes, len & ~7ull, ~0ull) | 1;
	u8 *copy = malloc(len);
	struct head h;

	CHECK(copy, "no memory");
	for (unsigned round = 0; round < ROUNDS; round++) {
		memcpy(copy, bytes, len);
		for (unsigned i = 0; i < 4; i++)
			copy[(roll(&seed) >> 20) % len] = (u8)(roll(&seed) >> 30);
		memcpy(&h, copy, sizeof(h));
		renew(&h, copy + sizeof(h), len - sizeof(h));
		polls = 0;
		vm_run(vm, INSNS);
	}
	free(copy);
	vm_check(vm);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct head h;

	if (len < sizeof(h))
		return 0;
	memcpy(&h, bytes, sizeof(h));
	if (!vm)
		make_machine(RAM, false, 1 << 20);
	compare(&h, bytes + sizeof(h), len - sizeof(h));
	vary(bytes, len);
	return 0;
}

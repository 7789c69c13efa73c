/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest kernel that calls VMI's ROM with anything: any call or any other
 * byte of the ROM, any registers and stack, from any ring and virtual-8086
 * mode, by jumps and through other mappings, paging on and off, tables and
 * alarms as earlier calls left them.  The monitor must live, and the ROM must
 * stay as it is.
 *
 * Every input runs twice: calls that are in line the first time are not the
 * second time, and the first time somebody looks on: calls are caught and
 * timed, and instructions stepped.  The guest must not notice.
 *
 * An action is 20 bytes: what is called, how, and four values.  As resetting
 * the machine takes longest, each input is followed by more actions that a
 * generator seeded by its length and last bytes makes. */
#include <stdlib.h>
#include <string.h>

#include "core/cpu/cpu.h"
#include "core/mem/mem.h"
#include "tests/fuzz/machine.h"
#include "vmi/vmi.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum {
	RAM = 4 << 20,
	SITE = 0x10000,	   /* call stub; int 80h */
	HANDLER = 0x10100, /* hlt, for all vectors */
	STACK = 0x20000,
	GDT = 0x30000,
	IDT = 0x31000,
	TSS = 0x32000,
	DIR = 0x40000, /* tables behind it */
	ARENA = 0x100000,
	ROM = 0xc8000,
	ROM_LEN = 0x1000,
	MAPPED_AT = 0x2ff000, /* the ROM once more */
	MORE = 30,
	ACTIONS_MAX = 1000,
};
enum { KCS = 8, KDS = 0x10, UCS = 0x1b, UDS = 0x23, TSS_SEL = 0x28 };

enum { RING3 = 1, BARE = 2, PAGED = 4, RENEW = 8, ELSEWHERE = 16, V86 = 32,
       INLINE_CHANGES = 64, LONG_RUN = 128 };
enum { RING1 = 1, RING2 = 2, JUMP = 4, STORE = 8, LOOK = 16, STEPS = 32, TRAP = 64,
       MAPPED = 128 };

/* The numbers behind those of the calls are the fixed entry points. */
struct action {
	u8 number, how, more, unused;
	u32 value[4]; /* eax, edx, ecx, above the return address */
};

static struct vmi *vmi;
static u8 rom[ROM_LEN];
static bool looking;   /* somebody looks on */
static u32 caught;     /* a call, VM_ANY: none */

static void put(u32 at, const void *bytes, u32 n)
{
	mem_phys_write(vm_mem(vm), at, bytes, n);
}

static void put32(u32 at, u32 value)
{
	put(at, &value, 4);
}

/* Half of the values are such that something may come of them. */
static u32 value(u32 raw)
{
	static const u32 pool[] = {
		0, 1, 2, 3, 7, 8, 0x10, 0x18, 0x20, 0x28, 0x20f, 0x1b0, 0x174,
		0x277, 0xffff, 0x200, 0x3000, 0x100, 0x10000, 0x10101, 0x20,
		0x80, 0xb0, 0x320, 0x380, 0x300, 0x310, DIR, DIR + 0x1000,
		DIR + 0xc00, GDT, GDT + 4, IDT, TSS, ARENA, ARENA + 0xffd,
		STACK, STACK - 2, SITE, HANDLER, ROM, ROM + 0x80, ROM + 0xffe,
		0xfee00000, 0xfee000b0, 0xfec00000, 0xa0000, 0x3fffff,
		0x400000, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff,
		0x80000001, 0x80000011, 0x11, 0x101003, 0x80050033, 0x6f0,
		0x20, 0x30, ARENA | 3, ARENA | 0x103, (DIR + 0x1000) | 7,
	};

	return raw & 0x80000000 ? raw & 0x7fffffff
				: pool[raw % ARRAY_LEN(pool)] + (raw >> 28 & 1);
}

static struct seg flat(u16 sel, u16 attr)
{
	return (struct seg){ .sel = sel, .attr = attr, .limit = 0xffffffff };
}

/* Tables, and code to stop at. */
static void renew_memory(void)
{
	static const u64 gdt[8] = {
		0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff,
		0x00cff3000000ffff, 0x00008b0320000067, 0x0000820310000fff,
	};
	static const u8 stop[] = { 0xf4, 0xeb, 0xfd };

	put(HANDLER, stop, sizeof(stop));
	put(GDT, gdt, sizeof(gdt));
	for (u32 i = 0; i < 256; i++) {
		put32(IDT + 8 * i, KCS << 16 | (HANDLER & 0xffff));
		put32(IDT + 8 * i + 4, (HANDLER & 0xffff0000u) | 0xee00);
	}
	put32(TSS + 4, STACK - 0x1000);
	put32(TSS + 8, KDS);
	put32(DIR, (DIR + 0x1000) | 7);
	put32(DIR + 4, (DIR + 0x1000) | 7);
	for (u32 i = 0; i < 1024; i++)
		put32(DIR + 0x1000 + 4 * i, i << 12 | 7);
	put32(DIR + 0x1000 + 4 * (MAPPED_AT >> 12), ROM | 7);
}

/* The state a kernel calls in. */
static void renew(struct cpu *c, unsigned how, unsigned more)
{
	static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS, SEG_SS };
	bool user = how & (RING3 | V86);
	unsigned ring = user ? 3 : more & (RING1 | RING2);

	renew_memory();
	c->cr0 = 0x11 | (how & PAGED ? 0x80000000 : 0);
	c->cr3 = DIR;
	c->cr4 = 0;
	c->gdtr = (struct dtable){ GDT, 63 };
	c->idtr = (struct dtable){ IDT, 2047 };
	c->ldtr = (struct seg){ 0 };
	c->tr = (struct seg){ .sel = TSS_SEL, .attr = 0x8b, .base = TSS, .limit = 0x67 };
	c->seg[SEG_CS] = flat(user ? UCS : KCS, user ? 0xcfb : 0xc9b);
	for (unsigned i = 0; i < ARRAY_LEN(data); i++)
		c->seg[data[i]] = flat(user ? UDS : KDS, user ? 0xcf3 : 0xc93);
	if (how & BARE)
		for (unsigned i = 0; i < 4; i++)
			c->seg[data[i]] = (struct seg){ 0 };
	for (unsigned i = 0; i < SEG_COUNT && ring; i++) {
		c->seg[i].sel |= ring;
		c->seg[i].attr |= ring << SEG_DPL_SHIFT;
	}
	cpu_set_eflags(c, 2);
	c->cpl = (u8)ring;
	if (how & V86) {
		cpu_set_eflags(c, 0x23002);
		for (unsigned i = 0; i < SEG_COUNT; i++)
			c->seg[i] = (struct seg){ .sel = 0x1000, .attr = 0xf3, .base = 0x10000, .limit = 0xffff };
		c->seg[SEG_CS].attr = 0xfb;
	}
	c->halted = c->shutdown = false;
	c->exc.pending = false;
	c->mode_changed = true;
	mem_flush_all(c);
}

static u32 target(const struct action *a)
{
	u32 rom_at = a->more & MAPPED ? MAPPED_AT : ROM;

	if (a->how & ELSEWHERE)
		return rom_at + (a->value[3] & 0xfff);
	if (a->number >= VMI_CALLS)
		return rom_at + (a->number & 1 ? 0x80 : 0x88);
	return rom_at + (u32)(vmi_stub(a->number) - ROM);
}

/* [mov %eax, target+4]; call or jmp target; int 80h */
static void put_site(const struct action *a)
{
	u8 site[12] = { 0xa3, 0, 0, 0, 0, a->more & JUMP ? 0xe9 : 0xe8,
			0, 0, 0, 0, 0xcd, 0x80 };
	u32 to = target(a), into = to + 4, by = to - SITE - 10;

	memcpy(site + 1, &into, 4);
	memcpy(site + 6, &by, 4);
	put(SITE, site, sizeof(site));
}

/* Somebody begins to look, or looks no more. */
static void look(const struct action *a)
{
	if (!looking)
		return;
	vmi_set_timing(vmi, !vmi_timing(vmi));
	if (caught != VM_ANY)
		vm_catch_remove(vm, VM_EVENT_CALL, caught);
	caught = caught == VM_ANY ? a->number % VMI_CALLS : VM_ANY;
	if (caught != VM_ANY)
		vm_catch_add(vm, VM_EVENT_CALL, caught);
}

static enum vm_stop go(u64 insns, bool steps)
{
	u64 end = vm_icount(vm) + insns, left;
	enum vm_stop why;

	do {
		left = end - vm_icount(vm);
		polls = 0;
		vm_pass_break(vm, true);
		why = vm_run(vm, looking && steps && left ? 1 : left);
	} while (why == STOP_BREAKPOINT ||
		 (why == STOP_LIMIT && vm_icount(vm) < end));
	return why;
}

static enum vm_stop act(const struct action *a)
{
	struct cpu *c = vm_cpu(vm);
	u8 now[ROM_LEN];
	enum vm_stop why;

	if (a->how & INLINE_CHANGES)
		vmi_set_in_line(vmi, !vmi_in_line_on(vmi));
	if (a->more & LOOK)
		look(a);
	if (a->how & RENEW)
		renew(c, a->how, a->more);
	put_site(a);
	c->gpr[EAX] = value(a->value[0]);
	c->gpr[EDX] = value(a->value[1]);
	c->gpr[ECX] = value(a->value[2]);
	c->gpr[EBX] = c->gpr[EBP] = 0x5a5a5a5a;
	c->gpr[ESI] = c->gpr[EDI] = value(a->value[0] ^ a->value[1]);
	c->gpr[ESP] = a->value[3] >> 28 == 15 ? value(a->value[3] << 1) : STACK - 64;
	put32(STACK - 64, value(a->value[3]));
	put32(STACK - 60, value(a->value[2] >> 3));
	put32(STACK - 56, value(a->value[1] >> 5));
	c->halted = false;
	c->eip = (a->more & STORE ? SITE : SITE + 5) -
		 (a->how & V86 ? 0x10000 : 0);
	if (a->more & TRAP)
		cpu_set_eflags(c, cpu_eflags(c) | EFL_TF);
	why = go(a->how & LONG_RUN ? 200 : 20, a->more & STEPS);
	mem_phys_read(vm_mem(vm), ROM, now, ROM_LEN);
	CHECK(!memcmp(now, rom, ROM_LEN), "the ROM has changed");
	return why;
}

/* ---- what the guest could notice ---- */

static u64 fold(u64 hash, const void *bytes, u64 n)
{
	const u8 *at = bytes;
	u64 word;

	for (; n >= 8; at += 8, n -= 8) {
		memcpy(&word, at, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	while (n--)
		hash = (hash ^ *at++) * 0x100000001b3ull;
	return hash;
}

static const char *const parts[] = {
	"why",	"icount", "eip", "eflags", "eax", "ecx", "edx",	   "ebx",
	"esp",	"ebp",	  "esi", "edi",	   "cr0", "cr2", "cr3",	   "cr4",
	"segments", "tables", "dr", "counts", "memory", "paging",
};
enum { PAGING = ARRAY_LEN(parts) - 1 };
struct snapshot {
	u64 part[ARRAY_LEN(parts)];
};

static u64 counts(void)
{
	u64 hash = 0;

	for (unsigned i = 0; i < VMI_CALLS; i++) {
		struct vmi_cost cost = vmi_cost(vmi, i);

		hash = fold(hash, &cost.count, 8);
		hash = fold(hash, &cost.insns, 8);
	}
	return hash;
}

static u64 segments(const struct cpu *c)
{
	u64 hash = 0;

	for (unsigned i = 0; i < SEG_COUNT; i++)
		hash = fold(hash, &c->seg[i].sel, 2) + c->seg[i].base +
		       c->seg[i].limit + c->seg[i].attr;
	return hash;
}

/* Are the page tables those that renew_memory() makes, but for accessed and
 * dirty bits?  If not, what a TLB remembers may differ, and all that follows. */
static bool tables_as_made(void)
{
	const u32 *table = mem_phys_ptr(vm_mem(vm), DIR + 0x1000, 0x1000);
	const u32 *dir = mem_phys_ptr(vm_mem(vm), DIR, 0x1000);
	u32 wrong = 0;

	for (u32 i = 0; i < 1024; i++) {
		u32 made = i == MAPPED_AT >> 12 ? ROM | 7 : i << 12 | 7;

		wrong |= (table[i] ^ made) & ~0x60u;
		wrong |= (dir[i] ^ (i < 2 ? (DIR + 0x1000) | 7 : 0)) & ~0x60u;
	}
	return !wrong;
}

static struct snapshot snapshot(enum vm_stop why, bool with_memory)
{
	const struct cpu *c = vm_cpu(vm);
	const u32 *r = c->gpr;
	u64 memory = with_memory ? fold(0, mem_phys_ptr(vm_mem(vm), ARENA,
							0x100000), 0x100000)
				 : 0;

	return (struct snapshot){ { why, vm_icount(vm), c->eip, cpu_eflags(c),
		r[EAX], r[ECX], r[EDX], r[EBX], r[ESP], r[EBP], r[ESI], r[EDI],
		c->cr0, c->cr2, c->cr3, c->cr4, segments(c),
		(u64)c->tr.sel << 48 ^ (u64)c->ldtr.sel << 32 ^ c->gdtr.base ^
			(u64)c->idtr.base << 24 ^ c->tr.base,
		fold(0, c->dr, sizeof(c->dr)), counts(), memory,
		tables_as_made() } };
}

static void compare(unsigned action, const struct snapshot *a,
		    const struct snapshot *b)
{
	if (a->part[0] == STOP_INTERRUPT && b->part[0] == STOP_INTERRUPT)
		return; /* in the middle of getting nowhere */
	for (unsigned i = 0; i < ARRAY_LEN(parts); i++)
		CHECK(a->part[i] == b->part[i],
		      "after action %u %s is %llx when somebody looks, else %llx",
		      action, parts[i], (unsigned long long)a->part[i],
		      (unsigned long long)b->part[i]);
}

/* xorshift64 (Marsaglia 2003) */
static struct action invent(u64 *seed)
{
	union {
		u32 word[sizeof(struct action) / 4];
		struct action action;
	} u;

	for (unsigned i = 0; i < ARRAY_LEN(u.word); i++) {
		*seed ^= *seed << 13;
		*seed ^= *seed >> 7;
		*seed ^= *seed << 17;
		u.word[i] = (u32)(*seed >> 16);
	}
	u.action.number %= VMI_CALLS + 2;
	return u.action;
}

static void make(void)
{
	struct err e;

	make_machine(RAM, true, 0);
	vmi = vmi_new(vm, &e);
	CHECK(vmi, "%s", e.text);
	mem_phys_read(vm_mem(vm), ROM, rom, ROM_LEN);
}

static void begin(size_t len, bool first)
{
	struct err e;

	if (!vm)
		make();
	looking = false;
	caught = VM_ANY;
	CHECK(!vm_reset(vm, &e), "%s", e.text);
	looking = first;
	vmi_set_timing(vmi, false);
	vmi_set_in_line(vmi, (len & 1) ^ first);
	renew(vm_cpu(vm), len & 6, 0);
}

static void end(void)
{
	if (caught != VM_ANY)
		vm_catch_remove(vm, VM_EVENT_CALL, caught);
}

/* False: the machine has ended, or gets nowhere. */
static bool goes_on(enum vm_stop why)
{
	return why == STOP_LIMIT || why == STOP_HALTED ||
	       why == STOP_GUEST_BREAK;
}

/* Runs all of it; the state after each action, and how many there were. */
static unsigned all(const uint8_t *bytes, size_t len, bool first,
		    struct snapshot states[ACTIONS_MAX])
{
	u64 seed = len * 0x9e3779b97f4a7c15ull + 1;
	enum vm_stop why = STOP_LIMIT;
	struct action a;
	unsigned n = 0;

	begin(len, first);
	for (; goes_on(why) && n < ACTIONS_MAX - MORE && len >= sizeof(a);
	     bytes += sizeof(a), len -= sizeof(a)) {
		memcpy(&a, bytes, sizeof(a));
		why = act(&a);
		states[n++] = snapshot(why, false);
	}
	while (len--)
		seed = (seed ^ bytes[len]) * 0x100000001b3ull;
	for (unsigned i = 0; goes_on(why) && i < MORE; i++) {
		a = invent(&seed);
		why = act(&a);
		states[n++] = snapshot(why, i % 8 == 7);
	}
	end();
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct snapshot first[ACTIONS_MAX], second[ACTIONS_MAX];
	unsigned n = all(bytes, len, true, first);
	unsigned m = all(bytes, len, false, second);

	for (unsigned i = 0; i < n && i < m; i++) {
		if (!first[i].part[PAGING] || !second[i].part[PAGING])
			return 0;
		compare(i, &first[i], &second[i]);
	}
	CHECK(n == m, "%u actions, then %u", n, m);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest kernel that calls VMI's ROM with anything: any call or any other
 * byte of the ROM, any registers and stack, from rings 0 and 3 and virtual-
 * 8086 mode, paging on and off, tables and alarms as earlier calls left them.
 * The monitor must live, and the ROM must stay as it is.
 *
 * An action is 20 bytes: what is called, how, and four values.  As resetting
 * the machine takes longest, each input is followed by more actions that a
 * generator seeded by its length and last bytes makes. */
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/cpu/cpu.h"
#include "core/mem/mem.h"
#include "core/vm/vm.h"
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
	MORE = 30,
};
enum { KCS = 8, KDS = 0x10, UCS = 0x1b, UDS = 0x23, TSS_SEL = 0x28 };

enum { RING3 = 1, BARE = 2, PAGED = 4, RENEW = 8, ELSEWHERE = 16, V86 = 32,
       INLINE_CHANGES = 64, LONG_RUN = 128 };

/* The numbers behind those of the calls are the fixed entry points. */
struct action {
	u8 number, how, unused[2];
	u32 value[4]; /* eax, edx, ecx, above the return address */
};

static struct vm *vm;
static struct vmi *vmi;
static u8 rom[ROM_LEN];
static unsigned polls; /* in this run */

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
	return (struct seg){ sel, attr, 0, 0xffffffff };
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
}

/* The state a kernel calls in. */
static void renew(struct cpu *c, unsigned how)
{
	static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS, SEG_SS };
	bool user = how & (RING3 | V86);

	renew_memory();
	c->cr0 = 0x11 | (how & PAGED ? 0x80000000 : 0);
	c->cr3 = DIR;
	c->cr4 = 0;
	c->gdtr = (struct dtable){ GDT, 63 };
	c->idtr = (struct dtable){ IDT, 2047 };
	c->ldtr = (struct seg){ 0 };
	c->tr = (struct seg){ TSS_SEL, 0x8b, TSS, 0x67 };
	c->seg[SEG_CS] = flat(user ? UCS : KCS, user ? 0xcfb : 0xc9b);
	for (unsigned i = 0; i < ARRAY_LEN(data); i++)
		c->seg[data[i]] = flat(user ? UDS : KDS, user ? 0xcf3 : 0xc93);
	if (how & BARE)
		for (unsigned i = 0; i < 4; i++)
			c->seg[data[i]] = (struct seg){ 0 };
	cpu_set_eflags(c, 2);
	c->cpl = user ? 3 : 0;
	if (how & V86) {
		cpu_set_eflags(c, 0x23002);
		for (unsigned i = 0; i < SEG_COUNT; i++)
			c->seg[i] = (struct seg){ 0x1000, 0xf3, 0x10000, 0xffff };
		c->seg[SEG_CS].attr = 0xfb;
	}
	c->halted = c->shutdown = false;
	c->exc.pending = false;
	c->mode_changed = true;
	mem_flush_all(c);
}

static u32 target(const struct action *a)
{
	if (a->how & ELSEWHERE)
		return ROM + (a->value[3] & 0xfff);
	if (a->number >= VMI_CALLS)
		return a->number & 1 ? ROM + 0x80 : ROM + 0x88;
	return (u32)vmi_stub(a->number);
}

/* False: the machine has ended. */
static bool act(const struct action *a)
{
	struct cpu *c = vm_cpu(vm);
	u8 site[7] = { 0xe8, 0, 0, 0, 0, 0xcd, 0x80 };
	u32 by = target(a) - SITE - 5;
	u8 now[ROM_LEN];
	enum vm_stop why;

	if (a->how & INLINE_CHANGES)
		vmi_set_in_line(vmi, !vmi_in_line_on(vmi));
	if (a->how & RENEW)
		renew(c, a->how);
	memcpy(site + 1, &by, 4);
	put(SITE, site, sizeof(site));
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
	c->eip = a->how & V86 ? SITE - 0x10000 : SITE;
	polls = 0;
	why = vm_run(vm, a->how & LONG_RUN ? 200 : 20);
	mem_phys_read(vm_mem(vm), ROM, now, ROM_LEN);
	CHECK(!memcmp(now, rom, ROM_LEN), "the ROM has changed");
	return why == STOP_LIMIT || why == STOP_HALTED ||
	       why == STOP_GUEST_BREAK || why == STOP_INTERRUPT;
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

/* Called once as a run begins, then only when the guest gets nowhere. */
static void poll(void *arg, int timeout_ms)
{
	(void)arg;
	if (vm && (timeout_ms || polls++))
		vm_interrupt(vm);
}

static void make(void)
{
	static const struct vm_config config = {
		.ram = RAM, .show_vmi = true, .flat_load = -1,
		.no_reboot = true, .has_apic = true, .poll = poll,
	};
	struct err e;

	vm = vm_new(&config, &e);
	CHECK(vm, "%s", e.text);
	vmi = vmi_new(vm, &e);
	CHECK(vmi, "%s", e.text);
	mem_phys_read(vm_mem(vm), ROM, rom, ROM_LEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	u64 seed = len * 0x9e3779b97f4a7c15ull + 1;
	struct action a;
	struct err e;

	if (!vm)
		make();
	else
		CHECK(!vm_reset(vm, &e), "%s", e.text);
	vmi_set_in_line(vmi, len & 1);
	renew(vm_cpu(vm), len & 6);
	for (; len >= sizeof(a); bytes += sizeof(a), len -= sizeof(a)) {
		memcpy(&a, bytes, sizeof(a));
		if (!act(&a))
			return 0;
	}
	while (len--)
		seed = (seed ^ bytes[len]) * 0x100000001b3ull;
	for (unsigned i = 0; i < MORE; i++) {
		a = invent(&seed);
		if (!act(&a))
			break;
	}
	return 0;
}

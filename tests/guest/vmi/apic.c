/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The local APIC by calls, for both kinds of kernels: those that give a
 * register's offset and those that give its linear address.  And another
 * processor: its state is taken, but there is none to start. */
#include "tests/guest/vmi/vmi.h"

enum { ID = 0x20, VERSION = 0x30, TPR = 0x80, SVR = 0xf0, ESR = 0x280,
       ICR = 0x300, ICR_HIGH = 0x310, LVTT = 0x320, APIC = 0xfee00000,
       MOVED = 0xfec20000, BASE_MSR = 0x1b };
enum { PCD = 0x10 };
enum { INIT = 0x4500, STARTUP = 0x4600, PENDING = 0x1000 };

static u32 get(u32 reg)
{
	return (u32)vmi(APICRead, reg, 0, 0);
}

static void set(u32 reg, u32 value)
{
	vmi(APICWrite, reg, value, 0);
}

static void forms(void)
{
	static const u32 base[] = {0, APIC, 0xffffe000, 0xfffb9000, 0x1000,
				   0x80000000, 0xc8000};

	for (u32 i = 0; i < sizeof(base) / 4; i++) {
		set(base[i] + TPR, 0x10 * (i + 1));
		print("%x: version %x, TPR %x by call, %x in memory\n", base[i],
		      get(base[i] + VERSION), get(base[i] + TPR), peek(APIC + TPR));
		poke(APIC + TPR, 0x80);
		print("   and back %x\n", get(base[i] + TPR));
	}
	set(TPR, 0);
	print("between registers: %x %x\n", get(VERSION + 1), get(VERSION + 3));
	print("no register: %x, and beyond a page %x\n", get(0x40), get(0x1000 + VERSION));
	set(LVTT, 0xffffffff);
	print("only bits that are there: %x\n", get(LVTT));
	set(ID, 0xffffffff);
	print("ID %x %d\n", get(ID), get(ID) == peek(APIC + ID));
	VMI(0, "mov eax, 0x80; mov edx, 0x20; vmi APICWrite; mov eax, 0xfee00080; vmi APICRead");
	BARE("mov eax, 0x80; vmi APICRead");
	VMI(3, "mov eax, 0x80; vmi APICRead");
	VMI(3, "mov eax, 0x80; xor edx, edx; vmi APICWrite");
}

/* The call means the APIC, whatever its base is said to be. */
static void moved(void)
{
	u64 base = vmi(RDMSR, 0, 0, BASE_MSR);

	set(TPR, 0x40);
	vmi(WRMSR, MOVED | ((u32)base & 0xfff), 0, BASE_MSR);
	print("moved: %x by call\n", get(TPR));
	set(TPR, 0x50);
	vmi(WRMSR, (u32)base, 0, BASE_MSR);
	print("and back: %x\n", get(TPR));
}

static u32 started;

static void other(void)
{
	static u8 state[92 + 3];
	u32 *s = (u32 *)(state + 3); /* it may lie anywhere */

	set(SVR, 0x1ff);
	s[0] = get_cr0();
	s[2] = get_cr3();
	s[6] = FRAG("inc dword ptr started; 1: jmp 1b");
	VMI(0, "mov eax, 0x3000000; mov edx, 1; vmi SetInitialAPState");
	VMI(0, "mov eax, 0x1ffffd0; mov edx, 1; vmi SetInitialAPState"); /* half of it */
	VMI(0, "mov eax, 0x1800000; mov edx, 0xffffffff; vmi SetInitialAPState");
	VMI(0, "mov eax, 0xc8000; mov edx, 0; vmi SetInitialAPState");
	set(ICR_HIGH, 1 << 24);
	set(ICR, INIT);
	vmi(SetInitialAPState, (u32)s, 1, 0);
	vmi(SetInitialAPState, (u32)s, 2, 0);
	fill(state, 0xff, sizeof(state));
	for (u32 i = 0; i < 2; i++) {
		set(ICR, STARTUP | 0x99);
		for (u32 k = 0; k < 100000; k++)
			asm volatile("" ::: "memory");
		print("started %d, sending %x\n", started, get(ICR) & PENDING);
	}
}

void test(void)
{
	static u32 table[1024] __attribute__((aligned(4096)));

	find_rom(true);
	print("offsets and addresses\n");
	paging_on();
	for (u32 i = 0; i < 1024; i++)
		table[i] = (0xfec00000 + i * 4096) | P | W | PCD;
	*pde(APIC) = (u32)table | P | W;
	forms();
	print("elsewhere\n");
	moved();
	print("another processor\n");
	other();
}

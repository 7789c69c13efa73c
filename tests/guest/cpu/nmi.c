/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Non-maskable interrupts, which the guest sends itself through the local
 * APIC: they come whatever IF is, and one that arrives while another is
 * served is held until IRET, then taken before the instruction that IRET
 * leads to (SDM 3A 6.7.1).  QEMU takes them late. */
#include "rt.h"

#define APIC_ICR "0xfee00300"
#define SEND "mov dword ptr [" APIC_ICR "], 0x400;"

/* What the handler sees, and does: `then` more NMIs from within. */
u32 nmi_count, nmi_at[4], nmi_within[4], nmi_then;
void nmi_entry(void);

asm(".text\n"
    "nmi_entry: push %eax\n"
    "	mov nmi_count, %eax\n"
    "	incl nmi_count\n"
    "	pushl 4(%esp)\n"
    "	popl nmi_at(, %eax, 4)\n"
    "	cmpl $0, nmi_then\n"
    "	je 1f\n"
    "	decl nmi_then\n"
    "	movl $0x400, " APIC_ICR "\n"
    "	nop\n"
    "1:	mov nmi_count, %eax\n"
    "	mov %eax, nmi_within - 4(, %eax, 4)\n"
    "	pop %eax\n"
    "	iret");

static void send(const char *name, u32 code, u32 then)
{
	struct state s = at(0, code);

	nmi_count = 0;
	nmi_then = then;
	run(&s);
	print("%s: vector %b, %d NMIs, at", name, s.vec, nmi_count);
	for (u32 i = 0; i < nmi_count && i < 4; i++)
		print(" +%d (%d)", nmi_at[i] - code, nmi_within[i]);
	print("\n");
}

void test(void)
{
	rt_idt[2] = gate(KCS, (u32)nmi_entry, 0x8e);
	send("to itself", FRAG(SEND "nop"), 0);
	send("one more from within", FRAG(SEND "nop"), 1);
	send("and one more from that", FRAG(SEND "nop"), 2);
	send("to code with IF", FRAG("sti;" SEND "nop; cli"), 1);
	send("before a store to SS", FRAG("mov eax, ss;" SEND "mov ss, eax; nop"), 1);
}

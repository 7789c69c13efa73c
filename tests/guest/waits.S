/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interrupts that wait so long as can be counted here, for tests/analyses: the
 * processor sends them to itself through its APIC, the timer through the PIC. */
	.set STACK, 0x180000
	.set SVR, 0xfee000f0
	.set EOI, 0xfee000b0
	.set ICR, 0xfee00300
	.set SELF, 0x40000

	.text
	.globl _start
	.align 4
	.long 0x1badb002, 0, -0x1badb002	/* multiboot 1 */

	.macro gate vector, handler
	mov $\handler, %eax
	mov %ax, idt + \vector * 8
	mov %cs, idt + \vector * 8 + 2
	movw $0x8e00, idt + \vector * 8 + 4
	shr $16, %eax
	mov %ax, idt + \vector * 8 + 6
	.endm
	.macro outb port, value
	mov $\value, %al
	out %al, $\port
	.endm

_start:
	mov $STACK, %esp
	gate 0x20, tick
	gate 0x40, low
	gate 0x51, high
	lidt idtr
	outb 0x21, 0xff
	outb 0xa1, 0xff
	movl $0x1ff, SVR
	/* twice at once: it is taken behind the instruction that asks */
	sti
	movl $SELF + 0x40, ICR
	movl $SELF + 0x40, ICR
	/* 103: the instruction, 100, STI and the one behind it */
	cli
	movl $SELF + 0x40, ICR
	.fill 100, 1, 0x90
	sti
	nop
	/* while a more urgent one is in service: the instruction, 20, EOI, IRET */
	movl $SELF + 0x51, ICR
	/* two at a time are one */
	cli
	movl $SELF + 0x40, ICR
	movl $SELF + 0x40, ICR
	sti
	nop
	cli
	/* the PIC: vectors 20h and 28h; the timer's line falls again */
	mov $ports, %esi
1:	movzbl (%esi), %edx
	mov 1(%esi), %al
	out %al, %dx
	add $2, %esi
	cmp $ports_end, %esi
	jb 1b
	mov $10000, %ecx
	loop .
	outb 0x43, 0x30
	/* masked while it comes */
	outb 0x21, 0xff
	outb 0x40, 10
	outb 0x40, 0
	mov $10000, %ecx
	loop .
	sti
	.fill 50, 1, 0x90
	outb 0x21, 0xfe
	nop
	cli
	xor %eax, %eax
	out %al, $0xf4

low:	.fill 10, 1, 0x90
	movl $0, EOI
	iret

high:	movl $SELF + 0x40, ICR
	.fill 20, 1, 0x90
	movl $0, EOI
	iret

tick:	push %eax
	outb 0x20, 0x20
	pop %eax
	iret

	.data
ports:	.byte 0x20, 0x11, 0x21, 0x20, 0x21, 4, 0x21, 1, 0x21, 0xfe, 0xa1, 0xff
	.byte 0x43, 0x30, 0x40, 10, 0x40, 0
ports_end:
idtr:	.word 0x60 * 8 - 1
	.long idt
	.bss
	.align 8
idt:	.skip 0x60 * 8

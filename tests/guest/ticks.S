/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts ticks of the 8254 at 1000 Hz for 1.5 s by the time-stamp counter
 * (1 GHz), without ever waiting for them, and prints the count as eight
 * hexadecimal digits: tests/repl/held.py holds the process meanwhile. */
	.set STACK, 0x180000
	.set DIVISOR, 1193

	.text
	.globl _start
	.align 4
	.long 0x1badb002, 0, -0x1badb002	/* multiboot 1 */
_start:
	mov $STACK, %esp
	mov $tick, %eax
	movw %ax, gate
	mov %cs, gate + 2
	shr $16, %eax
	movw %ax, gate + 6
	lidt idtr
	mov $ports, %esi			/* port, value */
1:	movzbl (%esi), %edx
	movb 1(%esi), %al
	out %al, %dx
	add $2, %esi
	cmp $ports_end, %esi
	jb 1b
	rdtsc
	mov %eax, %ebx
	sti
2:	rdtsc
	sub %ebx, %eax
	cmp $1500000000, %eax
	jb 2b
	cli
	mov $8, %ecx
3:	roll $4, count
	mov count, %eax
	and $15, %eax
	mov digits(%eax), %al
	out %al, $0xe9
	loop 3b
	mov $10, %al
	out %al, $0xe9
	xor %eax, %eax
	out %al, $0xf4

tick:	push %eax
	incl count
	mov $0x20, %al
	out %al, $0x20
	pop %eax
	iret

	.data
digits:	.ascii "0123456789abcdef"
ports:	.byte 0x20, 0x11, 0x21, 0x20, 0x21, 4, 0x21, 1, 0x21, 0xfe
	.byte 0xa1, 0xff, 0x43, 0x34, 0x40, DIVISOR & 0xff, 0x40, DIVISOR >> 8
ports_end:
count:	.long 0
idtr:	.word 0x20 * 8 + 7
	.long gate - 0x20 * 8
	.align 8
gate:	.quad 0x00008e0000000000

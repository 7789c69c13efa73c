/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Code as compilers make it for kernels: no frame pointers, no description of
 * frames.  _start calls outer, that calls middle, that inner; which is
 * interrupted; the handler calls handle, and that leaf. */
	.set STACK, 0x180000

	.macro FUNCTION name
	.type \name, @function
\name:
	.endm

	.text
	.globl _start
	.align 4
	.long 0x1badb002, 0, -0x1badb002	/* multiboot 1 */
FUNCTION _start
	mov $STACK, %esp
	mov $handler, %eax
	movw %ax, gate
	mov %cs, gate + 2
	shr $16, %eax
	movw %ax, gate + 6
	lidt idtr
	xor %ebp, %ebp
	call outer
	xor %eax, %eax
	out %al, $0xf4
	.size _start, . - _start

FUNCTION outer
	push %esi
	push $middle			/* an address of code, but no call's */
	call middle
	add $8, %esp
	ret
	.size outer, . - outer

FUNCTION middle
	sub $20, %esp
	call inner
	add $20, %esp
	ret
	.size middle, . - middle

FUNCTION inner
	push %edi
	int $0x30
	pop %edi
	ret
	.size inner, . - inner

FUNCTION handler
	push %eax
	call handle
	pop %eax
	iret
	.size handler, . - handler

FUNCTION handle
	sub $12, %esp
	call leaf
	add $12, %esp
	ret
	.size handle, . - handle

FUNCTION leaf
	nop
	ret
	.size leaf, . - leaf

	.data
	.align 8
idtr:	.word 0x31 * 8 - 1
	.long idt
idt:	.fill 0x30, 8, 0
gate:	.word 0, 0, 0x8e00, 0

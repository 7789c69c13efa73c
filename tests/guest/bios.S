/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a BIOS leaves to a kernel: a processor with caches on and selectors 8
 * and 10h, the 8259s' masks, a timer whose handler counts at 40:6C; and what
 * it does not: a call to it ends the run.  Goes to real mode by the manual
 * (SDM 3A 9.9.2) and prints a line of the names of what was right. */
	.text
	.align 4
	.long 0x1badb002, 0, -0x1badb002
	.globl _start
_start:
	mov %cr0, %eax
	mov $'c', %bl
	cmp $0x11, %eax
	call tell
	mov %cs, %eax
	shl $16, %eax
	mov %ds, %ax
	mov $'s', %bl
	cmp $0x80010, %eax
	call tell
	in $0x21, %al
	mov $'m', %bl
	test $0x07, %al			/* timer, keyboard, cascade */
	call tell
	mov $low, %esi
	mov $0x8000, %edi
	mov $low_end - low, %ecx
	rep movsb
	lgdt table
	ljmp $0x18, $0x8000

/* Prints BL when ZF is set, a dot otherwise. */
tell:
	mov $'.', %al
	jnz 1f
	mov %bl, %al
1:	out %al, $0xe9
	ret

	.code16
low:
	mov $0x20, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov %cr0, %eax
	and $~1, %al
	mov %eax, %cr0
	ljmp $0, $0x8000 + real - low
real:
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov $0x7c00, %sp
	mov 0x46c, %bx
	sti
1:	hlt
	cmp %bx, 0x46c
	je 1b
	cli
	mov $'t', %al
	out %al, $0xe9
	int $0x3			/* an IRET */
	mov $'i', %al
	out %al, $0xe9
	mov $'\n', %al
	out %al, $0xe9
	mov $0x0e41, %ax
	int $0x10
	mov $1, %al
	out %al, $0xf4
low_end:

	.code32
	.align 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
	.quad 0x00009b000000ffff, 0x000093000000ffff
table:	.word . - gdt - 1
	.long gdt

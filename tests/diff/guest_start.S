/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's assembly: multiboot header, tables' loading, the way into a
 * block in ring 3 and the two ways out of it: int 80h from the gate's code,
 * or an exception.  See layout.h. */

	.section .multiboot, "a"
	.align 4
	.long 0x1badb002, 0, -0x1badb002

	.text
	.globl _start
_start:
	cli
	cld
	movl $stack_top, %esp
	xorl %ebp, %ebp
	testl $4, (%ebx)		/* is there a command line? */
	movl 16(%ebx), %edi
	jnz 1f
	movl $nothing, %edi
1:	movb $0xff, %al			/* no interrupts from the PICs */
	outb %al, $0x21
	outb %al, $0xa1
	movl $tss, %eax			/* the descriptor's base, in pieces */
	movw %ax, gdt_tss + 2
	shrl $16, %eax
	movb %al, gdt_tss + 4
	movb %ah, gdt_tss + 7
	lgdt gdt_pointer
	ljmp $8, $1f
1:	movl $0x23, %eax
	movw %ax, %ds
	movw %ax, %es
	movl $0x10, %eax
	movw %ax, %ss
	xorl %eax, %eax
	movw %ax, %fs
	movw %ax, %gs
	movl $stack_top, tss + 4
	movl $0x10, tss + 8
	movw $104, tss + 102
	movl $0x28, %eax
	ltr %ax
	movl %cr0, %eax
	andl $~0xc, %eax		/* no EM, no TS */
	orl $0x22, %eax			/* NE, MP */
	movl %eax, %cr0
	movl %cr4, %eax
	orl $0x600, %eax		/* OSFXSR, OSXMMEXCPT */
	movl %eax, %cr4
	fninit
	pushl %edi
	call guest_main
	movl $0x604, %edx		/* power off */
	movl $0x2000, %eax
	outw %ax, %dx
	cli
2:	hlt
	jmp 2b

	/* void enter_block(const struct state *, u32 code, const void *fx) */
	.globl enter_block
enter_block:
	pushal
	movl %esp, own_esp
	movl 36(%esp), %eax
	movl 40(%esp), %ebx
	movl 44(%esp), %ecx
	fxrstor (%ecx)
	movl %esp, tss + 4		/* an exit's frame lies below ours */
	pushl $0x23
	pushl 16(%eax)
	movl 32(%eax), %ecx
	orl $0x200, %ecx
	pushl %ecx
	pushl $0x1b
	pushl %ebx
	movl 4(%eax), %ecx
	movl 8(%eax), %edx
	movl 12(%eax), %ebx
	movl 20(%eax), %ebp
	movl 24(%eax), %esi
	movl 28(%eax), %edi
	movl (%eax), %eax
	iret

	.globl leave_handler
leave_handler:				/* int 80h */
	cld
	movl own_esp, %esp
	popal
	fninit
	ret

exception:				/* vector, error, eip, cs, eflags, esp, ss */
	pushal
	cld
	testl $3, 44(%esp)
	jz 2f
	fxsave 0x01010040
	leal 28(%esp), %esi		/* PUSHA stored edi first */
	movl $0x01010000, %edi
	movl $8, %ecx
1:	movl (%esi), %eax
	movl %eax, (%edi)
	subl $4, %esi
	addl $4, %edi
	decl %ecx
	jnz 1b
	movl 52(%esp), %eax
	movl %eax, 0x01010010		/* esp */
	movl 48(%esp), %eax
	movl %eax, 0x01010020		/* eflags */
	movl 32(%esp), %eax
	movl %eax, 0x01010024		/* vector */
	movl 36(%esp), %eax
	movl %eax, 0x01010028		/* error */
	movl 40(%esp), %eax
	movl %eax, 0x0101002c		/* eip */
	movl %cr2, %eax
	movl %eax, 0x01010034		/* address */
	movl own_esp, %esp
	popal
	fninit
	ret
2:	pushl 40(%esp)			/* in ring 0: our own mistake */
	pushl 36(%esp)
	call guest_panic

	.altmacro
	.macro stub n
	.align 16
	.if \n != 8 && (\n < 10 || \n > 14) && \n != 17
	pushl $0
	.endif
	pushl $\n
	jmp exception
	.endm
	.align 16
	.globl stubs
stubs:
	.set i, 0
	.rept 32
	stub %i
	.set i, i + 1
	.endr

	/* Copied to the gate page, so only absolute addresses. */
	.globl leave_block, leave_block_end
leave_block:
	movl %eax, 0x01010000
	movl %ecx, 0x01010004
	movl %edx, 0x01010008
	movl %ebx, 0x0101000c
	movl %esp, 0x01010010
	movl %ebp, 0x01010014
	movl %esi, 0x01010018
	movl %edi, 0x0101001c
	movl $0x01010800, %esp
	pushfl
	popl 0x01010020
	fxsave 0x01010040
	int $0x80
leave_block_end:

	.data
	.align 8
gdt:	.quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
	.quad 0x00cffa000000ffff, 0x00cff2000000ffff
gdt_tss:
	.quad 0x0000890000000067
gdt_pointer:
	.word . - gdt - 1
	.long gdt
nothing:
	.byte 0

	.bss
	.align 16
own_esp: .long 0
tss:	.skip 112
	.align 16
	.skip 16384
stack_top:

	.section .note.GNU-stack, "", @progbits

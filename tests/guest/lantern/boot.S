/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first instructions.
 *
 * A multiboot loader puts us at 1 MiB in protected mode without paging.  But
 * the kernel is linked 3 GiB higher, so until paging is on every address must
 * be written as (symbol - PAGE_OFFSET), and nothing in C may run.
 *
 * The way up: make page tables that show the first 16 MiB twice, at 0 and at
 * PAGE_OFFSET; turn paging on (the next instruction is found at the low
 * place); jump to the high place; forget the low one later, in paging_init.
 */
#include "x86.h"

#define MAGIC 0x1BADB002
#define FLAGS 0x00000003	/* page-aligned modules, memory map please */
#define BOOT_TABLES 4		/* 4 MiB each */

	.section .multiboot, "a"
	.balign 4
	.long MAGIC, FLAGS, -(MAGIC + FLAGS)

	.text
	.globl start
	.type start, @function
start:
	cld
	movl %eax, %ebp		/* the loader's magic; ebx: its information */

	/* The tables are neighbours, so filling them is one loop. */
	movl $(boot_tables - PAGE_OFFSET), %edi
	movl $(PTE_PRESENT | PTE_WRITE), %eax
	movl $(BOOT_TABLES * 1024), %ecx
1:	stosl
	addl $PAGE_SIZE, %eax
	loop 1b

	movl $(boot_tables - PAGE_OFFSET + PTE_PRESENT + PTE_WRITE), %eax
	movl $(kernel_directory - PAGE_OFFSET), %edi
	movl $BOOT_TABLES, %ecx
2:	movl %eax, (%edi)
	movl %eax, (PAGE_OFFSET >> 20)(%edi)
	addl $4, %edi
	addl $PAGE_SIZE, %eax
	loop 2b

	movl $(kernel_directory - PAGE_OFFSET), %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $(CR0_PG | CR0_WP), %eax	/* WP: the kernel, too, respects
					   read-only pages of a process */
	movl %eax, %cr0
	movl $high, %eax
	jmp *%eax

high:	movl $boot_stack_top, %esp
	pushl %ebx
	pushl %ebp
	xorl %ebp, %ebp		/* backtraces end here */
	pushl $0		/* no return address */
	jmp kernel_main
	.size start, . - start

	.bss
	.balign PAGE_SIZE
	.globl kernel_directory, boot_stack, boot_stack_top
kernel_directory:
	.skip PAGE_SIZE
boot_tables:
	.skip BOOT_TABLES * PAGE_SIZE
boot_stack:
	.skip 2 * PAGE_SIZE
boot_stack_top:

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * void context_switch(u32 *save_esp, u32 load_esp)
 *
 * The trick at the heart of every kernel: go in as one process, come out as
 * another.  C has already saved what a function may destroy; we push the four
 * registers that it may not, change stacks, and pop what the other process
 * pushed when it was here.  `ret` then returns to where that process called
 * from.  A new process never was here, so sys_fork lays out its stack as if it
 * had been.
 */
	.cfi_sections .debug_frame
	.text
	.globl context_switch
	.type context_switch, @function
context_switch:
	.cfi_startproc
	movl 4(%esp), %eax
	movl 8(%esp), %edx
	pushl %ebp
	pushl %ebx
	pushl %esi
	pushl %edi
	.cfi_def_cfa_offset 20
	.cfi_offset %ebp, -8
	.cfi_offset %ebx, -12
	.cfi_offset %esi, -16
	.cfi_offset %edi, -20
	movl %esp, (%eax)
	movl %edx, %esp
	popl %edi
	popl %esi
	popl %ebx
	popl %ebp
	.cfi_def_cfa_offset 4
	ret
	.cfi_endproc
	.size context_switch, . - context_switch

	.section .note.GNU-stack, "", @progbits

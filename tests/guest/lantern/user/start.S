/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a program begins, and how it calls the kernel.
 *
 * The kernel starts us with argc and argv on the stack and, in eax, whether
 * this machine has sysenter.
 *
 * sysenter remembers neither where it came from nor our stack, so we leave both
 * in registers where the kernel looks for them.  The return address that the
 * `call` pushed stays on our stack all the time.
 */
	.text
	.globl _start, gate_int80, gate_sysenter
	.type _start, @function
_start:
	testl %eax, %eax
	jz 1f
	movl $gate_sysenter, system_gate
1:	movl 4(%esp), %eax	/* argv */
	movl (%esp), %edx	/* argc */
	xorl %ebp, %ebp		/* backtraces end here */
	pushl %eax
	pushl %edx
	call main
	movl %eax, %ebx
	movl $1, %eax		/* SYS_exit */
	call *system_gate
	hlt			/* never here; faults if it is */
	.size _start, . - _start

	.type gate_int80, @function
gate_int80:
	int $0x80
	ret
	.size gate_int80, . - gate_int80

	.type gate_sysenter, @function
gate_sysenter:
	movl %esp, %ecx
	movl $back, %edx
	sysenter
back:	ret
	.size gate_sysenter, . - gate_sysenter

	.data
	.balign 4
	.globl system_gate
system_gate:
	.long gate_int80

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The doors of the kernel.
 *
 * Exceptions, interrupts and `int 0x80` all come the same way.  The processor
 * has pushed eflags, cs and eip (and ss and esp, if it came from ring 3); some
 * exceptions add an error code.  A stub of two or three instructions makes
 * these equal and pushes the vector; trap_common completes a struct trap_frame
 * and hands it to C.  The way back undoes it in the same order.
 *
 * `sysenter` is the fast door: it saves nothing at all.  Our programs leave
 * their stack pointer in ecx and their return address in edx, and we build the
 * same frame by hand, so that C need not know which door was taken.
 *
 * fs and gs are not saved: the kernel never uses them, and no process can put
 * anything there that another process could not.
 */
#include "x86.h"

	.cfi_sections .debug_frame
	.text

	/* Vectors at which the processor pushes an error code itself. */
	.macro stub vector
	.globl trap_stub_\vector
trap_stub_\vector:
	.if \vector == 10 || \vector == 11 || \vector == 12 || \
	    \vector == 13 || \vector == 14 || \vector == 17
	.else
	pushl $0
	.endif
	pushl $\vector
	jmp trap_common
	.endm

	.altmacro
	.set vector, 0
	.rept 48
	stub %vector
	.set vector, vector + 1
	.endr
	stub 128

	.section .rodata
	.balign 4
	.globl trap_stubs
	.macro stub_address vector
	.long trap_stub_\vector
	.endm
trap_stubs:
	.set vector, 0
	.rept 48
	stub_address %vector
	.set vector, vector + 1
	.endr
	stub_address 128
	.noaltmacro
	.text

	.macro save_registers
	pushl %ds
	pushl %es
	pushl %eax
	pushl %ecx
	pushl %edx
	pushl %ebx
	pushl %ebp
	pushl %esi
	pushl %edi
	cld
	movl $KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	.endm

	.macro restore_registers
	popl %edi
	popl %esi
	popl %ebp
	popl %ebx
	popl %edx
	popl %ecx
	popl %eax
	popl %es
	popl %ds
	addl $8, %esp		/* vector and error code */
	.endm

	/* Tell debuggers how to look through a frame; esp points at it. */
	.macro describe_frame
	.cfi_def_cfa %esp, 60
	.cfi_offset %eip, -16
	.cfi_offset %ebp, -52
	.cfi_offset %ebx, -48
	.cfi_offset %esi, -56
	.cfi_offset %edi, -60
	.endm

	.globl trap_common, fork_return, pv_site_iret, pv_site_sysexit
	.type trap_common, @function
trap_common:
	save_registers
	.cfi_startproc simple
	.cfi_signal_frame
	describe_frame
	pushl %esp
	.cfi_adjust_cfa_offset 4
	call trap_dispatch
	addl $4, %esp
	.cfi_adjust_cfa_offset -4
fork_return:			/* where a new process begins */
	restore_registers
pv_site_iret:
	iret
	nop			/* room for a call, see pv.h */
	nop
	nop
	nop
	.cfi_endproc
	.size trap_common, . - trap_common

	/* esp points at the TSS (segments.c); the stack's top is inside. */
	.globl sysenter_entry
	.type sysenter_entry, @function
sysenter_entry:
	movl TSS_ESP0(%esp), %esp
	pushl $USER_DS
	pushl %ecx
	pushl $(FLAG_FIXED | FLAG_IF)
	pushl $USER_CS
	pushl %edx
	pushl $0
	pushl $VECTOR_SYSENTER
	save_registers
	.cfi_startproc simple
	.cfi_signal_frame
	describe_frame
	/* sysenter keeps the program's TF, NT and AC: drop them */
	pushl $FLAG_FIXED
	popfl
	pushl %esp
	.cfi_adjust_cfa_offset 4
	call trap_dispatch
	addl $4, %esp
	.cfi_adjust_cfa_offset -4
	/* exec may have changed both, so take them from the frame */
	movl FRAME_EIP(%esp), %edx
	movl FRAME_ESP(%esp), %ecx
	popl %edi
	popl %esi
	popl %ebp
	popl %ebx
	addl $8, %esp		/* edx and ecx are in use now */
	popl %eax
	popl %es
	popl %ds
pv_site_sysexit:
	sti			/* takes effect after the next instruction */
	sysexit
	nop
	nop
	.cfi_endproc
	.size sysenter_entry, . - sysenter_entry

	.section .note.GNU-stack, "", @progbits

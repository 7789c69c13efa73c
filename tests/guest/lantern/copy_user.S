/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * u32 copy_bytes(void *to, const void *from, u32 count)
 *
 * Copies to or from a process and returns 0, or something else if not all bytes
 * could be copied.  The addresses come from a program and may be wrong, which
 * shows as a page fault at one of exactly two instructions.  page_fault
 * (fault.c) first tries to make the page appear, as for any fault; if it
 * cannot, and the fault came from one of these two, it continues at
 * copy_bytes_failed instead of ending the world.
 */
	.cfi_sections .debug_frame
	.text
	.globl copy_bytes, copy_bytes_words, copy_bytes_rest, copy_bytes_failed
	.type copy_bytes, @function
copy_bytes:
	.cfi_startproc
	pushl %esi
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %esi, 0
	pushl %edi
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %edi, 0
	movl 12(%esp), %edi
	movl 16(%esp), %esi
	movl 20(%esp), %ecx
	movl %ecx, %edx
	andl $3, %edx
	shrl $2, %ecx
copy_bytes_words:
	rep movsl
	movl %edx, %ecx
	xorl %edx, %edx
copy_bytes_rest:
	rep movsb
copy_bytes_failed:		/* ecx and edx tell what is left */
	leal (%edx,%ecx), %eax
	popl %edi
	.cfi_adjust_cfa_offset -4
	popl %esi
	.cfi_adjust_cfa_offset -4
	ret
	.cfi_endproc
	.size copy_bytes, . - copy_bytes

	.section .note.GNU-stack, "", @progbits

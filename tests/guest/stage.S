/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stage for the console's tests (tests/repl): functions that call one
 * another, a counter in memory, four bytes on COM1, paging with one large
 * page and one small one, and an end through the debug-exit port (status 7).
 * Addresses are part of what the tests expect; add at the end. */
	.set STACK, 0x180000
	.set DIRECTORY, 0x190000
	.set TABLE, 0x191000

	.text
	.globl start, _start, outer, inner, counter, message, paged, leave_all
	.align 4
	.long 0x1badb002, 0, -0x1badb002	/* multiboot 1 */
_start:
start:
	mov $STACK, %esp
	xor %ebp, %ebp
	mov $3, %ebx
again:
	push %ebx
	call outer
	pop %ebx
	dec %ebx
	jnz again
	call greet
	call page
paged:
	mov 0x400010, %eax		/* the small page: this very text */
	jmp leave_all

	.type outer, @function
outer:
	push %ebp
	mov %esp, %ebp
	mov 8(%ebp), %eax
	call inner
	pop %ebp
	ret

	.type inner, @function
inner:
	push %ebp
	mov %esp, %ebp
	add %eax, counter
	mov $5, %ecx
	rep lodsb
	pop %ebp
	ret

	.type greet, @function
greet:
	mov $message, %esi
	mov $0x3f8, %edx
1:	lodsb
	test %al, %al
	jz 2f
	out %al, %dx
	jmp 1b
2:	ret

	/* 0-4M by one large page, 400000h by a small one, read-only. */
	.type page, @function
page:
	movl $0x83, DIRECTORY
	movl $(TABLE + 7), DIRECTORY + 4
	movl $0x100005, TABLE
	mov $DIRECTORY, %eax
	mov %eax, %cr3
	mov $0x10, %eax
	mov %eax, %cr4
	mov $0x80010011, %eax
	mov %eax, %cr0
	ret

leave_all:
	mov $3, %al
	out %al, $0xf4			/* 3 * 2 + 1 */
	cli
	hlt

	.data
	.align 4
counter:
	.long 100
message:
	.asciz "ho!\n"

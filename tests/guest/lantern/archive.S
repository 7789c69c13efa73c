/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The programs, as the build put them together; ramfs.c reads them. */
	.section .rodata
	.balign 4096
	.globl archive_start, archive_end
archive_start:
	.incbin ARCHIVE
archive_end:

	.section .note.GNU-stack, "", @progbits

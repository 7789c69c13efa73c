/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The top 8 KiB of the first megabyte, as a BIOS leaves them behind: there is
 * none, but real-mode code meets its interrupt handlers and its reset entry.
 *
 *	F000:E05B	what a jump to FFFF:0000 reaches: resets the machine
 *	F000:E100+n	BIOS service INT n: a HLT, which the machine's loop
 *			knows (tables_bios_service) and reports
 *	F000:E200	handlers of the hardware interrupts, which only
 *			acknowledge
 *	F000:FF53	the IRET that every other vector leads to
 *	F000:FFF0	entry, date, model byte
 *
 * tables.c copies this and makes the vectors at 0 from the labels. */
	.section .rodata
	.code16
	.globl bios_image, bios_image_end, bios_services, bios_timer
	.globl bios_keyboard, bios_master, bios_clock, bios_slave, bios_iret
bios_image:
	.org 0x05b
reset:	mov $0xfe, %al		/* the keyboard controller's reset pulse */
	out %al, $0x64
1:	hlt
	jmp 1b

	.org 0x100
bios_services:
	.fill 256, 1, 0xf4

bios_timer:			/* IRQ 0: ticks since midnight at 40:6C */
	push %ax
	push %ds
	xor %ax, %ax
	mov %ax, %ds
	incl 0x46c
	pop %ds
	jmp 1f
bios_keyboard:			/* IRQ 1 */
	push %ax
	in $0x60, %al
	jmp 1f
bios_clock:			/* IRQ 8 */
	push %ax
	mov $0x0c, %al
	out %al, $0x70
	in $0x71, %al
	jmp 2f
bios_slave:			/* IRQ 9 to 15 */
	push %ax
2:	mov $0x20, %al
	out %al, $0xa0
	jmp 3f
bios_master:			/* IRQ 2 to 7 */
	push %ax
1:	mov $0x20, %al
3:	out %al, $0x20
	pop %ax
	iret

	.org 0x1f53
bios_iret:
	iret

	.org 0x1ff0
	ljmp $0xf000, $0xe05b
	.ascii "01/01/07"
	.byte 0
	.byte 0xfc		/* model: AT */
	.byte 0
bios_image_end:
	.section .note.GNU-stack, "", @progbits

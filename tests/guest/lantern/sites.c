/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calls through the seam (pv.h), made cheap.
 *
 * Such a call reads the table each time, though that changes only when vmi.c
 * fills it.  So we do as Linux does and write, over each of them, a call that
 * leads straight to where the table says.
 *
 * The compiler makes of `pv.cli()' six bytes, FF 15 and the address of the
 * member.  That is how they are found.  No other instruction of ours looks so:
 * in what else names a member these two bytes, an opcode and its operand, do
 * not come before it.
 */
#include "kernel.h"

struct site {
	u8 *call;
	const u32 *member;
};

enum { SITES = 256, CALL_THROUGH = 0x15FF, CALL_LENGTH = 6 };
enum { OPCODE_CALL = 0xE8, OPCODE_NOP = 0x90 };

static struct site sites[SITES];
static u32 site_count;

static void find_sites(void)
{
	extern u8 kernel_start[], text_end[];

	for (u8 *at = kernel_start; at + CALL_LENGTH <= text_end; at++) {
		u32 member = *(u32 *)(at + 2);

		if (*(u16 *)at != CALL_THROUGH || site_count == SITES ||
		    member - (u32)&pv >= sizeof(pv))
			continue;
		sites[site_count++] = (struct site){ at, (u32 *)member };
	}
}

/* With interrupts off: none must meet half a call. */
void pv_patch(void)
{
	if (!site_count)
		find_sites();
	for (u32 i = 0; i < site_count; i++) {
		u8 *call = sites[i].call;
		u32 distance = *sites[i].member - ((u32)call + CALL_LENGTH);

		call[0] = OPCODE_NOP;
		call[1] = OPCODE_CALL;
		memcpy(call + 2, &distance, sizeof(distance));
	}
}

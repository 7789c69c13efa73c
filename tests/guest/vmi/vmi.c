/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding the ROM and calling it: see vmi.h. */
#include "tests/guest/vmi/vmi.h"

u32 rom, stub[VMI_CALLS];

static const char *const names[VMI_CALLS] = {
#define N(name) #name,
	VMI_NAMES
#undef N
};

static u64 call(u32 to, u32 a, u32 b, u32 c, u32 d, u32 e)
{
	u64 result;

	asm volatile("push %[e]\n\tpush %[d]\n\tcall *%[to]\n\tadd $8, %%esp"
		     : "=A"(result), "+c"(c)
		     : "a"(a), "d"(b), [d] "S"(d), [e] "D"(e), [to] "b"(to)
		     : "memory", "cc");
	return result;
}

u64 reloc(u32 number)
{
	return call(rom + 0x88, number, 0, 0, 0, 0);
}

u64 vmi5(u32 number, u32 a, u32 b, u32 c, u32 d, u32 e)
{
	if (!stub[number]) {
		print("%s is not offered\n", names[number]);
		return 0;
	}
	return call(stub[number], a, b, c, d, e);
}

void find_rom(bool start)
{
	for (rom = 0xc0000; rom < 0xe0000; rom += 0x800)
		if ((peek(rom) & 0xffff) == 0xaa55 &&
		    peek(rom + 8) == 0x696d5663)
			break;
	if (rom == 0xe0000) {
		rom = 0;
		print("no ROM\n");
		return;
	}
	for (u32 i = 0; i < VMI_CALLS; i++) {
		u64 r = reloc(i);

		if ((r >> 32 & 0xff) == 1)
			stub[i] = (u32)r;
	}
	if (start && (u32)call(rom + 0x80, 0, 0, 0, 0, 0))
		print("vmi_init failed\n");
}

u32 patch(u32 code)
{
	u8 *at = (u8 *)code;

	for (; at[0] != 0xcd || at[1] != END; at++) {
		u32 *to = (u32 *)(at + 1);

		if (at[0] == 0xe8 && *to >> 8 == 0x494d56)
			*to = stub[*to & 0xff] - (u32)(to + 1);
	}
	return code;
}

struct state go(const char *name, struct state from)
{
	struct state to = from;

	run(&to);
	for (u32 i = 0; i < VMI_CALLS; i++)
		if (stub[i] && to.eip - stub[i] < 16) {
			print("in %s+%b, ", names[i], to.eip - stub[i]);
			to.eip = from.eip;
		}
	if (to.eip - from.eip >= 0x200) {
		print("in %x, ", to.eip);
		to.eip = from.eip;
	}
	print("%d ", from.cs & 3);
	show(name, &from, &to);
	return to;
}

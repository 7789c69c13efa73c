/* SPDX-License-Identifier: GPL-3.0-or-later */
/* #DE from DIV, IDIV and AAM of every size: a zero divisor, a quotient that
 * does not fit, and the largest that does.  A fault leaves every register
 * and the stack as they were; flags are undefined. */
#include "rt.h"

u32 divisor;

static void numbers(const char *name, u32 code, u32 edx, u32 eax, u32 by)
{
	struct state from = at(0, code), to;

	from.eax = eax;
	from.edx = edx;
	from.ecx = by;
	divisor = by;
	to = from;
	run(&to);
	print("%x:%x / %x ", edx, eax, by);
	show(name, &from, &to);
}

static void each_size(u32 d, u32 a, u32 by)
{
	numbers("div cl", FRAG("div cl"), d, a, by);
	numbers("idiv cl", FRAG("idiv cl"), d, a, by);
	numbers("div cx", FRAG("div cx"), d, a, by);
	numbers("idiv cx", FRAG("idiv cx"), d, a, by);
	numbers("div ecx", FRAG("div ecx"), d, a, by);
	numbers("idiv ecx", FRAG("idiv ecx"), d, a, by);
	numbers("div [divisor]", FRAG("div dword ptr [divisor]"), d, a, by);
	numbers("idiv word [divisor]", FRAG("idiv word ptr [divisor]"), d, a, by);
	numbers("idiv byte [divisor]", FRAG("idiv byte ptr [divisor]"), d, a, by);
}

void test(void)
{
	rt_flag_mask = 0;
	each_size(0, 0, 0);
	each_size(5, 1000, 0);
	each_size(0, 0x80, 1);
	each_size(0, 0x7f, 1);
	each_size(0xffffffff, 0xffffff80, 1);
	each_size(0xffffffff, 0xffffff7f, 1);
	each_size(0, 0x100, 1);
	each_size(0, 0xff80, 0xff);
	each_size(0xffffffff, 0x80000000, 0xffffffff);
	each_size(0x8000, 0, 0xffff);
	each_size(1, 0, 1);
	each_size(0x7fffffff, 0xffffffff, 0x80000000);
	each_size(0xc0000000, 0, 0x80000000);
	each_size(0xbfffffff, 0xffffffff, 0x80000000);
	rt_flag_mask = SF | ZF | PF;
	numbers("aam 10", FRAG("aam"), 0, 0x63, 0);
	numbers("aam 0", FRAG(".byte 0xd4, 0"), 0, 0x63, 0);
	numbers("div at 3", FRAG("div ecx"), 0, 5, 0);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trials of the flags that need permission, in protected and virtual-8086
 * mode at every level and IOPL, and with single steps; of virtual-8086 mode
 * in general; and of ports, MSRs and privileged instructions. */
#include "tests/diff/ring0/ring0.h"

enum { LOW_DATA = 0x8000, LOW_CODE = 0x1000, LOW_TAIL = 0x400 };

static u32 trap_flag; /* TF, in trials that step */

static u32 random_flags(void)
{
	return (word() & (0x244ed5 | trap_flag)) | rnd(4) << 12;
}

/* IRET to the next instruction.  NT would switch tasks. */
static void iret_here(void)
{
	unsigned size = now.small && one_in(2) ? 2 : 4;
	u8 *hole;
	u32 v = now.from.cs;

	push_imm(random_flags() & ~(u32)(VM | NT), size);
	push_imm(v, size);
	opsize(size);
	b1(0x68);
	hole = now.p;
	now.p += size;
	opsize(size);
	b1(0xcf);
	v = here();
	hole[0] = (u8)v;
	hole[1] = (u8)(v >> 8);
	if (size == 4) {
		hole[2] = (u8)(v >> 16);
		hole[3] = (u8)(v >> 24);
	}
}

static bool nt_may_be_set;

void flag_op(void)
{
	unsigned size = one_in(2) ? 2 : 4;

	switch (rnd(9)) {
	case 0: b1(0xfa); break;
	case 1: /* TCG: no step after STI (SDM 3A 6.8.3: MOV SS only) */
		b1(trap_flag ? 0xfa : 0xfb);
		break;
	case 2:
		opsize(size);
		b1(0x9c);
		opsize(size);
		b1(0x58 + rnd(4));
		break;
	case 3:
	case 4:
		push_imm(random_flags(), size);
		opsize(size);
		b1(0x9d);
		nt_may_be_set = true;
		break;
	case 5:
		if (!nt_may_be_set)
			iret_here();
		break;
	case 6: b1(0xfc + rnd(2)); break;
	case 7: b1(0x9e + rnd(2)); break; /* SAHF, LAHF */
	default: filler(); break;
	}
}

/* After a single step it goes on. */
static bool stepped(void)
{
	return now.to.vec == 1;
}

static void make_flags(void)
{
	world_new(true);
	start(rnd(4), one_in(3));
	trap_flag = one_in(3) ? TF : 0;
	nt_may_be_set = false;
	now.from.eflags |= trap_flag * rnd(2);
	for (u32 n = 2 + rnd(8); n; n--)
		flag_op();
	end();
}

/* ---- virtual-8086 mode ---- */

static u32 low_bases[SEGS];

static u32 low_segment(void)
{
	return LOW / 16 + rnd(0x100);
}

static void low_load(void)
{
	static const u8 segs[] = {ES, DS, FS, GS};
	unsigned seg = segs[rnd(4)];
	u32 sel = low_segment();

	if (one_in(2)) {
		mov_imm(EAX, sel);
		b2(0x8e | (0xc0 | seg << 3) << 8);
	} else {
		push_imm(sel, 2);
		if (seg >= FS)
			b1(0x0f);
		b1(seg == ES ? 7 : seg == DS ? 0x1f : seg == FS ? 0xa1 : 0xa9);
	}
	low_bases[seg] = sel * 16;
}

static void low_use(void)
{
	static const u8 prefixes[SEGS] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
	static const u8 opcodes[] = {0x8b, 0x89, 0x01, 0x31};
	unsigned seg = rnd(SEGS);

	b1(prefixes[seg]);
	opsize(one_in(2) ? 2 : 4);
	b1(opcodes[rnd(4)]);
	b1(rnd(4) << 3 | 6);
	b2(LOW + LOW_DATA + rnd(0x100) - low_bases[seg]);
}

static void low_far(void)
{
	/* the tail's address as some segment and offset */
	u32 sel = LOW / 16 + rnd(LOW_TAIL / 16);
	u32 off = LOW + LOW_TAIL + (one_in(3) ? 16 * rnd(4) : 0) - sel * 16;

	switch (rnd(4)) {
	case 0: b1(0xea); break;
	case 1: b1(0x9a); break;
	case 2:
	case 3:
		push_imm(random_flags() & ~(u32)NT, 2);
		push_imm(sel, 2);
		push_imm(off, 2);
		b1(one_in(2) ? 0xcf : 0xcb);
		return;
	}
	b2(off);
	b2(sel);
}

static void not_here(void)
{
	static const u32 bytes[] = {
		0xd0000f, 0xc8000f, 0xd0010f, 0xe0010f, 0xf0010f, 0x060f,
		0xf4, 0xc0220f, 0xc0200f, 0xc3020f, 0xc3030f, 0xe0000f,
		0xd8000f, 0xc063, 0x320f, 0x300f, 0x080f, 0x090f, 0x350f,
		0xc0210f, 0xc0230f, 0x17010f, 0x38010f,
	};
	u32 v = bytes[rnd(sizeof(bytes) / 4)];

	for (; v; v >>= 8)
		b1(v);
}

static void make_virtual86(void)
{
	static const u8 tails[4][4] = {
		{0xcd, END}, {0x9c, 0x58, 0xcd, END}, {0xcb, 0xcd, END},
		{0xcf, 0xcd, END}};

	world_new(true);
	start(3, true);
	trap_flag = one_in(8) ? TF : 0;
	nt_may_be_set = true; /* IRET here takes no task link */
	now.cs_base = LOW;
	now.start = LOW + LOW_CODE + rnd(0x4000);
	now.p = (u8 *)now.start;
	now.from.eip = now.start - LOW;
	now.from.eflags |= VM | (one_in(2) ? IOPL3 : 0);
	now.from.cs = now.from.ss = LOW / 16;
	now.from.esp = 0xf000;
	now.from.ds = low_segment();
	now.from.es = low_segment();
	now.from.fs = low_segment();
	now.from.gs = low_segment();
	low_bases[CS] = low_bases[SS] = LOW;
	low_bases[DS] = now.from.ds * 16;
	low_bases[ES] = now.from.es * 16;
	low_bases[FS] = now.from.fs * 16;
	low_bases[GS] = now.from.gs * 16;
	for (u32 i = 0; i < 0x108; i += 4)
		poke(LOW + LOW_DATA + i, i);
	for (u32 i = 0; i < 0x100; i += 4)
		poke(LOW + 0xf000 - 0x80 + i, i);
	for (u32 i = 0; i < 4; i++)
		for (u32 j = 0; j < 4; j++)
			((u8 *)LOW)[LOW_TAIL + 16 * i + j] = tails[i][j];
	for (u32 n = 1 + rnd(6); n; n--) {
		switch (rnd(8)) {
		case 0:
		case 1: flag_op(); break;
		case 2: low_load(); break;
		case 3:
		case 4: low_use(); break;
		case 5: filler(); break;
		default:
			if (n == 1 && one_in(2))
				low_far();
			else if (one_in(3))
				not_here();
			else if (one_in(3))
				b2(0xcd | vm86_vector() << 8);
			break;
		}
	}
	end();
}

static void fold_low(void)
{
	for (u32 i = 0; i < 0x108; i += 4)
		fold_named("low", peek(LOW + LOW_DATA + i), i);
	for (u32 i = 0; i < 0x100; i += 4)
		fold_named("low stack", peek(LOW + 0xf000 - 0x80 + i), i);
}

/* ---- ports, MSRs, privileged instructions ---- */

static u32 random_port(void)
{
	return one_in(2) ? 0x80 : 0x6f0 + rnd(8);
}

static void port_op(void)
{
	unsigned size = 1u << rnd(3);
	u32 port = random_port();
	bool in = one_in(2);

	if (one_in(3)) {
		opsize(size);
		b1((in ? 0xe4 : 0xe6) + (size > 1));
		b1(0x80);
	} else {
		mov_imm(EDX, port);
		opsize(size);
		b1((in ? 0xec : 0xee) + (size > 1));
	}
	if (in) /* what is there does not matter */
		mov_imm(EAX, word());
}

/* INS and OUTS, which may have a prefix and an address size. */
static void port_string(void)
{
	unsigned log = rnd(3);
	bool in = one_in(2);

	mov_imm(EDX, 0x6f0);
	mov_imm(ESI, DATA + rnd(0x100));
	mov_imm(EDI, DATA + rnd(0x100));
	mov_imm(ECX, rnd(5));
	if (one_in(2))
		b1(0xf3);
	opsize(1u << log);
	addrsize(4);
	b1((in ? 0x6c : 0x6e) + (log > 0));
	for (u32 at = DATA; in && at < DATA + 0x120; at += 0x120)
		mov_imm(EAX, at);
}

static void msr_op(void)
{
	static const u32 indices[] = {0x174, 0x175, 0x176, 0xc0000080, 0x277};
	u32 index = indices[rnd(5)];

	mov_imm(ECX, index);
	if (index != 0x277 && one_in(2)) {
		/* of EFER only NXE, of SYSENTER_CS what a selector holds */
		mov_imm(EAX, index >> 31    ? rnd(2) << 11 :
			     index == 0x174 ? word() & 0xffff :
					      word());
		mov_imm(EDX, 0);
		b2(0x300f);
	}
	b2(0x320f);
}

static void control_op(void)
{
	static const u8 numbers[] = {0, 2, 3, 4};

	switch (rnd(6)) {
	case 0: /* MOV from CR0, CR2, CR3, CR4 */
		b2(0x200f);
		b1(0xc0 | numbers[rnd(4)] << 3 | rnd(4));
		break;
	case 1: /* to CR2 */
		b2(0x220f);
		b1(0xd0 | rnd(4));
		break;
	case 2: /* to CR4: TSD, DE, PSE, PGE */
		mov_imm(EAX, word() & 0x9c);
		b2(0x220f);
		b1(0xe0);
		break;
	case 3: b2(0x310f), mov_imm(EAX, 1), mov_imm(EDX, 2); break;
	case 4: /* DR0 to DR3 */
		b2((one_in(2) ? 0x210f : 0x230f));
		b1(0xc0 | rnd(4) << 3 | rnd(4));
		break;
	default: /* INVD, WBINVD, INVLPG, SMSW, CLTS */
		if (one_in(2))
			b2(one_in(2) ? 0x080f : 0x090f);
		else if (one_in(2))
			b2(0x010f), b1(0x38 | EAX);
		else
			b2(0x060f);
		break;
	}
}

static void undo_ports(void)
{
	static const u32 indices[] = {0x174, 0x175, 0x176, 0xc0000080};

	set_cr4(0);
	rt_tss.iomap = 104;
	for (u32 i = 0; i < 4; i++)
		asm volatile("wrmsr" ::"c"(indices[i]), "a"(0), "d"(0));
	asm volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2;"
		     "mov %0, %%dr3" ::"r"(0));
}

static void make_ports(void)
{
	static const u16 bases[] = {104, 104, 104, 120, 0x1000, 0xffff};
	u32 limit = one_in(3) ? 100 + rnd(0x100) : 8303;

	world_new(true);
	undo_ports();
	start(rnd(4), one_in(4));
	rt_tss.iomap = bases[rnd(6)];
	if (one_in(3)) /* at the edge of some port's bits */
		limit = rt_tss.iomap + random_port() / 8 + rnd(3);
	for (u32 i = 0; i < 0x100; i += 1)
		((u8 *)&rt_tss)[104 + i] = one_in(2) ? 0 : (u8)word();
	set_gdt(TSS, desc((u32)&rt_tss, limit, 0x89));
	asm volatile("ltr %w0" ::"r"(TSS));
	for (u32 n = 1 + rnd(5); n; n--) {
		switch (rnd(8)) {
		case 0:
		case 1:
		case 2: port_op(); break;
		case 3: port_string(); break;
		case 4: msr_op(); break;
		case 5: control_op(); break;
		case 6: flag_op(); break;
		default: filler(); break;
		}
	}
	end();
}

const struct family flags = {.name = "flags", .make = make_flags,
			     .stopped = stepped};
const struct family virtual86 = {.name = "virtual86", .make = make_virtual86,
				 .stopped = stepped, .done = fold_low};
const struct family ports = {.name = "ports", .make = make_ports,
			     .done = undo_ports};

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prefixes (SDM 2A 2.1.1): LOCK before every opcode, REP and segment prefixes
 * where they mean nothing, operand size on branches, address size, overrides
 * of string instructions, lengths up to the limit, and CMPXCHG8B. */
#include "rt.h"

enum { CODE = 0x1740000, DATA = 0x1730000, OTHER = FREE };

void *memcpy(void *to, const void *from, unsigned n);

/* One instruction of these bytes, with TF: how it ends, and where. */
static struct state step(const u8 *bytes, u32 n)
{
	struct state s = at(3, CODE);

	memcpy((void *)CODE, bytes, n);
	s.ebx = s.ebp = s.esi = DATA;
	s.edi = DATA + 16;
	s.eflags |= TF;
	asm volatile("fninit; fld1; fldpi");
	run(&s);
	return s;
}

/* op of the map, with ModRM for [ebx] or a register, and data. */
static u32 put(u8 *to, u32 map, u32 op, u32 ext, u32 mod)
{
	u32 n = 0;

	if (map)
		to[n++] = 0x0f;
	to[n++] = (u8)op;
	to[n++] = (u8)(mod << 6 | ext << 3 | 3);
	for (u32 i = 0; i < 8; i++)
		to[n++] = 1;
	return n;
}

static void locks(void)
{
	print("LOCK is allowed before (opcode: digits, memory only):\n");
	for (u32 mod = 0; mod < 4; mod += 3)
		for (u32 map = 0; map < 2; map++)
			for (u32 op = 0; op < 256; op++) {
				u32 digits = 0;
				u8 b[16] = {0xf0};

				for (u32 ext = 0; ext < 8; ext++) {
					u32 n = put(b + 1, map, op, ext, mod);

					/* no prefixes, no escapes */
					if (!map && (op == 0x0f || op == 0x26 || op == 0x2e ||
						     op == 0x36 || op == 0x3e || (op >= 0x64 && op < 0x68) ||
						     op == 0xf0 || op == 0xf2 || op == 0xf3))
						continue;
					if (step(b, n + 1).vec != 6)
						digits |= 1u << ext;
				}
				if (!digits)
					continue;
				print("%s%s%b:", mod ? "register " : "", map ? "0f " : "", op);
				for (u32 ext = 0; ext < 8; ext++)
					if (digits >> ext & 1)
						print(" %d", ext);
				print("\n");
			}
}

static u32 sum(void)
{
	u32 h = 0;

	for (u32 i = 0; i < 32; i += 4)
		h = h * 31 + peek(DATA + i);
	return h;
}

/* The same with and without a prefix that means nothing. */
static void meaningless(u8 prefix)
{
	u32 count = 0;

	print("%b before other instructions changes:", prefix);
	for (u32 op = 0; op < 256; op++)
		for (u32 variant = 0; variant < 16; variant += 3) {
			u8 b[16] = {prefix};
			u32 n = put(b + 1, 0, op, variant & 7, variant >> 3 ? 3 : 0), h;
			struct state with, without;

			if (op == 0x0f || op == 0x26 || op == 0x2e || op == 0x36 ||
			    op == 0x3e || (op >= 0x64 && op < 0x68) || op >= 0xf0)
				continue;
			if ((op >= 0xa4 && op < 0xa8) || (op >= 0xaa && op < 0xb0) ||
			    (op >= 0x6c && op < 0x70))
				continue; /* strings */
			fill((void *)DATA, 0x11, 32);
			without = step(b + 1, n);
			h = sum();
			fill((void *)DATA, 0x11, 32);
			with = step(b, n + 1);
			if (with.vec != without.vec || with.eax != without.eax ||
			    with.ecx != without.ecx || with.edx != without.edx ||
			    with.ebx != without.ebx || with.esp != without.esp ||
			    with.ebp != without.ebp || with.esi != without.esi ||
			    with.edi != without.edi || h != sum() ||
			    (with.eflags ^ without.eflags) & 0xffff)
				print(" %b/%d", op, variant);
			count++;
		}
	print(" nothing else of %d\n", count);
}

/* ---- operand size on branches ---- */

static void branch(const char *name, u32 code)
{
	struct state from = at(3, code), s;

	from.ecx = 2;
	s = from;
	run(&s);
	print("%s: vector %b eip %s", name, s.vec,
	      s.eip >> 16 ? "" : "cut to 16 bits, ");
	print("code+%b esp%s%d\n", (s.eip - code) & 0xffff,
	      s.esp > from.esp ? "+" : "-",
	      s.esp > from.esp ? s.esp - from.esp : from.esp - s.esp);
}
#define BRANCH(text) branch(text, FRAG(text))

static void branches(void)
{
	print("branches with 16-bit operands:\n");
	rt_flag_mask = 0;
	fill((void *)0x8000, 0xcc, 0x8000);
	BRANCH(".byte 0x66, 0xeb, 4");
	BRANCH(".byte 0x66, 0xe9; .word 4");
	BRANCH(".byte 0x66, 0xe8; .word 4");
	BRANCH("xor eax, eax; .byte 0x66, 0x74, 4");
	BRANCH("xor eax, eax; .byte 0x66, 0x75, 4; nop");
	BRANCH("xor eax, eax; .byte 0x66, 0x0f, 0x84; .word 4");
	BRANCH("xor eax, eax; .byte 0x66, 0x0f, 0x85; .word 4");
	BRANCH(".byte 0x66, 0xe2, 4");
	BRANCH("mov ecx, 1; .byte 0x66, 0xe2, 4; nop");
	BRANCH("xor ecx, ecx; .byte 0x66, 0xe3, 4");
	BRANCH("push offset 1f; .byte 0x66, 0xc3; nop; 1: nop");
	BRANCH("push offset 1f; .byte 0x66, 0xc2; .word 2; 1: nop");
	BRANCH("mov eax, offset 1f; .byte 0x66; jmp eax; 1: nop");
	BRANCH("mov eax, offset 1f; .byte 0x66; call eax; 1: nop");
	BRANCH("push offset 1f; .byte 0x66; jmp [esp]; 1: nop");
	BRANCH("push offset 1f; .byte 0x66; call [esp]; 1: nop");
	BRANCH(".byte 0x66, 0xea; .word 0x9000, 0x1b");
	BRANCH(".byte 0x66, 0x9a; .word 0x9000, 0x1b");
	BRANCH("push 0x1b9000; .byte 0x66; retf");
	BRANCH("push 0x1b9000; .byte 0x66; .byte 0xff, 0x2c, 0x24");
	BRANCH("push 0x1b9000; .byte 0x66; .byte 0xff, 0x1c, 0x24");
	BRANCH("pushfd; push 0x1b9000; .byte 0x66; iret");
	print("and meaningless prefixes:\n");
	BRANCH(".byte 0x67; jmp 1f; nop; 1:");
	BRANCH("xor eax, eax; .byte 0x3e; jz 1f; nop; 1: nop");
	BRANCH("xor eax, eax; .byte 0x2e; jnz 1f; nop; 1: nop");
	BRANCH(".byte 0xf3; call 1f; nop; 1: pop eax; .byte 0xf3; jmp 2f; nop; 2:");
	BRANCH("call 1f; jmp 2f; 1: .byte 0xf3; ret; 2: nop");
}

/* ---- address size, overrides ---- */

static void with(const char *name, u32 code)
{
	struct state from = at(3, code), s;

	from.esi = DATA;
	from.edi = DATA + 0x40;
	from.ecx = 3;
	from.fs = OTHER | 3;
	s = from;
	run(&s);
	show(name, &from, &s);
}
#define WITH(text) with(text, FRAG(text))

static void addresses(void)
{
	rt_flag_mask = 0;
	set_gdt(OTHER, desc(DATA + 0x1000, 0xffff, 0x40f3));
	for (u32 i = 0; i < 0x2000; i += 4)
		poke(DATA + i, 0xd0000000 + i);
	poke(0x9010, 0x99999999);
	print("16-bit addresses:\n");
	WITH("mov bx, 0x9000; .byte 0x67, 0x8b, 0x47, 0x10"); /* [bx + 16] */
	WITH("mov ebx, 0x12349000; .byte 0x67, 0x8b, 0x47, 0x10");
	WITH("mov ebx, 0xff00; mov esi, 0x9110; .byte 0x67, 0x8b, 0x00"); /* [bx + si] */
	WITH(".byte 0x67, 0xa1; .word 0x9010");
	WITH("mov esi, 0x19010; .byte 0x67; lodsd");
	WITH("mov ecx, 0x10002; mov esi, 0x1900c; .byte 0x67; rep lodsd");
	WITH("mov ecx, 0x10001; .byte 0x67, 0xe2, 1; inc edx; nop");
	WITH("mov ecx, 0x10000; .byte 0x67, 0xe3, 1; inc edx; nop");
	WITH("mov ebx, 0x12345678; mov esi, 0x1111; .byte 0x67, 0x8d, 0x40, 0x7f; .byte 0x66, 0x67, 0x8d, 0x50, 0x80");
	print("overrides:\n");
	WITH("mov esi, 4; .byte 0x64; lodsd");
	WITH("mov esi, 4; .byte 0x64; movsd; mov eax, [edi - 4]");
	WITH("mov esi, 4; .byte 0x64; rep movsd; mov eax, [edi - 4]");
	WITH("mov esi, 0x40; mov eax, fs:[0x40]; mov [edi], eax; .byte 0x64; cmpsd; setz al");
	WITH(".byte 0x64; stosd; mov edx, [edi - 4]");
	WITH(".byte 0x64; scasd");
	WITH("mov ebx, 8; mov al, 4; .byte 0x64; xlatb");
	WITH(".byte 0x64, 0x65; mov eax, [0x1730010]");
	WITH(".byte 0x65, 0x64; mov eax, [0x10]");
	WITH(".byte 0x3e; mov eax, [esp - 4]; mov eax, 0; mov ebp, 0x1730010; mov edx, [ebp]; .byte 0x36; mov ebx, [esi]");
	WITH(".byte 0x64; lea eax, [esi + 5]");
	WITH(".byte 0xf2, 0xf3; movsd");
	WITH("mov al, 0xff; std; add edi, 8; .byte 0xf2; scasb; cld");
	WITH(".byte 0xf2; movsd; .byte 0xf2; stosd; .byte 0xf2; lodsd");
}

static void lengths(void)
{
	static const u8 bases[3][8] = {{0x90}, {0x89, 0xc1}, {0x81, 0x03, 1, 0, 0, 0}};
	static const u8 sizes[3] = {1, 2, 6};

	print("lengths:\n");
	for (u32 k = 0; k < 3; k++)
		for (u32 total = 14; total < 17; total++) {
			u8 b[20];
			u32 n = 0;
			struct state s;

			for (; n < total - sizes[k]; n++)
				b[n] = 0x2e;
			if (k == 2)
				b[0] = 0x3e, b[n - 1] = 0x3e;
			memcpy(b + n, bases[k], sizes[k]);
			s = step(b, total);
			print("%d bytes: vector %b +%b\n", total, s.vec, s.eip - CODE);
		}
}

static void compare(const char *name, u32 high, u32 low, u32 code)
{
	struct state from = at(3, code), s;

	*(u64 *)DATA = 0x1122334455667788ull;
	from.ebx = 0xbbbbbbbb;
	from.ecx = 0xcccccccc;
	from.edx = high;
	from.eax = low;
	from.esi = DATA;
	from.eflags |= OF | SF | AF | PF | CF;
	s = from;
	run(&s);
	show(name, &from, &s);
	print("   memory %x%x\n", peek(DATA + 4), peek(DATA));
}

static void cmpxchg8b(void)
{
	u32 plain = FRAG("cmpxchg8b [esi]"), locked = FRAG("lock cmpxchg8b [esi]");

	print("cmpxchg8b:\n");
	rt_flag_mask = 0x8d5;
	compare("equal", 0x11223344, 0x55667788, plain);
	compare("high differs", 0x11223345, 0x55667788, plain);
	compare("low differs", 0x11223344, 0x55667789, plain);
	compare("equal, locked", 0x11223344, 0x55667788, locked);
	compare("differs, locked", 0x11223344, 0x55667789, locked);
	compare("register", 0, 0, FRAG(".byte 0x0f, 0xc7, 0xc8"));
	compare("register, locked", 0, 0, FRAG(".byte 0xf0, 0x0f, 0xc7, 0xc8"));
	compare("digit 2", 0, 0, FRAG(".byte 0x0f, 0xc7, 0x16"));
	compare("66", 0x11223344, 0x55667788, FRAG(".byte 0x66, 0x0f, 0xc7, 0x0e"));
	compare("f3", 0x11223344, 0x55667788, FRAG(".byte 0xf3, 0x0f, 0xc7, 0x0e"));
	print("an unequal one writes as well:\n");
	paging_on();
	*pte(DATA) &= ~(u32)W;
	set_cr3(get_cr3());
	{
		struct state from = at(3, plain), s;

		from.esi = DATA;
		s = from;
		run(&s);
		show("cmpxchg8b", &from, &s);
		from.eip = FRAG("cmpxchg [esi], ecx");
		s = from;
		run(&s);
		show("cmpxchg", &from, &s);
		from.eip = FRAG("xor ecx, ecx; shl dword ptr [esi], cl");
		s = from;
		run(&s);
		show("shl by 0", &from, &s);
	}
}

void test(void)
{
	locks();
	meaningless(0xf2);
	meaningless(0xf3);
	branches();
	addresses();
	lengths();
	cmpxchg8b();
}

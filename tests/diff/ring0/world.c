/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Worlds for trials, and code in them.
 *
 * Segments lie over the memory that trials may touch, with any type, rights
 * and limit.  What a segment register holds after it was loaded is known when
 * code is made, so accesses through it are made only where it allows them:
 * TCG checks neither limit nor type of plain accesses (SDM 3A 5.3, 5.5).
 * For the same reason a stack that can be loaded has room, and offsets given
 * to returns and gates are inside their segment's limit. */
#include "tests/diff/ring0/ring0.h"

enum { TAILS = 8, FIRST_RETURN = 3, TAIL_SIZE = 16, CODE_ROOM = 0xf000, LDT_FIRST = 4 };

u64 ldt[16];

/* ---- descriptors ---- */

struct view view_of(u64 d)
{
	u32 lo = (u32)d, hi = (u32)(d >> 32);
	u32 limit = (lo & 0xffff) | (hi & 0xf0000);
	struct view v = {.access = (u8)(hi >> 8), .wide = hi & 1u << 22};

	v.base = lo >> 16 | (hi & 0xff) << 16 | (hi & 0xff000000);
	if (hi & 1u << 23)
		limit = limit << 12 | 0xfff;
	v.hi = limit;
	if ((v.access & 0x1c) == 0x14) { /* expand-down data */
		v.lo = limit + 1;
		v.hi = v.wide ? 0xffffffff : 0xffff;
		if (limit >= v.hi)
			v.lo = 1, v.hi = 0;
	}
	return v;
}

bool view_is_code(const struct view *v)
{
	return (v->access & 0x18) == 0x18;
}

bool view_is_data(const struct view *v)
{
	return (v->access & 0x18) == 0x10;
}

bool view_is_writable(const struct view *v)
{
	return (v->access & 0x1a) == 0x12;
}

unsigned view_dpl(const struct view *v)
{
	return v->access >> 5 & 3;
}

u64 descriptor(u16 sel)
{
	if (sel & 4)
		return sel >> 3 < 16 ? ldt[sel >> 3] : 0;
	return sel >> 3 < 64 ? rt_gdt[sel >> 3] : 0;
}

static void set_descriptor(u16 sel, u64 d)
{
	if (sel & 4)
		ldt[sel >> 3] = d;
	else
		rt_gdt[sel >> 3] = d;
}

u16 random_slot(void)
{
	if (one_in(4))
		return (u16)((LDT_FIRST + rnd(16 - LDT_FIRST)) << 3 | 4);
	return (u16)(RANDOM + 8 * rnd((RANDOM_END - RANDOM) / 8));
}

void note_selector(u16 sel)
{
	if (showing)
		print("  selector %w descriptor %x:%x\n", sel,
		      (u32)(descriptor(sel) >> 32), (u32)descriptor(sel));
}

u16 any_selector(void)
{
	u16 sel = random_slot();

	switch (rnd(16)) {
	case 0: sel = 0; break;
	case 1: sel = (u16)(OUTSIDE + 8 * rnd(0x200)); break;
	case 2:
	case 3: sel = (u16)(8 * (1 + rnd(0x78 / 8))); break;
	case 4: sel = (u16)(rnd(32) << 3 | 4); break;
	}
	sel |= rnd(4);
	note_selector(sel);
	return sel;
}

u16 level_cs(unsigned level)
{
	static const u16 cs[] = {KCS, CS1 | 1, CS2 | 2, UCS};

	return cs[level];
}

u16 level_ds(unsigned level)
{
	static const u16 ds[] = {KDS, DS1 | 1, DS2 | 2, UDS};

	return ds[level];
}

u32 stack_offset(unsigned level, u32 base)
{
	return STACKS + level * STACK_SIZE + STACK_TOP - base;
}

bool stack_fits(const struct view *v, unsigned level)
{
	u32 top = stack_offset(level, v->base);

	return view_is_writable(v) && v->lo <= v->hi && top > 0x500 &&
	       top < 0xfffff000 && top - 0x400 >= v->lo &&
	       top + 0x100 <= v->hi && (v->wide || top + 0x100 <= 0xffff);
}

u16 stack_selector(unsigned level)
{
	for (;;) {
		u16 sel = any_selector();
		struct view v = view_of(descriptor(sel));
		bool loads = (v.access & 0x80) && view_is_writable(&v) &&
			     view_dpl(&v) == level && (sel & 3) == level;

		if (!loads || stack_fits(&v, level))
			return sel;
	}
}

static u8 random_access(u8 type)
{
	u8 dpl = one_in(2) ? (one_in(2) ? 3 : 0) : (u8)rnd(4);

	return (u8)((one_in(10) ? 0 : 0x80) | dpl << 5 | type);
}

/* A base that memory of ours can be reached from, and any limit. */
static u64 random_segment(u8 type)
{
	static const u32 bases[] = {0, 0, DATA, STACKS, CODE};
	u32 base = bases[rnd(5)], limit, attr = rnd(4) << 14;

	if (base && one_in(3))
		base -= rnd(0x800);
	switch (rnd(4)) {
	case 0: limit = 0xfffff; break;
	case 1: limit = 0xffff; break;
	case 2: limit = rnd(0x2000); break;
	default: limit = rnd(0x100000); break;
	}
	if (one_in(2))
		attr |= 0xc000;
	return desc(base, limit, attr | random_access(0x10 | type));
}

/* Code: as data, but mostly with the tails inside. */
static u64 random_code(bool accessed)
{
	u64 d = random_segment((u8)(8 | rnd(8)));

	if (!one_in(4))
		d = desc(one_in(2) ? CODE : 0, one_in(2) ? 0xffff : 0xfffff,
			 (u32)(d >> 40 & 0xff) | (one_in(4) ? 0x8000 : 0xc000));
	return d | (accessed ? 1ull << 40 : 0);
}

static u64 random_data(bool accessed)
{
	return random_segment((u8)rnd(8)) | (accessed ? 1ull << 40 : 0);
}

static u64 random_system(void)
{
	u8 type = (u8)rnd(16);

	if (type == 2) /* whose entries are ours, wherever it is loaded from */
		return desc((u32)ldt, one_in(2) ? 127 : rnd(128),
			    random_access(type));
	if ((type & 7) == 4) /* call gates come later */
		type ^= 2;
	/* a TSS too small to be switched to */
	return desc((u32)&rt_tss2, rnd(43), random_access(type));
}

/* Where a gate may lead.  TCG checks no gate's offset against the limit but
 * that of a far jump (SDM 2A CALL, INT n), so it is inside. */
static u64 random_gate(u8 type)
{
	u16 sel = any_selector();
	struct view v = view_of(descriptor(sel));
	u32 offset = rnd(0x10000);

	if (view_is_code(&v)) {
		offset = tail_for(&v) - v.base;
		if (offset > v.hi || offset < v.lo)
			sel = (u16)(KCS + (sel & 3)), offset = tail();
	}
	if (!(type & 8)) /* TCG uses the upper half too (SDM 3A figure 5-8) */
		offset &= 0xffff;
	return gate(sel, offset, random_access(type)) |
	       (u64)rnd(one_in(4) ? 32 : 4) << 32;
}

static void random_descriptors(bool accessed)
{
	static const u8 gates[] = {4, 12, 12};

	for (u32 i = 0; i < 16; i++)
		ldt[i] = 0;
	for (u32 pass = 0; pass < 2; pass++)
		for (u32 n = RANDOM / 8; n < RANDOM_END / 8 + 16; n++) {
			u16 sel = (u16)(n << 3);
			u32 kind;

			if (n >= RANDOM_END / 8)
				sel = (u16)((n - RANDOM_END / 8) << 3 | 4);
			if ((sel & 4) && sel >> 3 < LDT_FIRST)
				continue;
			kind = n % 8;
			if (pass == (kind < 7))
				continue;
			set_descriptor(sel,
				       kind == 7 ? random_gate(gates[rnd(3)]) :
				       kind == 6 ? random_system() :
				       kind < 3 ? random_code(accessed) :
						  random_data(accessed));
		}
}

static void random_idt(void)
{
	static const u8 types[] = {6, 7, 14, 15, 14, 15};
	bool was = showing;

	showing = false;
	for (u32 i = 0; i < GATE_COUNT; i++) {
		u8 type = one_in(8) ? (u8)rnd(16) : types[rnd(6)];

		/* task gates are a family of their own */
		rt_idt[GATES + i] = random_gate(type == 5 ? 14 : type);
	}
	showing = was;
}

/* TCG lets virtual-8086 mode through gates to levels 1 and 2, which is #GP
 * (SDM 2A INT n). */
u32 vm86_vector(void)
{
	for (;;) {
		u32 n = GATES + rnd(GATE_COUNT);
		u16 sel = (u16)(rt_idt[n] >> 16);
		struct view v = view_of(descriptor(sel));
		unsigned dpl = view_dpl(&v);

		if (!view_is_code(&v) || dpl == 0 || dpl == 3)
			return n;
	}
}

/* Stacks of levels 1 and 2 in the TSS. */
static void random_stack(u32 level, u32 *esp, u32 *ss)
{
	u16 sel = stack_selector(level);
	struct view v = view_of(descriptor(sel));
	bool valid = view_is_writable(&v) && view_dpl(&v) == level &&
		     (sel & 3) == level;

	/* TCG: #TS for a stack not present that is #SS (SDM 2A CALL) */
	if (one_in(2) || (valid && !(v.access & 0x80))) {
		sel = level_ds(level);
		v.base = 0;
	}
	*ss = sel;
	*esp = stack_offset(level, v.base);
}

static void fill_memory(void)
{
	for (u32 i = 0; i < DATA_SIZE; i += 4)
		poke(DATA + i, DATA + i);
	for (u32 i = 0; i < 4; i++) {
		u32 at = STACKS + i * STACK_SIZE + STACK_TOP - STACK_USED;

		for (u32 end = at + STACK_USED + STACK_ABOVE; at < end; at += 4)
			poke(at, at);
	}
}

void world_new(bool accessed)
{
	bool was = showing;
	u32 limit = one_in(8) ? rnd(128) : 127;

	showing = false;
	random_descriptors(accessed);
	random_idt();
	random_stack(1, &rt_tss.esp1, &rt_tss.ss1);
	random_stack(2, &rt_tss.esp2, &rt_tss.ss2);
	showing = was;
	set_gdt(LDT, desc((u32)ldt, limit, 0x82));
	asm volatile("lldt %w0" ::"r"(LDT));
	set_gdt(TSS, desc((u32)&rt_tss, 0x67, 0x89));
	asm volatile("ltr %w0" ::"r"(TSS));
	set_cr0((get_cr0() & ~0x1001eu) | 0x31);
	set_cr2(0);
	fill_memory();
	if (showing)
		print("  ss1 %w esp1 %x ss2 %w esp2 %x ldt limit %w\n",
		      rt_tss.ss1, rt_tss.esp1, rt_tss.ss2, rt_tss.esp2, limit);
	now.cell = CELLS;
	now.to = now.from = (struct state){0};
}

/* ---- code ---- */

void b1(u32 v)
{
	*now.p++ = (u8)v;
}

void b2(u32 v)
{
	b1(v);
	b1(v >> 8);
}

void b4(u32 v)
{
	b2(v);
	b2(v >> 16);
}

u32 here(void)
{
	return (u32)now.p - now.cs_base;
}

void opsize(unsigned size)
{
	if (size != 1 && (size == 2) != now.small)
		b1(0x66);
}

void addrsize(unsigned size)
{
	if ((size == 2) != now.small)
		b1(0x67);
}

void mov_imm(unsigned reg, u32 v)
{
	opsize(4);
	b1(0xb8 + reg);
	b4(v);
}

void push_imm(u32 v, unsigned size)
{
	opsize(size);
	b1(0x68);
	if (size == 2)
		b2(v);
	else
		b4(v);
}

u32 cell(u32 a, u32 b)
{
	u32 at = now.cell;

	poke(at, a);
	poke(at + 4, b);
	now.cell += 8;
	return at;
}

void cell_op(u32 at, unsigned size, u32 opcode, unsigned reg)
{
	u32 off = at - now.cs_base;
	bool wide = off > 0xffff || one_in(2);

	b1(0x2e);
	opsize(size);
	addrsize(wide ? 4 : 2);
	if (opcode >> 8)
		b1(opcode >> 8);
	b1(opcode);
	b1(reg << 3 | (wide ? 5 : 6));
	if (wide)
		b4(off);
	else
		b2(off);
}

void filler(void)
{
	unsigned size = one_in(3) ? 2 : 4, reg = rnd(8);

	if (reg == ESP)
		reg = EAX;
	switch (rnd(6)) {
	case 0: mov_imm(reg, word()); break;
	case 1:
		opsize(size);
		b1(0x40 + rnd(2) * 8 + reg);
		break;
	case 2:
		opsize(size);
		b1(1 + 8 * rnd(8));
		b1(0xc0 | reg << 3 | rnd(4));
		break;
	case 3:
		opsize(size);
		b1(0x50 + reg);
		opsize(size);
		b1(0x58 + rnd(4));
		break;
	case 4: /* SETcc */
		b1(0x0f);
		b1(0x90 + rnd(16));
		b1(0xc0 | rnd(4));
		break;
	default: b1(0x90); break;
	}
}

void end(void)
{
	b2(0x90cd);
}

u32 tail(void)
{
	return CODE + TAIL_SIZE * (one_in(2) ? 0 : rnd(TAILS));
}

u32 tail_for(const struct view *code)
{
	return code->hi == 0xffffffff ? tail() :
					CODE + TAIL_SIZE * rnd(FIRST_RETURN);
}

static void tails(void)
{
	static const char *const code[TAILS] = {
		"", "\x8c\xd0\x8c\xd9\x8c\xc2\x9c", "\x50\x1e\x07\x58",
		"\xca\x04\x90", "\xcb", "\xcf", "\x66\xcb", "\x66\xcf"};

	for (u32 i = 0; i < TAILS; i++) {
		u8 *to = (u8 *)CODE + TAIL_SIZE * i;

		for (const char *s = code[i]; *s; s++)
			*to++ = (u8)*s;
		*to++ = 0xcd;
		*to = END;
	}
	((u8 *)CODE)[FIRST_RETURN * TAIL_SIZE + 2] = 0; /* retf 4 */
}

void start(unsigned cpl, bool small)
{
	now.cpl = cpl;
	now.small = small;
	now.cs_base = small ? CODE : 0;
	now.start = CODE + 0x1000 + (rnd(CODE_ROOM - 0x400) & ~15u);
	now.p = (u8 *)now.start;
	now.from = at(cpl, now.start - now.cs_base);
	for (u32 *r = &now.from.eax; r <= &now.from.edi; r++)
		*r = word();
	now.from.esp = stack_offset(cpl, 0);
	now.from.cs = small ? SMALL + 9 * cpl : level_cs(cpl);
	now.from.ss = now.from.ds = now.from.es = now.from.fs = now.from.gs =
		level_ds(cpl);
	now.from.eflags = 2 | rnd(4) << 12 | (word() & 0xad5);
}

/* ---- once, and once a group ---- */

/* Should chance lead there, INT3 stops it. */
void world_clear(void)
{
	fill((void *)CELLS, 0xcc, 0x10000 - (CELLS - CODE));
	fill((void *)LOW, 0xcc, 0x10000);
}

static void map(u32 from, u32 to, u32 flags)
{
	for (; from < to; from += 4096)
		*pte(from) = from | flags;
}

void world_prepare(void)
{
	extern u8 _end[];

	paging_on();
	map(0, 0x100000, 0);
	map(0x100000, (u32)_end, P | W);
	map(((u32)_end + 4095) & ~4095u, (u32)rt_stack - 0x2000, 0);
	map((u32)rt_ustack, 0x2000000, 0);
	map(LOW, LOW + 0x10000, P | W | U);
	map(CODE, CODE + 0x10000, P | W | U);
	map(DATA, DATA + 0x1000, P | W | U);
	map(STACKS, STACKS + 4 * STACK_SIZE, P | W | U);
	set_cr3(get_cr3());
	set_gdt(CS1, desc(0, 0xfffff, 0xc0bb));
	set_gdt(DS1, desc(0, 0xfffff, 0xc0b3));
	set_gdt(CS2, desc(0, 0xfffff, 0xc0db));
	set_gdt(DS2, desc(0, 0xfffff, 0xc0d3));
	for (u16 i = 0; i < 4; i++)
		set_gdt(SMALL + 8 * i, desc(CODE, 0xffff, 0x9b | i << 5));
	set_gdt(TSS2, 0); /* nothing to switch to */
	rt_tss.ss0 = KDS;
	tails();
}

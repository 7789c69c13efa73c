/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trials of segment registers: loading them in every way, using what was
 * loaded, looking at descriptors, and the registers of tables and tasks. */
#include "tests/diff/ring0/ring0.h"

/* What each segment register gives access to, as far as code has come. */
static struct view reach[SEGS];

/* ---- loads ---- */

static const u8 prefixes[SEGS] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};

static void pop_segment(unsigned seg, u16 sel)
{
	static const u8 pops[SEGS] = {0x07, 0, 0x17, 0x1f, 0xa1, 0xa9};
	unsigned size = one_in(3) ? 2 : 4;

	push_imm((word() & 0xffff0000) | sel, size);
	opsize(size);
	if (seg >= FS)
		b1(0x0f);
	b1(pops[seg]);
}

static void load_pointer(unsigned seg, u16 sel, unsigned reg, u32 offset)
{
	static const u16 loads[SEGS] = {0xc4, 0, 0x0fb2, 0xc5, 0x0fb4, 0x0fb5};
	unsigned size = reg != ESP && one_in(3) ? 2 : 4;
	u32 at = size == 4 ? cell(offset, sel) :
			     cell((offset & 0xffff) | (u32)sel << 16, 0);

	cell_op(at, size, loads[seg], reg);
}

static void load(unsigned seg)
{
	u16 sel = seg == SS ? stack_selector(now.cpl) : any_selector();
	struct view v = view_of(descriptor(sel));
	u32 esp = stack_offset(now.cpl, v.base);
	unsigned reg = rnd(4);

	switch (rnd(4)) {
	case 0:
		mov_imm(reg, (word() & 0xffff0000) | sel);
		opsize(one_in(2) ? 2 : 4);
		b2(0x8e | (0xc0 | seg << 3 | reg) << 8);
		break;
	case 1:
		cell_op(cell(sel, word()), one_in(2) ? 2 : 4, 0x8e, seg);
		break;
	case 2: pop_segment(seg, sel); break;
	default:
		load_pointer(seg, sel, seg == SS && one_in(2) ? ESP : reg, esp);
		break;
	}
	if (seg == SS)
		mov_imm(ESP, esp);
	reach[seg] = sel & ~3u ? v : (struct view){.lo = 1};
}

static void no_such_register(void)
{
	b1(one_in(2) ? 0x8e : 0x8c);
	b1(0xc0 | (one_in(2) ? 1 : 6 + rnd(2)) << 3 | rnd(4));
}

/* ---- use ---- */

static bool may_read(const struct view *v)
{
	return view_is_data(v) || (view_is_code(v) && (v->access & 2));
}

static void use(unsigned seg)
{
	const struct view *v = &reach[seg];
	unsigned log = rnd(3), size = 1u << log, wide = log > 0;
	u32 off = DATA + rnd(DATA_SIZE - 4) - v->base;
	unsigned form = view_is_writable(v) ? rnd(4) : 0;
	static const u8 opcodes[] = {0x8a, 0x88, 0x00, 0x30};

	if (!may_read(v) || v->lo > v->hi || off < v->lo || off > v->hi ||
	    v->hi - off < size)
		return filler();
	if (one_in(4) && off < 0xff00) { /* mov eax, [off] or back */
		b1(prefixes[seg]);
		opsize(size);
		addrsize(2);
		b1(0xa0 + wide + (form ? 2 : 0));
		b2(off);
		return;
	}
	b1(prefixes[seg]);
	opsize(size);
	addrsize(4);
	b1(opcodes[form] + wide);
	b1(rnd(4) << 3 | 5);
	b4(off);
}

static void push_segment(void)
{
	static const u16 pushes[SEGS] = {6, 0x0e, 0x16, 0x1e, 0x0fa0, 0x0fa8};
	unsigned seg = rnd(SEGS), size = one_in(2) ? 2 : 4, reg = rnd(4);

	if (one_in(2)) {
		opsize(size);
		b2(0x8c | (0xc0 | seg << 3 | reg) << 8);
		return;
	}
	mov_imm(EAX, word());
	opsize(4);
	b1(0x50); /* TCG and some processors write all of the slot */
	opsize(4);
	b1(0x58);
	opsize(size);
	if (pushes[seg] >> 8)
		b1(pushes[seg] >> 8);
	b1(pushes[seg]);
	opsize(size);
	b1(0x58 + reg);
	opsize(4); /* movzx: the upper half of a pushed selector may be old */
	b2(0xb70f);
	b1(0xc0 | reg << 3 | reg);
}

/* ---- looking ---- */

static void selector_operand(unsigned size, u32 opcode, unsigned reg)
{
	u16 sel = any_selector();

	if (one_in(2)) {
		cell_op(cell(sel, word()), size, opcode, reg);
		return;
	}
	mov_imm(ECX, (word() & 0xffff0000) | sel);
	opsize(size);
	if (opcode >> 8)
		b1(opcode >> 8);
	b1(opcode);
	b1(0xc0 | reg << 3 | ECX);
}

static void look(void)
{
	unsigned reg = rnd(4), size = one_in(2) ? 2 : 4;

	switch (rnd(5)) {
	case 0:
		selector_operand(size, 0x0f02, reg);
		b2(0x940f); /* SETZ, for the mask below changes flags */
		b1(reg == EAX ? 0xc1 : 0xc0);
		opsize(4); /* bits 16 to 19 are undefined (SDM 2A LAR) */
		b1(0x81);
		b1(0xe0 | reg);
		b4(0xfff0ffff);
		break;
	case 1: selector_operand(size, 0x0f03, reg); break;
	case 2: selector_operand(size, 0x0f00, 4); break;
	case 3: selector_operand(size, 0x0f00, 5); break;
	default:
		mov_imm(EDX, any_selector());
		mov_imm(EAX, any_selector());
		b2(0xd063);
		break;
	}
}

/* ---- tables and tasks ---- */

static void store(void)
{
	static const u8 forms[][2] = {{0, 0}, {0, 1}, {1, 4}};
	const u8 *f = forms[rnd(3)];

	if (one_in(3) && view_is_writable(&reach[DS]) && !reach[DS].base &&
	    !reach[DS].lo && reach[DS].hi == 0xffffffff) { /* SGDT, SIDT */
		opsize(4);
		addrsize(4);
		b2(0x010f);
		b1(rnd(2) << 3 | 5);
		b4(DATA + rnd(DATA_SIZE - 8));
		return;
	}
	opsize(one_in(2) ? 2 : 4);
	b2(f[0] << 8 | 0x0f);
	b1(0xc0 | f[1] << 3 | rnd(4));
}

static void privileged(void)
{
	u16 sel;

	switch (rnd(5)) {
	case 0: selector_operand(2, 0x0f00, 2); break; /* LLDT */
	case 1:						/* LTR */
		sel = (u16)(random_slot() | rnd(4));
		note_selector(sel); /* TCG takes a null one (SDM 2A LTR) */
		mov_imm(EBX, sel);
		b2(0x000f);
		b1(0xdb);
		break;
	case 2:						/* LMSW */
		mov_imm(EBX, (word() & ~1u) | one_in(2));
		b2(0x010f);
		b1(0xf3);
		break;
	case 3: b2(0x060f); break; /* CLTS */
	default:		   /* of CR0: MP, EM, TS, NE, WP */
		mov_imm(EDX, (word() & 0x1002e) | 0x80000011);
		b2(0x220f);
		b1(0xc2);
		break;
	}
}

static void make(void)
{
	struct view flat = {.hi = 0xffffffff, .access = 0xf3, .wide = true};

	world_new(false);
	start(rnd(4), one_in(4));
	for (unsigned i = 0; i < SEGS; i++)
		reach[i] = flat;
	reach[CS] = view_of(descriptor(now.from.cs));
	for (u32 n = 1 + rnd(6); n; n--) {
		u32 seg = rnd(SEGS);

		switch (rnd(12)) {
		default:
			if (seg == CS) {
				no_such_register();
				break;
			}
			load(seg);
			if (seg != SS)
				use(seg);
			break;
		case 5: use(seg); break;
		case 6: push_segment(); break;
		case 7:
		case 8: look(); break;
		case 9: store(); break;
		case 10: privileged(); break;
		case 11: filler(); break;
		}
	}
	end();
}

const struct family segments = {.name = "segments", .make = make};

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads .debug_frame (DWARF 5, 6.4) and .eh_frame (LSB 5, 10.6) for i386.
 *
 * The section is searched from its beginning for each address: a kernel's has
 * some ten thousand entries, which takes less than a millisecond.  Bytes that
 * make no sense end the search; expressions are not evaluated. */
#include "core/debug/cfi.h"

#include <string.h>

enum {
	ROWS_KEPT = 8, /* of DW_CFA_remember_state */
	PE_ABSPTR = 0x00,
	PE_UDATA4 = 0x03,
	PE_SDATA4 = 0x0b,
	PE_PCREL = 0x10,
	PE_OMIT = 0xff,
};

/* A place in the section; `bad` once it was left. */
struct reader {
	const struct cfi_section *s;
	size_t at, end;
	bool bad;
};

static u64 fixed(struct reader *r, unsigned n)
{
	u64 v = 0;

	if (r->bad || r->end - r->at < n) {
		r->bad = true;
		return 0;
	}
	memcpy(&v, r->s->bytes + r->at, n);
	r->at += n;
	return v;
}

static u64 leb(struct reader *r, bool is_signed)
{
	u64 v = 0;
	unsigned shift = 0;
	u8 b;

	do {
		b = (u8)fixed(r, 1);
		if (shift < 64)
			v |= (u64)(b & 0x7f) << shift;
		shift += 7;
	} while (b & 0x80);
	if (is_signed && shift < 64 && b & 0x40)
		v |= ~0ull << shift;
	return v;
}

static u32 uleb(struct reader *r)
{
	return (u32)leb(r, false);
}

static s32 sleb(struct reader *r)
{
	return (s32)leb(r, true);
}

static void skip(struct reader *r, u64 n)
{
	if (r->bad || r->end - r->at < n)
		r->bad = true;
	else
		r->at += n;
}

/* An address as .eh_frame encodes it; where it stands counts. */
static u32 encoded(struct reader *r, u8 encoding)
{
	u32 here = r->s->vma + (u32)r->at, v;

	switch (encoding & 0x0f) {
	case PE_ABSPTR:
	case PE_UDATA4:
	case PE_SDATA4:
		v = (u32)fixed(r, 4);
		break;
	default:
		r->bad = true;
		return 0;
	}
	switch (encoding & 0xf0) {
	case 0:
		return v;
	case PE_PCREL:
		return v + here;
	default:
		r->bad = true;
		return 0;
	}
}

/* What many entries have in common. */
struct common {
	u32 code_align;
	s32 data_align;
	unsigned eip;
	u8 encoding;
	bool is_signal, augmented;
	struct reader program;
};

static void read_augmentation(struct reader *r, struct common *c,
			      const char *letters)
{
	u64 len, end;

	if (*letters != 'z') {
		r->bad |= *letters != 0;
		return;
	}
	c->augmented = true;
	len = uleb(r);
	end = r->at + len;
	for (letters++; *letters && !r->bad; letters++) {
		switch (*letters) {
		case 'R':
			c->encoding = (u8)fixed(r, 1);
			break;
		case 'P':
			encoded(r, (u8)fixed(r, 1) & 0x0f);
			break;
		case 'L':
			fixed(r, 1);
			break;
		case 'S':
			c->is_signal = true;
			break;
		default:
			break;
		}
	}
	r->at = end <= r->end ? (size_t)end : r->at;
	r->bad |= end > r->end;
}

/* The entry at `at`: its bytes go to r, behind its length. */
static bool open_entry(const struct cfi_section *s, size_t at, struct reader *r)
{
	u64 len;

	*r = (struct reader){s, at, s->len, at > s->len};
	len = fixed(r, 4);
	if (r->bad || len > r->end - r->at)
		return false;
	r->end = r->at + (size_t)len;
	return true;
}

static bool read_common(const struct cfi_section *s, size_t at,
			struct common *c)
{
	struct reader r;
	char letters[8];
	size_t n = 0;
	u8 version;

	if (!open_entry(s, at, &r))
		return false;
	fixed(&r, 4); /* what tells it from the others */
	version = (u8)fixed(&r, 1);
	while (n < sizeof(letters) - 1 && (letters[n] = (char)fixed(&r, 1)))
		n++;
	letters[n] = '\0';
	*c = (struct common){.encoding = PE_ABSPTR};
	if (version == 4)
		fixed(&r, 2); /* sizes of addresses and segments */
	c->code_align = uleb(&r);
	c->data_align = sleb(&r);
	c->eip = version == 1 ? (unsigned)fixed(&r, 1) : uleb(&r);
	read_augmentation(&r, c, letters);
	c->program = r;
	return !r.bad && (version == 1 || version == 3 || version == 4) &&
	       c->eip < CFI_REGS;
}

static void set(struct cfi_row *row, u32 reg, int how, s64 value)
{
	if (reg < CFI_REGS)
		row->reg[reg] = (struct cfi_rule){how, (s32)value};
}

/* What one instruction does to the row; false: it moves beyond `pc`. */
struct machine {
	struct reader r;
	const struct common *c;
	struct cfi_row row, first, kept[ROWS_KEPT];
	unsigned depth;
	u32 at; /* address of what follows */
	bool unknown_cfa;
};

static bool advance(struct machine *m, u32 by, u32 pc)
{
	u32 to = m->at + by * m->c->code_align;

	if (to > pc)
		return false;
	m->at = to;
	return true;
}

static void def_cfa(struct machine *m, u32 reg, s32 offset)
{
	m->row.cfa = reg;
	m->row.offset = offset;
	m->unknown_cfa = reg >= CFI_REGS;
}

static bool extended(struct machine *m, u8 op, u32 pc)
{
	struct reader *r = &m->r;
	s32 align = m->c->data_align;
	u32 reg;

	switch (op) {
	case 0x00: /* nop */
		break;
	case 0x01: /* set_loc */
		m->at = encoded(r, m->c->encoding);
		return m->at <= pc;
	case 0x02:
		return advance(m, (u32)fixed(r, 1), pc);
	case 0x03:
		return advance(m, (u32)fixed(r, 2), pc);
	case 0x04:
		return advance(m, (u32)fixed(r, 4), pc);
	case 0x05: /* offset_extended */
		reg = uleb(r);
		set(&m->row, reg, CFI_AT, (s64)uleb(r) * align);
		break;
	case 0x06: /* restore_extended */
		reg = uleb(r);
		if (reg < CFI_REGS)
			m->row.reg[reg] = m->first.reg[reg];
		break;
	case 0x07:
		set(&m->row, uleb(r), CFI_UNDEFINED, 0);
		break;
	case 0x08:
		set(&m->row, uleb(r), CFI_SAME, 0);
		break;
	case 0x09: /* register */
		reg = uleb(r);
		set(&m->row, reg, CFI_IN, uleb(r));
		break;
	case 0x0a: /* remember_state */
		r->bad |= m->depth == ROWS_KEPT;
		if (!r->bad)
			m->kept[m->depth++] = m->row;
		break;
	case 0x0b: /* restore_state */
		r->bad |= !m->depth;
		if (!r->bad)
			m->row = m->kept[--m->depth];
		break;
	case 0x0c: /* def_cfa */
		reg = uleb(r);
		def_cfa(m, reg, (s32)uleb(r));
		break;
	case 0x0d:
		def_cfa(m, uleb(r), m->row.offset);
		break;
	case 0x0e:
		m->row.offset = (s32)uleb(r);
		break;
	case 0x0f: /* def_cfa_expression */
		m->unknown_cfa = true;
		skip(r, uleb(r));
		break;
	case 0x10: /* expression, val_expression */
	case 0x16:
		set(&m->row, uleb(r), CFI_OTHER, 0);
		skip(r, uleb(r));
		break;
	case 0x11:
		reg = uleb(r);
		set(&m->row, reg, CFI_AT, (s64)sleb(r) * align);
		break;
	case 0x12:
		reg = uleb(r);
		def_cfa(m, reg, sleb(r) * align);
		break;
	case 0x13:
		m->row.offset = sleb(r) * align;
		break;
	case 0x14:
		reg = uleb(r);
		set(&m->row, reg, CFI_IS, (s64)uleb(r) * align);
		break;
	case 0x15:
		reg = uleb(r);
		set(&m->row, reg, CFI_IS, (s64)sleb(r) * align);
		break;
	case 0x2e: /* GNU_args_size */
		uleb(r);
		break;
	default:
		r->bad = true;
	}
	return true;
}

static void run(struct machine *m, u32 pc)
{
	while (m->r.at < m->r.end && !m->r.bad) {
		u8 op = (u8)fixed(&m->r, 1), low = op & 0x3f;

		switch (op >> 6) {
		case 1:
			if (!advance(m, low, pc))
				return;
			break;
		case 2:
			set(&m->row, low, CFI_AT,
			    (s64)uleb(&m->r) * m->c->data_align);
			break;
		case 3:
			if (low < CFI_REGS)
				m->row.reg[low] = m->first.reg[low];
			break;
		default:
			if (!extended(m, op, pc))
				return;
		}
	}
}

static bool make_row(const struct common *c, const struct reader *program,
		     u32 from, u32 pc, struct cfi_row *row)
{
	struct machine m = {.c = c, .at = from, .unknown_cfa = true};

	m.r = c->program;
	run(&m, ~0u);
	m.first = m.row;
	m.r = *program;
	m.at = from;
	run(&m, pc);
	*row = m.row;
	row->is_signal = c->is_signal;
	row->eip = c->eip;
	return !m.r.bad && !m.unknown_cfa && row->cfa < CFI_REGS;
}

/* The entry at `at` if it is about `pc`. */
static bool entry_has(const struct cfi_section *s, size_t at, u32 pc,
		      struct cfi_row *row)
{
	struct reader r;
	struct common c;
	u32 id, from, len;
	size_t id_at;

	if (!open_entry(s, at, &r))
		return false;
	id_at = r.at;
	id = (u32)fixed(&r, 4);
	if (r.bad || id == (s->is_eh ? 0 : 0xffffffff) ||
	    (s->is_eh && id > id_at) ||
	    !read_common(s, s->is_eh ? id_at - id : id, &c))
		return false;
	from = encoded(&r, c.encoding);
	len = encoded(&r, c.encoding & 0x0f);
	if (r.bad || pc - from >= len)
		return false;
	if (c.augmented)
		skip(&r, uleb(&r));
	return !r.bad && make_row(&c, &r, from, pc, row);
}

bool cfi_find(const struct cfi_section *s, u32 pc, struct cfi_row *row)
{
	struct reader r;

	for (size_t at = 0; open_entry(s, at, &r) && r.end > r.at; at = r.end)
		if (entry_has(s, at, pc, row))
			return true;
	return false;
}

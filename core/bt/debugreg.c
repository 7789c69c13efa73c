/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's own debugging: DR0-DR7 and TF (SDM 3B 17.2, 17.3).
 *
 * An instruction breakpoint ends blocks in front of its address and is
 * looked for by the dispatcher; RF lets one instruction pass.  A data
 * breakpoint makes its page watched, so accesses take the soft way and are
 * compared here; its #DB comes after the instruction, or not at all if that
 * faults.  TF makes blocks of one instruction. */
#include "core/bt/bt_priv.h"

enum { DR_EXECUTE, DR_WRITE, DR_IO, DR_ACCESS };
enum { DR6_BS = 1u << 14 };

static unsigned dr_type(const struct cpu *c, unsigned i)
{
	return (c->dr[7] >> (16 + 4 * i)) & 3;
}

static unsigned dr_len(const struct cpu *c, unsigned i)
{
	static const u8 len[] = { 1, 2, 8, 4 };

	return len[(c->dr[7] >> (18 + 4 * i)) & 3];
}

static bool dr_enabled(const struct cpu *c, unsigned i)
{
	return c->dr[7] & (3u << 2 * i);
}

static bool is_data(unsigned type)
{
	return type == DR_WRITE || type == DR_ACCESS;
}

static bool same(const struct debug_point *a, const struct debug_point *b)
{
	return a->on == b->on && a->type == b->type && a->lin == b->lin &&
	       a->len == b->len;
}

static void apply(struct bt *bt, const struct debug_point *p, bool on)
{
	if (!p->on)
		return;
	if (p->type == DR_EXECUTE)
		bt_forget_at(bt, p->lin);
	else if (is_data(p->type))
		mem_watch(bt->cpu, p->lin, p->len, p->type == DR_ACCESS, on);
	if (!on)
		bt_unwatched(bt);
}

static struct debug_point point(const struct cpu *c, unsigned i)
{
	struct debug_point p = { .on = dr_enabled(c, i),
				 .type = (u8)dr_type(c, i),
				 .lin = c->dr[i], .len = 1 };

	if (p.type != DR_EXECUTE) {
		p.len = (u8)dr_len(c, i);
		p.lin &= ~(p.len - 1u);
	}
	return p;
}

/* Does [at, at+len) have a byte of the point's?  Both may wrap. */
static bool touches(const struct debug_point *p, u32 at, unsigned len)
{
	return at - p->lin < p->len || p->lin - at < len;
}

/* After anything that may have changed DR0-DR7. */
void debugreg_refresh(struct bt *bt)
{
	struct cpu *c = bt->cpu;

	if (!(c->dr[7] & 0xff) && !bt->points_on)
		return;
	bt->points_on = c->dr[7] & 0xff;
	for (unsigned i = 0; i < 4; i++) {
		struct debug_point now = point(c, i);

		if (same(&now, &bt->points[i]))
			continue;
		apply(bt, &bt->points[i], false);
		bt->points[i] = now;
		apply(bt, &now, true);
	}
}

/* Must a block end before `lin`? */
bool debugreg_at(const struct bt *bt, gla_t lin)
{
	for (unsigned i = 0; i < 4; i++)
		if (bt->points[i].on && bt->points[i].type == DR_EXECUTE &&
		    bt->points[i].lin == lin)
			return true;
	return false;
}

static void raise_db(struct cpu *c, u32 dr6, enum event_kind kind)
{
	cpu_raise(c, EXC_DB, 0);
	c->exc.dr6 = dr6;
	c->exc.kind = kind;
}

/* The dispatcher is about to run the instruction at eip: is #DB due, as a
 * trap after the last one or as a fault before this one? */
void debugreg_before(struct bt *bt)
{
	struct cpu *c = bt->cpu;
	gla_t lin = c->seg[SEG_CS].base + c->eip;
	u32 hits = 0;

	if (c->icount == bt->ss_icount)
		return; /* after the instruction that follows the load of SS */
	if (bt->debug_trap) {
		u32 dr6 = bt->debug_trap;

		bt->debug_trap = 0;
		raise_db(c, dr6, EVENT_TRAP);
		return;
	}
	if (!bt->points_on || (c->sysflags & EFL_RF))
		return;
	for (unsigned i = 0; i < 4; i++)
		if (bt->points[i].on && bt->points[i].type == DR_EXECUTE &&
		    bt->points[i].lin == lin)
			hits |= 1u << i;
	if (hits)
		raise_db(c, hits, EVENT_FAULT);
}

/* Is one of these bytes of a watched page in a data breakpoint? */
bool debugreg_data(struct bt *bt, gla_t lin, unsigned len, bool write,
		   bool tell)
{
	u32 hits = 0;

	for (unsigned i = 0; bt->points_on && i < 4; i++) {
		const struct debug_point *p = &bt->points[i];

		if (p->on && is_data(p->type) &&
		    (write || p->type == DR_ACCESS) && touches(p, lin, len))
			hits |= 1u << i;
	}
	if (hits && tell) {
		bt->debug_trap |= hits;
		bt->kick = 1;
	}
	return hits;
}

/* A port was accessed (CR4.DE makes type 2 mean that). */
void bt_port_touched(struct bt *bt, u16 port, unsigned size)
{
	const struct cpu *c = bt->cpu;

	if (!bt->points_on || !(c->cr4 & CR4_DE))
		return;
	for (unsigned i = 0; i < 4; i++) {
		const struct debug_point *p = &bt->points[i];

		if (p->on && p->type == DR_IO && touches(p, port, size)) {
			bt->debug_trap |= 1u << i;
			bt->kick = 1;
		}
	}
}

/* INT n, INT3, INTO and INT1 clear TF without a trap of their own. */
static bool is_software_interrupt(struct bt *bt, gla_t lin)
{
	u8 bytes[INSN_MAX];
	struct insn in;
	unsigned n = mem_debug_read(bt->cpu, lin, bytes, sizeof(bytes));

	if (decode(bytes, n, bt->mode & MODE_CS32, &in) != DECODE_OK || in.map)
		return false;
	return (in.opcode >= 0xcc && in.opcode <= 0xce) || in.opcode == 0xf1;
}

/* The instruction at `lin` ran with TF set. */
void debugreg_stepped(struct bt *bt, gla_t lin)
{
	if (bt->cpu->exc.pending || bt->cpu->icount == bt->ss_icount)
		return;
	if (!(bt->cpu->sysflags & EFL_TF) && is_software_interrupt(bt, lin))
		return;
	bt->debug_trap |= DR6_BS;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MOVS, STOS, LODS, SCAS, CMPS, alone and repeated (SDM 2B REP).
 *
 * The manual describes a repeated string instruction as a loop of single
 * steps between which interrupts and faults may come; whoever copies a page
 * that way in software is slow.  So iterations are done in batches: as many
 * elements as lie in one page and inside the segment, below the allowance
 * that the clock grants (op_hooks.rep_allowance).  The checks and walks are
 * made for the first element and hold for the others.  After a batch ECX,
 * ESI and EDI say what is done, so a fault or an interrupt between batches
 * finds the state the manual promises.
 *
 * Elements one at a time are what remains: devices (each access has the
 * element's size), pages that are watched or hold translated code, elements
 * across a page border, downward strings other than MOVS, and copies onto
 * memory that the copy itself reads next.
 *
 * Reading goes through host pointers; writing goes through mem_lin_write. */
#include "core/op/string_priv.h"

enum { FILL_BYTES = 512 };

static const u8 zero_page[GUEST_PAGE];

/* ---- driver ---- */

u32 string_span(struct cpu *c, const struct string_op *s, unsigned seg,
		u32 off, u32 count, unsigned access, gla_t *lin)
{
	const struct seg *sg = &c->seg[seg];
	u64 room, last = s->mask;

	if (!mem_seg_check(c, seg, off, s->size, access, lin))
		return 0;
	if (count == 1 || s->step < 0 ||
	    (sg->attr & (SEG_CODE | SEG_EC)) == SEG_EC)
		return 1;
	if (last > sg->limit)
		last = sg->limit;
	room = GUEST_PAGE - (*lin & (GUEST_PAGE - 1));
	if (room > last - off + 1)
		room = last - off + 1;
	room /= s->size;
	if (room < 1)
		return 1; /* lies across a border */
	return count < room ? count : room;
}

const void *string_host(struct cpu *c, gla_t lin, unsigned len, unsigned access)
{
	const void *host = mem_host_ptr(c, lin, len, access);
	gpa_t gpa;

	if (host || !mem_translate(c, lin, access, &gpa))
		return host;
	return mem_host_ptr(c, lin, len, access); /* the walk filled the TLB */
}

static enum op_result repeat(struct cpu *c, const struct string_op *s,
			     string_batch *batch)
{
	u64 allowance = op_hooks.rep_allowance(c->vm), total = 0;
	u32 left = c->gpr[ECX] & s->mask;
	bool stop = false;

	while (left && !stop && total < allowance &&
	       !(total && op_hooks.rep_must_end(c->vm))) {
		u64 most = allowance - total;
		u32 did = batch(c, s, left < most ? left : most, &stop);

		if (!did)
			break;
		left -= did;
		total += did;
		set_part(&c->gpr[ECX], left, s->mask);
	}
	if (total > 1)
		op_hooks.rep_done(c->vm, total - 1);
	if (c->exc.pending && !total)
		return OP_FAULT;
	/* The fault comes again, alone, so that the iterations before it count
	 * the same however they were batched. */
	if (c->exc.pending) {
		c->exc.pending = false;
		return OP_AGAIN;
	}
	return left && !stop ? OP_AGAIN : OP_NEXT;
}

enum op_result string_repeat(struct cpu *c, const struct insn *in,
			     string_batch *batch)
{
	unsigned size = in->opcode & 1 ? in->opsize : 1;
	struct string_op s = {
		.in = in,
		.size = size,
		.mask = size_mask(in->addrsize),
		.step = c->dflag ? -(s32)size : (s32)size,
	};
	bool stop;

	if (in->rep)
		return repeat(c, &s, batch);
	return op_done(batch(c, &s, 1, &stop));
}

/* ---- elements ---- */

static bool read_element(struct cpu *c, gla_t lin, unsigned size, u32 *value)
{
	*value = 0;
	return mem_lin_read(c, lin, value, size, MEM_READ);
}

/* Plain memory for `n` elements if there are several of them. */
static const u8 *host_run(struct cpu *c, const struct string_op *s, gla_t lin,
			  u32 n, unsigned access)
{
	return n > 1 ? string_host(c, lin, n * s->size, access) : NULL;
}

/* ---- MOVS ---- */

static u32 movs_one(struct cpu *c, const struct string_op *s, gla_t from,
		    gla_t to)
{
	u32 value;

	if (!read_element(c, from, s->size, &value) ||
	    !mem_lin_write(c, to, &value, s->size, 0))
		return 0;
	return 1;
}

/* How many of `n` elements can be copied in one piece from *host: no more
 * than lie between source and destination, so that none is read that was
 * written. */
static u32 movs_limit(struct cpu *c, const struct string_op *s, gla_t from,
		      gla_t to, u32 n, const u8 **host)
{
	const u8 *src = string_host(c, from, s->size, MEM_READ), *dst;
	size_t gap;

	*host = src;
	if (!src)
		return c->exc.pending ? 0 : 1;
	dst = string_host(c, to, s->size, MEM_WRITE);
	if (!dst)
		return c->exc.pending ? 0 : 1;
	gap = (dst > src ? dst - src : src - dst) / s->size;
	if (n > gap)
		n = gap;
	return n ? n : 1;
}

/* Elements from `off` downward in one page and segment, `lin` the first. */
static u32 room_below(const struct cpu *c, const struct string_op *s,
		      unsigned seg, u32 off, gla_t lin, u32 count)
{
	u32 room = lin & (GUEST_PAGE - 1);

	if (room + s->size > GUEST_PAGE || (c->seg[seg].attr & SEG_EC))
		return 1;
	if (room > off)
		room = off;
	/* A string's element has 1, 2 or 4 bytes.
	 * NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
	room = room / s->size + 1;
	return count < room ? count : room;
}

/* Addresses and number of the elements that a batch may reach, by DF. */
static u32 movs_span(struct cpu *c, const struct string_op *s, u32 count,
		     gla_t *from, gla_t *to)
{
	unsigned seg = s->in->seg;
	u32 src = string_src(c, s), dst = string_dst(c, s), n;

	n = string_span(c, s, seg, src, count, MEM_READ, from);
	if (s->step > 0)
		return n ? string_span(c, s, SEG_ES, dst, n, MEM_WRITE, to) : 0;
	if (!n || !string_span(c, s, SEG_ES, dst, 1, MEM_WRITE, to))
		return 0;
	n = room_below(c, s, seg, src, *from, count);
	return room_below(c, s, SEG_ES, dst, *to, n);
}

static u32 movs_batch(struct cpu *c, const struct string_op *s, u32 count,
		      bool *stop)
{
	const u8 *src = NULL;
	gla_t from, to;
	u32 n, below;

	(void)stop;
	n = movs_span(c, s, count, &from, &to);
	if (n > 1)
		n = movs_limit(c, s, from, to, n, &src);
	if (n == 1) {
		n = movs_one(c, s, from, to);
	} else if (n) {
		below = s->step < 0 ? (n - 1) * s->size : 0;
		if (!mem_lin_write(c, to - below, src - below, n * s->size, 0))
			n = 0;
	}
	string_advance(c, s, ESI, n);
	string_advance(c, s, EDI, n);
	return n;
}

/* ---- STOS ---- */

static void fill(u8 *buf, u32 value, unsigned size)
{
	if (size == 1)
		value = (value & 0xff) * 0x01010101u;
	else if (size == 2)
		value = (value & 0xffff) * 0x00010001u;
	for (unsigned i = 0; i < FILL_BYTES; i += 4)
		__builtin_memcpy(buf + i, &value, 4);
}

static u32 stos_run(struct cpu *c, const struct string_op *s, gla_t to, u32 n)
{
	u32 value = c->gpr[EAX] & size_mask(s->size);
	u8 buf[FILL_BYTES];
	const void *image = zero_page;

	if (!host_run(c, s, to, n, MEM_WRITE)) {
		if (c->exc.pending)
			return 0;
		return mem_lin_write(c, to, &value, s->size, 0);
	}
	if (value) {
		fill(buf, value, s->size);
		image = buf;
		if (n > FILL_BYTES / s->size)
			n = FILL_BYTES / s->size;
	}
	return mem_lin_write(c, to, image, n * s->size, 0) ? n : 0;
}

static u32 stos_batch(struct cpu *c, const struct string_op *s, u32 count,
		      bool *stop)
{
	gla_t to;
	u32 n = string_span(c, s, SEG_ES, string_dst(c, s), count, MEM_WRITE,
			    &to);

	(void)stop;
	if (n)
		n = stos_run(c, s, to, n);
	string_advance(c, s, EDI, n);
	return n;
}

/* ---- LODS ---- */

static u32 lods_batch(struct cpu *c, const struct string_op *s, u32 count,
		      bool *stop)
{
	u32 value, n;
	gla_t from;
	const u8 *src;

	(void)stop;
	n = string_span(c, s, s->in->seg, string_src(c, s), count, MEM_READ,
			&from);
	if (!n)
		return 0;
	src = host_run(c, s, from, n, MEM_READ);
	if (src)
		value = element(src + (n - 1) * s->size, s->size);
	else if (c->exc.pending || !read_element(c, from, s->size, &value))
		return 0;
	else
		n = 1;
	set_part(&c->gpr[EAX], value, size_mask(s->size));
	string_advance(c, s, ESI, n);
	return n;
}

/* ---- SCAS and CMPS ---- */

/* Flags of a - b, as CMP sets them. */
static u32 compare_flags(u32 a, u32 b, unsigned size)
{
	u32 mask = size_mask(size), sign = mask ^ mask >> 1;
	u32 diff = (a - b) & mask;
	u8 p = diff;

	p ^= p >> 4;
	p ^= p >> 2;
	p ^= p >> 1;
	return (a < b ? EFL_CF : 0) | (p & 1 ? 0 : EFL_PF) |
	       ((a ^ b ^ diff) & EFL_AF) | (diff ? 0 : EFL_ZF) |
	       (diff & sign ? EFL_SF : 0) |
	       ((a ^ b) & (a ^ diff) & sign ? EFL_OF : 0);
}

/* Does the comparison end REPE (F3h) or REPNE (F2h)? */
static bool ends(const struct string_op *s, u32 a, u32 b)
{
	return (a == b) != (s->in->rep == 0xf3);
}

static u32 scas_batch(struct cpu *c, const struct string_op *s, u32 count,
		      bool *stop)
{
	u32 acc = c->gpr[EAX] & size_mask(s->size), value, n, done = 0;
	const u8 *at;
	gla_t lin;

	n = string_span(c, s, SEG_ES, string_dst(c, s), count, MEM_READ, &lin);
	if (!n)
		return 0;
	at = host_run(c, s, lin, n, MEM_READ);
	if (!at) {
		if (c->exc.pending || !read_element(c, lin, s->size, &value))
			return 0;
		at = (const u8 *)&value;
		n = 1;
	}
	do {
		value = element(at + done * s->size, s->size);
		*stop = ends(s, acc, value);
	} while (++done < n && !*stop);
	c->arith = compare_flags(acc, value, s->size);
	string_advance(c, s, EDI, done);
	return done;
}

static u32 cmps_one(struct cpu *c, const struct string_op *s, gla_t first,
		    gla_t second, u32 *a, u32 *b)
{
	return read_element(c, first, s->size, a) &&
	       read_element(c, second, s->size, b);
}

/* Compares up to n elements and leaves the last pair in *a and *b. */
static u32 cmps_run(struct cpu *c, const struct string_op *s, gla_t first,
		    gla_t second, u32 n, u32 *a, u32 *b)
{
	const u8 *x = host_run(c, s, first, n, MEM_READ), *y = NULL;
	u32 done = 0;

	if (x)
		y = host_run(c, s, second, n, MEM_READ);
	if (c->exc.pending)
		return 0;
	if (!y)
		return cmps_one(c, s, first, second, a, b);
	do {
		*a = element(x + done * s->size, s->size);
		*b = element(y + done * s->size, s->size);
	} while (++done < n && !ends(s, *a, *b));
	return done;
}

static u32 cmps_batch(struct cpu *c, const struct string_op *s, u32 count,
		      bool *stop)
{
	gla_t first, second;
	u32 a, b, n;

	n = string_span(c, s, s->in->seg, string_src(c, s), count, MEM_READ,
			&first);
	if (n)
		n = string_span(c, s, SEG_ES, string_dst(c, s), n, MEM_READ,
				&second);
	if (n)
		n = cmps_run(c, s, first, second, n, &a, &b);
	if (!n)
		return 0;
	*stop = ends(s, a, b);
	c->arith = compare_flags(a, b, s->size);
	string_advance(c, s, ESI, n);
	string_advance(c, s, EDI, n);
	return n;
}

/* ---- instructions ---- */

enum op_result op_movs(struct cpu *c, const struct insn *in)
{
	return string_repeat(c, in, movs_batch);
}
enum op_result op_stos(struct cpu *c, const struct insn *in)
{
	return string_repeat(c, in, stos_batch);
}
enum op_result op_lods(struct cpu *c, const struct insn *in)
{
	return string_repeat(c, in, lods_batch);
}
enum op_result op_scas(struct cpu *c, const struct insn *in)
{
	return string_repeat(c, in, scas_batch);
}
enum op_result op_cmps(struct cpu *c, const struct insn *in)
{
	return string_repeat(c, in, cmps_batch);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words on the stack.
 *
 * A single push goes through the SS register like any other store.  Frames
 * of several words (interrupts, far calls, gates) may go to a stack that is
 * not SS yet and with a privilege that is not CPL yet, so they check the
 * limit of a struct seg themselves and write linear memory.  The words
 * normally lie side by side and are written at once, which makes the frame
 * all or nothing; only a frame that wraps around the end of a 16-bit stack
 * goes word by word, after all of its words were checked.
 *
 * Whether a frame fits can be asked first: the manual's order is room on the
 * stack, then the new EIP in its segment, then the pushes.
 *
 * Limits are those of SDM 3A 5.3: an expand-down segment reaches from its
 * limit + 1 to FFFFh or FFFFFFFFh. */
#include "core/op/op_priv.h"

bool stack_peek(struct cpu *c, u32 off, unsigned size, u32 *value)
{
	u32 mask = stack_mask(&c->seg[SEG_SS]);

	*value = 0;
	return mem_read(c, SEG_SS, (c->gpr[ESP] + off) & mask, value, size);
}

bool stack_push(struct cpu *c, u32 value, unsigned size)
{
	u32 mask = stack_mask(&c->seg[SEG_SS]);
	u32 esp = (c->gpr[ESP] - size) & mask;

	if (!mem_write(c, SEG_SS, esp, &value, size))
		return false;
	set_part(&c->gpr[ESP], esp, mask);
	return true;
}

void stack_current(const struct cpu *c, struct stack *s)
{
	s->ss = c->seg[SEG_SS];
	s->esp = c->gpr[ESP];
	s->access = c->cpl == 3 ? MEM_USER : MEM_SYSTEM;
	s->error = 0;
}

void stack_switch(struct cpu *c, const struct stack *s)
{
	seg_set(c, SEG_SS, &s->ss);
	set_part(&c->gpr[ESP], s->esp, stack_mask(&s->ss));
}

static bool fits(const struct seg *ss, u32 off, unsigned len)
{
	u32 last = off + (len - 1);

	if (last < off)
		return false;
	if ((ss->attr & (SEG_CODE | SEG_EC)) == SEG_EC)
		return off > ss->limit && last <= stack_mask(ss);
	return last <= ss->limit;
}

/* Do all words lie in one piece, from `low` up? */
static bool in_one_piece(const struct frame *f, const struct stack *s, u32 *low)
{
	u32 mask = stack_mask(&s->ss), last;

	*low = (s->esp - f->count * f->size) & mask;
	last = *low + (f->count * f->size - 1);
	return last >= *low && last <= mask;
}

bool frame_fits(struct cpu *c, const struct frame *f, const struct stack *s)
{
	u32 mask = stack_mask(&s->ss), low;
	bool ok = true;

	if (in_one_piece(f, s, &low))
		ok = fits(&s->ss, low, f->count * f->size);
	else
		for (unsigned i = 1; i <= f->count; i++)
			ok = ok && fits(&s->ss, (s->esp - i * f->size) & mask,
					f->size);
	return ok || cpu_raise(c, EXC_SS, s->error);
}

/* A frame that ends before `top` could not be written.  By the manual it is
 * pushed word by word, so the page fault is that of the first word pushed
 * which cannot be. */
static bool fault_in_push_order(struct cpu *c, const struct frame *f,
				const struct stack *s, gla_t top)
{
	struct exception x = c->exc;

	c->exc.pending = false;
	for (unsigned i = 0; i < f->count && !c->exc.pending; i++) {
		top -= f->size;
		mem_translate_range(c, top, f->size, MEM_WRITE | s->access);
	}
	if (!c->exc.pending)
		c->exc = x;
	return false;
}

static bool frame_write_words(struct cpu *c, const struct frame *f,
			      const struct stack *s)
{
	u32 mask = stack_mask(&s->ss);

	for (unsigned pass = 0; pass < 2; pass++) {
		u32 esp = s->esp;

		for (unsigned i = 0; i < f->count; i++) {
			gla_t lin;

			esp = (esp - f->size) & mask;
			lin = s->ss.base + esp;
			if (pass == 0 &&
			    !mem_translate_range(c, lin, f->size,
						 MEM_WRITE | s->access))
				return false;
			if (pass == 1 && !mem_lin_write(c, lin, &f->word[i],
							f->size, s->access))
				return false;
		}
	}
	return true;
}

bool frame_write(struct cpu *c, const struct frame *f, struct stack *s)
{
	unsigned len = f->count * f->size;
	union {
		u16 half[FRAME_MAX];
		u32 full[FRAME_MAX];
	} image;
	u32 low;

	if (!frame_fits(c, f, s))
		return false;
	if (s->access == MEM_USER &&
	    !mem_align_check(c, s->ss.base + s->esp, f->size))
		return false;
	if (!in_one_piece(f, s, &low)) {
		if (!frame_write_words(c, f, s))
			return false;
		s->esp = low;
		return true;
	}
	for (unsigned i = 0; i < f->count; i++) {
		if (f->size == 2)
			image.half[f->count - 1 - i] = f->word[i];
		else
			image.full[f->count - 1 - i] = f->word[i];
	}
	if (!mem_lin_write(c, s->ss.base + low, &image, len, s->access))
		return fault_in_push_order(c, f, s, s->ss.base + low + len);
	s->esp = low;
	return true;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of core/op share: operands, stack frames, descriptors and
 * the pieces of far transfers.  A frame is built as a list of words first
 * and written in one go, so that a fault leaves nothing half done. */
#ifndef CORE_OP_OP_PRIV_H
#define CORE_OP_OP_PRIV_H

#include "core/op/op.h"
#include "core/base/copy.h"
#include "core/mem/mem.h"

/* ---- operands ---- */

static inline u32 next_eip(const struct cpu *c, const struct insn *in)
{
	return c->eip + in->len;
}
static inline u32 size_mask(unsigned size)
{
	return size == 4 ? 0xffffffffu : size == 2 ? 0xffffu : 0xffu;
}
static inline void set_part(u32 *to, u32 value, u32 mask)
{
	*to = (*to & ~mask) | (value & mask);
}
static inline bool is_protected(const struct cpu *c)
{
	return !cpu_is_real(c) && !cpu_is_vm86(c);
}
static inline enum op_result op_done(bool ok)
{
	return ok ? OP_NEXT : OP_FAULT;
}
static inline enum op_result op_jumped(bool ok)
{
	return ok ? OP_JUMP : OP_FAULT;
}
static inline enum op_result op_fault(struct cpu *c, enum exc vector, u32 error)
{
	cpu_raise(c, vector, error);
	return OP_FAULT;
}

/* The ModRM operand, register or memory, of 2 or 4 bytes (operand.c).  A
 * 2-byte write leaves the register's upper half. */
bool rm_read(struct cpu *c, const struct insn *in, unsigned size, u32 *value);
bool rm_write(struct cpu *c, const struct insn *in, unsigned size, u32 value);
/* Raises #GP(0) unless CPL is 0 (always so in real mode). */
bool need_cpl0(struct cpu *c);
/* Raises #UD outside protected mode. */
bool need_protected(struct cpu *c);
/* Raises #GP(0) when CPL and IOPL forbid changing IF (CLI, STI). */
bool need_iopl(struct cpu *c);
/* In virtual-8086 mode raises #GP(0) unless IOPL is 3. */
bool need_vm86_iopl(struct cpu *c);

/* ---- stack (frame.c) ---- */

static inline u32 stack_mask(const struct seg *ss)
{
	return ss->attr & SEG_DB ? 0xffffffffu : 0xffffu;
}
/* Reads the word at ESP+off without popping it. */
bool stack_peek(struct cpu *c, u32 off, unsigned size, u32 *value);
/* Adds to ESP in the stack's width. */
static inline void stack_add(struct cpu *c, u32 bytes)
{
	set_part(&c->gpr[ESP], c->gpr[ESP] + bytes, stack_mask(&c->seg[SEG_SS]));
}
/* Pushes one word; ESP changes only when the store succeeded. */
bool stack_push(struct cpu *c, u32 value, unsigned size);

enum { FRAME_MAX = 40 };
struct frame {
	unsigned count, size; /* size of each word: 2 or 4 */
	u32 word[FRAME_MAX];  /* in push order */
};
static inline void frame_push(struct frame *f, u32 value)
{
	f->word[f->count++] = value;
}
/* A stack to write a frame to: the current one or one being switched to. */
struct stack {
	struct seg ss;
	u32 esp;
	unsigned access; /* MEM_SYSTEM or MEM_USER */
	u32 error;	 /* of #SS when the frame does not fit */
};
void stack_current(const struct cpu *c, struct stack *s);
/* Is there room for it below s->esp?  Raises #SS; looks at limits only. */
bool frame_fits(struct cpu *c, const struct frame *f, const struct stack *s);
/* Stores the frame below s->esp and lowers s->esp; raises and changes
 * nothing otherwise. */
bool frame_write(struct cpu *c, const struct frame *f, struct stack *s);
/* Makes `s` the CPU's stack (SS and ESP); the selector's cache too. */
void stack_switch(struct cpu *c, const struct stack *s);

/* ---- descriptors (desc.c) ---- */

struct desc {
	u32 lo, hi;
	gla_t lin; /* where it was read */
};
static inline unsigned desc_dpl(const struct desc *d)
{
	return d->hi >> 13 & 3;
}
static inline unsigned desc_type(const struct desc *d)
{
	return d->hi >> 8 & 15;
}
static inline bool desc_is_segment(const struct desc *d) /* code or data */
{
	return d->hi >> 12 & 1;
}
static inline bool desc_is_code(const struct desc *d)
{
	return desc_is_segment(d) && (desc_type(d) & SEG_CODE);
}
static inline bool desc_is_conforming(const struct desc *d)
{
	return desc_is_code(d) && (desc_type(d) & SEG_EC);
}
static inline bool desc_is_writable(const struct desc *d)
{
	return desc_is_segment(d) && !(desc_type(d) & SEG_CODE) &&
	       (desc_type(d) & SEG_RW);
}
static inline bool desc_is_present(const struct desc *d)
{
	return d->hi >> 15 & 1;
}
static inline u32 gate_offset(const struct desc *d)
{
	u32 low = d->lo & 0xffff;

	return desc_type(d) & 8 ? low | (d->hi & 0xffff0000u) : low;
}
static inline u16 gate_selector(const struct desc *d)
{
	return d->lo >> 16;
}
static inline bool selector_is_null(u16 sel)
{
	return !(sel & 0xfffc);
}
static inline u32 selector_error(u16 sel)
{
	return sel & 0xfffc;
}
/* Where the selector's descriptor lies; false when outside its table. */
bool desc_find(const struct cpu *c, u16 sel, gla_t *lin);
/* Reads it; raises `vector`(selector) when it lies outside its table. */
bool desc_read(struct cpu *c, u16 sel, enum exc vector, struct desc *d);
/* Fills a segment register from a descriptor. */
void desc_to_seg(const struct desc *d, u16 sel, struct seg *s);
/* Sets the accessed bit in memory and in `d` if it is clear. */
bool desc_set_accessed(struct cpu *c, struct desc *d);
/* Sets or clears the busy bit of a TSS descriptor in memory. */
bool desc_set_busy(struct cpu *c, struct desc *d, bool busy);

/* ---- segments (seg_load.c) ---- */

/* Reads and checks a stack segment for privilege `cpl`; errors other than
 * not present are `vector`.  Nothing is loaded. */
bool seg_check_ss(struct cpu *c, u16 sel, unsigned cpl, enum exc vector,
		  struct seg *ss);
/* The same for DS, ES, FS, GS (a null selector gives an unusable one). */
bool seg_check_data(struct cpu *c, u16 sel, enum exc vector, struct seg *s);
/* Segment registers as real and virtual-8086 mode load them. */
void seg_load_real(struct cpu *c, unsigned seg, u16 sel);
void seg_load_vm86(struct cpu *c, unsigned seg, u16 sel);
/* Makes data segments unusable that privilege `c->cpl` may not keep. */
void seg_drop_privileged(struct cpu *c);
void seg_set(struct cpu *c, unsigned seg, const struct seg *value);
/* Loads LDTR, errors as `vector`; for LLDT and task switches. */
bool ldtr_load(struct cpu *c, u16 sel, enum exc vector);

/* ---- far transfers (far.c, gate.c, task.c) ---- */

/* Privileged stack pointer for `level` from the current TSS, checked. */
bool gate_new_stack(struct cpu *c, unsigned level, struct stack *s);
/* Does code segment `d` let EIP be `off`?  Raises #GP(0). */
bool code_limit_ok(struct cpu *c, const struct seg *cs, u32 off);
/* Checks CS to return to (RET, IRET); raises #GP or #NP. */
bool far_return_cs(struct cpu *c, u16 sel, struct seg *cs);
/* Returns to `cs`:eip at the same privilege, `release` bytes popped. */
bool far_return_same(struct cpu *c, const struct seg *cs, u32 eip,
		     u32 release);
/* Returns outward to `cs`:eip with SS:ESP popped from ESP+at. */
bool far_return_outer(struct cpu *c, const struct seg *cs, u32 eip, u32 at,
		      unsigned size, u32 release);
static inline void far_commit(struct cpu *c, const struct seg *cs, u32 eip)
{
	c->seg[SEG_CS] = *cs;
	c->eip = eip;
	c->mode_changed = true;
}

struct event;
/* A transfer was done, to CPL 0 through that gate or by IRET: the next such
 * one needs not ask as much (known.h). */
void known_delivered(struct cpu *c, const struct event *e,
		     const struct desc *gate, bool inward);
void known_returned(struct cpu *c, bool outward);

enum task_source { TASK_JMP, TASK_CALL, TASK_IRET };
/* Switches to the task of selector `sel` whose descriptor is `d` (SDM 3A
 * 7.3).  next and eflags are stored for the old task. */
bool task_switch(struct cpu *c, u16 sel, struct desc *d,
		 enum task_source source, u32 next, u32 eflags);
/* Through a task gate. */
bool task_gate(struct cpu *c, const struct desc *gate, enum task_source source,
	       u32 next, u32 eflags);
/* IRET with NT set. */
bool task_return(struct cpu *c, u32 next);

/* May the program use `size` ports at `port`?  Raises #GP(0) (SDM 1 19.5). */
bool io_allowed(struct cpu *c, u16 port, unsigned size);

/* EFLAGS as IRET and POPF may change them: which bits of `value` count. */
u32 flags_changeable(const struct cpu *c, unsigned opsize);

#endif

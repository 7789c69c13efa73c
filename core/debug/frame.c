/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The frame that the person looks at: 0 is where the guest stands, others are
 * its callers.  While another is selected, $eip, $esp and $ebp (and what its
 * callee saved) are those of that frame.  It is forgotten as soon as the guest
 * moves: what was selected is only believed while the instruction count and
 * the place are those of then. */
#include "core/debug/debug_priv.h"

#include <string.h>

#include "core/debug/regs.h"

static bool is_selected(struct debug *d)
{
	return d->frame.level && d->frame.icount == vm_icount(d->vm) &&
	       d->frame.pc == debug_pc(d);
}

unsigned debug_frame_level(struct debug *d)
{
	return is_selected(d) ? d->frame.level : 0;
}

int debug_frame_select(struct debug *d, unsigned level, struct err *e)
{
	struct unwind u;

	unwind_begin(d, &u);
	for (unsigned i = 0; i < level; i++)
		if (!unwind_step(d, &u))
			return err_set(e,
				       "there is no frame %u: the last one "
				       "is #%u",
				       level, i);
	d->frame.level = level;
	d->frame.icount = vm_icount(d->vm);
	d->frame.pc = debug_pc(d);
	d->frame.unwound = u;
	return 0;
}

gla_t debug_frame_pc(struct debug *d, bool *exact)
{
	bool selected = is_selected(d);

	if (exact)
		*exact = !selected || d->frame.unwound.exact;
	return selected ? d->frame.unwound.pc : debug_pc(d);
}

bool debug_frame_register(struct debug *d, const char *name, struct value *v)
{
	static const struct {
		const char *name;
		u8 number;
	} known[] = {
		{"eax", EAX}, {"ecx", ECX}, {"edx", EDX}, {"ebx", EBX},
		{"esp", ESP}, {"ebp", EBP}, {"esi", ESI}, {"edi", EDI},
		{"sp", ESP},  {"fp", EBP},
	};
	enum reg r = reg_find(name);

	if (!is_selected(d) || r == REG_COUNT)
		return false;
	name = reg_name(r);
	*v = reg_read(debug_cpu(d), r); /* its type */
	if (!strcmp(name, "eip") || !strcmp(name, "pc")) {
		v->bits = d->frame.unwound.pc;
		return true;
	}
	for (unsigned i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(name, known[i].name)) {
			v->bits = d->frame.unwound.regs[known[i].number];
			return true;
		}
	return false;
}

void debug_frame_show(struct debug *d, struct buf *out)
{
	unsigned level = debug_frame_level(d);
	bool exact;
	gla_t pc = debug_frame_pc(d, &exact);
	struct source_line l;

	buf_printf(out, "#%-3u ", level);
	debug_address(d, pc, out);
	if (debug_line(d, exact ? pc : pc - 1, &l))
		buf_printf(out, " at %s:%u", l.file, l.line);
	buf_byte(out, '\n');
}

void debug_frame_describe(struct debug *d, struct buf *out)
{
	unsigned level = debug_frame_level(d);
	struct unwind u, caller;

	debug_frame_show(d, out);
	unwind_begin(d, &u);
	for (unsigned i = 0; i < level && unwind_step(d, &u);)
		i++;
	buf_printf(out, "esp 0x%08x, ebp 0x%08x, %s\n", u.regs[ESP],
		   u.regs[EBP], u.user ? "user mode" : "kernel mode");
	caller = u;
	if (!unwind_step(d, &caller)) {
		buf_printf(out, "its caller is not known\n");
		return;
	}
	buf_printf(out, caller.event == UNWIND_FROM_USER
				? "entered from user mode at "
			: caller.event == UNWIND_FROM_KERNEL ? "interrupted "
							     : "called from ");
	debug_address(d, caller.pc, out);
	buf_printf(out, ", whose esp was 0x%08x\n", caller.regs[ESP]);
}

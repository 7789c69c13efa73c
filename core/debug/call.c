/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls a function of the guest's where it stands, and puts its registers
 * back: the return address is where the guest stands, and a hidden breakpoint
 * there counts only when the stack is as the call leaves it. */
#include "core/debug/debug_priv.h"

#include <string.h>

enum { ALIGN = 16, IN_REGISTERS = 3 };

static void keep(const struct cpu *c, struct registers_before *b)
{
	memcpy(b->gpr, c->gpr, sizeof(b->gpr));
	memcpy(b->fxsave, c->fxsave, sizeof(b->fxsave));
	b->eip = c->eip;
	b->arith = c->arith;
	b->iflag = c->iflag;
	b->dflag = c->dflag;
	b->sysflags = c->sysflags;
	b->halted = c->halted;
	b->shadow = c->shadow;
}

static void put_back(struct cpu *c, const struct registers_before *b)
{
	memcpy(c->gpr, b->gpr, sizeof(b->gpr));
	memcpy(c->fxsave, b->fxsave, sizeof(b->fxsave));
	c->eip = b->eip;
	c->arith = b->arith;
	c->iflag = b->iflag;
	c->dflag = b->dflag;
	c->sysflags = b->sysflags;
	c->halted = b->halted;
	c->shadow = b->shadow;
	c->mode_changed = true;
}

/* Arguments and return address, as the convention wants them. */
static int set_up(struct debug *d, const struct debug_call *call,
		  struct err *e)
{
	static const u8 registers[IN_REGISTERS] = {EAX, EDX, ECX};
	struct cpu *c = debug_cpu(d);
	unsigned in = !call->registers ? 0
		      : call->count < IN_REGISTERS ? call->count
						   : IN_REGISTERS;
	u32 frame[1 + CALL_ARGS_MAX] = {c->eip};
	unsigned on_stack = call->count - in, bytes = 4 * (1 + on_stack);
	u32 esp = ((c->gpr[ESP] - 4 * on_stack) & ~(ALIGN - 1u)) - 4;

	memcpy(frame + 1, call->args + in, 4 * on_stack);
	if (debug_write(d, c->seg[SEG_SS].base + esp, frame, bytes) != bytes)
		return err_set(e, "there is no stack at 0x%x", esp);
	for (unsigned i = 0; i < in; i++)
		c->gpr[registers[i]] = call->args[i];
	c->gpr[ESP] = esp;
	c->eip = call->function - c->seg[SEG_CS].base;
	c->dflag = 0;
	c->halted = false;
	return 0;
}

int debug_call(struct debug *d, const struct debug_call *call, u64 *result,
	       bool *returned, struct err *e)
{
	struct cpu *c = debug_cpu(d);
	gla_t pc = debug_pc(d);
	u8 byte;

	if (debug_ended(d))
		return err_set(e, "the guest has ended; `run' starts it again");
	if (c->exc.pending)
		return err_set(e, "%s is about to be delivered; step first",
			       cpu_exception_name(c->exc.vector));
	if (!(c->seg[SEG_CS].attr & SEG_DB) || !(c->cr0 & CR0_PE))
		return err_set(e, "the guest does not stand in 32-bit code");
	if (!debug_read(d, call->function, &byte, 1))
		return err_set(e, "there is no code at 0x%x", call->function);
	keep(c, &d->before_call);
	if (set_up(d, call, e))
		return -1;
	d->call_is_open = true;
	*returned = debug_run_to_frame(d, pc, c->gpr[ESP] + 4);
	*result = (u64)c->gpr[EDX] << 32 | c->gpr[EAX];
	if (*returned)
		debug_call_undo(d);
	return 0;
}

bool debug_call_undo(struct debug *d)
{
	if (!d->call_is_open)
		return false;
	put_back(debug_cpu(d), &d->before_call);
	d->call_is_open = false;
	d->why = STOP_LIMIT;
	d->hit = d->client_hit = NULL;
	d->stop_pc = debug_pc(d);
	return true;
}

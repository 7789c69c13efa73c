/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events that a person wants the machine to stop at.
 *
 * An exception stops it in front of its delivery, at the instruction that
 * raised it, a call at the first instruction of its stub; all else has just
 * happened: the guest stands behind the
 * instruction, or at the first of the handler.
 *
 * What nobody catches costs nothing: hooks of operations are set, and the
 * translator compares, only while there is a catch of that kind. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/op/op.h"
#include "core/vm/vm_priv.h"

static bool matches(const struct vm_catch *c, enum vm_event what, u32 number,
		    u32 span)
{
	return c->what == what &&
	       (c->number == VM_ANY || c->number - number < span);
}

static bool caught(struct vm *vm, enum vm_event what, u32 number, u32 span)
{
	bool any = false;

	for (unsigned i = 0; i < vm->catch_count; i++) {
		struct vm_catch *c = &vm->catches[i];

		if (!matches(c, what, number, span))
			continue;
		c->hit = any = true;
	}
	if (!any)
		return false;
	vm->caught = true;
	bt_kick(vm->bt);
	return true;
}

__attribute__((format(printf, 2, 3))) static void tell(struct vm *vm,
							const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(vm->catch_text, sizeof(vm->catch_text), fmt, ap);
	va_end(ap);
}

/* ---- what happens ---- */

bool catch_exception(struct vm *vm)
{
	const struct exception *x = &vm->cpu->exc;

	if (!vm->catch_count || vm->exception_passes ||
	    !caught(vm, VM_EVENT_EXCEPTION, x->vector, 1)) {
		vm->exception_passes = false;
		return false;
	}
	vm->exception_passes = true;
	if (x->vector == EXC_PF)
		tell(vm, "#PF at %08x, error code %04x", x->cr2, x->error);
	else if (x->has_error)
		tell(vm, "%s, error code %04x", cpu_exception_name(x->vector),
		     x->error);
	else
		tell(vm, "%s", cpu_exception_name(x->vector));
	return true;
}

void catch_delivered(struct vm *vm, unsigned vector, unsigned instead_of)
{
	if (caught(vm, VM_EVENT_EXCEPTION, vector, 1))
		tell(vm, "%s, during the delivery of %s",
		     cpu_exception_name(vector),
		     cpu_exception_name(instead_of));
}

void catch_interrupt(struct vm *vm, unsigned vector)
{
	if (caught(vm, VM_EVENT_INTERRUPT, vector, 1))
		tell(vm, vector == EXC_NMI ? "NMI (interrupt %02xh)"
					   : "interrupt %02xh from a device",
		     vector);
}

static void software_interrupt(void *arg, u8 vector)
{
	struct vm *vm = arg;
	bool is_exception = vector == EXC_BP || vector == EXC_OF;

	if (is_exception && caught(vm, VM_EVENT_EXCEPTION, vector, 1))
		tell(vm, "%s by its instruction", cpu_exception_name(vector));
	else if (caught(vm, VM_EVENT_INTERRUPT, vector, 1))
		tell(vm, "interrupt %02xh by INT", vector);
}

static void cr_written(void *arg, unsigned number, u32 old, u32 value)
{
	struct vm *vm = arg;

	if (caught(vm, VM_EVENT_CR, number, 1))
		tell(vm, "CR%u was %08x, is %08x", number, old, value);
}

void catch_port(struct vm *vm, bool out, u16 port, unsigned size, u32 value)
{
	if (caught(vm, out ? VM_EVENT_PORT_OUT : VM_EVENT_PORT_IN, port, size))
		tell(vm, "port %03xh, %u byte%s %s: %0*x", port, size,
		     size == 1 ? "" : "s", out ? "out" : "in", (int)size * 2,
		     size == 4 ? value : value & ((1u << 8 * size) - 1));
}

void catch_translator(struct vm *vm)
{
	struct bt_caught got = bt_caught(vm->bt);

	for (unsigned i = 0; i < BT_EXIT_COUNT; i++)
		if (got.exits >> i & 1 && caught(vm, VM_EVENT_EXIT, i, 1))
			tell(vm, "exit %s: %s", bt_exit_name(i),
			     bt_exit_text(i));
	for (unsigned i = 0; i < BT_EVENT_COUNT; i++)
		if (got.events >> i & 1 && caught(vm, VM_EVENT_BT, i, 1))
			tell(vm, "%s: %s", bt_event_name(i), bt_event_text(i));
}

void catch_call(struct vm *vm)
{
	int call = vm->catch_count ? bt_call_here(vm->bt) : -1;

	for (unsigned i = 0; i < vm->catch_count; i++)
		if (vm->catches[i].what == VM_EVENT_CALL)
			vm->catches[i].hit =
				call >= 0 && matches(&vm->catches[i],
						     VM_EVENT_CALL,
						     (u32)call, 1);
}

/* ---- the list ---- */

static void listen_to_calls(struct vm *vm)
{
	u64 bits[BT_CALLS_MAX / 64] = { 0 };

	for (unsigned i = 0; i < vm->catch_count; i++) {
		u32 n = vm->catches[i].number;

		if (vm->catches[i].what != VM_EVENT_CALL)
			continue;
		for (unsigned k = 0; k < ARRAY_LEN(bits); k++)
			if (n == VM_ANY)
				bits[k] = ~0ull;
		if (n < BT_CALLS_MAX)
			bits[n / 64] |= 1ull << (n % 64);
	}
	bt_stop_at_calls(vm->bt, bits);
}

static u32 mask_of(const struct vm *vm, enum vm_event what)
{
	u32 mask = 0;

	for (unsigned i = 0; i < vm->catch_count; i++)
		if (vm->catches[i].what == what)
			mask |= vm->catches[i].number == VM_ANY
					? ~0u
					: 1u << (vm->catches[i].number & 31);
	return mask;
}

/* Who must tell us, by what is in the list. */
static void listen(struct vm *vm)
{
	op_hooks.interrupted =
		mask_of(vm, VM_EVENT_INTERRUPT) | mask_of(vm, VM_EVENT_EXCEPTION)
			? software_interrupt
			: NULL;
	op_hooks.cr_written = mask_of(vm, VM_EVENT_CR) ? cr_written : NULL;
	listen_to_calls(vm);
	bt_catch(vm->bt, mask_of(vm, VM_EVENT_EXIT), mask_of(vm, VM_EVENT_BT));
}

int vm_catch_add(struct vm *vm, enum vm_event what, u32 number)
{
	if (vm->catch_count == CATCHES_MAX)
		return -1;
	vm->catches[vm->catch_count++] =
		(struct vm_catch){.what = what, .number = number};
	listen(vm);
	return 0;
}

int vm_catch_remove(struct vm *vm, enum vm_event what, u32 number)
{
	for (unsigned i = 0; i < vm->catch_count; i++) {
		struct vm_catch *c = &vm->catches[i];

		if (c->what != what || c->number != number)
			continue;
		*c = vm->catches[--vm->catch_count];
		listen(vm);
		return 0;
	}
	return -1;
}

bool vm_catch_hit(struct vm *vm, enum vm_event what, u32 number)
{
	for (unsigned i = 0; i < vm->catch_count; i++) {
		const struct vm_catch *c = &vm->catches[i];

		if (c->what == what && c->number == number)
			return c->hit;
	}
	return false;
}

const char *vm_catch_text(struct vm *vm)
{
	return vm->catch_text;
}

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

static bool caught(struct vm *vm, enum vm_event what, u32 number, u32 span,
		   u64 value)
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
	vm->last = (struct vm_caught){number, value, 0};
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
	    !caught(vm, VM_EVENT_EXCEPTION, x->vector, 1,
		    x->has_error ? x->error : 0)) {
		vm->exception_passes = false;
		return false;
	}
	vm->exception_passes = true;
	vm->last.address = x->vector == EXC_PF ? x->cr2 : 0;
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
	if (caught(vm, VM_EVENT_EXCEPTION, vector, 1, 0))
		tell(vm, "%s, during the delivery of %s",
		     cpu_exception_name(vector),
		     cpu_exception_name(instead_of));
}

void catch_interrupt(struct vm *vm, unsigned vector)
{
	if (caught(vm, VM_EVENT_INTERRUPT, vector, 1, 0))
		tell(vm, vector == EXC_NMI ? "NMI (interrupt %02xh)"
					   : "interrupt %02xh from a device",
		     vector);
}

static void software_interrupt(void *arg, u8 vector)
{
	struct vm *vm = arg;
	bool is_exception = vector == EXC_BP || vector == EXC_OF;

	if (is_exception &&
	    caught(vm, VM_EVENT_EXCEPTION, vector, 1, 0))
		tell(vm, "%s by its instruction", cpu_exception_name(vector));
	else if (caught(vm, VM_EVENT_INTERRUPT, vector, 1, 0))
		tell(vm, "interrupt %02xh by INT", vector);
}

static void cr_written(void *arg, unsigned number, u32 old, u32 value)
{
	struct vm *vm = arg;

	if (caught(vm, VM_EVENT_CR, number, 1, value))
		tell(vm, "CR%u was %08x, is %08x", number, old, value);
}

static const char *const table_names[] = {"gdt", "idt", "ldt", "tr", ""};

const char *vm_table_name(unsigned number)
{
	return table_names[number];
}

/* An instruction that nothing else tells of. */
static void noted(void *arg, enum op_note what, u32 number, u64 value)
{
	struct vm *vm = arg;

	switch (what) {
	case OP_NOTE_DR:
		if (caught(vm, VM_EVENT_DR, number, 1, value))
			tell(vm, "DR%u is %08x", number, (u32)value);
		break;
	case OP_NOTE_MSR_READ:
	case OP_NOTE_MSR_WRITTEN:
		if (caught(vm, VM_EVENT_MSR, number, 1, value))
			tell(vm, "MSR %xh %s: %016llx", number,
			     what == OP_NOTE_MSR_READ ? "read" : "written",
			     (unsigned long long)value);
		break;
	case OP_NOTE_TABLE:
		if (caught(vm, VM_EVENT_TABLE, number, 1, value))
			tell(vm, "%s loaded, base %08x", table_names[number],
			     (u32)value);
		break;
	case OP_NOTE_INVLPG:
		if (caught(vm, VM_EVENT_INVLPG, number & ~(GUEST_PAGE - 1),
			   GUEST_PAGE, 0))
			tell(vm, "INVLPG %08x", number);
		break;
	case OP_NOTE_CPUID:
		if (caught(vm, VM_EVENT_CPUID, number, 1, value))
			tell(vm, "CPUID leaf %xh, subleaf %xh", number,
			     (u32)value);
		break;
	}
}

static void accessed(void *arg, gpa_t gpa, unsigned size, bool write, u32 value)
{
	struct vm *vm = arg;

	if (caught(vm, VM_EVENT_MMIO, (u32)gpa, size, value))
		tell(vm, "device memory %08llx, %u byte%s %s: %0*x",
		     (unsigned long long)gpa, size, size == 1 ? "" : "s",
		     write ? "written" : "read", (int)size * 2, value);
}

static const char *const mode_names[] = {"real", "kernel", "middle", "user",
					 "v86", ""};

const char *vm_mode_name(unsigned number)
{
	return mode_names[number];
}

static u8 mode_of(const struct cpu *c)
{
	enum { REAL, KERNEL, MIDDLE, USER, V86 };

	return cpu_is_real(c)	? REAL
	       : cpu_is_vm86(c) ? V86
	       : c->cpl == 0	? KERNEL
	       : c->cpl == 3	? USER
				: MIDDLE;
}

static void mode_changed(void *arg)
{
	struct vm *vm = arg;
	u8 before = vm->mode;

	vm->mode = mode_of(vm->cpu);
	if (vm->mode != before && caught(vm, VM_EVENT_MODE, vm->mode, 1, before))
		tell(vm, "from %s mode to %s mode", mode_names[before],
		     mode_names[vm->mode]);
}

void catch_port(struct vm *vm, bool out, u16 port, unsigned size, u32 value)
{
	if (size < 4)
		value &= (1u << 8 * size) - 1;
	if (caught(vm, out ? VM_EVENT_PORT_OUT : VM_EVENT_PORT_IN, port, size,
		   value))
		tell(vm, "port %03xh, %u byte%s %s: %0*x", port, size,
		     size == 1 ? "" : "s", out ? "out" : "in", (int)size * 2,
		     value);
}

void catch_translator(struct vm *vm)
{
	struct bt_caught got = bt_caught(vm->bt);

	for (unsigned i = 0; i < BT_EXIT_COUNT; i++)
		if (got.exits >> i & 1 && caught(vm, VM_EVENT_EXIT, i, 1, 0))
			tell(vm, "exit %s: %s", bt_exit_name(i),
			     bt_exit_text(i));
	for (unsigned i = 0; i < BT_EVENT_COUNT; i++)
		if (got.events >> i & 1 && caught(vm, VM_EVENT_BT, i, 1, 0))
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

static bool any_of(const struct vm *vm, u32 events)
{
	for (unsigned i = 0; i < vm->catch_count; i++)
		if (events >> vm->catches[i].what & 1)
			return true;
	return false;
}

/* Who must tell us, by what is in the list. */
static void listen(struct vm *vm)
{
	static const u32 notes = 1u << VM_EVENT_DR | 1u << VM_EVENT_MSR |
				 1u << VM_EVENT_TABLE | 1u << VM_EVENT_INVLPG |
				 1u << VM_EVENT_CPUID;

	op_hooks.noted = any_of(vm, notes) ? noted : NULL;
	mem_on_mmio(vm->mem, any_of(vm, 1u << VM_EVENT_MMIO) ? accessed : NULL,
		    vm);
	vm->mode = mode_of(vm->cpu);
	bt_on_mode(vm->bt, any_of(vm, 1u << VM_EVENT_MODE) ? mode_changed : NULL,
		   vm);
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

struct vm_caught vm_caught(struct vm *vm)
{
	return vm->last;
}

const char *vm_catch_text(struct vm *vm)
{
	return vm->catch_text;
}

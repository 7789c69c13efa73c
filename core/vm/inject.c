/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interrupts and exceptions that a person sends.  They wait as the machine's
 * own do: an interrupt for IF, a line until an interrupt was taken. */
#include "core/vm/vm_priv.h"

bool irq_waits(struct vm *vm)
{
	return vm->injected || bus_intr_pending(vm->bus);
}

int irq_take(struct vm *vm)
{
	int vector = vm->injected ? vm->injected - 1 : bus_intr_ack(vm->bus);

	vm->injected = 0;
	for (unsigned i = 0; vm->injected_lines; i++) {
		if (vm->injected_lines >> i & 1)
			bus_irq(vm->bus, i, false);
		vm->injected_lines &= (u16)~(1u << i);
	}
	return vector;
}

int vm_inject_interrupt(struct vm *vm, u8 vector, struct err *e)
{
	if (vm->injected)
		return err_set(e, "interrupt %02xh waits already; let the guest "
				  "take it first", vm->injected - 1);
	vm->injected = vector + 1;
	bt_set_irq(vm->bt, true);
	return 0;
}

int vm_inject_line(struct vm *vm, unsigned line, struct err *e)
{
	if (bus_irq_level(vm->bus, line))
		return err_set(e, "line %u is up already", line);
	bus_irq(vm->bus, line, true);
	vm->injected_lines |= (u16)(1u << line);
	return 0;
}

int vm_inject_nmi(struct vm *vm, struct err *e)
{
	if (vm->cpu->nmi_pending)
		return err_set(e, "an NMI waits already");
	vm->cpu->nmi_pending = true;
	return 0;
}

int vm_inject_exception(struct vm *vm, u8 vector, u32 error, gla_t address,
			struct err *e)
{
	struct cpu *c = vm->cpu;

	if (c->exc.pending)
		return err_set(e, "%s is about to be delivered; step first",
			       cpu_exception_name(c->exc.vector));
	cpu_raise(c, vector, error);
	c->exc.cr2 = address;
	if (vector == EXC_BP || vector == EXC_OF || vector == EXC_DB)
		c->exc.kind = EVENT_TRAP;
	c->halted = false;
	return 0;
}

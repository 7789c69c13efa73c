/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls about the processor's state that no single instruction does. */
#include "vmi/vmi_priv.h"

#include "core/mem/mem.h"
#include "core/vm/vm.h"

/* The n-th dword above the return address; raises, and false. */
static bool stack_argument(struct cpu *c, unsigned n, u32 *value)
{
	return mem_read(c, SEG_SS, c->gpr[ESP] + 4 * n, value, 4);
}

enum op_result vmi_nothing(struct vmi *v, struct cpu *c)
{
	(void)v;
	(void)c;
	return OP_NEXT;
}

/* ---- tables ---- */

enum op_result vmi_write_entry(struct vmi *v, struct cpu *c)
{
	u32 entry[2] = { c->gpr[ECX], 0 };

	(void)v;
	if (!stack_argument(c, 1, &entry[1]) ||
	    !mem_write(c, SEG_DS, c->gpr[EAX] + 8 * c->gpr[EDX], entry, 8))
		return OP_FAULT;
	return OP_NEXT;
}

/* Available or busy; after reset there is none. */
static bool has_tss32(const struct cpu *c)
{
	return c->tr.sel & ~3u && (c->tr.attr & 13) == 9 && c->tr.limit >= 103;
}

/* A 32-bit TSS has ESP0 at 4 and SS0 at 8 (SDM 3A 7.2.1). */
enum op_result vmi_update_kernel_stack(struct vmi *v, struct cpu *c)
{
	u32 values[2] = { c->gpr[EDX], c->gpr[EAX] & 0xffff };

	(void)v;
	if (has_tss32(c) &&
	    !mem_lin_write(c, c->tr.base + 4, values, 8, MEM_WRITE | MEM_SYSTEM))
		return OP_FAULT;
	return OP_NEXT;
}

/* ---- debug registers: MOV with the number in its ModRM ---- */

static enum op_result move_dr(struct cpu *c, u8 opcode, u8 reg)
{
	u8 bytes[3] = { 0x0f, opcode, (u8)(0xc0 | (c->gpr[EAX] & 7) << 3 | reg) };
	struct insn in;

	decode(bytes, sizeof(bytes), true, &in);
	return op_table[in.op->operation](c, &in);
}

enum op_result vmi_set_dr(struct vmi *v, struct cpu *c)
{
	(void)v;
	return move_dr(c, 0x23, EDX);
}

enum op_result vmi_get_dr(struct vmi *v, struct cpu *c)
{
	(void)v;
	return move_dr(c, 0x21, EAX);
}

/* ---- interrupts ---- */

enum op_result vmi_get_interrupt_mask(struct vmi *v, struct cpu *c)
{
	(void)v;
	c->gpr[EAX] = c->iflag;
	return OP_NEXT;
}

enum op_result vmi_set_interrupt_mask(struct vmi *v, struct cpu *c)
{
	(void)v;
	c->iflag = c->gpr[EAX] & EFL_IF;
	return OP_NEXT;
}

enum op_result vmi_set_iopl_mask(struct vmi *v, struct cpu *c)
{
	(void)v;
	c->sysflags = (c->sysflags & ~(u32)EFL_IOPL) | (c->gpr[EAX] & EFL_IOPL);
	return OP_NEXT;
}

enum { CALL_LEN = 5 };

/* Runs one instruction as if it stood where the stub was called: a fault is
 * reported there (the return address less the 5 bytes of a CALL), which is
 * where kernels look for it in their exception tables. */
static enum op_result instead_of_call(struct cpu *c, struct insn *in,
				      const u8 *bytes, unsigned len)
{
	u32 back;

	if (!stack_argument(c, 0, &back))
		return OP_FAULT;
	if (!in->len) { /* for good */
		decode(bytes, len, true, in);
		in->len = CALL_LEN; /* where a task that is left goes on */
	}
	c->gpr[ESP] += 4;
	c->eip = back - CALL_LEN;
	return op_table[in->op->operation](c, in);
}

enum op_result vmi_iret(struct vmi *v, struct cpu *c)
{
	static const u8 iret[] = { 0xcf };
	static struct insn in;

	(void)v;
	return instead_of_call(c, &in, iret, sizeof(iret));
}

enum op_result vmi_sysexit(struct vmi *v, struct cpu *c)
{
	static const u8 sysexit[] = { 0x0f, 0x35 };
	static struct insn in;
	enum op_result r = instead_of_call(c, &in, sysexit, sizeof(sysexit));

	(void)v;
	if (r != OP_FAULT)
		c->iflag = EFL_IF;
	return r;
}

/* ---- stopping ---- */

enum op_result vmi_halt(struct vmi *v, struct cpu *c)
{
	(void)v;
	c->iflag = EFL_IF;
	c->eip += STUB_INSN_LEN;
	c->halted = true;
	return OP_HALT;
}

enum op_result vmi_shutdown(struct vmi *v, struct cpu *c)
{
	(void)v;
	c->iflag = 0;
	c->eip += STUB_INSN_LEN;
	c->halted = true;
	return OP_HALT;
}

enum op_result vmi_reboot(struct vmi *v, struct cpu *c)
{
	(void)c;
	bus_port_out(vm_bus(v->vm), 0xcf9, 1, 6);
	return OP_NEXT;
}

/* ---- the local APIC ---- */

enum { APIC = 0xfee00000 };

/* Two guests claim API 3: one passes the register's offset, one its linear
 * address; the APIC is page aligned for both. */
static gpa_t apic_register(const struct cpu *c)
{
	return APIC | (c->gpr[EAX] & 0xffc);
}

enum op_result vmi_apic_write(struct vmi *v, struct cpu *c)
{
	mem_phys_write(vm_mem(v->vm), apic_register(c), &c->gpr[EDX], 4);
	return OP_NEXT;
}

enum op_result vmi_apic_read(struct vmi *v, struct cpu *c)
{
	mem_phys_read(vm_mem(v->vm), apic_register(c), &c->gpr[EAX], 4);
	return OP_NEXT;
}

/* Kept for the processor that a startup IPI starts. */
enum op_result vmi_set_initial_ap_state(struct vmi *v, struct cpu *c)
{
	u8 state[AP_STATE_BYTES];
	u32 id = c->gpr[EDX];

	if (!mem_read(c, SEG_DS, c->gpr[EAX], state, sizeof(state)))
		return OP_FAULT;
	if (id >= APS)
		return OP_NEXT;
	for (unsigned i = 0; i < sizeof(state); i++)
		v->ap[id].state[i] = state[i];
	v->ap[id].set = true;
	return OP_NEXT;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls about page tables.
 *
 * The stores are the guest's own, so everything that holds for its plain
 * stores holds here: flags are hints and may lie, pages may never be
 * announced, and other entries change without a word (what mem compares at
 * flushes).  What is said only saves comparisons when the address space is
 * changed: see mem_on_announced(), and docs/vmi.md for what a kernel that
 * says too little would notice. */
#include "vmi/vmi_priv.h"

#include "core/mem/mem.h"
#include "core/vm/vm.h"

enum op_result vmi_set_pxe(struct vmi *v, struct cpu *c)
{
	(void)v;
	return mem_write(c, SEG_DS, c->gpr[EDX], &c->gpr[EAX], 4) ? OP_NEXT
								   : OP_FAULT;
}

enum op_result vmi_set_pxe_long(struct vmi *v, struct cpu *c)
{
	u32 entry[2] = { c->gpr[EAX], c->gpr[EDX] }, flags;

	(void)v;
	if (!mem_read(c, SEG_SS, c->gpr[ESP] + 4, &flags, 4) ||
	    !mem_write(c, SEG_DS, c->gpr[ECX], entry, 8))
		return OP_FAULT;
	c->entry_told = flags;
	return OP_NEXT;
}

enum op_result vmi_update_pxe(struct vmi *v, struct cpu *c)
{
	(void)v;
	(void)c;
	return OP_NEXT;
}

static u64 said_in(const u64 *count)
{
	return count[VMI_SetPxE] + count[VMI_SetPxELong] +
	       count[VMI_UpdatePxE] + count[VMI_UpdatePxELong] +
	       count[VMI_AllocatePage] + count[VMI_ReleasePage];
}

static u64 said(void *arg)
{
	const struct vmi *v = arg;

	return v->said + said_in(v->in_code);
}

void mmu_gathered(struct vmi *v)
{
	v->said = said_in(v->count);
}

void mmu_power_on(struct vmi *v)
{
	mem_forget_tables(vm_mem(v->vm));
	mem_on_announced(vm_mem(v->vm), vm_shows_vmi(v->vm) ? said : NULL, v);
}

enum op_result vmi_allocate_page(struct vmi *v, struct cpu *c)
{
	mem_announce_table(vm_mem(v->vm), (gpa_t)c->gpr[EAX] << 12, true);
	return OP_NEXT;
}

enum op_result vmi_release_page(struct vmi *v, struct cpu *c)
{
	mem_announce_table(vm_mem(v->vm), (gpa_t)c->gpr[EAX] << 12, false);
	return OP_NEXT;
}

enum { FLUSH_TLB = 1, FLUSH_GLOBAL = 2 };

/* What stands for a flush natively, a load of CR3 or a change of CR4.PGE, has
 * PAE's directory pointers read anew (SDM 3A 4.4.1). */
enum op_result vmi_flush_tlb(struct vmi *v, struct cpu *c)
{
	bool pae = (c->cr0 & CR0_PG) && (c->cr4 & CR4_PAE);

	(void)v;
	if (pae && (c->gpr[EAX] & (FLUSH_TLB | FLUSH_GLOBAL)) &&
	    !ctl_load_pdptes(c, c->cr3))
		return OP_FAULT;
	if (c->gpr[EAX] & FLUSH_GLOBAL)
		mem_flush_all(c);
	else if (c->gpr[EAX] & FLUSH_TLB)
		mem_flush_cr3(c);
	return OP_NEXT;
}

enum op_result vmi_set_linear_mapping(struct vmi *v, struct cpu *c)
{
	u32 slot = c->gpr[EAX], frame;

	if (!mem_read(c, SEG_SS, c->gpr[ESP] + 4, &frame, 4))
		return OP_FAULT;
	if (slot >= LINEAR_MAPPINGS)
		return OP_NEXT;
	v->linear[slot].from = c->gpr[EDX];
	v->linear[slot].pages = c->gpr[ECX];
	v->linear[slot].frame = frame;
	return OP_NEXT;
}

enum op_result vmi_set_lazy_mode(struct vmi *v, struct cpu *c)
{
	v->lazy = c->gpr[EAX];
	return OP_NEXT;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page walk (SDM 3A 4.3 32-bit paging, 4.4 PAE paging).
 *
 * One walker serves both formats: a level is an entry, 4 or 8 bytes wide,
 * read from physical memory; the rights of all levels are ANDed, the leaf is
 * a PTE or a PDE with PS.  Accessed bits are set at every level used and the
 * dirty bit at the leaf, only after every check has passed, as the processor
 * does.  The walk knows no TLB and no window; those keep what it found. */
#include "core/mem/mem_priv.h"

enum { PHYS_BITS = 36 };
#define PHYS_MASK ((1ull << PHYS_BITS) - 1)
#define PAE_RESERVED (~PHYS_MASK & ~PTE_NX)

static u64 entry_read(struct mem *m, gpa_t at, unsigned size)
{
	u64 v = 0;

	if (page_flags(m, at) & PAGE_RAM)
		copy_bytes(&v, m->ram + at, size);
	else
		mem_phys_read(m, at, &v, size);
	return v;
}

/* Accessed and dirty live in the low byte; a page table in ROM or nowhere
 * keeps its bits. */
static void entry_set(struct mem *m, gpa_t at, u64 old, u32 bits)
{
	u8 low = (u8)(old | bits);

	if ((old & bits) != bits)
		mem_phys_write(m, at, &low, 1);
}

static u32 fault(unsigned access, bool user, u32 present, const struct cpu *c)
{
	bool nx = (c->cr4 & CR4_PAE) && (c->efer & EFER_NXE);

	return WALK_FAULT | present | (access & MEM_WRITE ? PF_W : 0) |
	       (user ? PF_U : 0) | (access & MEM_EXEC && nx ? PF_I : 0);
}

struct level {
	u64 value;
	gpa_t at;
};

/* Is the entry's use of reserved bits a fault? */
static bool reserved_set(const struct cpu *c, u64 v, bool large)
{
	if (!(c->cr4 & CR4_PAE))
		return large && (v & 0x003fe000); /* no PSE-36 */
	if (v & PAE_RESERVED)
		return true;
	if ((v & PTE_NX) && !(c->efer & EFER_NXE))
		return true;
	return large && (v & 0x001fe000);
}

static void unpaged(gla_t lin, struct walk *w)
{
	*w = (struct walk){ .gpa = lin, .writable = true, .page_rw = true,
			    .dirty = true };
}

static void read_pde(struct cpu *c, gla_t lin, struct level *pde, bool *absent)
{
	struct mem *m = c->mem;

	*absent = false;
	if (c->cr4 & CR4_PAE) {
		u64 top = c->pdpte[lin >> 30];

		*absent = !(top & PTE_P);
		pde->at = (top & PHYS_MASK & ~0xfffull) + ((lin >> 21) & 511) * 8;
		pde->value = *absent ? 0 : entry_read(m, pde->at, 8);
	} else {
		pde->at = (c->cr3 & ~0xfffu) + (lin >> 22) * 4;
		pde->value = entry_read(m, pde->at, 4);
	}
}

static void read_pte(struct cpu *c, gla_t lin, u64 pde, struct level *pte)
{
	if (c->cr4 & CR4_PAE) {
		pte->at = (pde & PHYS_MASK & ~0xfffull) + ((lin >> 12) & 511) * 8;
		pte->value = entry_read(c->mem, pte->at, 8);
	} else {
		pte->at = (pde & ~0xfffull) + ((lin >> 12) & 1023) * 4;
		pte->value = entry_read(c->mem, pte->at, 4);
	}
}

static bool rights_allow(const struct cpu *c, struct walk *w, unsigned access,
			 bool user)
{
	w->writable = w->page_rw || (!user && !(c->cr0 & CR0_WP));
	if (user && !w->user)
		return false;
	if ((access & MEM_WRITE) && !w->writable)
		return false;
	return !((access & MEM_EXEC) && w->nx);
}

u32 walk_page(struct cpu *c, gla_t lin, unsigned access, struct walk *w)
{
	bool user = access_is_user(c, access), pae = c->cr4 & CR4_PAE, absent;
	struct level pde, leaf;
	bool large;
	u64 both;
	u32 offset;

	if (!(c->cr0 & CR0_PG)) {
		unpaged(lin, w);
		return 0;
	}
	read_pde(c, lin, &pde, &absent);
	if (absent || !(pde.value & PTE_P))
		return fault(access, user, 0, c);
	large = (pde.value & PTE_PS) && (pae || (c->cr4 & CR4_PSE));
	if (reserved_set(c, pde.value, large))
		return fault(access, user, PF_P | PF_RSVD, c);
	leaf = pde;
	if (!large) {
		read_pte(c, lin, pde.value, &leaf);
		if (!(leaf.value & PTE_P))
			return fault(access, user, 0, c);
		if (reserved_set(c, leaf.value, false))
			return fault(access, user, PF_P | PF_RSVD, c);
	}
	both = pde.value & leaf.value;
	offset = !large ? 0xfff : pae ? 0x1fffff : 0x3fffff;
	w->page_rw = both & PTE_RW;
	w->user = both & PTE_US;
	w->nx = pae && ((pde.value | leaf.value) & PTE_NX);
	w->global = (leaf.value & PTE_G) && (c->cr4 & CR4_PGE);
	w->large = large;
	w->pde = pde.at;
	w->leaf = leaf.at;
	w->leaf_value = leaf.value;
	w->gpa = (leaf.value & (pae ? PHYS_MASK : 0xffffffffull) & ~(u64)offset &
		  ~0xfffull) | (lin & offset);
	if (!rights_allow(c, w, access, user))
		return fault(access, user, PF_P, c);
	if (!large)
		entry_set(c->mem, pde.at, pde.value, PTE_A);
	entry_set(c->mem, leaf.at, leaf.value,
		  PTE_A | (access & MEM_WRITE ? PTE_D : 0));
	w->dirty = (leaf.value & PTE_D) || (access & MEM_WRITE);
	return 0;
}

/* Entries have all bits of `need`. */
static bool probe(struct cpu *c, gla_t lin, u64 need, gpa_t *gpa)
{
	struct level pde, pte;
	bool absent, pae = c->cr4 & CR4_PAE;
	u32 offset;

	*gpa = lin;
	if (!(c->cr0 & CR0_PG))
		return true;
	read_pde(c, lin, &pde, &absent);
	if (absent || need & ~pde.value)
		return false;
	if ((pde.value & PTE_PS) && (pae || (c->cr4 & CR4_PSE))) {
		offset = pae ? 0x1fffff : 0x3fffff;
		pte = pde;
	} else {
		offset = 0xfff;
		read_pte(c, lin, pde.value, &pte);
		if (need & ~pte.value)
			return false;
	}
	*gpa = (pte.value & PHYS_MASK & ~0xfffull & ~(u64)offset) |
	       (lin & offset);
	return true;
}

bool mem_probe(struct cpu *c, gla_t lin, gpa_t *gpa)
{
	return probe(c, lin, PTE_P, gpa);
}

bool mem_probe_used(struct cpu *c, gla_t lin, gpa_t *gpa)
{
	return probe(c, lin, PTE_P | PTE_A, gpa);
}

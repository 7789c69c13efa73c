/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans an ELF32 executable: every PT_LOAD goes to its physical address.
 * Kernels are linked high and loaded low, so an entry point that lies in a
 * segment's virtual range is moved to where that segment is loaded.
 *
 * Program headers are read field by field at the file's own entry size;
 * sections are not looked at, they say nothing about loading. */
#include "core/vm/load_priv.h"

enum {
	E_TYPE = 16,
	E_MACHINE = 18,
	E_ENTRY = 24,
	E_PHOFF = 28,
	E_PHENTSIZE = 42,
	E_PHNUM = 44,
	E_SIZE = 52,
	P_TYPE = 0,
	P_OFFSET = 4,
	P_VADDR = 8,
	P_PADDR = 12,
	P_FILESZ = 16,
	P_MEMSZ = 20,
	P_SIZE = 32,
	CLASS_32 = 1,
	LITTLE_ENDIAN = 1,
	ET_EXEC = 2,
	EM_386 = 3,
	EM_486 = 6,
	PT_LOAD = 1,
};

bool elf_matches(const struct image *i)
{
	return image_u32(i, 0) == 0x464c457f;
}

static int check_header(const struct image *i, struct err *e)
{
	u16 machine = image_u16(i, E_MACHINE), type = image_u16(i, E_TYPE);

	if (!image_at(i, 0, E_SIZE))
		return err_set(e, "truncated ELF header");
	if (image_u8(i, 4) != CLASS_32)
		return err_set(e, "64-bit ELF; this machine is 32-bit");
	if (image_u8(i, 5) != LITTLE_ENDIAN ||
	    (machine != EM_386 && machine != EM_486))
		return err_set(e, "ELF for another processor (machine %u)",
			       machine);
	if (type != ET_EXEC)
		return err_set(e, "ELF of type %u, not an executable", type);
	return 0;
}

static int plan_segment(const struct image *i, u64 header, unsigned number,
			struct load_plan *p, bool *entry_found, struct err *e)
{
	u32 vaddr = image_u32(i, header + P_VADDR);
	u32 entry = image_u32(i, E_ENTRY);
	struct load_part part = {
		.offset = image_u32(i, header + P_OFFSET),
		.len = image_u32(i, header + P_FILESZ),
		.gpa = image_u32(i, header + P_PADDR),
		.memsz = image_u32(i, header + P_MEMSZ),
	};

	if (image_u32(i, header + P_TYPE) != PT_LOAD || !part.memsz)
		return 0;
	if (part.len > part.memsz)
		return err_set(e,
			       "segment %u is larger in the file than in "
			       "memory",
			       number);
	if (!image_at(i, part.offset, part.len))
		return err_set(e,
			       "truncated: segment %u is not all in the "
			       "file",
			       number);
	if (part.gpa + part.memsz > 1ull << 32)
		return err_set(e, "segment %u ends beyond 4 GiB", number);
	if (!*entry_found && entry >= vaddr && entry - vaddr < part.memsz) {
		p->entry = (u32)part.gpa + (entry - vaddr);
		*entry_found = true;
	}
	return plan_add(p, &part, e);
}

int elf_plan(const struct image *i, struct load_plan *p, struct err *e)
{
	u64 phoff = image_u32(i, E_PHOFF);
	u32 size = image_u16(i, E_PHENTSIZE), count = image_u16(i, E_PHNUM);
	bool entry_found = false;

	if (check_header(i, e))
		return -1;
	if (size < P_SIZE || !count)
		return err_set(e, "ELF file without program headers");
	if (!image_at(i, phoff, (u64)size * count))
		return err_set(e,
			       "truncated: %u program headers at %llx are "
			       "not all in the file",
			       count, (unsigned long long)phoff);
	p->kind = LOAD_ELF;
	p->is_elf = true;
	p->entry = image_u32(i, E_ENTRY);
	for (u32 n = 0; n < count; n++)
		if (plan_segment(i, phoff + (u64)n * size, n, p, &entry_found,
				 e))
			return -1;
	if (!p->parts)
		return err_set(e, "ELF file with nothing to load");
	return 0;
}

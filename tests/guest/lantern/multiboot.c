/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the loader left for us.
 *
 * A multiboot loader passes one structure in memory: how much RAM there is and
 * where, and the command line.  It lies wherever the loader liked, and nothing
 * protects it once we hand out memory.  So everything worth keeping is copied
 * here first, before the first page is allocated.
 */
#include "kernel.h"

#define LOADER_MAGIC 0x2BADB002
#define BOOT_MAPPED 0x1000000	/* boot.S shows this much */

enum { HAS_MEMORY = 1 << 0, HAS_COMMAND_LINE = 1 << 2, HAS_MAP = 1 << 6 };

struct multiboot_info {
	u32 flags;
	u32 lower_kib, upper_kib;
	u32 boot_device;
	u32 command_line;
	u32 module_count, modules;
	u32 symbols[4];
	u32 map_length, map;
};

struct __attribute__((packed)) map_entry {
	u32 size;		/* of what follows */
	u64 start, length;
	u32 type;		/* 1 is RAM */
};

struct memory_range memory_ranges[16];
u32 memory_range_count;
char command_line[256];

static void add_range(u64 start, u64 end)
{
	if (end > 0xFFFFF000)
		end = 0xFFFFF000;
	if (start >= end || memory_range_count == 16)
		return;
	memory_ranges[memory_range_count++] = (struct memory_range){
		round_up((u32)start, PAGE_SIZE), (u32)end & PAGE_MASK };
}

static void read_map(const struct multiboot_info *info)
{
	u32 at = info->map;

	while (at < info->map + info->map_length) {
		const struct map_entry *entry = phys_to_virt(at);

		if (entry->type == 1)
			add_range(entry->start, entry->start + entry->length);
		at += entry->size + sizeof(entry->size);
	}
}

void multiboot_read(u32 magic, u32 address)
{
	const struct multiboot_info *info = phys_to_virt(address);

	if (magic != LOADER_MAGIC)
		panic("not started by a multiboot loader (eax %x)", magic);
	if (address >= BOOT_MAPPED)
		panic("the loader's information is out of reach at %x",
		      address);
	if (info->flags & HAS_COMMAND_LINE && info->command_line < BOOT_MAPPED)
		copy_text(command_line, phys_to_virt(info->command_line),
			  sizeof(command_line));
	if (info->flags & HAS_MAP && info->map < BOOT_MAPPED)
		read_map(info);
	else if (info->flags & HAS_MEMORY)
		add_range(0x100000, 0x100000 + (u64)info->upper_kib * 1024);
	if (!memory_range_count)
		panic("the loader says nothing of memory");
}

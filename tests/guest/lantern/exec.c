/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Exec: the same process, another program.
 *
 * An ELF file lists its segments: these bytes of the file belong at that
 * address.  We copy none of them.  Each segment becomes a region that points
 * into the file, and page faults fetch what the program really touches.  All
 * that must exist before the first instruction is the top of the stack, with
 * the arguments:
 *
 *     USER_STACK_TOP    strings: "sort" NUL "-r" NUL
 *                       NULL
 *                       pointers to the strings
 *                       pointer to those pointers    (argv)
 *     esp ------------> how many there are           (argc)
 *
 * The new memory is made beside the old, so that a failing exec can still
 * return to the program that asked for it.
 */
#include "kernel.h"

enum { ELF_PROGRAM = 2, ELF_386 = 3, SEGMENT_LOAD = 1, SEGMENT_WRITABLE = 2,
       ARGUMENT_BYTES = 2048, ARGUMENTS = 64 };

struct elf_header {
	u8 magic[16];
	u16 type, machine;
	u32 version, entry, segments, sections, flags;
	u16 header_size, segment_size, segment_count;
	u16 section_size, section_count, section_names;
};

struct elf_segment {
	u32 type, offset, address, physical, file_size, memory_size;
	u32 flags, alignment;
};

static const struct elf_header *check_header(const u8 *file, u32 size)
{
	const struct elf_header *header = (const struct elf_header *)file;

	if (!file || size < sizeof(*header) ||
	    memcmp(header->magic, "\177ELF\1\1", 6) ||
	    header->type != ELF_PROGRAM || header->machine != ELF_386 ||
	    header->segment_size != sizeof(struct elf_segment) ||
	    header->segments > size ||
	    header->segment_count * sizeof(struct elf_segment) >
	    size - header->segments)
		return NULL;
	return header;
}

static bool add_segment(struct space *space, const u8 *file, u32 size,
			const struct elf_segment *segment)
{
	u32 within = segment->address % PAGE_SIZE;
	u32 end = segment->address + segment->memory_size;
	struct region *region;

	if (segment->offset > size ||
	    segment->file_size > size - segment->offset ||
	    segment->offset % PAGE_SIZE != within ||
	    segment->file_size > segment->memory_size ||
	    end < segment->address || end > USER_MAP_START)
		return false;
	region = region_add(space, segment->address - within,
			    round_up(end, PAGE_SIZE),
			    segment->flags & SEGMENT_WRITABLE);
	if (!region)
		return false;
	region->image = file + segment->offset - within;
	region->image_bytes = segment->file_size + within;
	if (region->end > space->heap_end)
		space->heap_end = region->end;
	return true;
}

static bool add_segments(struct space *space, const u8 *file, u32 size,
			 const struct elf_header *header)
{
	const struct elf_segment *segment =
		(const struct elf_segment *)(file + header->segments);

	for (u32 i = 0; i < header->segment_count; i++, segment++)
		if (segment->type == SEGMENT_LOAD && segment->memory_size &&
		    !add_segment(space, file, size, segment))
			return false;
	return true;
}

/* Heap and stack; the heap needs one page at least to be a region. */
static bool add_room(struct space *space)
{
	u32 start = space->heap_end;
	struct region *heap = region_add(space, start, start + PAGE_SIZE, true);

	if (!heap)
		return false;
	space->heap = (u32)(heap - space->regions);
	return region_add(space, USER_STACK_TOP - USER_STACK_SIZE,
			  USER_STACK_TOP, true) != NULL;
}

/* Writes the arguments through the direct map, since the new space is not
 * loaded; returns the program's first esp, or 0. */
static u32 build_stack(struct space *space, const char *arguments, u32 length,
		       u32 count)
{
	u32 page = USER_STACK_TOP - PAGE_SIZE;
	u32 frame = frame_alloc_zeroed();
	u32 *where = frame ? page_entry_make(space->directory, page) : NULL;
	u32 strings = PAGE_SIZE - round_up(length, 4);
	u32 pointers = strings - (count + 1) * sizeof(u32);
	u8 *bytes = phys_to_virt(frame);
	u32 *words = (u32 *)(bytes + pointers);

	if (!where) {
		if (frame)
			frame_release(frame);
		return 0;
	}
	page_set(space->directory, page, where,
		 frame | PTE_PRESENT | PTE_WRITE | PTE_USER);
	memcpy(bytes + strings, arguments, length);
	for (u32 i = 0, at = strings; i < count; i++) {
		words[i] = page + at;
		at += strlen((char *)bytes + at) + 1;
	}
	words[-1] = page + pointers;
	words[-2] = count;
	return page + pointers - 2 * sizeof(u32);
}

/* `arguments` are `count` strings, one behind the other, in the kernel. */
int exec_load(const char *path, char *arguments, u32 length, u32 count)
{
	struct inode *inode = inode_open(path, false);
	struct trap_frame *frame = user_frame(current);
	const struct elf_header *header;
	struct space space, old = current->space;
	u32 size = 0, esp = 0;
	const u8 *file;

	if (!inode)
		return -E_NOENT;
	file = inode_image(inode, &size);
	inode_close(inode);	/* the archive itself never goes away */
	header = check_header(file, size);
	if (!header)
		return -E_NOEXEC;
	if (!space_create(&space))
		return -E_NOMEM;
	if (add_segments(&space, file, size, header) && add_room(&space))
		esp = build_stack(&space, arguments, length, count);
	if (!esp) {
		space_destroy(&space);
		return -E_NOEXEC;
	}
	current->space = space;
	space_load(&space);
	space_destroy(&old);
	fpu_forget(current);
	copy_text(current->name, path, NAME_LENGTH);

	frame->eip = header->entry;
	frame->esp = esp;
	frame->ebx = frame->ecx = frame->edx = frame->esi = frame->edi = 0;
	frame->ebp = 0;
	return 0;
}

/* Gathers the program's argument strings; returns their number. */
static int copy_arguments(char *to, u32 *length, char **arguments)
{
	char *pointer;
	int used;

	*length = 0;
	for (u32 count = 0; count < ARGUMENTS; count++) {
		if (copy_from_user(&pointer, &arguments[count],
				   sizeof(pointer)))
			return -E_FAULT;
		if (!pointer)
			return (int)count;
		used = copy_text_from_user(to + *length, pointer,
					   ARGUMENT_BYTES - *length);
		if (used < 0)
			return used;
		*length += (u32)used + 1;
	}
	return -E_2BIG;
}

/* Returns 0 to the new program, which finds there whether it may use
 * sysenter: see user/start.S. */
int sys_exec(const char *path, char **arguments)
{
	char name[NAME_LENGTH];
	char copied[ARGUMENT_BYTES];
	u32 length;
	int count, error;

	error = copy_text_from_user(name, path, sizeof(name));
	if (error < 0)
		return error == -E_2BIG ? -E_NOENT : error;
	count = copy_arguments(copied, &length, arguments);
	if (count < 0)
		return count;
	error = exec_load(name, copied, length, (u32)count);
	return error ? error : cpu.sysenter;
}

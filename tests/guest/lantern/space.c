/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The memory of a process: what it may use, and what it has.
 *
 * What it may use is a short list of regions: program, data, heap, mappings,
 * stack.  What it has is in its page tables.  A new region costs nothing,
 * because pages appear on first touch (fault.c).
 *
 * Pages exist only inside regions; whoever shrinks a region gives back
 * its pages.  That is the invariant on which everything here relies.
 *
 * Fork copies the list, but not the memory.  Parent and child get entries for
 * the same frames, both without the right to write and with the mark
 * PTE_COW, "copy on write".  Whoever writes first takes a fault and gets a
 * copy.  Most forks are followed by exec, and then hardly a page was copied.
 */
#include "kernel.h"

enum { USER_ENTRIES = PAGE_OFFSET >> 22 };

bool space_create(struct space *space)
{
	u32 frame = frame_alloc();

	memset(space, 0, sizeof(*space));
	if (!frame)
		return false;
	space->directory = phys_to_virt(frame);
	memset(space->directory, 0, USER_ENTRIES * sizeof(u32));
	memcpy(space->directory + USER_ENTRIES, kernel_directory + USER_ENTRIES,
	       (1024 - USER_ENTRIES) * sizeof(u32));
	pv.table_made(frame, PV_DIRECTORY);
	return true;
}

/*
 * The entry of the next page that is there, from *at on and before `end`, or
 * NULL.  Walking the regions finds every page, and looks at far fewer entries
 * than walking the tables would.
 */
static u32 *next_page(u32 *directory, u32 *at, u32 end)
{
	for (; *at < end; *at += PAGE_SIZE) {
		u32 *where = page_entry(directory, *at);

		if (!where)
			*at |= LARGE_PAGE - PAGE_SIZE;	/* no table at all */
		else if (*where & PTE_PRESENT)
			return where;
	}
	return NULL;
}

static void release_pages(struct space *space, const struct region *region)
{
	u32 at = region->start, *where;

	for (; (where = next_page(space->directory, &at, region->end));
	     at += PAGE_SIZE)
		frame_release(*where & PAGE_MASK);
}

/* Unlike pages, tables may outlive the last region that needed them. */
static void release_tables(struct space *space)
{
	const u32 *entry = space->directory;
	const u32 *end = entry + USER_ENTRIES;

	for (; entry < end; entry++)
		if (*entry) {
			pv.table_gone(*entry & PAGE_MASK, PV_PAGE_TABLE);
			frame_release(*entry & PAGE_MASK);
		}
}

/* The space must not be loaded. */
void space_destroy(struct space *space)
{
	u32 frame = virt_to_phys(space->directory);

	for (u32 i = 0; i < REGIONS; i++)
		release_pages(space, &space->regions[i]);
	release_tables(space);
	pv.table_gone(frame, PV_DIRECTORY);
	frame_release(frame);
	space->directory = NULL;
}

static const u32 *loaded;	/* the directory in CR3 */

/* Also makes the processor forget what it remembered of the tables. */
void space_load(const struct space *space)
{
	loaded = space->directory;
	pv.load_cr3(virt_to_phys(space->directory));
}

void space_switch(const struct space *space)
{
	if (space->directory != loaded)
		space_load(space);
}

/* Makes the page at `address` common to both, to be copied on write. */
static bool share_page(struct space *to, struct space *from, u32 address,
		       u32 *source)
{
	u32 *target = page_entry_make(to->directory, address);
	u32 entry;

	if (!target)
		return false;
	if (*source & PTE_WRITE)
		page_flip_bits(from->directory, address, source,
			       PTE_WRITE | PTE_COW);
	entry = *source;
	frame_share(entry & PAGE_MASK);
	page_set(to->directory, address, target, entry);
	return true;
}

static bool share_region(struct space *to, struct space *from,
			 const struct region *region)
{
	u32 at = region->start, *where;

	for (; (where = next_page(from->directory, &at, region->end));
	     at += PAGE_SIZE)
		if (!share_page(to, from, at, where))
			return false;
	return true;
}

bool space_copy(struct space *to, struct space *from)
{
	bool done = true;

	if (!space_create(to))
		return false;
	memcpy(to->regions, from->regions, sizeof(to->regions));
	to->heap = from->heap;
	to->heap_end = from->heap_end;

	pv.batch(PV_BATCH_PAGES);
	for (u32 i = 0; done && i < REGIONS; i++)
		done = share_region(to, from, &from->regions[i]);
	pv.batch(PV_BATCH_NONE);

	/* The parent's rights shrank: drop what the TLB remembers. */
	pv.flush_tlb(PV_FLUSH);
	if (!done)
		space_destroy(to);
	return done;
}

struct region *region_find(struct space *space, u32 address)
{
	for (u32 i = 0; i < REGIONS; i++)
		if (address >= space->regions[i].start &&
		    address < space->regions[i].end)
			return &space->regions[i];
	return NULL;
}

/* A region that has some of the range, or NULL if all of it is free. */
static struct region *find_overlap(struct space *space, u32 start, u32 end)
{
	for (u32 i = 0; i < REGIONS; i++)
		if (start < space->regions[i].end &&
		    end > space->regions[i].start)
			return &space->regions[i];
	return NULL;
}

/* NULL if the range is not free, not in the user half, or the list is full. */
struct region *region_add(struct space *space, u32 start, u32 end,
			  bool writable)
{
	if (start >= end || start < PAGE_SIZE || end > PAGE_OFFSET ||
	    find_overlap(space, start, end))
		return NULL;
	for (u32 i = 0; i < REGIONS; i++) {
		struct region *region = &space->regions[i];

		if (region->end)
			continue;
		*region = (struct region){ .start = start, .end = end,
					   .writable = writable };
		return region;
	}
	return NULL;
}

static void unmap_pages(struct space *space, u32 start, u32 end)
{
	u32 at = start, *where;

	for (; (where = next_page(space->directory, &at, end));
	     at += PAGE_SIZE) {
		u32 frame = *where & PAGE_MASK;

		page_set(space->directory, at, where, 0);
		pv.invlpg(at);
		frame_release(frame);
	}
}

u32 space_resident_kib(const struct space *space)
{
	u32 pages = 0;

	for (u32 i = 0; i < REGIONS; i++) {
		u32 at = space->regions[i].start;

		for (; next_page(space->directory, &at, space->regions[i].end);
		     at += PAGE_SIZE)
			pages++;
	}
	return pages * (PAGE_SIZE / 1024);
}

/* Moves the end of the heap by `delta` bytes and returns the old end. */
int sys_sbrk(u32 delta)
{
	struct space *space = &current->space;
	struct region *heap = &space->regions[space->heap];
	u32 old = space->heap_end, new = old + delta;
	u32 end = round_up(new, PAGE_SIZE);

	if (new < heap->start || new > USER_MAP_START)
		return -E_NOMEM;
	if (end > heap->end) {
		if (find_overlap(space, heap->end, end))
			return -E_NOMEM;
	} else if (end < heap->end) {
		if (end == heap->start)
			end += PAGE_SIZE;	/* keep the region alive */
		unmap_pages(space, end, heap->end);
	}
	heap->end = end;
	space->heap_end = new;
	return (int)old;
}

/* A mapping right behind another becomes part of it: the list is short. */
static bool map_range(struct space *space, u32 start, u32 end)
{
	struct region *before = region_find(space, start - 1);

	if (!before || before->image || before->start < USER_MAP_START)
		return region_add(space, start, end, true) != NULL;
	before->end = end;
	return true;
}

/* First fit above `hint`; anonymous and zeroed is all we offer. */
int sys_mmap(u32 hint, u32 length)
{
	u32 size = round_up(length, PAGE_SIZE);
	u32 start = hint & PAGE_MASK;
	struct region *taken;

	if (!size || size > USER_MAP_END - USER_MAP_START)
		return -E_INVAL;
	if (start < USER_MAP_START)
		start = USER_MAP_START;
	while (start <= USER_MAP_END - size) {
		taken = find_overlap(&current->space, start, start + size);
		if (!taken)
			return map_range(&current->space, start, start + size) ?
			       (int)start : -E_NOMEM;
		start = taken->end;
	}
	return -E_NOMEM;
}

/* Takes the range out of one region, which may leave two.  A program's own
 * segments stay: only memory without an image can be given back. */
static int shrink_region(struct space *space, struct region *region, u32 start,
			 u32 end)
{
	u32 region_end = region->end;

	if (region->image || region == &space->regions[space->heap])
		return -E_INVAL;
	if (start <= region->start && end >= region_end) {
		region->end = region->start = 0;
	} else if (start <= region->start) {
		region->start = end;
	} else {
		region->end = start;
		if (end < region_end &&
		    !region_add(space, end, region_end, region->writable)) {
			region->end = region_end;
			return -E_NOMEM;
		}
	}
	return 0;
}

int sys_munmap(u32 start, u32 length)
{
	u32 end = start + round_up(length, PAGE_SIZE);
	int error = 0;

	if (start % PAGE_SIZE || end <= start || end > PAGE_OFFSET)
		return -E_INVAL;
	for (u32 i = 0; !error && i < REGIONS; i++) {
		struct region *region = &current->space.regions[i];

		if (start < region->end && end > region->start)
			error = shrink_region(&current->space, region, start,
					      end);
	}
	if (!error)
		unmap_pages(&current->space, start, end);
	return error;
}

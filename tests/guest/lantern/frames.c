/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Physical memory, one page frame of 4 KiB at a time.
 *
 * One word per frame is all the book-keeping.  While the frame is in use the
 * word counts its owners: after a fork, parent and child own a page together,
 * and it is free when the last lets go.  While the frame is free nobody needs
 * a count, so the word holds the number of the next free frame instead:
 *
 *     first_free -> 412 -> 413 -> 90 -> END
 *
 * The words lie right behind the kernel.  Frames below 1 MiB, the kernel's own
 * and the words' have one owner for ever.
 */
#include "kernel.h"

#define FREE 0x80000000u	/* the word of a free frame has this bit */
#define END 0x7FFFFFFFu

/* The direct map ends where the kernel stacks begin, 896 MiB up. */
#define DIRECT_MAP_LIMIT 0x38000000u

static u32 *words;
static u32 first_free = END;
u32 frames_total, frames_free, memory_top;

static void put_free(u32 number)
{
	words[number] = FREE | first_free;
	first_free = number;
	frames_free++;
}

/* Backwards, so that the list begins with the lowest frame: early page tables
 * must lie in the 16 MiB that boot.S maps. */
static void free_ranges(u32 lowest)
{
	for (u32 number = memory_top / PAGE_SIZE; number-- > lowest;) {
		u32 address = number * PAGE_SIZE;

		for (u32 i = 0; i < memory_range_count; i++)
			if (address >= memory_ranges[i].start &&
			    address < memory_ranges[i].end) {
				put_free(number);
				break;
			}
	}
	frames_total = frames_free;
}

void frames_init(void)
{
	u32 end = virt_to_phys(kernel_end);
	u32 count;

	for (u32 i = 0; i < memory_range_count; i++)
		if (memory_ranges[i].end > memory_top)
			memory_top = memory_ranges[i].end;
	if (memory_top > DIRECT_MAP_LIMIT)
		memory_top = DIRECT_MAP_LIMIT;

	count = memory_top / PAGE_SIZE;
	words = phys_to_virt(end);
	end = round_up(end + count * sizeof(u32), PAGE_SIZE);
	if (end >= memory_top)
		panic("%u KiB of memory are too little", memory_top / 1024);
	for (u32 i = 0; i < count; i++)
		words[i] = 1;
	free_ranges(end / PAGE_SIZE);
}

static u32 *word_of(u32 frame)
{
	if (frame >= memory_top || frame % PAGE_SIZE)
		panic("%08x is no page frame", frame);
	return &words[frame / PAGE_SIZE];
}

u32 frame_alloc(void)
{
	u32 number = first_free;

	if (number == END)
		return 0;
	if (!(words[number] & FREE))
		panic("frame %x is in use and on the free list", number);
	first_free = words[number] & ~FREE;
	words[number] = 1;
	frames_free--;
	return number * PAGE_SIZE;
}

u32 frame_alloc_zeroed(void)
{
	u32 frame = frame_alloc();

	if (frame)
		memset(phys_to_virt(frame), 0, PAGE_SIZE);
	return frame;
}

void frame_share(u32 frame)
{
	u32 *word = word_of(frame);

	if (*word & FREE)
		panic("frame %08x shared after it was freed", frame);
	(*word)++;
}

void frame_release(u32 frame)
{
	u32 *word = word_of(frame);

	if (*word & FREE)
		panic("frame %08x freed twice", frame);
	if (!--*word)
		put_free(frame / PAGE_SIZE);
}

u32 frame_owners(u32 frame)
{
	return *word_of(frame);
}

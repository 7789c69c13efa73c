/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pipes: a page of memory with a process at either end.
 *
 * `written` and `taken` count bytes for ever; their difference is what is
 * inside, and their remainders are where to go on.  A reader of an empty pipe
 * sleeps until something is written, a writer of a full one until something is
 * taken.  When one side has gone for good the other learns it: the reader by
 * an end of file, the writer by an error.
 */
#include "kernel.h"

enum { PIPES = 32, CAPACITY = PAGE_SIZE };

struct pipe {
	char *buffer;
	u32 written, taken;
	bool has_reader, has_writer;
};

static struct pipe pipes[PIPES];

struct pipe *pipe_create(void)
{
	for (u32 i = 0; i < PIPES; i++) {
		u32 frame;

		if (pipes[i].buffer)
			continue;
		frame = frame_alloc();
		if (!frame)
			return NULL;
		pipes[i] = (struct pipe){ .buffer = phys_to_virt(frame),
					  .has_reader = true,
					  .has_writer = true };
		return &pipes[i];
	}
	return NULL;
}

void pipe_close(struct pipe *pipe, bool writer)
{
	if (writer)
		pipe->has_writer = false;
	else
		pipe->has_reader = false;
	wake(pipe);
	if (pipe->has_reader || pipe->has_writer)
		return;
	frame_release(virt_to_phys(pipe->buffer));
	pipe->buffer = NULL;
}

static void wait_for(struct pipe *pipe)
{
	pv.cli();
	sleep_on(pipe);
	pv.sti();
}

/* Copies as much as lies in one piece; the ring may need two. */
static int take(struct pipe *pipe, char *to, u32 count)
{
	u32 at = pipe->taken % CAPACITY;
	u32 part = pipe->written - pipe->taken;

	if (part > count)
		part = count;
	if (part > CAPACITY - at)
		part = CAPACITY - at;
	if (copy_to_user(to, pipe->buffer + at, part))
		return -E_FAULT;
	pipe->taken += part;
	return (int)part;
}

static int put(struct pipe *pipe, const char *from, u32 count)
{
	u32 at = pipe->written % CAPACITY;
	u32 part = CAPACITY - (pipe->written - pipe->taken);

	if (part > count)
		part = count;
	if (part > CAPACITY - at)
		part = CAPACITY - at;
	if (copy_from_user(pipe->buffer + at, from, part))
		return -E_FAULT;
	pipe->written += part;
	return (int)part;
}

int pipe_read(struct pipe *pipe, char *to, u32 count)
{
	int done;

	while (count && pipe->written == pipe->taken) {
		if (current->killed)
			return -E_INTR;
		if (!pipe->has_writer)
			return 0;
		wait_for(pipe);
	}
	done = take(pipe, to, count);
	if (done > 0)
		wake(pipe);
	return done;
}

/* Returns only when all is written, so that lines do not get torn. */
int pipe_write(struct pipe *pipe, const char *from, u32 count)
{
	u32 done = 0;

	while (done < count) {
		int part;

		if (!pipe->has_reader)
			return -E_PIPE;
		if (current->killed)
			return -E_INTR;
		if (pipe->written - pipe->taken == CAPACITY) {
			wait_for(pipe);
			continue;
		}
		part = put(pipe, from + done, count - done);
		if (part < 0)
			return part;
		done += (u32)part;
		wake(pipe);
	}
	return (int)done;
}

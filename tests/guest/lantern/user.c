/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory that belongs to a program.
 *
 * A system call's pointers are only numbers that a program chose.  Before the
 * kernel uses one it must know that it points below PAGE_OFFSET, or a program
 * could read and write the kernel by asking us to; and it must survive that
 * nothing is there.  The first is checked here, the second is copy_bytes.
 */
#include "kernel.h"

static bool is_user_range(u32 start, u32 count)
{
	return start < PAGE_OFFSET && count <= PAGE_OFFSET - start;
}

int copy_from_user(void *to, const void *from, u32 count)
{
	if (!is_user_range((u32)from, count) || copy_bytes(to, from, count))
		return -E_FAULT;
	return 0;
}

int copy_to_user(void *to, const void *from, u32 count)
{
	if (!is_user_range((u32)to, count) || copy_bytes(to, from, count))
		return -E_FAULT;
	return 0;
}

/* Copies a string with its NUL; returns its length without. */
int copy_text_from_user(char *to, const char *from, u32 size)
{
	for (u32 i = 0; i < size; i++) {
		int error = copy_from_user(to + i, from + i, 1);

		if (error)
			return error;
		if (!to[i])
			return (int)i;
	}
	return -E_2BIG;
}

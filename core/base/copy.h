/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copying without libc: libc's memcpy uses vector registers, which hold the
 * guest's while a fast operation runs. */
#ifndef CORE_BASE_COPY_H
#define CORE_BASE_COPY_H

#include "core/base/types.h"

static inline void copy_bytes(void *to, const void *from, size_t n)
{
	/* Accesses of one element must be single stores: guests poll words. */
	switch (n) {
	case 1: *(volatile u8 *)to = *(const u8 *)from; return;
	case 2: __builtin_memcpy(to, from, 2); return;
	case 4: __builtin_memcpy(to, from, 4); return;
	case 8: __builtin_memcpy(to, from, 8); return;
	default: break;
	}
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static inline void fill_bytes(void *to, u8 value, size_t n)
{
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
}

#endif

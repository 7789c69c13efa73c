/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The integer words everything is written in, and the two kinds of guest
 * address: linear (after segmentation) and physical (after paging).  They
 * are never mixed without a walk in between. */
#ifndef CORE_BASE_TYPES_H
#define CORE_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef u32 gla_t; /* guest-linear address */
typedef u64 gpa_t; /* guest-physical address; PAE entries exceed 32 bits */

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define GUEST_PAGE 4096u
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#endif

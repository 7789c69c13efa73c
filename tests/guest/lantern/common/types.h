/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words that the kernel and its programs both use: integers by their
 * width, and 64-bit division, which a 32-bit compiler would otherwise fetch
 * from a run-time library that we do not link.
 */
#ifndef LANTERN_COMMON_TYPES_H
#define LANTERN_COMMON_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* Schoolbook division in two digits of 32 bits each; divl does one digit. */
static inline u64 divide_u64(u64 dividend, u32 divisor, u32 *remainder)
{
	u32 high = (u32)(dividend >> 32) / divisor;
	u32 rest = (u32)(dividend >> 32) % divisor;
	u32 low;

	__asm__("divl %4" : "=a"(low), "=d"(rest)
		: "0"((u32)dividend), "1"(rest), "r"(divisor) : "cc");
	if (remainder)
		*remainder = rest;
	return (u64)high << 32 | low;
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blocks of memory and strings.
 *
 * The compiler may turn any structure copy into a call of memcpy, so even a
 * kernel without a C library must have one.  The block functions use the
 * processor's string instructions: shorter than a loop, faster than a naive
 * one, and safe from a compiler that would recognise the loop inside memset
 * as "this is memset" and call it for ever.
 */
#include "string.h"

void *memset(void *to, int byte, u32 count)
{
	u32 pattern = (u8)byte * 0x01010101u;
	void *end = to;
	u32 words = count / 4, rest = count % 4;

	__asm__ volatile("rep stosl" : "+D"(end), "+c"(words)
			 : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(end), "+c"(rest)
			 : "a"(pattern) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, u32 count)
{
	void *end = to;
	u32 words = count / 4, rest = count % 4;

	__asm__ volatile("rep movsl" : "+D"(end), "+S"(from), "+c"(words)
			 : : "memory");
	__asm__ volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(rest)
			 : : "memory");
	return to;
}

void *memmove(void *to, const void *from, u32 count)
{
	u8 *last = (u8 *)to + count - 1;
	const u8 *source = (const u8 *)from + count - 1;

	if (to <= from || (u8 *)to >= (const u8 *)from + count)
		return memcpy(to, from, count);
	__asm__ volatile("std\n\trep movsb\n\tcld"
			 : "+D"(last), "+S"(source), "+c"(count)
			 : : "memory", "cc");
	return to;
}

int memcmp(const void *a, const void *b, u32 count)
{
	const u8 *left = a, *right = b;

	for (; count; count--, left++, right++)
		if (*left != *right)
			return *left - *right;
	return 0;
}

u32 strlen(const char *text)
{
	const char *end = text;

	while (*end)
		end++;
	return end - text;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, u32 count)
{
	for (; count; count--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

char *strchr(const char *text, int wanted)
{
	for (; *text; text++)
		if (*text == (char)wanted)
			return (char *)text;
	return NULL;
}

const char *find_text(const char *text, const char *wanted)
{
	u32 length = strlen(wanted);

	for (; *text; text++)
		if (!strncmp(text, wanted, length))
			return text;
	return length ? NULL : text;
}

void copy_text(char *to, const char *from, u32 size)
{
	while (size > 1 && *from) {
		*to++ = *from++;
		size--;
	}
	*to = 0;
}

u32 parse_number(const char *text)
{
	u32 value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + (u32)(*text++ - '0');
	return value;
}

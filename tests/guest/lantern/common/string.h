/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings, blocks of memory and formatted text, for kernel and programs. */
#ifndef LANTERN_COMMON_STRING_H
#define LANTERN_COMMON_STRING_H

#include "types.h"

void *memset(void *to, int byte, u32 count);
void *memcpy(void *to, const void *from, u32 count);
void *memmove(void *to, const void *from, u32 count);
int memcmp(const void *a, const void *b, u32 count);

u32 strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, u32 count);
char *strchr(const char *text, int wanted);
const char *find_text(const char *text, const char *wanted);
/* Copies at most size - 1 characters and always ends with a NUL. */
void copy_text(char *to, const char *from, u32 size);
/* Reads a decimal number; stops at the first character that is no digit. */
u32 parse_number(const char *text);

/*
 * Writes formatted text through `put`, which receives `context` unchanged.
 * Knows %d %u %x %c %s %% and %llu, with a width, '-' and '0'.
 */
typedef void (*put_function)(void *context, char c);
void format(put_function put, void *context, const char *how, va_list args);
/* Formats into a buffer of `size` bytes; returns the length kept. */
u32 format_text(char *to, u32 size, const char *how, ...)
	__attribute__((format(printf, 3, 4)));

#endif

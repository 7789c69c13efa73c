/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CHECK: what must be true of our own code, in every build.  A failure is
 * our bug, never the guest's; it prints one line and calls the hook (who has
 * the terminal sets it) before the process ends. */
#ifndef CORE_BASE_CHECK_H
#define CORE_BASE_CHECK_H

#define CHECK(cond, ...)  \
	((cond) ? (void)0 \
		: check_failed(__FILE__, __LINE__, #cond, __VA_ARGS__))

/* Do debug builds look again and again at what is costly to look at? */
#ifdef DEBUG
enum { CHECK_OFTEN = 1 };
#else
enum { CHECK_OFTEN = 0 };
#endif

/* What the host must give, in every build: without it the process ends with
 * status 4 and the line that there is no memory for ... */
#define NEED_MEMORY(given, ...) \
	((given) ? (void)0 : check_no_memory(__VA_ARGS__))
_Noreturn void check_no_memory(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
/* strdup() that needs its memory. */
char *check_copy(const char *text);

/* A file or socket that must not be left behind when the process ends badly,
 * until check_keeps(); the path is borrowed.  A few at a time. */
void check_leaves(const char *path);
void check_keeps(const char *path);
/* Removes them, as the process ends badly. Signal-safe. */
void check_clean_up(void);

/* Called once, with the failed line's text, before abort(); and when a signal
 * in our own code ends the process.  Signal-safe. */
extern void (*check_hook)(const char *text);

_Noreturn void check_failed(const char *file, int line, const char *cond,
			    const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names for guest addresses and back, and source lines, from ELF files and
 * System.map.  Knows nothing of a machine. */
#ifndef CORE_DEBUG_SYMBOLS_H
#define CORE_DEBUG_SYMBOLS_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/debug/cfi.h"

struct symbols;

struct symbols *symbols_new(void);
void symbols_free(struct symbols *s);
void symbols_clear(struct symbols *s);

/* Adds a file's symbols.  With `at` >= 0 the file is moved so that its .text
 * (its lowest code section) lies there.  Returns how many symbols came, -1
 * when the file is neither ELF nor a System.map. */
int symbols_add(struct symbols *s, const char *path, s64 at, struct err *e);

/* A symbol by its type as nm has it ('T': global code); after the last of
 * them symbols_ready(). */
void symbols_put(struct symbols *s, const char *name, u32 addr, char type);
void symbols_ready(struct symbols *s);
/* The same for those that were found in the guest, which symbols_lose() takes
 * away again. */
void symbols_found(struct symbols *s, const char *name, u32 addr, char type);
void symbols_lose(struct symbols *s);

/* Names that stand in no file: code of `len` bytes at addr.  Only those of
 * `by_name` are found by name, the others by address alone.  They take the
 * place of all that were given before; a clear takes them too. */
struct symbol_given {
	const char *name;
	u32 addr, len;
	bool by_name;
};
void symbols_give(struct symbols *s, const struct symbol_given *list, size_t n);
bool symbols_are_given(const struct symbols *s);

/* Those of files. */
size_t symbols_count(const struct symbols *s);

/* All that stand in files, a line each: address, how many bytes it stands for
 * (both in hex), T for code or D, name. */
void symbols_list(const struct symbols *s, struct buf *out);

/* Exact name to address. */
bool symbols_address(const struct symbols *s, const char *name, u32 *addr);

/* Nearest symbol at or below addr; NULL when it lies in no known part. */
const char *symbols_name(const struct symbols *s, u32 addr, u32 *offset);

/* Where code that was loaded at physical `addr` is linked to run, when a file
 * says so (kernels before they turn paging on); `addr` itself otherwise. */
u32 symbols_linked(const struct symbols *s, u32 addr);

/* Start of the function after the one that holds addr; 0 when unknown. */
u32 symbols_next(const struct symbols *s, u32 addr);

/* The index-th name that starts with `prefix`, in order; NULL: no more. */
const char *symbols_complete(const struct symbols *s, const char *prefix,
			     size_t index);
/* The same of all names, with where it is; false: no more. */
struct symbol_view {
	const char *name;
	u32 addr;
	bool is_code;
};
bool symbols_at(const struct symbols *s, size_t index, struct symbol_view *v);
/* A name that is close to `name`, or NULL. */
const char *symbols_similar(const struct symbols *s, const char *name);

/* Source position of an address; file lives until the next clear. */
struct source_line {
	const char *file;
	unsigned line;
};
bool symbols_line(struct symbols *s, u32 addr, struct source_line *l);

/* How the caller's registers are found at an address, if a file says it. */
bool symbols_frame(struct symbols *s, u32 addr, struct cfi_row *row);

/* First address of a line: `file` matches a path's last parts. */
bool symbols_line_address(struct symbols *s, const char *file, unsigned line,
			  u32 *addr);

/* Differences between two words (insertions, deletions, changes), at most
 * `limit`; for "did you mean". */
unsigned word_distance(const char *a, const char *b, unsigned limit);

#endif

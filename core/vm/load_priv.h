/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the loader's files share: bounds-checked reading of an image, the
 * planners, and what each boot protocol does once the kernel is in place. */
#ifndef CORE_VM_LOAD_PRIV_H
#define CORE_VM_LOAD_PRIV_H

#include <string.h>

#include "core/vm/load.h"

enum {
	LOAD_GDT = 0x9000, /* Linux; others find a free place */
	LOAD_GDT_LEN = 32,
	LOAD_CS = 0x08, /* DS is the next; as QEMU: kernels rely on it */
	LINUX_CS = 0x10, /* and Linux's boot protocol wants these */
	LOAD_STACK = 0x7c00,
	LOW_TOP = 0x9f000, /* below the EBDA, page aligned */
};

/* Bytes of a file; nothing reads them except through these. */
struct image {
	const u8 *bytes;
	u64 len;
};

/* [offset, offset + len) when all of it is in the file, else NULL. */
static inline const u8 *image_at(const struct image *i, u64 offset, u64 len)
{
	if (offset > i->len || len > i->len - offset)
		return NULL;
	return i->bytes + offset;
}

/* Little-endian fields; 0 beyond the end. */
static inline u32 image_u32(const struct image *i, u64 offset)
{
	const u8 *at = image_at(i, offset, 4);
	u32 value = 0;

	if (at)
		memcpy(&value, at, 4);
	return value;
}

static inline u16 image_u16(const struct image *i, u64 offset)
{
	const u8 *at = image_at(i, offset, 2);
	u16 value = 0;

	if (at)
		memcpy(&value, at, 2);
	return value;
}

static inline u8 image_u8(const struct image *i, u64 offset)
{
	const u8 *at = image_at(i, offset, 1);

	return at ? *at : 0;
}

int plan_add(struct load_plan *p, const struct load_part *part, struct err *e);
/* End of the highest part, rounded up to a page. */
u64 plan_end(const struct load_plan *p);
/* A free page-aligned place of `len` bytes in low memory, 0 when none. */
u32 plan_low_space(const struct load_plan *p, u32 len);

bool elf_matches(const struct image *i);
int elf_plan(const struct image *i, struct load_plan *p, struct err *e);
bool linux_matches(const struct image *i);
int linux_plan(const struct image *i, struct load_plan *p, struct err *e);
/* These two are -1 with text when a header is there and cannot be served. */
bool multiboot1_matches(const struct image *i);
int multiboot1_plan(const struct image *i, struct load_plan *p, struct err *e);
bool multiboot2_matches(const struct image *i);
int multiboot2_plan(const struct image *i, struct load_plan *p, struct err *e);

/* Returned instead of -1 when the text already names the file it is about,
 * a module's and not the kernel's. */
enum { LOAD_NAMED = -2 };

/* A file in a malloc'ed buffer; the caller frees bytes. */
int load_read_file(const char *path, struct image *out, struct err *e);
/* Path of "FILE ARGS" in a malloc'ed string. */
char *load_module_path(const char *text);
/* Writes a GDT with a flat code segment at selector `cs`, and data next. */
void load_write_gdt(u8 *at, u16 cs);

int linux_finish(const struct load_request *rq, const struct load_plan *p,
		 const struct image *kernel, struct load_result *out,
		 struct err *e);
int multiboot_finish(const struct load_request *rq, const struct load_plan *p,
		     struct load_result *out, struct err *e);

#endif

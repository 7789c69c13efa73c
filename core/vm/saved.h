/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of a saved machine: a head, then sections, each with a name, a
 * mark of its layout, and a checksum.  docs/save.md tells more. */
#ifndef CORE_VM_SAVED_H
#define CORE_VM_SAVED_H

#include <stdio.h>

#include "core/base/err.h"
#include "core/base/types.h"

enum { SECTION_NAME = 16 };

/* ---- writing: to a file beside the one wanted, which takes its place when
 * all is on the disk ---- */
struct saved_writer {
	FILE *out;
	char *path, *temporary; /* owned */
	int trouble; /* the first errno, 0: none */
	u32 sections, crc;
	long section_at; /* of the one that is being written */
	struct section_head {
		char name[SECTION_NAME];
		u64 len;
		u32 layout, crc;
	} section;
};
int saved_create(struct saved_writer *w, const char *path, struct err *e);
void saved_begin(struct saved_writer *w, const char *name, u32 layout);
void saved_put(struct saved_writer *w, const void *bytes, size_t len);
void saved_end(struct saved_writer *w);
/* 0: the file is there, whole; -1: as if nothing had been asked. */
int saved_finish(struct saved_writer *w, struct err *e);

/* ---- reading: the whole file is looked at before anything of it is used ---- */
struct saved {
	u8 *bytes; /* owned */
	size_t len;
	u32 sections;
};
struct section {
	char name[SECTION_NAME];
	u32 layout;
	const u8 *bytes;
	size_t len;
};
/* Refuses what is no saved machine of this version, or damaged. */
int saved_open(struct saved *s, const char *path, struct err *e);
void saved_close(struct saved *s);
/* The section of that name; NULL: there is none. */
bool saved_section(const struct saved *s, const char *name,
		   struct section *found);

#endif

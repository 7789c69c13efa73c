/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See load_fixture.h. */
#include "tests/unit/load_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"

void put16(struct made *f, u64 at, u16 value)
{
	memcpy(f->bytes + at, &value, 2);
}

void put32(struct made *f, u64 at, u32 value)
{
	memcpy(f->bytes + at, &value, 4);
}

void make_elf(struct made *f, u32 vaddr, u32 paddr, u32 len)
{
	memset(f, 0, sizeof(*f));
	memcpy(f->bytes, "\177ELF\1\1\1", 7);
	put16(f, 16, 2);         /* ET_EXEC */
	put16(f, 18, 3);         /* EM_386 */
	put32(f, 24, vaddr + 4); /* e_entry */
	put32(f, 28, 52);        /* e_phoff */
	put16(f, 42, 32);
	put16(f, 44, 1);
	put32(f, 52, 1); /* PT_LOAD */
	put32(f, 56, 0x1000);
	put32(f, 60, vaddr);
	put32(f, 64, paddr);
	put32(f, 68, len);
	put32(f, 72, len * 2);
	memset(f->bytes + 0x1000, 0x90, len);
	f->len = 0x1000 + len;
}

void add_multiboot1(struct made *f, u64 at, u32 flags)
{
	put32(f, at, 0x1badb002);
	put32(f, at + 4, flags);
	put32(f, at + 8, -(0x1badb002 + flags));
}

void make_linux(struct made *f, u16 protocol, u32 len)
{
	memset(f, 0, sizeof(*f));
	f->bytes[0x1f1] = 3; /* setup_sects */
	put32(f, 0x1f4, len / 16);
	put16(f, 0x1fe, 0xaa55);
	put16(f, 0x200, 0x66eb); /* jump over the header */
	memcpy(f->bytes + 0x202, "HdrS", 4);
	put16(f, 0x206, protocol);
	f->bytes[0x211] = 1; /* LOADED_HIGH */
	put32(f, 0x22c, 0x37ffffff);
	put32(f, 0x238, 2047);
	put32(f, 0x258, 0x1000000); /* pref_address */
	put32(f, 0x260, 0x200000);  /* init_size */
	memset(f->bytes + 2048, 0x90, len);
	f->len = 2048 + len;
}

char *save(const struct made *f)
{
	char *path = strdup("/tmp/vitrine-load-XXXXXX");
	int fd = mkstemp(path);

	CHECK(fd >= 0 && write(fd, f->bytes, f->len) == (ssize_t)f->len,
	      "cannot write %s", path);
	close(fd);
	return path;
}

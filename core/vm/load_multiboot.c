/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Multiboot 1 (0.6.96) and 2 (2.0): a header near the start of the file that
 * says how the kernel wants to be loaded, and a block of information that
 * the kernel finds through ebx.
 *
 * Either header may give load addresses itself (version 1 calls that the
 * a.out kludge); else the file is ELF.  Modules go above the kernel, each
 * on a page; the information block and a GDT to a free place in low memory.
 *
 * Command lines begin with the file's name, as in QEMU and the first GRUB:
 * kernels look for arguments behind it.
 *
 * The information block is written through a cursor with a fixed end; its
 * size is computed from the strings beforehand, so it never overflows. */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/dev/dev.h"
#include "core/mem/mem.h"
#include "core/vm/load_priv.h"

enum {
	MB1_MAGIC = 0x1badb002,
	MB1_SEARCH = 8192,
	MB1_WANTS_SCREEN = 4,
	MB1_MUST_KNOW = 0xfff8, /* requirements we do not know */
	MB1_HAS_ADDRESSES = 0x10000,
	MB1_EAX = 0x2badb002,
	MB2_SEARCH = 32768,
	MB2_EAX = 0x36d76289,
};

static const u32 mb2_magic = 0xe85250d6;

#define LOADER_NAME "vitrine"

/* ---- headers ---- */

/* Offset of the header, -1 when there is none with a right checksum. */
static s64 find_header(const struct image *i, u32 magic, unsigned step,
		       u64 search, unsigned fields)
{
	for (u64 at = 0; at < search && image_at(i, at, fields * 4);
	     at += step) {
		u32 sum = 0;

		if (image_u32(i, at) != magic)
			continue;
		for (unsigned n = 0; n < fields; n++)
			sum += image_u32(i, at + 4 * n);
		if (!sum)
			return (s64)at;
	}
	return -1;
}

static s64 find_mb1(const struct image *i)
{
	return find_header(i, MB1_MAGIC, 4, MB1_SEARCH, 3);
}

static s64 find_mb2(const struct image *i)
{
	return find_header(i, mb2_magic, 8, MB2_SEARCH, 4);
}

bool multiboot1_matches(const struct image *i)
{
	return find_mb1(i) >= 0;
}

bool multiboot2_matches(const struct image *i)
{
	return find_mb2(i) >= 0;
}

/* The four addresses that both versions may give, in the file at `at`. */
static int plan_addresses(const struct image *i, u64 at, s64 header_offset,
			  struct load_plan *p, struct err *e)
{
	u32 header_addr = image_u32(i, at);
	u32 load_addr = image_u32(i, at + 4);
	u32 load_end = image_u32(i, at + 8), bss_end = image_u32(i, at + 12);
	struct load_part part = {.gpa = load_addr};

	if (!image_at(i, at, 16))
		return err_set(e, "truncated multiboot header");
	if (header_addr < load_addr ||
	    header_addr - load_addr > (u64)header_offset)
		return err_set(e,
			       "multiboot header at %x cannot be loaded at "
			       "%x",
			       header_addr, load_addr);
	part.offset = (u64)header_offset - (header_addr - load_addr);
	part.len = load_end ? (u64)load_end - load_addr : i->len - part.offset;
	if (load_end && load_end < load_addr)
		return err_set(e,
			       "multiboot load_end_addr %x lies below "
			       "load_addr %x",
			       load_end, load_addr);
	if (!image_at(i, part.offset, part.len))
		return err_set(e,
			       "truncated: multiboot load_end_addr %x is "
			       "beyond the file",
			       load_end);
	part.memsz = part.len;
	if (bss_end && bss_end < load_addr + part.len)
		return err_set(e,
			       "multiboot bss_end_addr %x lies in the "
			       "loaded part",
			       bss_end);
	if (bss_end)
		part.memsz = bss_end - load_addr;
	if (!part.memsz || load_addr + part.memsz > 1ull << 32)
		return err_set(e, "multiboot addresses %x-%x make no sense",
			       load_addr, load_end);
	return plan_add(p, &part, e);
}

int multiboot1_plan(const struct image *i, struct load_plan *p, struct err *e)
{
	s64 at = find_mb1(i);
	u32 flags = image_u32(i, (u64)at + 4);

	if (flags & MB1_MUST_KNOW)
		return err_set(e,
			       "multiboot header requires unknown features "
			       "(flags %08x)",
			       flags);
	if (flags & MB1_HAS_ADDRESSES) {
		if (!image_at(i, (u64)at, 32))
			return err_set(e, "truncated multiboot header");
		p->entry = image_u32(i, (u64)at + 28);
		p->is_elf = elf_matches(i);
		if (plan_addresses(i, (u64)at + 12, at, p, e))
			return -1;
	} else if (!elf_matches(i)) {
		return err_set(e, "multiboot header without addresses in a "
				  "file that is not ELF");
	} else if (elf_plan(i, p, e)) {
		return -1;
	}
	p->kind = LOAD_MULTIBOOT1;
	p->wants_screen = flags & MB1_WANTS_SCREEN;
	return 0;
}

/* What the tags of a multiboot 2 header said. */
struct mb2_wishes {
	u64 addresses; /* offset of the fields, 0: none */
	bool has_entry;
	u32 entry;
};

/* Information tags we can write: those of enum mb2_tag, and those that may
 * be missing from any machine. */
static int check_request(const struct image *i, u64 at, u32 size, struct err *e)
{
	for (u32 n = 8; n + 4 <= size; n += 4)
		if (image_u32(i, at + n) > 21)
			return err_set(e,
				       "multiboot 2 header requires unknown "
				       "information %u",
				       image_u32(i, at + n));
	return 0;
}

static int read_tag(const struct image *i, u64 at, u32 size,
		    struct mb2_wishes *w, struct err *e)
{
	bool is_optional = image_u16(i, at + 2) & 1;
	u16 type = image_u16(i, at);

	switch (type) {
	case 1:
		return is_optional ? 0 : check_request(i, at, size, e);
	case 2:
		if (size < 24)
			break;
		w->addresses = at + 8;
		return 0;
	case 3:
		if (size < 12)
			break;
		w->has_entry = true;
		w->entry = image_u32(i, at + 8);
		return 0;
	case 4: /* console: there is one */
	case 5: /* framebuffer: text is a preference we may overrule */
	case 6: /* modules on pages: always */
	case 8: /* EFI entry points: not entered by EFI */
	case 9:
	case 10: /* relocatable: not moved */
		return 0;
	default:
		if (is_optional)
			return 0;
		return err_set(e, "multiboot 2 header requires unknown tag %u",
			       type);
	}
	return err_set(e, "multiboot 2 header tag %u is too short", type);
}

/* The end tag is known by its type: headers that count it short, or give it
 * no size, are common and boot with other loaders. */
static int read_tags(const struct image *i, u64 header, struct mb2_wishes *w,
		     struct err *e)
{
	u64 len = image_u32(i, header + 8), at = 16;

	if (len < 16 || !image_at(i, header, len))
		return err_set(e, "truncated multiboot 2 header");
	while (at + 2 <= len) {
		u32 size = image_u32(i, header + at + 4);

		if (!image_u16(i, header + at))
			return 0;
		if (size < 8 || size > len - at)
			return err_set(e, "multiboot 2 header tag of %u bytes",
				       size);
		if (read_tag(i, header + at, size, w, e))
			return -1;
		at += ((u64)size + 7) & ~7ull;
	}
	return err_set(e, "multiboot 2 header without an end tag");
}

int multiboot2_plan(const struct image *i, struct load_plan *p, struct err *e)
{
	s64 at = find_mb2(i);
	struct mb2_wishes w = {0};

	if (image_u32(i, (u64)at + 4))
		return err_set(e, "multiboot 2 header for architecture %u",
			       image_u32(i, (u64)at + 4));
	if (read_tags(i, (u64)at, &w, e))
		return -1;
	if (w.addresses) {
		if (!w.has_entry)
			return err_set(e, "multiboot 2 header gives addresses "
					  "and no entry");
		p->is_elf = elf_matches(i);
		if (plan_addresses(i, w.addresses, at, p, e))
			return -1;
	} else if (!elf_matches(i)) {
		return err_set(e, "multiboot 2 header without addresses in a "
				  "file that is not ELF");
	} else if (elf_plan(i, p, e)) {
		return -1;
	}
	if (w.has_entry)
		p->entry = w.entry;
	p->kind = LOAD_MULTIBOOT2;
	return 0;
}

/* ---- modules ---- */

struct module {
	u32 start, end;
};

static int load_module(const struct load_request *rq, const char *text,
		       u64 *free_from, struct module *out, struct err *e)
{
	char *path = load_module_path(text);
	struct image image;
	int result = LOAD_NAMED;
	u8 *to;

	if (!path)
		return err_set(e, "out of memory");
	if (load_read_file(path, &image, e))
		goto out_path;
	result = -1;
	to = mem_phys_ptr(rq->m, *free_from, image.len);
	if (!to || *free_from + image.len > mem_ram_size(rq->m)) {
		err_set(e, "no room for module %s; give more memory with -m",
			path);
		goto out_file;
	}
	memcpy(to, image.bytes, image.len);
	out->start = (u32)*free_from;
	out->end = (u32)(*free_from + image.len);
	*free_from = (out->end + 4095ull) & ~4095ull;
	result = 0;
out_file:
	free((void *)image.bytes);
out_path:
	free(path);
	return result;
}

static int load_modules(const struct load_request *rq,
			const struct load_plan *p, struct module *modules,
			struct err *e)
{
	u64 free_from = plan_end(p);

	if (free_from < 0x100000)
		free_from = 0x100000;
	for (unsigned i = 0; i < rq->initrd_count; i++) {
		int result = load_module(rq, rq->initrds[i], &free_from,
					 &modules[i], e);

		if (result)
			return result;
	}
	return 0;
}

/* ---- the information block ---- */

struct block {
	u8 *host;
	u32 gpa;
	u32 used;
	u32 size;
};

static u32 block_here(const struct block *b)
{
	return b->gpa + b->used;
}

static void put(struct block *b, u64 value, unsigned size)
{
	CHECK(b->used + size <= b->size, "information block of %u bytes",
	      b->size);
	memcpy(b->host + b->used, &value, size);
	b->used += size;
}

static void put_bytes(struct block *b, const void *bytes, size_t len)
{
	CHECK(len <= b->size - b->used, "information block of %u bytes",
	      b->size);
	memcpy(b->host + b->used, bytes, len);
	b->used += (u32)len;
}

static void set_u32(struct block *b, u32 offset, u32 value)
{
	memcpy(b->host + offset, &value, 4);
}

static void align(struct block *b, unsigned to)
{
	while (b->used % to)
		put(b, 0, 1);
}

/* "path arguments", with its final zero. */
static u32 put_command_line(struct block *b, const struct load_request *rq)
{
	u32 at = block_here(b);

	put_bytes(b, rq->kernel, strlen(rq->kernel));
	if (rq->append && *rq->append) {
		put(b, ' ', 1);
		put_bytes(b, rq->append, strlen(rq->append));
	}
	put(b, 0, 1);
	return at;
}

enum { MEM_LOWER_KIB = 639 };

static u32 upper_kib(const struct load_request *rq)
{
	return (u32)((mem_ram_size(rq->m) - 0x100000) / 1024);
}

enum { /* offsets of multiboot 1 information */
       MBI_FLAGS = 0,
       MBI_MEM_LOWER = 4,
       MBI_MEM_UPPER = 8,
       MBI_CMDLINE = 16,
       MBI_MODS_COUNT = 20,
       MBI_MODS_ADDR = 24,
       MBI_MMAP_LENGTH = 44,
       MBI_MMAP_ADDR = 48,
       MBI_LOADER_NAME = 64,
       MBI_SCREEN = 88,
       MBI_SIZE = 120,
       MBI_HAS_MEM = 1,
       MBI_HAS_CMDLINE = 4,
       MBI_HAS_MODS = 8,
       MBI_HAS_MMAP = 0x40,
       MBI_HAS_LOADER_NAME = 0x200,
       MBI_HAS_SCREEN = 0x1000,
};

/* The screen is text, whatever was asked for: both versions describe it in
 * the same words. */
static void put_text_screen(struct block *b)
{
	put(b, 0xb8000, 8);
	put(b, 160, 4); /* bytes of a row */
	put(b, 80, 4);
	put(b, 25, 4);
	put(b, 16, 1); /* bits of a cell */
	put(b, 2, 1);  /* EGA text */
}

static void write_mb1_modules(struct block *b, const struct load_request *rq,
			      const struct module *modules)
{
	u32 list = b->used;

	set_u32(b, MBI_MODS_COUNT, rq->initrd_count);
	set_u32(b, MBI_MODS_ADDR, block_here(b));
	for (unsigned i = 0; i < rq->initrd_count; i++) {
		put(b, modules[i].start, 4);
		put(b, modules[i].end, 4);
		put(b, 0, 8); /* string, set below; reserved */
	}
	for (unsigned i = 0; i < rq->initrd_count; i++) {
		set_u32(b, list + 16 * i + 8, block_here(b));
		put_bytes(b, rq->initrds[i], strlen(rq->initrds[i]) + 1);
	}
	align(b, 4);
}

static void write_mb1(struct block *b, const struct load_request *rq,
		      const struct load_plan *p, const struct module *modules)
{
	struct e820_entry map[8];
	unsigned count = tables_e820(mem_ram_size(rq->m), map, ARRAY_LEN(map));

	while (b->used < MBI_SCREEN)
		put(b, 0, 4);
	if (p->wants_screen)
		put_text_screen(b);
	while (b->used < MBI_SIZE)
		put(b, 0, 1);
	set_u32(b, MBI_FLAGS,
		MBI_HAS_MEM | MBI_HAS_CMDLINE | MBI_HAS_MODS | MBI_HAS_MMAP |
			MBI_HAS_LOADER_NAME |
			(p->wants_screen ? MBI_HAS_SCREEN : 0));
	set_u32(b, MBI_MEM_LOWER, MEM_LOWER_KIB);
	set_u32(b, MBI_MEM_UPPER, upper_kib(rq));
	set_u32(b, MBI_MMAP_ADDR, block_here(b));
	set_u32(b, MBI_MMAP_LENGTH, count * 24);
	for (unsigned i = 0; i < count; i++) {
		put(b, 20, 4); /* bytes that follow */
		put(b, map[i].base, 8);
		put(b, map[i].len, 8);
		put(b, map[i].type, 4);
	}
	write_mb1_modules(b, rq, modules);
	set_u32(b, MBI_CMDLINE, put_command_line(b, rq));
	set_u32(b, MBI_LOADER_NAME, block_here(b));
	put_bytes(b, LOADER_NAME, sizeof(LOADER_NAME));
}

/* ---- multiboot 2 ---- */

enum mb2_tag {
	TAG_END = 0,
	TAG_CMDLINE = 1,
	TAG_LOADER_NAME = 2,
	TAG_MODULE = 3,
	TAG_BASIC_MEMINFO = 4,
	TAG_MMAP = 6,
	TAG_FRAMEBUFFER = 8,
	TAG_ACPI_OLD = 14,
};

static u32 begin_tag(struct block *b, enum mb2_tag type)
{
	u32 start;

	align(b, 8);
	start = b->used;
	put(b, type, 4);
	put(b, 0, 4); /* size */
	return start;
}

static void end_tag(struct block *b, u32 start)
{
	set_u32(b, start + 4, b->used - start);
}

static void tag_mmap(struct block *b, const struct load_request *rq)
{
	struct e820_entry map[8];
	unsigned count = tables_e820(mem_ram_size(rq->m), map, ARRAY_LEN(map));
	u32 tag = begin_tag(b, TAG_MMAP);

	put(b, 24, 4); /* entry size */
	put(b, 0, 4);  /* entry version */
	for (unsigned i = 0; i < count; i++) {
		put(b, map[i].base, 8);
		put(b, map[i].len, 8);
		put(b, map[i].type, 4);
		put(b, 0, 4);
	}
	end_tag(b, tag);
}

static void tag_text_screen(struct block *b)
{
	u32 tag = begin_tag(b, TAG_FRAMEBUFFER);

	put_text_screen(b);
	put(b, 0, 2);
	end_tag(b, tag);
}

static void tag_rsdp(struct block *b, struct mem *m)
{
	const void *rsdp = mem_phys_ptr(m, TABLES_RSDP, 20);
	u32 tag;

	if (!rsdp || memcmp(rsdp, "RSD PTR ", 8))
		return;
	tag = begin_tag(b, TAG_ACPI_OLD);
	put_bytes(b, rsdp, 20);
	end_tag(b, tag);
}

static void write_mb2(struct block *b, const struct load_request *rq,
		      const struct module *modules)
{
	u32 tag;

	put(b, 0, 8); /* total size, reserved */
	tag = begin_tag(b, TAG_CMDLINE);
	put_command_line(b, rq);
	end_tag(b, tag);
	tag = begin_tag(b, TAG_LOADER_NAME);
	put_bytes(b, LOADER_NAME, sizeof(LOADER_NAME));
	end_tag(b, tag);
	for (unsigned i = 0; i < rq->initrd_count; i++) {
		tag = begin_tag(b, TAG_MODULE);
		put(b, modules[i].start, 4);
		put(b, modules[i].end, 4);
		put_bytes(b, rq->initrds[i], strlen(rq->initrds[i]) + 1);
		end_tag(b, tag);
	}
	tag = begin_tag(b, TAG_BASIC_MEMINFO);
	put(b, MEM_LOWER_KIB, 4);
	put(b, upper_kib(rq), 4);
	end_tag(b, tag);
	tag_mmap(b, rq);
	tag_text_screen(b);
	tag_rsdp(b, rq->m);
	end_tag(b, begin_tag(b, TAG_END));
	set_u32(b, 0, b->used);
}

/* ---- handing over ---- */

static u64 block_size(const struct load_request *rq)
{
	u64 size = 1024 + strlen(rq->kernel) +
		   (rq->append ? strlen(rq->append) : 0);

	for (unsigned i = 0; i < rq->initrd_count; i++)
		size += 32 + strlen(rq->initrds[i]);
	return size;
}

static int hand_over(const struct load_request *rq, const struct load_plan *p,
		     const struct module *modules, struct load_result *out,
		     struct err *e)
{
	u64 size = block_size(rq);
	struct block b = {0};

	if (size < LOW_TOP)
		b.gpa = plan_low_space(p, GUEST_PAGE + (u32)size);
	b.size = (u32)size;
	b.host = mem_phys_ptr(rq->m, b.gpa, GUEST_PAGE + size);
	if (!b.gpa || !b.host)
		return err_set(e,
			       "no low memory for %llu bytes of boot "
			       "information",
			       (unsigned long long)size);
	/* The GDT's page first, then the block. */
	load_write_gdt(b.host, out->cs);
	out->gdt_base = b.gpa;
	b.host += GUEST_PAGE;
	b.gpa += GUEST_PAGE;
	if (p->kind == LOAD_MULTIBOOT1)
		write_mb1(&b, rq, p, modules);
	else
		write_mb2(&b, rq, modules);
	out->eax = p->kind == LOAD_MULTIBOOT1 ? MB1_EAX : MB2_EAX;
	out->ebx = b.gpa;
	return 0;
}

int multiboot_finish(const struct load_request *rq, const struct load_plan *p,
		     struct load_result *out, struct err *e)
{
	struct module *modules = calloc(rq->initrd_count + 1, sizeof(*modules));
	int result;

	if (!modules)
		return err_set(e, "out of memory");
	result = load_modules(rq, p, modules, e);
	if (!result)
		result = hand_over(rq, p, modules, out, e);
	free(modules);
	return result;
}

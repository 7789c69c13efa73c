/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linux bzImage by the 32-bit boot protocol (the kernel's boot.rst).
 *
 * The file is a boot sector, `setup_sects` sectors of real-mode code that we
 * skip, and the protected-mode part, which goes to 1 MiB.  What the skipped
 * code would have found out by BIOS calls we put into the zero page: memory
 * map, screen, command line, initrd.
 *
 *	09000	GDT: 10h code, 18h data, as the protocol wants
 *	8f000	a seed for its random numbers
 *	90000	zero page (boot_params); esi points here
 *	91000	command line
 *	top	initrd, as high as the kernel allows and mem= says
 *
 * Fields appeared over time; `protocol` says which exist.  Old kernels also
 * want memory sizes in ext_mem_k and alt_mem_k, and before 2.02 the command
 * line's place as an offset with a magic number. */
#include <stdlib.h>
#include <string.h>

#include "core/dev/dev.h"
#include "core/mem/mem.h"
#include "core/vm/load_priv.h"

enum {
	/* offsets in the file, the same in the zero page */
	SETUP_SECTS = 0x1f1,
	SYSSIZE = 0x1f4,
	VID_MODE = 0x1fa,
	BOOT_FLAG = 0x1fe,
	JUMP_LENGTH = 0x201,
	MAGIC = 0x202,
	PROTOCOL = 0x206,
	TYPE_OF_LOADER = 0x210,
	LOADFLAGS = 0x211,
	CODE32_START = 0x214,
	RAMDISK_IMAGE = 0x218,
	RAMDISK_SIZE = 0x21c,
	CMD_LINE_PTR = 0x228,
	INITRD_ADDR_MAX = 0x22c,
	CMDLINE_SIZE = 0x238,
	SETUP_DATA = 0x250,
	PREF_ADDRESS = 0x258,
	INIT_SIZE = 0x260,
	HEADER_MAX = 0x290,
	/* offsets in the zero page only */
	EXT_MEM_K = 0x002,
	VIDEO_MODE = 0x006,
	VIDEO_COLS = 0x007,
	VIDEO_EGA_BX = 0x00a,
	VIDEO_LINES = 0x00e,
	VIDEO_IS_VGA = 0x00f,
	VIDEO_POINTS = 0x010,
	OLD_CL_MAGIC = 0x020,
	OLD_CL_OFFSET = 0x022,
	ACPI_RSDP_ADDR = 0x070,
	ALT_MEM_K = 0x1e0,
	E820_ENTRIES = 0x1e8,
	E820_TABLE = 0x2d0,

	LOADED_HIGH = 1,
	SEED = 0x8f000, /* a struct setup_data: next, type, length, bytes */
	SEED_TYPE = 9,
	SEED_LEN = 32,
	ZERO_PAGE = 0x90000,
	CMDLINE = 0x91000,
	CMDLINE_ROOM = LOW_TOP - CMDLINE,
	KERNEL = 0x100000,
};

bool linux_matches(const struct image *i)
{
	return image_u16(i, BOOT_FLAG) == 0xaa55 &&
	       image_u32(i, MAGIC) == 0x53726448; /* "HdrS" */
}

static u64 image_u64(const struct image *i, u64 offset)
{
	return image_u32(i, offset) | (u64)image_u32(i, offset + 4) << 32;
}

/* Limits that came with later protocols, or what held before. */
static void read_limits(const struct image *i, struct load_plan *p)
{
	u64 start, size = image_u32(i, INIT_SIZE);

	p->initrd_max = p->protocol >= 0x203 ? image_u32(i, INITRD_ADDR_MAX)
					     : 0x37ffffff;
	p->cmdline_max =
		p->protocol >= 0x206 ? image_u32(i, CMDLINE_SIZE) : 255;
	p->needs = plan_end(p);
	if (p->protocol >= 0x20a) {
		start = image_u64(i, PREF_ADDRESS);
		if (start < KERNEL || start > UINT32_MAX)
			start = KERNEL;
		if (start + size > p->needs)
			p->needs = start + size;
	}
}

int linux_plan(const struct image *i, struct load_plan *p, struct err *e)
{
	u32 sects = image_u8(i, SETUP_SECTS);
	struct load_part part = {.gpa = KERNEL};
	u64 said;

	p->kind = LOAD_LINUX;
	p->protocol = image_u16(i, PROTOCOL);
	if (p->protocol < 0x200)
		return err_set(e, "boot protocol %u.%02u is too old",
			       p->protocol >> 8, p->protocol & 0xff);
	if (!(image_u8(i, LOADFLAGS) & LOADED_HIGH))
		return err_set(e, "a zImage (loaded low); only bzImage works");
	part.offset = ((sects ? sects : 4) + 1) * 512u;
	if (part.offset >= i->len)
		return err_set(e,
			       "truncated: the kernel would begin at %llu "
			       "of %llu bytes",
			       (unsigned long long)part.offset,
			       (unsigned long long)i->len);
	part.len = part.memsz = i->len - part.offset;
	/* syssize counts 16-byte units, and only 16 bits before 2.04. */
	said = p->protocol >= 0x204 ? image_u32(i, SYSSIZE) * 16ull : 0;
	if (part.len + 15 < said)
		return err_set(e, "truncated: %llu bytes of %llu",
			       (unsigned long long)part.len,
			       (unsigned long long)said);
	p->header_end = MAGIC + image_u8(i, JUMP_LENGTH);
	if (p->header_end > HEADER_MAX)
		p->header_end = HEADER_MAX;
	if (!image_at(i, 0, p->header_end))
		return err_set(e, "truncated setup header");
	p->entry = KERNEL;
	if (plan_add(p, &part, e))
		return -1;
	read_limits(i, p);
	return 0;
}

/* ---- the zero page ---- */

static void put(u8 *at, u64 value, unsigned size)
{
	memcpy(at, &value, size);
}

static void fill_screen_info(u8 *zero)
{
	zero[VIDEO_MODE] = 3;
	zero[VIDEO_COLS] = 80;
	zero[VIDEO_LINES] = 25;
	zero[VIDEO_IS_VGA] = 1;
	put(zero + VIDEO_EGA_BX, 3, 2); /* 256 KiB, colour */
	put(zero + VIDEO_POINTS, 16, 2);
}

static void fill_memory_map(u8 *zero, u64 ram_size)
{
	struct e820_entry map[8];
	unsigned count = tables_e820(ram_size, map, ARRAY_LEN(map));
	u64 extended = (ram_size - KERNEL) / 1024;

	for (unsigned i = 0; i < count; i++) {
		u8 *at = zero + E820_TABLE + 20 * i;

		put(at, map[i].base, 8);
		put(at + 8, map[i].len, 8);
		put(at + 16, map[i].type, 4);
	}
	zero[E820_ENTRIES] = (u8)count;
	put(zero + ALT_MEM_K, extended, 4);
	/* Call 88h never said more than 64 MiB less one. */
	put(zero + EXT_MEM_K, extended > 0xfc00 ? 0xfc00 : extended, 2);
}

static int put_command_line(const struct load_request *rq,
			    const struct load_plan *p, u8 *zero, struct err *e)
{
	const char *text = rq->append ? rq->append : "";
	u64 len = strlen(text);
	u8 *to = mem_phys_ptr(rq->m, CMDLINE, CMDLINE_ROOM);

	if (len > p->cmdline_max || len >= CMDLINE_ROOM)
		return err_set(e,
			       "command line of %llu bytes; this kernel "
			       "takes %u",
			       (unsigned long long)len, p->cmdline_max);
	if (!to)
		return err_set(e, "no memory for the command line");
	memcpy(to, text, len + 1);
	if (p->protocol >= 0x202) {
		put(zero + CMD_LINE_PTR, CMDLINE, 4);
	} else {
		put(zero + OLD_CL_MAGIC, 0xa33f, 2);
		put(zero + OLD_CL_OFFSET, CMDLINE - ZERO_PAGE, 2);
	}
	return 0;
}

/* Without a seed a kernel from 5.6 on makes the first program that wants random
 * numbers wait two seconds of guest time, while it counts how its timer
 * jitters.  The same seed each time, since runs repeat. */
static int put_seed(const struct load_request *rq, const struct load_plan *p,
		    u8 *zero, struct err *e)
{
	u8 *to = mem_phys_ptr(rq->m, SEED, 16 + SEED_LEN);

	if (p->protocol < 0x20f) /* no kernel that knows of it */
		return 0;
	if (!to)
		return err_set(e, "no memory for the seed");
	memset(to, 0, 16);
	put(to + 8, SEED_TYPE, 4);
	put(to + 12, SEED_LEN, 4);
	for (unsigned i = 0; i < SEED_LEN; i++)
		to[16 + i] = (u8)(i * 167 + 41);
	put(zero + SETUP_DATA, SEED, 8);
	return 0;
}

/* ---- initrd ---- */

/* Several files become one: the kernel reads archives one after another,
 * each on a multiple of four. */
static int append_initrd(const char *text, struct image *all, struct err *e)
{
	char *path = load_module_path(text);
	struct image one = {0};
	u64 at = (all->len + 3) & ~3ull;
	u8 *bytes;
	int result = LOAD_NAMED;

	if (!path)
		return err_set(e, "out of memory");
	if (load_read_file(path, &one, e))
		goto out_path;
	bytes = realloc((void *)all->bytes, at + one.len);
	if (!bytes) {
		err_set(e, "%s: out of memory", path);
		goto out_file;
	}
	memset(bytes + all->len, 0, at - all->len);
	memcpy(bytes + at, one.bytes, one.len);
	*all = (struct image){bytes, at + one.len};
	result = 0;
out_file:
	free((void *)one.bytes);
out_path:
	free(path);
	return result;
}

/* What the kernel is told by mem=SIZE[KMG], the last one; else all there is. */
static u64 memory_to_use(const char *append)
{
	const char *at = append;
	u64 size = UINT64_MAX, n;
	char *end;

	if (!append)
		return size;
	while ((at = strstr(at, "mem="))) {
		bool word = at == append || at[-1] == ' ';

		at += strlen("mem=");
		n = strtoull(at, &end, 0);
		if (!word || end == at)
			continue;
		size = n << (*end == 'K' || *end == 'k'   ? 10
			     : *end == 'M' || *end == 'm' ? 20
			     : *end == 'G' || *end == 'g' ? 30
							  : 0);
	}
	return size;
}

static int place_initrd(const struct load_request *rq,
			const struct load_plan *p, const struct image *initrd,
			u8 *zero, struct err *e)
{
	u64 top = mem_ram_size(rq->m), used = memory_to_use(rq->append), at;
	u8 *to;

	if (p->initrd_max + 1 < top)
		top = p->initrd_max + 1;
	if (used < top && used >= p->needs + initrd->len + GUEST_PAGE)
		top = used;
	at = initrd->len <= top ? (top - initrd->len) & ~0xfffull : 0;
	to = mem_phys_ptr(rq->m, at, initrd->len);
	if (at < p->needs || !to)
		return err_set(e,
			       "no room for an initrd of %llu KiB above "
			       "the kernel; give more memory with -m",
			       (unsigned long long)(initrd->len >> 10));
	memcpy(to, initrd->bytes, initrd->len);
	put(zero + RAMDISK_IMAGE, at, 4);
	put(zero + RAMDISK_SIZE, initrd->len, 4);
	return 0;
}

static int put_initrds(const struct load_request *rq, const struct load_plan *p,
		       u8 *zero, struct err *e)
{
	struct image all = {0};
	int result = 0;

	for (unsigned i = 0; i < rq->initrd_count && !result; i++)
		result = append_initrd(rq->initrds[i], &all, e);
	if (!result && all.len)
		result = place_initrd(rq, p, &all, zero, e);
	free((void *)all.bytes);
	return result;
}

int linux_finish(const struct load_request *rq, const struct load_plan *p,
		 const struct image *kernel, struct load_result *out,
		 struct err *e)
{
	u8 *zero = mem_phys_ptr(rq->m, ZERO_PAGE, GUEST_PAGE);
	u8 *gdt = mem_phys_ptr(rq->m, LOAD_GDT, LOAD_GDT_LEN);
	const u8 *header =
		image_at(kernel, SETUP_SECTS, p->header_end - SETUP_SECTS);

	if (!zero || !gdt || !header)
		return err_set(e, "no memory for the zero page");
	memset(zero, 0, GUEST_PAGE);
	memcpy(zero + SETUP_SECTS, header, p->header_end - SETUP_SECTS);
	zero[TYPE_OF_LOADER] = 0xff;
	put(zero + CODE32_START, KERNEL, 4);
	put(zero + VID_MODE, 0xffff, 2); /* as it is */
	put(zero + RAMDISK_IMAGE, 0, 8);
	if (p->protocol >= 0x20e)
		put(zero + ACPI_RSDP_ADDR, TABLES_RSDP, 8);
	fill_screen_info(zero);
	fill_memory_map(zero, mem_ram_size(rq->m));
	load_write_gdt(gdt, out->cs);
	out->gdt_base = LOAD_GDT;
	out->esi = ZERO_PAGE;
	if (put_command_line(rq, p, zero, e) || put_seed(rq, p, zero, e))
		return -1;
	return put_initrds(rq, p, zero, e);
}

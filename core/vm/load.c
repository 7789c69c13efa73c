/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading a kernel: read the file, plan, check the plan against RAM, copy,
 * and let the boot protocol add what it hands over.
 *
 *	bytes --load_plan--> parts + entry --load_plan_check--> apply
 *	                                          |
 *	       linux_finish / multiboot_finish / a GDT and nothing more
 *
 * Files come from the user and may be anything: every reason to refuse one
 * is a line of text that begins with its name.  Nothing is written to guest
 * memory before the whole plan has been checked. */
#include "core/vm/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem/mem.h"
#include "core/vm/load_priv.h"

/* ---- files ---- */

static int read_all(int fd, u8 *to, u64 len)
{
	while (len) {
		ssize_t n = read(fd, to, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		to += n;
		len -= (u64)n;
	}
	return 0;
}

static int read_open_file(int fd, const char *path, struct image *out,
			  struct err *e)
{
	struct stat st;
	u8 *bytes;

	if (fstat(fd, &st))
		return err_set(e, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, "%s: not a regular file", path);
	if (!st.st_size)
		return err_set(e, "%s: empty file", path);
	if (st.st_size > (off_t)UINT32_MAX)
		return err_set(e, "%s: larger than any guest's memory", path);
	bytes = malloc((size_t)st.st_size);
	if (!bytes)
		return err_set(e, "%s: out of memory", path);
	errno = 0;
	if (read_all(fd, bytes, (u64)st.st_size)) {
		err_set(e, "%s: %s", path,
			errno ? strerror(errno) : "shrank while being read");
		free(bytes);
		return -1;
	}
	*out = (struct image){bytes, (u64)st.st_size};
	return 0;
}

int load_read_file(const char *path, struct image *out, struct err *e)
{
	/* A pipe nobody writes to is to be refused, not waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), result;

	if (fd < 0)
		return err_set(e, "%s: %s", path, strerror(errno));
	result = read_open_file(fd, path, out, e);
	close(fd);
	return result;
}

char *load_module_path(const char *text)
{
	return strndup(text, strcspn(text, " "));
}

/* ---- plans ---- */

int plan_add(struct load_plan *p, const struct load_part *part, struct err *e)
{
	if (p->parts == LOAD_PARTS)
		return err_set(e, "more than %d segments", LOAD_PARTS);
	p->part[p->parts++] = *part;
	return 0;
}

u64 plan_end(const struct load_plan *p)
{
	u64 end = 0;

	for (unsigned i = 0; i < p->parts; i++)
		if (p->part[i].gpa + p->part[i].memsz > end)
			end = p->part[i].gpa + p->part[i].memsz;
	return (end + GUEST_PAGE - 1) & ~(u64)(GUEST_PAGE - 1);
}

static bool touches(const struct load_part *part, u64 from, u64 to)
{
	return part->memsz && part->gpa < to && part->gpa + part->memsz > from;
}

u32 plan_low_space(const struct load_plan *p, u32 len)
{
	for (u32 at = 0x10000; at + len <= LOW_TOP; at += GUEST_PAGE) {
		bool is_free = true;

		for (unsigned i = 0; i < p->parts; i++)
			is_free &= !touches(&p->part[i], at, at + len);
		if (is_free)
			return at;
	}
	return 0;
}

static int plan_flat(const struct image *i, s64 load_at, struct load_plan *p,
		     struct err *e)
{
	struct load_part part = {0, i->len, (u64)load_at, i->len};

	if (load_at > (s64)UINT32_MAX)
		return err_set(e, "load address %llx is beyond 4 GiB",
			       (unsigned long long)load_at);
	p->kind = LOAD_FLAT;
	p->entry = (u32)load_at;
	return plan_add(p, &part, e);
}

static bool holds_entry(const struct load_plan *p)
{
	for (unsigned i = 0; i < p->parts; i++)
		if (p->entry >= p->part[i].gpa &&
		    p->entry - p->part[i].gpa < p->part[i].memsz)
			return true;
	return false;
}

struct planner {
	bool (*matches)(const struct image *i);
	int (*plan)(const struct image *i, struct load_plan *p, struct err *e);
};

int load_plan(const u8 *bytes, u64 len, s64 load_at, struct load_plan *p,
	      struct err *e)
{
	/* In this order: a multiboot kernel is mostly an ELF file too. */
	static const struct planner planners[] = {
		{linux_matches, linux_plan},
		{multiboot1_matches, multiboot1_plan},
		{multiboot2_matches, multiboot2_plan},
		{elf_matches, elf_plan},
	};
	struct image image = {bytes, len};

	*p = (struct load_plan){0};
	if (load_at >= 0)
		return plan_flat(&image, load_at, p, e);
	for (unsigned i = 0; i < ARRAY_LEN(planners); i++) {
		if (!planners[i].matches(&image))
			continue;
		if (planners[i].plan(&image, p, e))
			return -1;
		if (!holds_entry(p))
			return err_set(e, "entry point %x is in no segment",
				       p->entry);
		return 0;
	}
	if (image_u16(&image, 0) == 0x8b1f)
		return err_set(e, "compressed with gzip; unpack it first");
	return err_set(e, "not a kernel: neither bzImage, multiboot nor ELF32 "
			  "(a flat image needs -load ADDR)");
}

static int check_part(const struct load_plan *p, const struct load_part *part,
		      u64 ram_size, struct err *e)
{
	u64 end = part->gpa + part->memsz;

	if (end < part->gpa || end > ram_size)
		return err_set(e, "segment %llx-%llx is beyond RAM (%llu MiB)",
			       (unsigned long long)part->gpa,
			       (unsigned long long)end,
			       (unsigned long long)(ram_size >> 20));
	/* A flat image may be a ROM that is meant to lie there. */
	if (p->kind != LOAD_FLAT && touches(part, 0xa0000, 0x100000))
		return err_set(e,
			       "segment %llx-%llx lies over the video "
			       "memory and ROM at A0000-FFFFF",
			       (unsigned long long)part->gpa,
			       (unsigned long long)end);
	return 0;
}

int load_plan_check(const struct load_plan *p, u64 ram_size, struct err *e)
{
	for (unsigned i = 0; i < p->parts; i++) {
		const struct load_part *a = &p->part[i];

		if (check_part(p, a, ram_size, e))
			return -1;
		for (unsigned j = 0; j < i; j++)
			if (touches(&p->part[j], a->gpa, a->gpa + a->memsz))
				return err_set(e,
					       "segments %u and %u overlap "
					       "at %llx",
					       j, i,
					       (unsigned long long)a->gpa);
	}
	if (p->needs > ram_size)
		return err_set(e, "needs %llu MiB of RAM to unpack itself",
			       (unsigned long long)((p->needs >> 20) + 1));
	return 0;
}

/* ---- doing it ---- */

static int apply(const struct load_plan *p, const struct image *image,
		 struct mem *m, struct err *e)
{
	for (unsigned i = 0; i < p->parts; i++) {
		const struct load_part *part = &p->part[i];
		const u8 *from = image_at(image, part->offset, part->len);
		u8 *to = mem_phys_ptr(m, part->gpa, part->memsz);

		if (!from || !to)
			return err_set(e, "segment %u does not fit", i);
		memcpy(to, from, part->len);
		memset(to + part->len, 0, part->memsz - part->len);
	}
	return 0;
}

void load_write_gdt(u8 *at, u16 cs)
{
	/* base 0, limit 4 GiB */
	static const u64 code_data[2] = {
		0x00cf9b000000ffff,
		0x00cf93000000ffff,
	};

	memset(at, 0, LOAD_GDT_LEN);
	memcpy(at + cs, code_data, sizeof(code_data));
}

static int finish_plain(const struct load_request *rq,
			const struct load_plan *p, struct load_result *out,
			struct err *e)
{
	u32 at = plan_low_space(p, GUEST_PAGE);
	u8 *gdt = mem_phys_ptr(rq->m, at, LOAD_GDT_LEN);

	if (!at || !gdt)
		return err_set(e, "leaves no low memory for a GDT");
	if (rq->initrd_count)
		return err_set(e, "takes no modules (it is %s)",
			       load_kind_name(p->kind));
	if (rq->append && *rq->append)
		return err_set(e, "takes no command line (it is %s)",
			       load_kind_name(p->kind));
	load_write_gdt(gdt, out->cs);
	out->gdt_base = at;
	return 0;
}

static int finish(const struct load_request *rq, const struct load_plan *p,
		  const struct image *kernel, struct load_result *out,
		  struct err *e)
{
	switch (p->kind) {
	case LOAD_LINUX:
		return linux_finish(rq, p, kernel, out, e);
	case LOAD_MULTIBOOT1:
	case LOAD_MULTIBOOT2:
		return multiboot_finish(rq, p, out, e);
	default:
		return finish_plain(rq, p, out, e);
	}
}

static int load_image(const struct load_request *rq, const struct image *kernel,
		      struct load_result *out, struct err *e)
{
	struct load_plan p;
	u16 cs;

	if (load_plan(kernel->bytes, kernel->len, rq->load_at, &p, e) ||
	    load_plan_check(&p, mem_ram_size(rq->m), e) ||
	    apply(&p, kernel, rq->m, e))
		return -1;
	cs = p.kind == LOAD_LINUX ? LINUX_CS : LOAD_CS;
	*out = (struct load_result){
		.kind = p.kind,
		.eip = p.entry,
		.esp = LOAD_STACK,
		.cs = cs,
		.ds = cs + 8,
		.gdt_limit = LOAD_GDT_LEN - 1,
		.is_elf = p.is_elf,
	};
	return finish(rq, &p, kernel, out, e);
}

int load_kernel(const struct load_request *rq, struct load_result *out,
		struct err *e)
{
	struct image kernel;
	struct err why;
	int result;

	if (load_read_file(rq->kernel, &kernel, e))
		return -1;
	result = load_image(rq, &kernel, out, &why);
	free((void *)kernel.bytes);
	if (result == LOAD_NAMED)
		return err_set(e, "%s", why.text);
	if (result)
		return err_set(e, "%s: %s", rq->kernel, why.text);
	return 0;
}

const char *load_kind_name(enum load_kind kind)
{
	static const char *const names[LOAD_KINDS] = {
		[LOAD_LINUX] = "Linux bzImage",
		[LOAD_MULTIBOOT1] = "multiboot 1",
		[LOAD_MULTIBOOT2] = "multiboot 2",
		[LOAD_ELF] = "ELF32",
		[LOAD_FLAT] = "flat image",
	};

	return names[kind];
}

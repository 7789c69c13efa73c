/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loader: plans from images made by hand, true and lying ones; what each
 * boot protocol finds in memory. */
/* LINK: tests/unit/load_fixture.c tests/unit/fake_phys.c core/base/err.c */
/* LINK: core/base/check.c core/dev/tables.c core/dev/bios.S core/vm/load.c */
/* LINK: core/vm/load_elf.c core/vm/load_linux.c core/vm/load_multiboot.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/dev/dev.h"
#include "core/vm/load.h"
#include "tests/unit/fake_phys.h"
#include "tests/unit/load_fixture.h"

enum { RAM = 64 << 20 };

/* The plan must be refused, with a reason that has this word in it. */
static void refused(const struct made *f, const char *word)
{
	struct load_plan p;
	struct err e = {""};
	int result = load_plan(f->bytes, f->len, -1, &p, &e);

	if (!result)
		result = load_plan_check(&p, RAM, &e);
	assert_int_equal(result, -1);
	if (!strstr(e.text, word))
		fail_msg("\"%s\" does not say \"%s\"", e.text, word);
}

static void planned(const struct made *f, struct load_plan *p)
{
	struct err e = {""};

	if (load_plan(f->bytes, f->len, -1, p, &e) ||
	    load_plan_check(p, RAM, &e))
		fail_msg("refused: %s", e.text);
}

/* Loads the image as a file and removes the file. */
static int load(const struct made *f, struct load_request *rq,
		struct load_result *out, struct err *e)
{
	char *path = save(f);
	int result;

	rq->kernel = path;
	result = load_kernel(rq, out, e);
	unlink(path);
	free(path);
	return result;
}

static u32 u32_at(struct mem *m, u32 gpa)
{
	u32 value;

	memcpy(&value, mem_phys_ptr(m, gpa, 4), 4);
	return value;
}

static void elf_goes_to_its_physical_address(void **state)
{
	struct made f;
	struct load_plan p;

	(void)state;
	make_elf(&f, 0xc0100000, 0x100000, 256);
	planned(&f, &p);
	assert_int_equal(p.kind, LOAD_ELF);
	assert_int_equal(p.entry, 0x100004);
	assert_int_equal(p.part[0].gpa, 0x100000);
	assert_int_equal(p.part[0].memsz, 512);
}

static void lying_elf_is_refused(void **state)
{
	struct made f;

	(void)state;
	make_elf(&f, 0x100000, 0x100000, 256);
	f.len -= 1;
	refused(&f, "truncated");
	make_elf(&f, 0x100000, 0x100000, 256);
	put32(&f, 72, 100); /* memsz below filesz */
	refused(&f, "larger in the file");
	make_elf(&f, 0x100000, 0xfffffff0, 256);
	refused(&f, "beyond 4 GiB");
	make_elf(&f, 0x100000, 0x8000000, 256);
	refused(&f, "beyond RAM");
	make_elf(&f, 0x100000, 0xa0000, 256);
	refused(&f, "video");
	make_elf(&f, 0x100000, 0x100000, 256);
	put16(&f, 44, 0xffff);
	refused(&f, "program headers");
	make_elf(&f, 0x100000, 0x100000, 256);
	put32(&f, 24, 0x500000);
	refused(&f, "entry point");
	make_elf(&f, 0x100000, 0x100000, 256);
	f.bytes[4] = 2;
	refused(&f, "64-bit");
	make_elf(&f, 0x100000, 0x100000, 256);
	put16(&f, 18, 8);
	refused(&f, "another processor");
	make_elf(&f, 0x100000, 0x100000, 256);
	put16(&f, 44, 2);
	memcpy(f.bytes + 84, f.bytes + 52, 32);
	refused(&f, "overlap");
	f.len = 20;
	refused(&f, "truncated");
}

static void noise_is_not_a_kernel(void **state)
{
	struct made f = {.len = 1000};

	(void)state;
	refused(&f, "not a kernel");
	f.bytes[0] = 0x1f;
	f.bytes[1] = 0x8b;
	refused(&f, "gzip");
}

static void flat_image_goes_where_it_is_told(void **state)
{
	struct made f = {.len = 100};
	struct load_request rq = {.load_at = 0xf0000};
	struct load_result out;
	struct err e;

	(void)state;
	f.bytes[0] = 0xf4;
	rq.m = mem_new(RAM, &e);
	assert_int_equal(load(&f, &rq, &out, &e), 0);
	assert_int_equal(out.kind, LOAD_FLAT);
	assert_int_equal(out.eip, 0xf0000);
	assert_int_equal(u32_at(rq.m, 0xf0000), 0xf4);
	rq.load_at = RAM - 50;
	assert_int_equal(load(&f, &rq, &out, &e), -1);
	assert_non_null(strstr(e.text, "beyond RAM"));
	mem_free(rq.m);
}

static void errors_name_the_file(void **state)
{
	struct load_request rq = {.kernel = "/nonexistent", .load_at = -1};
	const char *missing = "/nonexistent a b";
	struct made f;
	struct load_result out;
	struct err e;

	(void)state;
	assert_int_equal(load_kernel(&rq, &out, &e), -1);
	assert_string_equal(e.text, "/nonexistent: No such file or directory");
	rq.kernel = "/";
	assert_int_equal(load_kernel(&rq, &out, &e), -1);
	assert_string_equal(e.text, "/: not a regular file");
	rq.m = mem_new(RAM, &e);
	rq.initrds = &missing;
	rq.initrd_count = 1;
	make_linux(&f, 0x20a, 4096);
	assert_int_equal(load(&f, &rq, &out, &e), -1);
	assert_string_equal(e.text, "/nonexistent: No such file or directory");
	mem_free(rq.m);
}

/* boot.rst: setup_data, protocol 2.09; its type 9 is a seed, which kernels of
 * protocol 2.15 may know. */
static void linux_gets_a_seed(void **state)
{
	const u16 protocols[] = {0x20e, 0x20f};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct load_request rq = {.load_at = -1};
		struct load_result out;
		struct err e = {""};
		struct made f;
		u32 at, bits = 0;

		rq.m = mem_new(RAM, &e);
		make_linux(&f, protocols[i], 4096);
		if (load(&f, &rq, &out, &e))
			fail_msg("%s", e.text);
		at = u32_at(rq.m, out.esi + 0x250);
		assert_int_equal(!!at, i);
		if (at) {
			assert_int_equal(u32_at(rq.m, at), 0); /* the last */
			assert_int_equal(u32_at(rq.m, at + 4), 0);
			assert_int_equal(u32_at(rq.m, at + 8), 9);
			assert_int_equal(u32_at(rq.m, at + 12), 32);
			for (unsigned n = 0; n < 32; n += 4)
				bits += (u32)__builtin_popcount(u32_at(rq.m, at + 16 + n));
			assert_in_range(bits, 96, 160);
		}
		mem_free(rq.m);
	}
}

static void linux_gets_its_zero_page(void **state)
{
	struct made f, initrd = {.len = 5000};
	char *initrd_path;
	const char *initrds[1];
	struct load_request rq = {.load_at = -1,
				  .append = "console=ttyS0",
				  .initrds = initrds,
				  .initrd_count = 1};
	struct load_result out;
	struct err e = {""};
	u32 zero;

	(void)state;
	initrd.bytes[0] = 0x77;
	initrd_path = save(&initrd);
	initrds[0] = initrd_path;
	rq.m = mem_new(RAM, &e);
	make_linux(&f, 0x20a, 4096);
	if (load(&f, &rq, &out, &e))
		fail_msg("%s", e.text);
	zero = out.esi;
	assert_int_equal(out.kind, LOAD_LINUX);
	assert_int_equal(out.eip, 0x100000);
	assert_int_equal(u32_at(rq.m, 0x100000), 0x90909090);
	assert_int_equal(u32_at(rq.m, zero + 0x202), 0x53726448);
	assert_int_equal(u32_at(rq.m, zero + 0x210) & 0xff, 0xff);
	assert_string_equal(mem_phys_ptr(rq.m, u32_at(rq.m, zero + 0x228), 64),
			    "console=ttyS0");
	assert_int_equal(u32_at(rq.m, zero + 0x21c), 5000);
	assert_int_equal(u32_at(rq.m, u32_at(rq.m, zero + 0x218)), 0x77);
	assert_int_equal(u32_at(rq.m, zero + 0x218), RAM - 8192);
	assert_int_equal(u32_at(rq.m, zero + 0x1e8) & 0xff, 4);
	assert_int_equal(u32_at(rq.m, zero + 0x1e0), 63 * 1024);
	assert_int_equal(u32_at(rq.m, out.gdt_base + out.cs), 0xffff);
	assert_int_equal(out.cs, 0x10);
	assert_int_equal(out.ds, 0x18);
	unlink(initrd_path);
	free(initrd_path);
	mem_free(rq.m);
}

static void old_linux_gets_its_command_line_the_old_way(void **state)
{
	struct made f;
	struct load_request rq = {.load_at = -1, .append = "quiet"};
	struct load_result out;
	struct err e = {""};

	(void)state;
	rq.m = mem_new(RAM, &e);
	make_linux(&f, 0x201, 4096);
	assert_int_equal(load(&f, &rq, &out, &e), 0);
	assert_int_equal(u32_at(rq.m, out.esi + 0x20), 0x1000a33f);
	assert_string_equal(mem_phys_ptr(rq.m, out.esi + 0x1000, 8), "quiet");
	mem_free(rq.m);
}

static void lying_linux_is_refused(void **state)
{
	struct made f;

	(void)state;
	make_linux(&f, 0x20a, 4096);
	f.len -= 100;
	refused(&f, "truncated");
	f.len = 1000;
	refused(&f, "truncated");
	make_linux(&f, 0x20a, 4096);
	f.bytes[0x211] = 0;
	refused(&f, "zImage");
	make_linux(&f, 0x105, 4096);
	refused(&f, "too old");
	make_linux(&f, 0x20a, 4096);
	put32(&f, 0x260, 0x7fffffff);
	refused(&f, "MiB of RAM");
}

static void initrd_must_fit_above_the_kernel(void **state)
{
	struct made f, initrd = {.len = 5000};
	char *path = save(&initrd);
	const char *initrds[] = {path};
	struct load_request rq = {
		.load_at = -1, .initrds = initrds, .initrd_count = 1};
	struct load_result out;
	struct err e = {""};

	(void)state;
	rq.m = mem_new(0x1000000 + 0x200000 + 4096, &e);
	make_linux(&f, 0x20a, 4096);
	assert_int_equal(load(&f, &rq, &out, &e), -1);
	assert_non_null(strstr(e.text, "-m"));
	unlink(path);
	free(path);
	mem_free(rq.m);
}

/* A kernel that is told of less memory uses no more. */
static void initrd_lies_below_what_mem_says(void **state)
{
	static const struct {
		const char *append;
		u32 at;
	} cases[] = {
		{"mem=48M", (48 << 20) - 8192},
		{"quiet mem=40960K", (40 << 20) - 8192},
		{"mem=1G mem=50331648 debug", (48 << 20) - 8192},
		{"mem=0x3000000", (48 << 20) - 8192},
		{"mem=4G", RAM - 8192},
		{"mem=nopentium", RAM - 8192},
		{"highmem=16M vmem=48M x=mem=48M mem", RAM - 8192},
		{"mem=1M", RAM - 8192}, /* the kernel itself does not fit */
	};
	struct made f, initrd = {.len = 5000};
	char *path = save(&initrd);
	const char *initrds[] = {path};
	struct load_request rq = {
		.load_at = -1, .initrds = initrds, .initrd_count = 1};
	struct load_result out;
	struct err e = {""};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		rq.append = cases[i].append;
		rq.m = mem_new(RAM, &e);
		make_linux(&f, 0x20a, 4096);
		if (load(&f, &rq, &out, &e))
			fail_msg("%s: %s", rq.append, e.text);
		assert_int_equal(u32_at(rq.m, out.esi + 0x218), cases[i].at);
		mem_free(rq.m);
	}
	unlink(path);
	free(path);
}

static void long_command_line_is_refused(void **state)
{
	struct made f;
	char text[300];
	struct load_request rq = {.load_at = -1, .append = text};
	struct load_result out;
	struct err e = {""};

	(void)state;
	memset(text, 'x', 299);
	text[299] = 0;
	rq.m = mem_new(RAM, &e);
	make_linux(&f, 0x205, 4096);
	assert_int_equal(load(&f, &rq, &out, &e), -1);
	assert_non_null(strstr(e.text, "takes 255"));
	mem_free(rq.m);
}

static void multiboot_modules_keep_their_arguments(void **state)
{
	struct made f, module = {.len = 4097};
	char *path = save(&module), text[100];
	const char *initrds[] = {text, path};
	struct load_request rq = {.load_at = -1,
				  .append = "one two",
				  .initrds = initrds,
				  .initrd_count = 2};
	struct load_result out;
	struct err e = {""};
	u32 mods;

	(void)state;
	snprintf(text, sizeof(text), "%s a b", path);
	rq.m = mem_new(RAM, &e);
	make_elf(&f, 0x100000, 0x100000, 256);
	add_multiboot1(&f, 0x80, 3);
	if (load(&f, &rq, &out, &e))
		fail_msg("%s", e.text);
	assert_int_equal(out.kind, LOAD_MULTIBOOT1);
	assert_int_equal(out.eax, 0x2badb002);
	assert_int_equal(u32_at(rq.m, out.ebx) & 0x24d, 0x24d);
	assert_int_equal(u32_at(rq.m, out.ebx + 4), 639);
	assert_int_equal(u32_at(rq.m, out.ebx + 20), 2);
	mods = u32_at(rq.m, out.ebx + 24);
	assert_int_equal(u32_at(rq.m, mods), 0x101000);
	assert_int_equal(u32_at(rq.m, mods + 4), 0x102001);
	assert_int_equal(u32_at(rq.m, mods + 16), 0x103000);
	assert_string_equal(mem_phys_ptr(rq.m, u32_at(rq.m, mods + 8), 64),
			    text);
	assert_non_null(
		strstr(mem_phys_ptr(rq.m, u32_at(rq.m, out.ebx + 16), 64),
		       " one two"));
	assert_string_equal(mem_phys_ptr(rq.m, u32_at(rq.m, out.ebx + 64), 64),
			    "vitrine");
	unlink(path);
	free(path);
	mem_free(rq.m);
}

static void multiboot_screen_is_text_when_asked_for(void **state)
{
	struct load_request rq = {.load_at = -1};
	struct load_result out;
	struct err e = {""};
	struct made f;
	u32 at;

	(void)state;
	rq.m = mem_new(RAM, &e);
	make_elf(&f, 0x100000, 0x100000, 256);
	add_multiboot1(&f, 0x80, 0);
	assert_int_equal(load(&f, &rq, &out, &e), 0);
	assert_int_equal(u32_at(rq.m, out.ebx) & 0x1800, 0);
	add_multiboot1(&f, 0x80, 4);
	assert_int_equal(load(&f, &rq, &out, &e), 0);
	assert_int_equal(u32_at(rq.m, out.ebx) & 0x1800, 0x1000);
	at = out.ebx + 88;
	assert_int_equal(u32_at(rq.m, at), 0xb8000);
	assert_int_equal(u32_at(rq.m, at + 4), 0);
	assert_int_equal(u32_at(rq.m, at + 8), 160);
	assert_int_equal(u32_at(rq.m, at + 12), 80);
	assert_int_equal(u32_at(rq.m, at + 16), 25);
	assert_int_equal(u32_at(rq.m, at + 20) & 0xffff, 0x210);
	mem_free(rq.m);
}

static void multiboot_addresses_replace_elf(void **state)
{
	struct made f = {.len = 0x400};
	struct load_plan p;

	(void)state;
	add_multiboot1(&f, 0x40, 0x10000);
	put32(&f, 0x4c, 0x200040); /* header_addr */
	put32(&f, 0x50, 0x200000);
	put32(&f, 0x54, 0x200200); /* load_end_addr */
	put32(&f, 0x58, 0x201000); /* bss_end_addr */
	put32(&f, 0x5c, 0x200100);
	planned(&f, &p);
	assert_int_equal(p.entry, 0x200100);
	assert_int_equal(p.part[0].offset, 0);
	assert_int_equal(p.part[0].len, 0x200);
	assert_int_equal(p.part[0].memsz, 0x1000);
	put32(&f, 0x54, 0x200500);
	refused(&f, "beyond the file");
	put32(&f, 0x54, 0x100000);
	refused(&f, "below");
	put32(&f, 0x4c, 0x1fffff);
	refused(&f, "cannot be loaded");
	add_multiboot1(&f, 0x40, 0x8);
	refused(&f, "unknown features");
	add_multiboot1(&f, 0x40, 0);
	refused(&f, "not ELF");
	put32(&f, 0x48, 0);
	refused(&f, "not a kernel");
}

static void add_multiboot2(struct made *f, u64 at, u32 len)
{
	put32(f, at, 0xe85250d6);
	put32(f, at + 4, 0);
	put32(f, at + 8, len);
	put32(f, at + 12, -(0xe85250d6 + len));
}

static void multiboot2_information_is_well_formed(void **state)
{
	struct made f;
	struct load_request rq = {.load_at = -1, .append = "x"};
	struct load_result out;
	struct bus_config cfg = {.has_apic = true};
	struct err e = {""};
	u32 at, total, seen = 0;

	(void)state;
	rq.m = mem_new(RAM, &e);
	tables_write(rq.m, &cfg);
	make_elf(&f, 0x100000, 0x100000, 256);
	add_multiboot2(&f, 0x80, 40);
	put16(&f, 0x90, 3); /* entry address */
	put32(&f, 0x94, 12);
	put32(&f, 0x98, 0x100010);
	put32(&f, 0xa4, 8); /* end */
	if (load(&f, &rq, &out, &e))
		fail_msg("%s", e.text);
	assert_int_equal(out.eax, 0x36d76289);
	assert_int_equal(out.eip, 0x100010);
	total = u32_at(rq.m, out.ebx);
	for (at = 8; u32_at(rq.m, out.ebx + at);
	     at += (u32_at(rq.m, out.ebx + at + 4) + 7) & ~7u) {
		assert_true(at < total);
		seen |= 1u << u32_at(rq.m, out.ebx + at);
	}
	assert_int_equal(at + 8, total);
	assert_int_equal(seen,
			 1 << 1 | 1 << 2 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 14);
	/* Many kernels count an end tag of three words, 6 bytes. */
	add_multiboot2(&f, 0x80, 38);
	put32(&f, 0xa4, 0);
	if (load(&f, &rq, &out, &e))
		fail_msg("%s", e.text);
	add_multiboot2(&f, 0x80, 32);
	refused(&f, "without an end tag");
	add_multiboot2(&f, 0x80, 40);
	put32(&f, 0x94, 100);
	refused(&f, "tag of 100 bytes");
	put32(&f, 0x94, 9);
	refused(&f, "too short");
	mem_free(rq.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elf_goes_to_its_physical_address),
		cmocka_unit_test(lying_elf_is_refused),
		cmocka_unit_test(noise_is_not_a_kernel),
		cmocka_unit_test(flat_image_goes_where_it_is_told),
		cmocka_unit_test(errors_name_the_file),
		cmocka_unit_test(linux_gets_a_seed),
		cmocka_unit_test(linux_gets_its_zero_page),
		cmocka_unit_test(old_linux_gets_its_command_line_the_old_way),
		cmocka_unit_test(lying_linux_is_refused),
		cmocka_unit_test(initrd_must_fit_above_the_kernel),
		cmocka_unit_test(initrd_lies_below_what_mem_says),
		cmocka_unit_test(long_command_line_is_refused),
		cmocka_unit_test(multiboot_modules_keep_their_arguments),
		cmocka_unit_test(multiboot_screen_is_text_when_asked_for),
		cmocka_unit_test(multiboot_addresses_replace_elf),
		cmocka_unit_test(multiboot2_information_is_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

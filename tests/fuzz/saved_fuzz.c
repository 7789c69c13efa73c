/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of saved machines that say anything.  Half of the inputs change bytes
 * as they are; in the others checksums and lengths are set right again, so
 * that the sections themselves must hold.  What is refused leaves the machine
 * as it was; what is taken holds all invariants, runs, saves and loads
 * as the same.
 *
 * A change is 6 bytes: which section, where in it (three bytes), what is done
 * with the byte there, a value. */
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/crc.h"
#include "core/cpu/cpu.h"
#include "core/mem/mem.h"
#include "core/vm/saved.h"
#include "tests/fuzz/machine.h"
#include "vmi/vmi.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { RAM = 1 << 20, HEAD = 56, INSNS = 20000, ROOM = 4 << 20, CODE = 0x10000,
       CODE_BYTES = 64 };

static u8 *good; /* the file that all begins with */
static size_t good_len;
static u8 file[ROOM];
static size_t file_len;

/* Writes to a file of this process and reads it back. */
static u8 *saved_now(size_t *len)
{
	char path[] = "/tmp/saved_fuzz.XXXXXX";
	int fd = mkstemp(path);
	struct err e;
	u8 *bytes;

	CHECK(fd >= 0, "no temporary file");
	close(fd);
	CHECK(!vm_save(vm, path, &e), "%s", e.text);
	fd = open(path, O_RDONLY);
	*len = (size_t)lseek(fd, 0, SEEK_END);
	bytes = malloc(*len);
	CHECK(bytes && pread(fd, bytes, *len, 0) == (ssize_t)*len, "reading %s",
	      path);
	close(fd);
	unlink(path);
	return bytes;
}

static int load(const u8 *bytes, size_t len, struct err *e)
{
	static int fd = -1;
	char path[32];

	if (fd < 0)
		fd = memfd_create("saved", MFD_CLOEXEC);
	CHECK(!ftruncate(fd, 0) &&
		      pwrite(fd, bytes, len, 0) == (ssize_t)len,
	      "writing to memory");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return vm_load(vm, path, e);
}

/* Some code in protected mode, so that there is something to go on with. */
static void make(void)
{
	/* 1: inc eax; push eax; pop ebx; in al, 40h; out 80h, al; mov [edi],
	 * eax; fld1; faddp; sti; jmp 1b */
	static const u8 code[] = { 0x40, 0x50, 0x5b, 0xe4, 0x40, 0xe6, 0x80,
				   0x89, 0x07, 0xd9, 0xe8, 0xde, 0xc1, 0xfb,
				   0xeb, 0xf0 };
	struct cpu *c;
	struct err e;

	make_machine(RAM, true, 0);
	CHECK(vmi_new(vm, &e), "%s", e.text);
	c = vm_cpu(vm);
	mem_phys_write(vm_mem(vm), CODE, code, sizeof(code));
	c->cr0 = CR0_PE | CR0_ET;
	for (unsigned i = 0; i < SEG_COUNT; i++)
		c->seg[i] = (struct seg){ .sel = i == SEG_CS ? 8 : 16,
					  .attr = i == SEG_CS ? 0xc9b : 0xc93,
					  .limit = ~0u };
	c->eip = CODE;
	c->gpr[ESP] = 0x20000;
	c->gpr[EDI] = 0x30000;
	c->mode_changed = true;
	vm_run(vm, INSNS);
	good = saved_now(&good_len);
	CHECK(good_len < ROOM / 2, "a file of %zu bytes", good_len);
}

static u64 read64(size_t at)
{
	u64 v;

	memcpy(&v, file + at, 8);
	return v;
}

/* Where the n-th section's head is, counting round; its length. */
static size_t section(unsigned n, size_t *len)
{
	size_t at = HEAD;

	for (;;) {
		*len = (size_t)read64(at + SECTION_NAME);
		if (!n--)
			return at;
		at += sizeof(struct section_head) + *len;
		if (at >= file_len)
			at = HEAD;
	}
}

static void change(const uint8_t *b)
{
	size_t len, at = section(b[0], &len);
	size_t where = (size_t)b[1] | (size_t)b[2] << 8 | (size_t)b[3] << 16;

	if (!len)
		return;
	at += sizeof(struct section_head) + where % len;
	switch (b[4] & 3) {
	case 0:
		file[at] = b[5];
		break;
	case 1:
		file[at] ^= b[5];
		break;
	case 2:
		file[at] = (u8)(file[at] + b[5]);
		break;
	default:
		file[at] = 0xff;
	}
}

/* As it would be if Vitrine had written it. */
static void make_right(void)
{
	struct section_head h;
	u32 crc;

	for (size_t at = HEAD; at < file_len; at += sizeof(h) + h.len) {
		memcpy(&h, file + at, sizeof(h));
		crc = crc32c(0, file + at + sizeof(h), h.len);
		h.crc = crc32c(crc, &h, offsetof(struct section_head, crc));
		memcpy(file + at, &h, sizeof(h));
	}
	crc = crc32c(0, file, HEAD - 4);
	memcpy(file + HEAD - 4, &crc, 4);
}

static void must_be_the_same(void)
{
	size_t len, again_len;
	u8 *bytes = saved_now(&len), *again;
	struct err e;

	CHECK(!load(bytes, len, &e), "what was saved is not loaded: %s", e.text);
	again = saved_now(&again_len);
	CHECK(len == again_len && !memcmp(bytes, again, len),
	      "a machine that changes by being saved");
	free(bytes);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct err e;

	if (!vm)
		make();
	memcpy(file, good, good_len);
	file_len = good_len;
	if (!len)
		return 0;
	if (bytes[0] & 1) {
		for (size_t i = 1; i + 6 <= len; i += 6)
			change(bytes + i);
		make_right();
	} else {
		for (size_t i = 1; i + 6 <= len; i += 6) {
			u32 at;

			memcpy(&at, bytes + i, 4);
			file[at % file_len] = bytes[i + 4];
		}
		if (bytes[0] & 2)
			file_len -= len % file_len;
	}
	if (load(file, file_len, &e)) {
		CHECK(*e.text, "refused without a word");
		return 0;
	}
	vm_check(vm);
	if (bytes[0] & 4)
		must_be_the_same();
	polls = 0;
	vm_run(vm, INSNS);
	vm_check(vm);
	return 0;
}

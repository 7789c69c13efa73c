/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files for gdb's vFile packets: the kernel's ELF file and those of -symbols,
 * read only, and files that the stub makes (library.c).  No other file of the
 * host can be opened. */
#include "gdbstub/stub_priv.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PATH_BYTES = 4096,
	FILEIO_ENOENT = 2,
	FILEIO_EBADF = 9,
	FILEIO_EMFILE = 24,
	FILEIO_EINVAL = 22,
	FILEIO_EACCES = 13
};

/* ---- which files ---- */

/* The path of "FILE[@ADDR]", made absolute; false: there is no such file. */
static bool full_path(const char *text, char path[PATH_BYTES])
{
	char own[PATH_BYTES], *at;

	if (strlen(text) >= sizeof(own))
		return false;
	strcpy(own, text);
	if (access(own, F_OK) && (at = strrchr(own, '@')))
		*at = '\0';
	return realpath(own, path);
}

static bool is_elf(const char *path)
{
	char magic[5];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool yes = fd >= 0 && read(fd, magic, 5) == 5 &&
		   !memcmp(magic, "\177ELF\1", 5);

	if (fd >= 0)
		close(fd);
	return yes;
}

/* The i-th file that may be read, -symbols first; false: no more. */
static bool offered(struct gdbstub *g, unsigned i, char path[PATH_BYTES])
{
	const struct gdbstub_config *c = &g->cfg;

	*path = '\0';
	if (i < c->symbol_file_count)
		full_path(c->symbol_files[i], path);
	else if (i == c->symbol_file_count && c->kernel)
		full_path(c->kernel, path);
	else
		return false;
	return true;
}

/* The kernel's if it is ELF, else the first of -symbols that is; its number,
 * -1: none. */
static int exec_number(struct gdbstub *g, char path[PATH_BYTES])
{
	unsigned kernel = g->cfg.symbol_file_count;

	if (offered(g, kernel, path) && *path && is_elf(path))
		return (int)kernel;
	for (unsigned i = 0; offered(g, i, path); i++)
		if (*path && is_elf(path))
			return (int)i;
	return -1;
}

bool make_exec_file(struct gdbstub *g, const char *annex, struct buf *out)
{
	char path[PATH_BYTES];

	(void)annex; /* a process, and there is one */
	if (exec_number(g, path) >= 0)
		buf_append(out, path, strlen(path));
	else if (library_has_kernel(g))
		buf_printf(out, "%s", LIBRARY_KERNEL);
	else
		return false;
	return true;
}

/* ---- where the kernel lies ---- */

/* Lowest address of code by the file's section headers; as symbols_add takes
 * its address. */
static bool lowest_code(const char *path, u32 *lowest)
{
	Elf32_Ehdr h;
	Elf32_Shdr s;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool any = false;

	if (fd < 0)
		return false;
	if (read(fd, &h, sizeof(h)) != sizeof(h))
		h.e_shnum = 0;
	for (unsigned i = 0; i < h.e_shnum; i++) {
		if (pread(fd, &s, sizeof(s),
			  (off_t)h.e_shoff + i * h.e_shentsize) != sizeof(s))
			break;
		if (!(s.sh_flags & SHF_ALLOC) || !(s.sh_flags & SHF_EXECINSTR) ||
		    (any && s.sh_addr >= *lowest))
			continue;
		*lowest = s.sh_addr;
		any = true;
	}
	close(fd);
	return any;
}

/* Where the first segment is linked; false: there are none. */
static bool first_segment(const char *path, u32 *addr)
{
	Elf32_Ehdr h;
	Elf32_Phdr p;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool found = false;

	if (fd < 0)
		return false;
	if (read(fd, &h, sizeof(h)) != sizeof(h))
		h.e_phnum = 0;
	for (unsigned i = 0; i < h.e_phnum && !found; i++) {
		if (pread(fd, &p, sizeof(p),
			  (off_t)h.e_phoff + i * h.e_phentsize) != sizeof(p))
			break;
		found = p.p_type == PT_LOAD;
		*addr = p.p_vaddr;
	}
	close(fd);
	return found;
}

/* Of "FILE@ADDR": how far the file was moved. */
static u32 moved_by(struct gdbstub *g, const char *text, const char *path)
{
	const char *at = strrchr(text, '@');
	u32 lowest = 0;
	struct value v;

	if (!at || !at[1] || !access(text, F_OK) ||
	    debug_eval(g->d, at + 1, NULL, &v, NULL) ||
	    !lowest_code(path, &lowest))
		return 0;
	return (u32)v.bits - lowest;
}

void files_libraries(struct gdbstub *g, struct buf *out)
{
	char exec[PATH_BYTES], path[PATH_BYTES];
	int number = exec_number(g, exec);
	u32 addr = 0;

	for (unsigned i = 0; i < g->cfg.symbol_file_count; i++) {
		if ((int)i == number || !offered(g, i, path) || !*path ||
		    !is_elf(path) || !first_segment(path, &addr))
			continue;
		buf_printf(out, "<library name=\"");
		xml_text(out, path, strlen(path));
		buf_printf(out, "\"><segment address=\"0x%x\"/></library>\n",
			   addr + moved_by(g, g->cfg.symbol_files[i], path));
	}
}

/* Where the setup code of a bzImage would have the kernel (Linux's boot
 * protocol 2.10, pref_address). */
static bool preferred(const char *path, u64 *at)
{
	enum { HEADER = 0x202, VERSION = 0x20a, PREF_ADDRESS = 0x258 };
	struct {
		char magic[4];
		u16 version;
	} __attribute__((packed)) h = {{0}, 0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool known;

	if (fd < 0)
		return false;
	known = pread(fd, &h, sizeof(h), HEADER) == sizeof(h) &&
		!memcmp(h.magic, "HdrS", 4) && h.version >= VERSION &&
		pread(fd, at, sizeof(*at), PREF_ADDRESS) == sizeof(*at);
	close(fd);
	return known;
}

/* A client that has a vmlinux of its own: how far the running Linux has moved
 * itself (KASLR).  32-bit kernels move in linear addresses as they do in
 * physical ones. */
static u32 linux_moved(struct gdbstub *g)
{
	gpa_t text;
	u64 linked;

	debug_know_guest(g->d, NULL);
	if (!debug_linux_text(g->d, &text))
		return 0; /* not yet */
	g->has_kernel = true;
	if (!preferred(g->cfg.kernel, &linked))
		return 0;
	return (u32)(text - linked);
}

void packet_offsets(struct gdbstub *g, struct args *a)
{
	char path[PATH_BYTES];
	int number = exec_number(g, path);
	u32 by = 0;

	(void)a;
	if (number >= 0 && (unsigned)number < g->cfg.symbol_file_count)
		by = moved_by(g, g->cfg.symbol_files[number], path);
	else if (number < 0 && !g->took_kernel)
		by = linux_moved(g);
	if (by)
		reply(g, "Text=%x;Data=%x;Bss=%x", by, by, by);
}

/* ---- vFile ---- */

static void fails(struct gdbstub *g, int number)
{
	reply(g, "F-1,%x", (unsigned)number);
}

static int open_offered(struct gdbstub *g, const char *wanted)
{
	char path[PATH_BYTES];

	for (unsigned i = 0; offered(g, i, path); i++)
		if (*path && !strcmp(path, wanted))
			return open(path, O_RDONLY | O_CLOEXEC);
	return -1;
}

static void file_open(struct gdbstub *g, struct args *a)
{
	char path[PATH_BYTES];
	char *comma = memchr(a->at, ',', a->len);
	size_t n = comma ? (size_t)(comma - a->at) : 0;
	struct stub_file *f = NULL;
	struct args rest;
	u64 flags;
	int i;

	if (!n || n % 2 || n / 2 >= sizeof(path) ||
	    !hex_decode(a->at, n / 2, path)) {
		fails(g, FILEIO_EINVAL);
		return;
	}
	path[n / 2] = '\0';
	rest = (struct args){comma + 1, a->len - n - 1};
	if (!args_hex(&rest, &flags) || flags & 3) {
		fails(g, FILEIO_EACCES);
		return;
	}
	for (i = 0; i < FILES_MAX && g->file[i].used; i++)
		;
	if (i == FILES_MAX) {
		fails(g, FILEIO_EMFILE);
		return;
	}
	f = &g->file[i];
	f->fd = -1;
	if (!library_file(g, path, &f->made))
		f->fd = open_offered(g, path);
	f->is_kernel = !strcmp(path, LIBRARY_KERNEL);
	f->read = 0;
	if (f->fd < 0 && !f->made.len) {
		fails(g, FILEIO_ENOENT);
		return;
	}
	f->used = true;
	reply(g, "F%x", (unsigned)i);
}

/* The open file whose number comes next, or NULL. */
static struct stub_file *which(struct gdbstub *g, struct args *a)
{
	u64 n;

	if (!args_hex(a, &n) || n >= FILES_MAX || !g->file[n].used)
		return NULL;
	return &g->file[n];
}

static void file_pread(struct gdbstub *g, struct args *a)
{
	static u8 bytes[PACKET_SIZE / 2];
	struct stub_file *f = which(g, a);
	u64 len, from;
	ssize_t got;

	if (!f || !args_char(a, ',') || !args_hex(a, &len) ||
	    !args_char(a, ',') || !args_hex(a, &from) || a->len || from >> 62) {
		fails(g, FILEIO_EBADF);
		return;
	}
	if (len > sizeof(bytes) - 16)
		len = sizeof(bytes) - 16;
	if (f->fd >= 0) {
		got = pread(f->fd, bytes, len, (off_t)from);
	} else {
		u64 left = from < f->made.len ? f->made.len - from : 0;

		got = (ssize_t)(left < len ? left : len);
		if (got)
			memcpy(bytes, f->made.data + from, (size_t)got);
	}
	if (got < 0) {
		fails(g, FILEIO_EBADF);
		return;
	}
	/* To compare build ids it looks at headers; else it wants it all. */
	f->read += (u64)got;
	g->took_kernel |= f->is_kernel && f->read > f->made.len / 2;
	reply(g, "F%zx;", (size_t)got);
	buf_append(&g->reply, bytes, (size_t)got);
}

static void close_one(struct stub_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	buf_free(&f->made);
	*f = (struct stub_file){0};
}

static void file_close(struct gdbstub *g, struct args *a)
{
	struct stub_file *f = which(g, a);

	if (!f) {
		fails(g, FILEIO_EBADF);
		return;
	}
	close_one(f);
	reply(g, "F0");
}

void file_close_all(struct gdbstub *g)
{
	for (unsigned i = 0; i < FILES_MAX; i++)
		if (g->file[i].used)
			close_one(&g->file[i]);
}

static void put_big_endian(u8 *at, u64 v, unsigned bytes)
{
	while (bytes--) {
		at[bytes] = (u8)v;
		v >>= 8;
	}
}

/* The protocol's struct stat: 64 bytes, big endian. */
static void file_fstat(struct gdbstub *g, struct args *a)
{
	struct stub_file *f = which(g, a);
	u8 stat_bytes[64] = {0};
	struct stat s = {.st_mode = S_IFREG | 0444};

	if (!f) {
		fails(g, FILEIO_EBADF);
		return;
	}
	s.st_size = (off_t)f->made.len;
	if (f->fd >= 0 && fstat(f->fd, &s)) {
		fails(g, FILEIO_EBADF);
		return;
	}
	put_big_endian(stat_bytes + 8, S_IFREG | 0444, 4);
	put_big_endian(stat_bytes + 12, 1, 4);
	put_big_endian(stat_bytes + 28, (u64)s.st_size, 8);
	put_big_endian(stat_bytes + 36, 4096, 8);
	put_big_endian(stat_bytes + 44, ((u64)s.st_size + 511) / 512, 8);
	put_big_endian(stat_bytes + 52, (u64)s.st_mtime, 4);
	put_big_endian(stat_bytes + 56, (u64)s.st_mtime, 4);
	put_big_endian(stat_bytes + 60, (u64)s.st_mtime, 4);
	reply(g, "F40;");
	buf_append(&g->reply, stat_bytes, sizeof(stat_bytes));
}

void packet_file(struct gdbstub *g, struct args *a)
{
	if (args_word(a, "setfs:"))
		reply(g, "F0");
	else if (args_word(a, "open:"))
		file_open(g, a);
	else if (args_word(a, "pread:"))
		file_pread(g, a);
	else if (args_word(a, "close:"))
		file_close(g, a);
	else if (args_word(a, "fstat:"))
		file_fstat(g, a);
}

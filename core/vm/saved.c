/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads and writes the file of a saved machine, whatever is in its sections.
 *
 * Written whole or not at all: what is written lies beside the file wanted
 * under a name of its own until it is on the disk.  Read whole: a file that
 * is longer or shorter than it says, or any section of which has another
 * checksum, is refused before its first byte has meant anything. */
#include "core/vm/saved.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/crc.h"
#include "core/base/version.h"

enum { FORMAT = 1 };
#define LEN_MAX (4ull << 30)

static const char magic[8] = "VITRINE";

struct file_head {
	char magic[8];
	u32 format, sections;
	u64 len;
	char version[28];
	u32 crc; /* of what is before it */
};

/* ---- writing ---- */

static int failed(struct saved_writer *w, struct err *e)
{
	err_set(e, "%s: %s", w->path, strerror(errno));
	if (w->out)
		fclose(w->out);
	if (w->temporary) {
		unlink(w->temporary);
		check_keeps(w->temporary);
	}
	free(w->temporary);
	free(w->path);
	return -1;
}

static void note(struct saved_writer *w, bool bad)
{
	if (bad && !w->trouble)
		w->trouble = errno ? errno : EIO;
}

static void put_raw(struct saved_writer *w, const void *bytes, size_t len)
{
	errno = 0;
	note(w, fwrite(bytes, 1, len, w->out) != len);
}

static void go_to(struct saved_writer *w, long at, int whence)
{
	errno = 0;
	note(w, fseek(w->out, at, whence));
}

/* What a link leads to is replaced, not the link. */
static char *resolved(const char *path)
{
	char *real = realpath(path, NULL);

	if (!real)
		real = strdup(path);
	NEED_MEMORY(real, "a file's name");
	return real;
}

static mode_t usual_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

int saved_create(struct saved_writer *w, const char *path, struct err *e)
{
	struct file_head none = {.crc = 0};
	struct stat st;
	int fd;

	*w = (struct saved_writer){.path = resolved(path)};
	if (!stat(w->path, &st) && !S_ISREG(st.st_mode)) {
		free(w->path);
		return err_set(e, "%s: not a regular file", path);
	}
	if (asprintf(&w->temporary, "%s.XXXXXX", w->path) < 0) {
		w->temporary = NULL;
		return failed(w, e);
	}
	fd = mkostemp(w->temporary, O_CLOEXEC);
	if (fd < 0) {
		free(w->temporary);
		w->temporary = NULL;
		return failed(w, e);
	}
	check_leaves(w->temporary);
	fchmod(fd, usual_mode());
	w->out = fdopen(fd, "w");
	if (!w->out)
		return failed(w, e);
	put_raw(w, &none, sizeof(none));
	return 0;
}

void saved_begin(struct saved_writer *w, const char *name, u32 layout)
{
	w->section = (struct section_head){.layout = layout};
	CHECK(strlen(name) < sizeof(w->section.name), "a long name: %s", name);
	memcpy(w->section.name, name, strlen(name));
	w->section_at = ftell(w->out);
	w->crc = 0;
	put_raw(w, &w->section, sizeof(w->section));
}

void saved_put(struct saved_writer *w, const void *bytes, size_t len)
{
	w->crc = crc32c(w->crc, bytes, len);
	w->section.len += len;
	put_raw(w, bytes, len);
}

/* Head and bytes are under one checksum. */
static u32 section_crc(const struct section_head *h, u32 crc)
{
	return crc32c(crc, h, offsetof(struct section_head, crc));
}

void saved_end(struct saved_writer *w)
{
	w->section.crc = section_crc(&w->section, w->crc);
	go_to(w, w->section_at, SEEK_SET);
	put_raw(w, &w->section, sizeof(w->section));
	go_to(w, 0, SEEK_END);
	w->sections++;
}

static struct file_head head_of(u32 sections, u64 len)
{
	struct file_head h = {.format = FORMAT, .sections = sections, .len = len};

	memcpy(h.magic, magic, sizeof(magic));
	memcpy(h.version, VERSION, sizeof(VERSION));
	h.crc = crc32c(0, &h, offsetof(struct file_head, crc));
	return h;
}

/* That the name is on the disk, too; where directories can be synced. */
static void sync_directory(const char *path)
{
	char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
	int fd;

	if (slash)
		slash[slash == copy] = '\0';
	fd = copy ? open(slash ? copy : ".", O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(copy);
}

int saved_finish(struct saved_writer *w, struct err *e)
{
	struct file_head h = head_of(w->sections, (u64)ftell(w->out));
	FILE *out = w->out;

	go_to(w, 0, SEEK_SET);
	put_raw(w, &h, sizeof(h));
	errno = 0;
	note(w, fflush(out) || fsync(fileno(out)));
	if (w->trouble) {
		errno = w->trouble;
		return failed(w, e);
	}
	w->out = NULL;
	if (fclose(out) || rename(w->temporary, w->path))
		return failed(w, e);
	check_keeps(w->temporary);
	sync_directory(w->path);
	free(w->temporary);
	free(w->path);
	return 0;
}

/* ---- reading ---- */

static int damaged(const char *path, const char *how, struct err *e)
{
	return err_set(e, "%s is damaged: %s", path, how);
}

static int check_head(const struct file_head *h, const char *path, u64 len,
		      struct err *e)
{
	if (memcmp(h->magic, magic, sizeof(magic)))
		return err_set(e, "%s: not a machine saved by Vitrine", path);
	if (h->crc != crc32c(0, h, offsetof(struct file_head, crc)))
		return damaged(path, "its head has another checksum", e);
	if (h->format != FORMAT || strncmp(h->version, VERSION,
					   sizeof(h->version)))
		return err_set(e, "%s was saved by Vitrine %.27s (format %u); "
				  "this is Vitrine %s (format %d)",
			       path, h->version, h->format, VERSION, FORMAT);
	if (h->len != len)
		return err_set(e, "%s is damaged: %llu bytes of %llu are there",
			       path, (unsigned long long)len,
			       (unsigned long long)h->len);
	return 0;
}

/* The section at *at, which moves behind it; NULL: it does not fit. */
static const struct section_head *next(const struct saved *s, size_t *at,
				       struct section_head *h,
				       const u8 **bytes)
{
	if (s->len - *at < sizeof(*h))
		return NULL;
	memcpy(h, s->bytes + *at, sizeof(*h));
	*bytes = s->bytes + *at + sizeof(*h);
	if (h->len > s->len - *at - sizeof(*h) || h->name[SECTION_NAME - 1])
		return NULL;
	*at += sizeof(*h) + h->len;
	return h;
}

static int check_sections(const struct saved *s, const char *path,
			  struct err *e)
{
	size_t at = sizeof(struct file_head);
	struct section_head h;
	const u8 *bytes;

	for (u32 i = 0; i < s->sections; i++) {
		if (!next(s, &at, &h, &bytes))
			return damaged(path, "a section does not fit", e);
		if (h.crc != section_crc(&h, crc32c(0, bytes, h.len)))
			return err_set(e, "%s is damaged: section %.15s has "
					  "another checksum",
				       path, h.name);
	}
	return at == s->len ? 0 : damaged(path, "there is more in it", e);
}

static int read_all(struct saved *s, int fd, const char *path, struct err *e)
{
	struct stat st;
	size_t got = 0;

	if (fstat(fd, &st))
		return err_set(e, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, "%s: not a regular file", path);
	if ((u64)st.st_size < sizeof(struct file_head) ||
	    (u64)st.st_size > LEN_MAX)
		return err_set(e, "%s: not a machine saved by Vitrine", path);
	s->len = (size_t)st.st_size;
	s->bytes = malloc(s->len);
	if (!s->bytes)
		return err_set(e, "%s: no host memory to read it", path);
	while (got < s->len) {
		ssize_t n = read(fd, s->bytes + got, s->len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, "%s: %s", path,
				       n ? strerror(errno) : "it became shorter");
		got += (size_t)n;
	}
	return 0;
}

int saved_open(struct saved *s, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), bad;
	struct file_head h;

	*s = (struct saved){.bytes = NULL};
	if (fd < 0)
		return err_set(e, "%s: %s", path, strerror(errno));
	bad = read_all(s, fd, path, e);
	close(fd);
	if (!bad) {
		memcpy(&h, s->bytes, sizeof(h));
		s->sections = h.sections;
		bad = check_head(&h, path, s->len, e) ||
		      check_sections(s, path, e);
	}
	if (bad)
		saved_close(s);
	return bad ? -1 : 0;
}

void saved_close(struct saved *s)
{
	free(s->bytes);
	s->bytes = NULL;
}

bool saved_section(const struct saved *s, const char *name,
		   struct section *found)
{
	size_t at = sizeof(struct file_head);
	struct section_head h;
	const u8 *bytes;

	for (u32 i = 0; i < s->sections; i++) {
		if (!next(s, &at, &h, &bytes))
			break;
		if (strcmp(h.name, name))
			continue;
		memcpy(found->name, h.name, sizeof(h.name));
		found->layout = h.layout;
		found->bytes = bytes;
		found->len = h.len;
		return true;
	}
	return false;
}

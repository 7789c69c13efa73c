/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of a trace as a trace of its own, so that who wants the last events
 * need not read all that came before them.
 *
 * A stream is a row of packets, and LTTng keeps an index of them beside it: a
 * head of four words (magic, version, version, length of an entry), then
 * entries that begin with six numbers of 64 bits (where the packet is, its size
 * and that of what is in it, both in bits; ...), all big-endian. */
#include "trace/lttng.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PATH_LEN = 4096,
	INDEX_MAGIC = 0xc1f1dcc1,
	INDEX_MAX = 4096, /* bytes of an entry */
	EVENT_MOST = 512, /* bytes: no event has more */
	DEPTH = 6,
};

static u64 big_endian(const u8 *at, unsigned bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | *at++;
	return value;
}

/* Where the packets begin that surely hold the last n events: at 0 without an
 * index; -1: there are none. */
static s64 begin_of_last(const char *index, u64 n)
{
	u8 head[16], entry[INDEX_MAX];
	FILE *f = fopen(index, "re");
	s64 begin = 0;
	u64 len, held = 0;
	long at;

	if (!f)
		return 0;
	if (fread(head, 1, sizeof(head), f) == sizeof(head) &&
	    big_endian(head, 4) == INDEX_MAGIC &&
	    (len = big_endian(head + 12, 4)) >= 24 && len <= INDEX_MAX &&
	    !fseek(f, 0, SEEK_END) && (at = ftell(f)) >= 0)
		for (begin = -1, at -= (at - 16) % (long)len;
		     held < n && (at -= (long)len) >= (long)sizeof(head);) {
			if (fseek(f, at, SEEK_SET) ||
			    fread(entry, 1, len, f) != len)
				break;
			begin = (s64)big_endian(entry, 8);
			held += big_endian(entry + 16, 8) / 8 / EVENT_MOST;
		}
	fclose(f);
	return begin;
}

static int copy_from(const char *from, s64 begin, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out;
	off_t at = begin;
	ssize_t n = -1;

	if (in < 0)
		return -1;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	while (out >= 0 && (n = sendfile(out, in, &at, 1 << 24)) > 0)
		;
	if (out >= 0)
		close(out);
	close(in);
	return n < 0 ? -1 : 0;
}

static bool joined(char *path, const char *dir, const char *name,
		   const char *after)
{
	return snprintf(path, PATH_LEN, "%s/%s%s", dir, name, after) < PATH_LEN;
}

/* The metadata and the streams of one directory. */
static int copy_part(const char *dir, u64 n, const char *to)
{
	char from[PATH_LEN], into[PATH_LEN], index[PATH_LEN];
	struct dirent *e;
	struct stat s;
	int bad = mkdir(to, 0700);
	DIR *d = opendir(dir);

	if (!d)
		return -1;
	while (!bad && (e = readdir(d))) {
		s64 begin = 0;

		if (!joined(from, dir, e->d_name, "") ||
		    !joined(into, to, e->d_name, "") ||
		    !joined(index, dir, "index/", e->d_name) ||
		    strlen(index) + 5 > PATH_LEN)
			bad = -1;
		else if (lstat(from, &s) || !S_ISREG(s.st_mode))
			continue;
		strcat(index, ".idx");
		if (!bad && strcmp(e->d_name, "metadata"))
			begin = begin_of_last(index, n);
		if (!bad && begin < 0 && s.st_size) /* no packet: no event */
			continue;
		if (!bad && s.st_size)
			bad = copy_from(from, begin, into);
	}
	closedir(d);
	return bad;
}

/* Parts are directories with metadata in them. */
static int copy_parts(const char *dir, u64 n, const char *to, unsigned depth,
		      unsigned *parts)
{
	char path[PATH_LEN], part[PATH_LEN], number[24];
	struct dirent *e;
	struct stat s;
	int bad = 0;
	DIR *d;

	if (joined(path, dir, "metadata", "") && !access(path, F_OK)) {
		snprintf(number, sizeof(number), "%u", ++*parts);
		return joined(part, to, number, "") ? copy_part(dir, n, part)
						    : -1;
	}
	d = depth ? opendir(dir) : NULL;
	if (!d)
		return -1;
	while (!bad && (e = readdir(d)))
		if (*e->d_name != '.' && joined(path, dir, e->d_name, "") &&
		    !lstat(path, &s) && S_ISDIR(s.st_mode) &&
		    strcmp(e->d_name, "vitrine"))
			bad = copy_parts(path, n, to, depth - 1, parts);
	closedir(d);
	return bad;
}

int lttng_tail(const char *dir, u64 n, const char *to)
{
	unsigned parts = 0;

	return copy_parts(dir, n, to, DEPTH, &parts) || !parts ? -1 : 0;
}

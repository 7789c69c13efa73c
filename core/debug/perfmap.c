/* SPDX-License-Identifier: GPL-3.0-or-later */
/* -perf-map: the names of translated code, for perf report.
 *
 * perf looks for code that no file has in /tmp/perf-PID.map: address, length
 * and name, a line each.  A block is noted when it is made, and named when the
 * file is written, as a kernel may be known by then.  When code memory was
 * full and is used again, perf cannot tell times apart: the later block has
 * the address, and the file's writer is told how often that was. */
#include "core/debug/debug_priv.h"
#include "core/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/bt/bt.h"

struct piece {
	const u8 *host;
	u32 len, order; /* the later one wins */
	gla_t lin;
	u32 cr3;
	bool user, way; /* user code; a way out of it */
};

struct perf_map {
	struct piece *pieces; /* owned */
	size_t count, room;
	bool full; /* of host memory: later ones are not named */
	char path[40];
};

static bool has_room(struct perf_map *m)
{
	size_t room = m->room ? 2 * m->room : 1 << 14;
	struct piece *more;

	if (m->count < m->room)
		return true;
	more = m->full ? NULL : realloc(m->pieces, room * sizeof(*more));
	m->full = !more;
	if (!more)
		return false;
	m->pieces = more;
	m->room = room;
	return true;
}

static void note(struct debug *d, const struct bt_block_view *b, const u8 *host,
		 u32 len, bool way)
{
	struct perf_map *m = d->perf_map;

	if (!len || !has_room(m))
		return;
	m->pieces[m->count] = (struct piece){host,
					     len,
					     (u32)m->count,
					     b->lin,
					     debug_cpu(d)->cr3,
					     bt_mode_is_user(b->mode),
					     way};
	m->count++;
}

static void on_block(void *arg, const struct bt_block_view *b)
{
	note(arg, b, b->host, b->host_len, false);
	note(arg, b, b->ways, b->ways_len, true);
}

int debug_perf_map(struct debug *d, struct err *e)
{
	struct perf_map *m = calloc(1, sizeof(*m));
	int fd;

	if (!m)
		return err_set(e, "-perf-map: no host memory");
	snprintf(m->path, sizeof(m->path), "/tmp/perf-%d.map", (int)getpid());
	unlink(m->path); /* of a process that had our number */
	fd = open(m->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  0644);
	if (fd < 0) {
		err_set(e, "-perf-map: %s: %s", m->path, strerror(errno));
		free(m);
		return -1;
	}
	close(fd);
	sandbox_grant(SANDBOX_OWN, m->path); /* filled when the run ends */
	d->perf_map = m;
	bt_on_block(vm_bt(d->vm), on_block, d);
	return 0;
}

static int by_host(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->host != y->host)
		return x->host < y->host ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void name(struct debug *d, const struct piece *p, char *to, size_t size)
{
	u32 offset;
	const char *s = debug_name_in(d, p->cr3, p->lin, &offset);

	if (s && offset)
		snprintf(to, size, "%.200s+0x%x", s, offset);
	else if (s)
		snprintf(to, size, "%.200s", s);
	else if (p->user)
		snprintf(to, size, "user 0x%08x (space 0x%08x)", p->lin,
			 p->cr3);
	else
		snprintf(to, size, "kernel 0x%08x", p->lin);
}

/* What later ones cover of earlier ones is taken away; then all lie apart. */
static unsigned resolve(struct perf_map *m)
{
	unsigned lost = 0;
	size_t n = 0;

	qsort(m->pieces, m->count, sizeof(*m->pieces), by_host);
	for (size_t i = 0; i < m->count; i++) {
		struct piece p = m->pieces[i];
		bool covered = false;

		while (n &&
		       m->pieces[n - 1].host + m->pieces[n - 1].len > p.host) {
			if (m->pieces[n - 1].order > p.order) {
				covered = true;
				break;
			}
			n--;
			lost++;
		}
		if (covered)
			lost++;
		else
			m->pieces[n++] = p;
	}
	m->count = n;
	return lost;
}

int debug_perf_map_end(struct debug *d, struct buf *said, struct err *e)
{
	struct perf_map *m = d ? d->perf_map : NULL;
	unsigned lost;
	FILE *f;
	bool bad;

	if (!m)
		return 0;
	bt_on_block(vm_bt(d->vm), NULL, NULL);
	debug_know_guest(d, NULL);
	lost = resolve(m);
	f = fopen(m->path, "we");
	bad = !f;
	for (size_t i = 0; f && i < m->count; i++) {
		char text[256];

		name(d, &m->pieces[i], text, sizeof(text));
		fprintf(f, "%llx %x %s%s\n",
			(unsigned long long)(uintptr_t)m->pieces[i].host,
			m->pieces[i].len, text,
			m->pieces[i].way ? " (way out)" : "");
	}
	for (unsigned i = 0; f; i++) {
		struct bt_stub_view stub;

		if (!bt_stub(vm_bt(d->vm), i, &stub))
			break;
		fprintf(f, "%llx %x %s\n",
			(unsigned long long)(uintptr_t)stub.host, stub.len,
			stub.name);
	}
	if (f)
		bad = fclose(f) != 0;
	if (bad)
		err_set(e, "-perf-map: %s: %s", m->path, strerror(errno));
	else
		buf_printf(said, "%s names %zu pieces of code%s", m->path,
			   m->count,
			   m->full ? "; there was no memory for more" : "");
	if (!bad && lost)
		buf_printf(said, "; %u are not, their memory was used again",
			   lost);
	free(m->pieces);
	free(m);
	d->perf_map = NULL;
	return bad ? -1 : 0;
}

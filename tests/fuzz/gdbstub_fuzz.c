/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stub, whatever bytes come: frames cut anywhere, every packet's parser,
 * breakpoints with any bytecode, on a machine of a few instructions.  The
 * first byte says how the rest is sent: as it is, or each line as a packet
 * with a right check sum. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/cpu/cpu.h"
#include "core/debug/debug.h"
#include "core/mem/mem.h"
#include "gdbstub/frame.h"
#include "gdbstub/gdbstub.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct vm *vm;
static struct debug *d;
static struct gdbstub *g;
static char place[] = "/tmp/gdbstub_fuzz_XXXXXX";

static int monitor(void *arg, const char *line, struct buf *out, struct err *e)
{
	(void)arg;
	(void)e;
	buf_printf(out, "%s\n", line);
	return 0;
}

static void runs(void *arg, bool on)
{
	(void)arg;
	(void)on;
}

static bool must_end(void *arg)
{
	(void)arg;
	return true;
}

/* The guest does not run for long. */
static void look(void *arg, int timeout_ms)
{
	(void)arg;
	(void)timeout_ms;
	vm_interrupt(vm);
}

static void make(void)
{
	struct vm_config cfg = {.ram = 1 << 20, .flat_load = -1, .poll = look};
	struct gdbstub_config c = {.owner = {NULL, monitor, runs, must_end}};
	struct err e;
	char where[64];

	vm = vm_new(&cfg, &e);
	CHECK(vm, "%s", e.text);
	c.d = d = debug_new(vm);
	g = gdbstub_new(&c);
	CHECK(mkdtemp(place), "no place");
	snprintf(where, sizeof(where), "unix:%s/gdb", place);
	CHECK(!gdbstub_listen(g, where, &e), "%s", e.text);
}

static int dial(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s/gdb", place);
	CHECK(!connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect");
	return fd;
}

/* Sends some, lets it be served, and takes what is answered. */
static void push(int fd, const void *bytes, size_t n)
{
	static char answer[1 << 18];

	while (n) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

		if (sent < 0)
			break;
		bytes = (const char *)bytes + sent;
		n -= (size_t)sent;
		gdbstub_ready(g);
		while (recv(fd, answer, sizeof(answer), 0) > 0)
			;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct err e;
	int fd;

	if (!vm)
		make();
	debug_reset(d, &e);
	vm_cpu(vm)->eip = 0x500; /* zeros: add %al, (%bx,%si) */
	vm_cpu(vm)->seg[SEG_CS].base = 0;
	fd = dial();
	gdbstub_ready(g);
	push(fd, "+", 1); /* else what is no debugger is sent away */
	if (size && data[0] & 1) {
		push(fd, data + 1, size - 1);
	} else {
		for (size_t at = 1; at < size;) {
			const u8 *end = memchr(data + at, '\n', size - at);
			size_t n = end ? (size_t)(end - data) - at : size - at;
			struct buf packet = {0};

			frame_pack(&packet, data + at, n);
			push(fd, packet.data, packet.len);
			buf_free(&packet);
			at += n + 1;
		}
	}
	close(fd);
	gdbstub_ready(g);
	gdbstub_ready(g);
	CHECK(!gdbstub_has_client(g), "the client has not gone");
	return 0;
}

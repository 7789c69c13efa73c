/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory: linear, through the page tables of the moment, or physical when the
 * client asked for that.  Looking changes nothing in the guest, and device
 * registers, which reading could change, are not read. */
#include "gdbstub/stub_priv.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/mem/mem.h"

enum { EFAULT_NUMBER = 14, CHUNK = 64 << 10, PATTERN_MAX = 64 << 10 };

/* ---- reading and writing ---- */

static unsigned physical_part(struct gdbstub *g, u32 addr, u32 len, u8 **host)
{
	u32 room = GUEST_PAGE - addr % GUEST_PAGE;
	u32 n = len < room ? len : room;

	*host = mem_phys_ptr(vm_mem(g->vm), addr, n);
	return *host ? n : 0;
}

/* Bytes moved before the first that is not there. */
static u32 read_some(struct gdbstub *g, u32 addr, void *to, u32 len)
{
	u32 done = 0, n;
	u8 *host;

	if (len && len - 1 > UINT32_MAX - addr)
		len = 0 - addr; /* not around the end */
	if (trace_is_shown(g))
		return trace_memory(g, addr, to, len);
	if (!g->physical)
		return debug_read(g->d, addr, to, len);
	while (done < len &&
	       (n = physical_part(g, addr + done, len - done, &host))) {
		memcpy((u8 *)to + done, host, n);
		done += n;
	}
	return done;
}

static u32 write_some(struct gdbstub *g, u32 addr, const void *from, u32 len)
{
	u32 done = 0, n;
	u8 *host;

	if (len && len - 1 > UINT32_MAX - addr)
		return 0;
	if (!g->physical)
		return debug_write(g->d, addr, from, len);
	while (done < len &&
	       (n = physical_part(g, addr + done, len - done, &host))) {
		mem_phys_write(vm_mem(g->vm), addr + done,
			       (const u8 *)from + done, n);
		done += n;
	}
	return done;
}

/* What a reply has room for. */
static void *room_for(u32 *len, u32 most)
{
	void *bytes;

	if (*len > most)
		*len = most;
	bytes = malloc(*len + 1);
	NEED_MEMORY(bytes, "%u bytes", *len);
	return bytes;
}

/* What the packet asks for, the caller's to free, and how much of it could be
 * read; NULL when an error is the reply. */
static u8 *read_asked(struct gdbstub *g, struct args *a, u32 *got)
{
	u32 addr, len;
	u8 *bytes;

	if (!args_range(a, &addr, &len) || a->len) {
		reply_errno(g, 1);
		return NULL;
	}
	bytes = room_for(&len, PACKET_SIZE / 2);
	*got = read_some(g, addr, bytes, len);
	if (*got || !len)
		return bytes;
	reply_errno(g, EFAULT_NUMBER);
	free(bytes);
	return NULL;
}

void packet_read_memory(struct gdbstub *g, struct args *a)
{
	u32 got;
	u8 *bytes = read_asked(g, a, &got);

	if (bytes)
		hex_encode(&g->reply, bytes, got);
	free(bytes);
}

void packet_read_binary(struct gdbstub *g, struct args *a)
{
	u32 got;
	u8 *bytes = read_asked(g, a, &got);

	if (!bytes)
		return;
	reply(g, "b");
	buf_append(&g->reply, bytes, got);
	free(bytes);
}

static void write_reply(struct gdbstub *g, u32 addr, const void *bytes, u32 len)
{
	if (write_some(g, addr, bytes, len) == len)
		reply_ok(g);
	else
		reply_errno(g, EFAULT_NUMBER);
}

void packet_write_memory(struct gdbstub *g, struct args *a)
{
	u32 addr, len;
	u8 *bytes;

	if (!args_range(a, &addr, &len) || !args_char(a, ':') ||
	    a->len != 2 * (size_t)len) {
		reply_errno(g, 1);
		return;
	}
	bytes = room_for(&len, len);
	if (hex_decode(a->at, len, bytes))
		write_reply(g, addr, bytes, len);
	else
		reply_errno(g, 1);
	free(bytes);
}

void packet_write_binary(struct gdbstub *g, struct args *a)
{
	u32 addr, len;

	if (!args_range(a, &addr, &len) || !args_char(a, ':') || a->len != len)
		reply_errno(g, 1);
	else
		write_reply(g, addr, a->at, len);
}

/* ---- looking through it ---- */

/* The first place of the pattern in [addr, addr+len): 1 and *at; 0: nowhere;
 * -1: what is there cannot be read. */
static int find(struct gdbstub *g, u32 addr, u32 len, const char *pattern,
		u32 size, u32 *at)
{
	u32 room = CHUNK + size;
	u8 *bytes = room_for(&room, room);
	int found = 0;

	for (u32 done = 0; len - done >= size && !found;) {
		u32 want = len - done < room ? len - done : room;
		u32 got = read_some(g, addr + done, bytes, want);
		u8 *hit = got < size ? NULL : memmem(bytes, got, pattern, size);

		if (hit)
			*at = addr + done + (u32)(hit - bytes);
		found = hit ? 1 : got < want ? -1 : 0;
		done += want - size + 1;
	}
	free(bytes);
	return found;
}

void packet_search(struct gdbstub *g, struct args *a)
{
	u64 from, len;
	u32 at = 0;
	int found;

	if (!args_hex(a, &from) || !args_char(a, ';') || !args_hex(a, &len) ||
	    !args_char(a, ';') || !a->len || a->len > PATTERN_MAX ||
	    from > UINT32_MAX || len > UINT32_MAX) {
		reply_errno(g, 1);
		return;
	}
	found = find(g, (u32)from, (u32)len, a->at, (u32)a->len, &at);
	if (found < 0)
		reply_errno(g, EFAULT_NUMBER);
	else if (found)
		reply(g, "1,%x", at);
	else
		reply(g, "0");
}

/* CRC-32 of polynomial 04C11DB7h, most significant bit first, as gdb's
 * compare-sections. */
static u32 crc_of(u32 crc, const u8 *bytes, u32 len)
{
	static u32 table[256];

	for (u32 i = 0; !table[255] && i < 256; i++) {
		u32 v = i << 24;

		for (unsigned k = 0; k < 8; k++)
			v = v << 1 ^ (v >> 31 ? 0x04c11db7u : 0);
		table[i] = v;
	}
	for (u32 i = 0; i < len; i++)
		crc = crc << 8 ^ table[(crc >> 24 ^ bytes[i]) & 0xff];
	return crc;
}

void packet_crc(struct gdbstub *g, struct args *a)
{
	u32 addr, len, crc = ~0u, room = CHUNK;
	u8 *bytes;

	if (!args_range(a, &addr, &len) || a->len) {
		reply_errno(g, 1);
		return;
	}
	bytes = room_for(&room, CHUNK);
	for (u32 done = 0, n; done < len; done += n) {
		n = len - done < room ? len - done : room;
		if (read_some(g, addr + done, bytes, n) != n) {
			reply_errno(g, EFAULT_NUMBER);
			free(bytes);
			return;
		}
		crc = crc_of(crc, bytes, n);
	}
	free(bytes);
	reply(g, "C%x", crc);
}

/* ---- which memory ---- */

void packet_physical(struct gdbstub *g, struct args *a)
{
	(void)a;
	reply(g, "%d", g->physical);
}

void packet_set_physical(struct gdbstub *g, struct args *a)
{
	u64 on;

	if (!args_hex(a, &on) || a->len || on > 1) {
		reply_errno(g, 1);
		return;
	}
	g->physical = on;
	reply_ok(g);
}

/* Every linear address may come to mean memory, so all of them are listed;
 * what is not mapped is found when it is read. */
bool make_memory_map(struct gdbstub *g, const char *annex, struct buf *out)
{
	(void)g;
	if (*annex)
		return false;
	buf_printf(out, "<?xml version=\"1.0\"?>\n<!DOCTYPE memory-map PUBLIC "
			"\"+//IDN gnu.org//DTD GDB Memory Map V1.0//EN\" "
			"\"http://sourceware.org/gdb/gdb-memory-map.dtd\">\n"
			"<memory-map><memory type=\"ram\" start=\"0x0\" "
			"length=\"0x100000000\"/></memory-map>\n");
	return true;
}

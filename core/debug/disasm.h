/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Instructions, the guest's and the host's, as text, through libopcodes. */
#ifndef CORE_DEBUG_DISASM_H
#define CORE_DEBUG_DISASM_H

#include "core/base/buf.h"
#include "core/base/types.h"

struct disasm {
	void *arg;
	/* Bytes moved from guest-linear `addr`. */
	unsigned (*read)(void *arg, u32 addr, void *buf, unsigned len);
	/* Appends "0xc0100040 <foo+4>". */
	void (*address)(void *arg, u32 addr, struct buf *out);
	u32 base; /* of the code segment: linear = base + offset */
	bool code32;
	bool intel; /* Intel's syntax instead of AT&T's */
};

/* Appends the instruction at `offset` and returns its length in bytes; 0
 * when its bytes cannot be read. */
unsigned disasm_one(const struct disasm *d, u32 offset, struct buf *out);

/* Host code, where it runs.  `name` answers with the name of what lies at an
 * address, or NULL; addresses within the code are shown as "+1f". */
struct disasm_host {
	void *arg;
	const char *(*name)(void *arg, u64 at);
	const u8 *code;
	unsigned len;
	bool intel;
};
/* The instruction at that offset; its length, 0 when it is none. */
unsigned disasm_host(const struct disasm_host *d, unsigned offset,
		     struct buf *out);

#endif

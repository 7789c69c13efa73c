/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes are an instruction or none; nothing is read beyond them, what is
 * decoded does not depend on what follows, and fewer bytes than it took are
 * too few. */
/* LINK: core/x86/decode.c core/base/check.c */
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/x86/decode.h"
#include "core/x86/opcode.h"

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t len);

/* From a buffer of exactly `avail` bytes, so that the sanitizer sees. */
static enum decode_result exactly(const u8 *bytes, size_t avail, bool code32,
				  struct insn *in)
{
	u8 *own = malloc(avail + !avail);
	enum decode_result r;

	memcpy(own, bytes, avail);
	r = decode(own, avail, code32, in);
	free(own);
	return r;
}

static void check_one(const u8 *bytes, size_t len, bool code32)
{
	struct insn in, shorter;
	enum decode_result r = exactly(bytes, len, code32, &in);

	CHECK(in.len <= INSN_MAX && in.len <= len, "length %u", in.len);
	if (r == DECODE_TOO_LONG)
		CHECK(len >= INSN_MAX, "too long in %zu bytes", len);
	if (r != DECODE_OK)
		return;
	CHECK(in.op && in.op->map == in.map && in.op->byte == in.opcode,
	      "another opcode's row");
	CHECK(exactly(bytes, in.len, code32, &shorter) == DECODE_OK,
	      "what follows is needed");
	/* Padding too: both were begun by the same assignment of a whole.
	 * NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	CHECK(!memcmp(&in, &shorter, sizeof(in)), "what follows changes it");
	CHECK(exactly(bytes, in.len - 1u, code32, &shorter) == DECODE_MORE,
	      "one byte less suffices");
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t len)
{
	check_one(bytes, len, true);
	check_one(bytes, len, false);
	return 0;
}

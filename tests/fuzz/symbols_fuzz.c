/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any file given as symbols: an ELF file that lies, a System.map that is
 * none.  What was taken is asked for names, addresses and lines.  ELF files
 * are read by libbfd, which is fuzzed with us. */
/* LINK: core/debug/symbols.c core/debug/cfi.c core/base/buf.c core/base/err.c core/base/check.c */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/debug/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const u32 places[] = {0, 0x100000, 0x100010, 0xc0100000, ~0u};
	struct symbols *s = symbols_new();
	int fd = memfd_create("symbols", 0);
	char path[64];
	struct err e;
	u32 offset, addr;

	CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len, "no file");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (symbols_add(s, path, len & 1 ? 0xc0100000 : -1, &e) >= 0)
		for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
			const char *name = symbols_name(s, places[i], &offset);

			if (name)
				symbols_address(s, name, &addr);
			symbols_next(s, places[i]);
		}
	symbols_free(s);
	close(fd);
	return 0;
}

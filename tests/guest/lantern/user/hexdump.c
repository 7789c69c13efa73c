/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hexdump [FILE]: bytes as numbers and as text. */
#include "lantern.h"

enum { ROW = 16 };

static void print_row(u32 offset, const u8 *bytes, u32 count)
{
	char text[ROW + 1] = { 0 };

	print("%08x ", offset);
	for (u32 i = 0; i < ROW; i++) {
		if (i < count)
			print(" %02x", bytes[i]);
		else
			print("   ");
		if (i < count)
			text[i] = bytes[i] >= ' ' && bytes[i] < 127 ?
				  (char)bytes[i] : '.';
	}
	print("  %s\n", text);
}

int main(int argc, char **argv)
{
	int fd = open_input("hexdump", argc > 1 ? argv[1] : NULL), got;
	u32 offset = 0, have = 0;
	u8 row[ROW];

	/* A pipe may give less than a row at a time. */
	while ((got = read(fd, row + have, ROW - have)) > 0) {
		have += (u32)got;
		if (have < ROW)
			continue;
		print_row(offset, row, ROW);
		offset += ROW;
		have = 0;
	}
	if (have)
		print_row(offset, row, have);
	return 0;
}

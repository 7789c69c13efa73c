/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wc [FILE]: counts lines, words and bytes. */
#include "lantern.h"

int main(int argc, char **argv)
{
	int fd = open_input("wc", argc > 1 ? argv[1] : NULL), got;
	u32 lines = 0, words = 0, bytes = 0;
	bool in_word = false;
	char buffer[1024];

	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		for (int i = 0; i < got; i++) {
			bool blank = buffer[i] == ' ' || buffer[i] == '\n' ||
				     buffer[i] == '\t';

			bytes++;
			lines += buffer[i] == '\n';
			words += !blank && !in_word;
			in_word = !blank;
		}
	print("%7u %7u %7u\n", lines, words, bytes);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ls: the files, and their sizes; a star marks programs. */
#include "lantern.h"

int main(void)
{
	struct lantern_file file;

	for (u32 i = 0; get_file(i, &file) >= 0; i++)
		print("%7u %s%s\n", file.size, file.name,
		      file.is_program ? "*" : "");
	return 0;
}

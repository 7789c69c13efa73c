/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pipetest: sends a megabyte through a pipe, and compares check sums. */
#include "lantern.h"

enum { BYTES = 1 << 20 };

static u32 add(u32 sum, u8 byte)
{
	return (sum << 5 | sum >> 27) ^ byte;
}

static void produce(int fd, u32 *sum)
{
	u8 block[1000];		/* not a divisor of the pipe's size */
	u32 value = 1;

	for (u32 sent = 0; sent < BYTES;) {
		u32 part = BYTES - sent < sizeof(block) ? BYTES - sent :
			   sizeof(block);

		for (u32 i = 0; i < part; i++) {
			value = value * 1103515245 + 12345;
			block[i] = (u8)(value >> 16);
			*sum = add(*sum, block[i]);
		}
		if (!write_all(fd, (char *)block, part))
			exit(1);
		sent += part;
	}
}

int main(void)
{
	u32 sent = 0, received = 0, bytes = 0;
	int data[2], result[2], got;
	u8 block[700];

	if (pipe(data) < 0 || pipe(result) < 0)
		return 1;
	if (fork() == 0) {
		close(data[0]);
		produce(data[1], &sent);
		write_all(result[1], (char *)&sent, sizeof(sent));
		exit(0);
	}
	close(data[1]);
	while ((got = read(data[0], block, sizeof(block))) > 0) {
		for (int i = 0; i < got; i++)
			received = add(received, block[i]);
		bytes += (u32)got;
	}
	read(result[0], &sent, sizeof(sent));
	print("pipetest: %u bytes, sent %08x, received %08x\n", bytes, sent,
	      received);
	return bytes != BYTES || sent != received;
}

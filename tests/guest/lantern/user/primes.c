/* SPDX-License-Identifier: GPL-3.0-or-later */
/* primes [LIMIT]: the prime numbers below it, by the sieve. */
#include "lantern.h"

int main(int argc, char **argv)
{
	u32 limit = argc > 1 ? parse_number(argv[1]) : 100;
	u8 *composite = limit ? mmap(NULL, limit) : NULL;

	if (!limit || is_error(composite)) {
		print_to(STDERR, "primes: not that many\n");
		return 1;
	}
	for (u32 i = 2; i < limit; i++) {
		if (composite[i])
			continue;
		print("%u\n", i);
		for (u32 j = 2 * i; j < limit; j += i)
			composite[j] = 1;
	}
	return 0;
}

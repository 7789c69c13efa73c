/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fib [N]: the N-th Fibonacci number, the slow way. */
#include "lantern.h"

static u32 fib(u32 n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(int argc, char **argv)
{
	u32 n = argc > 1 ? parse_number(argv[1]) : 20;

	print("fib(%u) = %u\n", n, fib(n));
	return 0;
}

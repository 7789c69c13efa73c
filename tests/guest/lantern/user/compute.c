/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The computing rows of the benchmark; see compute.h.
 *
 * Each is small and of one kind: arithmetic in registers, calls and returns,
 * loads and stores, string instructions, floating point, indirect calls.  A
 * binary translator treats each kind differently, and the rows show it.
 */
#include "compute.h"

enum { SIEVE = 8192, BLOCK = 65536 };

unsigned compute_loop(unsigned units)
{
	unsigned value = 1;

	while (units--)
		for (unsigned i = 0; i < 1000; i++) {
			value = (value << 7 | value >> 25) + i;
			/* or the compiler would find a shorter way */
			__asm__ volatile("" : "+r"(value));
		}
	return value;
}

static __attribute__((noinline)) unsigned fib(unsigned n)
{
	if (n < 2)
		return n;
	return fib(n - 1) + fib(n - 2);
}

unsigned compute_fib(unsigned units)
{
	unsigned sum = 0, n = 15;

	while (units--) {
		__asm__ volatile("" : "+r"(n));
		sum += fib(n);
	}
	return sum;
}

unsigned compute_sieve(unsigned units)
{
	static unsigned char composite[SIEVE];
	unsigned count = 0;

	while (units--) {
		for (unsigned i = 0; i < SIEVE; i++)
			composite[i] = 0;
		for (unsigned i = 2; i < SIEVE; i++) {
			if (composite[i])
				continue;
			count++;
			for (unsigned j = 2 * i; j < SIEVE; j += i)
				composite[j] = 1;
		}
	}
	return count;
}

unsigned compute_memcpy(unsigned units)
{
	static unsigned from[BLOCK / 4], to[BLOCK / 4];

	while (units--) {
		const void *source = from;
		void *target = to;
		unsigned words = BLOCK / 4;

		from[units % (BLOCK / 4)]++;
		__asm__ volatile("rep movsl"
				 : "+S"(source), "+D"(target), "+c"(words)
				 : : "memory");
	}
	return to[1];
}

unsigned compute_x87(unsigned units)
{
	double sum = 0;

	while (units--) {
		double sign = 4;

		for (unsigned i = 0; i < 500; i++) {
			sum += sign / (2 * (int)i + 1);
			sign = -sign;
		}
	}
	return (unsigned)sum;
}

static __attribute__((noinline)) unsigned twice(unsigned value)
{
	return value * 2;
}

static __attribute__((noinline)) unsigned next(unsigned value)
{
	return value + 1;
}

static __attribute__((noinline)) unsigned flip(unsigned value)
{
	return ~value;
}

static __attribute__((noinline)) unsigned half(unsigned value)
{
	return value / 2;
}

unsigned compute_indirect(unsigned units)
{
	static unsigned (*const functions[4])(unsigned) = { twice, next, flip,
							    half };
	unsigned value = 1;

	while (units--)
		for (unsigned i = 0; i < 1000; i++)
			value = functions[i * 7 / 3 % 4](value);
	return value;
}

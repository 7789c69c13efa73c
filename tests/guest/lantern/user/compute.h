/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Work for a processor, without any system call.  Each function repeats one
 * unit of work and returns something that depends on all of it.  They know
 * nothing of lantern, so that a host program can run the same code natively.
 */
#ifndef LANTERN_USER_COMPUTE_H
#define LANTERN_USER_COMPUTE_H

unsigned compute_loop(unsigned units);	 /* 1000 steps of shift and add */
unsigned compute_fib(unsigned units);	 /* fib(15), 1973 calls */
unsigned compute_sieve(unsigned units);	 /* primes below 8192 */
unsigned compute_memcpy(unsigned units); /* 64 KiB copied */
unsigned compute_x87(unsigned units);	 /* 500 terms of a series for pi */
unsigned compute_indirect(unsigned units); /* 1000 calls through pointers */

#endif

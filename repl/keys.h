/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text as keys of the guest's keyboard. */
#ifndef REPL_KEYS_H
#define REPL_KEYS_H

#include <stddef.h>

struct bus;

/* Types at the 8042's keyboard; how many bytes of the text fitted.  What no
 * key of a US keyboard makes is left out. */
size_t keys_type(struct bus *b, const char *text, size_t n);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spaces.c with PAE. */
#define PAE
#include "tests/guest/vmi/spaces.c"

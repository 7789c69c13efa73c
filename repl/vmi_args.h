/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VMI calls' arguments, as the console shows and names them. */
#ifndef REPL_VMI_ARGS_H
#define REPL_VMI_ARGS_H

#include "repl/repl_priv.h"
#include "vmi/vmi.h"

/* One of a row's arguments or results: "eax:hex:leaf", "+4:dec:count". */
struct vmi_field {
	char where[8], type[12], name[20];
};
/* Takes the next one off *fields; false: there is none. */
bool vmi_next_field(const char **fields, struct vmi_field *f);
/* A value of that type, as people want to see it. */
void vmi_show_value(struct console *c, const struct vmi_field *f, u32 value,
		    struct buf *out);

/* The call that the guest is about to make, -1: none; its arguments, a line
 * each. */
int vmi_call_here(struct console *c);
void vmi_show_arguments(struct console *c, struct buf *out);
/* Name of argument i of a call, NULL after the last; until the next time. */
const char *vmi_argument_name(unsigned number, unsigned i);

/* From now on expressions and stops know the arguments. */
void vmi_know_arguments(struct console *c);

#endif

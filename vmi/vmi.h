/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VMI, VMware's paravirtual interface of 2006, API 3.0: an option ROM that a
 * kernel finds in memory, and the calls it then makes instead of sensitive
 * instructions.
 *
 * The guest's kernel runs at privilege level 0, so every call does just what
 * the native code would, and a kernel may mix both as it likes. */
#ifndef VMI_VMI_H
#define VMI_VMI_H

#include "core/base/err.h"
#include "core/base/types.h"
#include "core/dev/dev.h"

struct vm;
struct vmi;

enum vmi_call_number {
#define CALL(number, name, answer, how, native, args, result, meaning) \
	VMI_##name = number,
#include "vmi/calls.def"
	VMI_CALLS
};

/* Shows the ROM to vm's guest, now and after each reset, if vm_shows_vmi().
 * NULL: no memory. */
struct vmi *vmi_new(struct vm *vm, struct err *e);
void vmi_free(struct vmi *v);

/* A row of calls.def, as text. */
struct vmi_row {
	const char *name, *answer, *native, *args, *result, *meaning;
	const char *function; /* of vmi/, NULL: an instruction does it all */
};
const struct vmi_row *vmi_row(unsigned number);
/* Number of the call of that name (any case), -1 when there is none. */
int vmi_find(const char *name);
/* Guest-physical address of a call's stub in the ROM. */
gpa_t vmi_stub(unsigned number);

/* Calls fn when the kernel calls the ROM elsewhere: vmi_stub_linear differs. */
void vmi_on_move(struct vmi *v, void (*fn)(void *arg), void *arg);

/* The linear address it was last given to the kernel for; the guest-physical
 * one before that. */
gla_t vmi_stub_linear(const struct vmi *v, unsigned number);
enum { VMI_STUB_LEN = 16 };

/* Has a kernel called vmi_init? */
bool vmi_active(const struct vmi *v);
/* What a call has cost since counters began: exact, but for host_ns. */
struct vmi_cost {
	u64 count;
	u64 insns;   /* guest instructions, its stub's return included */
	u64 timed;   /* calls of them whose time was taken */
	u64 host_ns; /* that these took */
	u64 faults;  /* calls that raised an exception: they are not counted */
	u64 senseless; /* calls that meant nothing, and did nothing */
};
struct vmi_cost vmi_cost(const struct vmi *v, unsigned number);
/* Takes the host's time of calls (at first it does not). */
void vmi_set_timing(struct vmi *v, bool on);
bool vmi_timing(const struct vmi *v);
/* Calls that have an instruction to stand for them are translated as that
 * (at first they are). */
void vmi_set_in_line(struct vmi *v, bool on);
bool vmi_in_line_on(const struct vmi *v);
bool vmi_in_line(const struct vmi *v, unsigned number);
/* The table of `info vmi`. */
void vmi_show(const struct vmi *v, bus_print *out, void *to);

#endif

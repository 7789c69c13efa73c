/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine of devices only, for their tests: memory is fake_phys.c, time
 * is a number, and what devices ask for is written down. */
#ifndef TESTS_UNIT_DEV_FIXTURE_H
#define TESTS_UNIT_DEV_FIXTURE_H

#include "core/dev/dev.h"
#include "tests/unit/fake_phys.h"

#define MS     1000000ull
#define SECOND 1000000000ull

struct machine {
	struct bus *bus;
	struct mem *mem;
	u64 now;
	unsigned requests; /* enum bus_request, OR-ed */
	unsigned intr_changes;
	u8 sent[2][256]; /* by serial port */
	unsigned sent_len[2];
	u8 debug[64];
	unsigned debug_len;
	char text[65536]; /* what show functions printed */
	unsigned text_len;
};

struct machine *machine_new(bool has_apic);
void machine_free(struct machine *m);

/* Lets `ns` pass; timers fire at their moments. */
void pass(struct machine *m, u64 ns);

u8 in8(struct machine *m, u16 port);
void out8(struct machine *m, u16 port, u8 value);
u32 in32(struct machine *m, u16 port);
void out32(struct machine *m, u16 port, u32 value);

/* Programs both 8259s as kernels do: vectors 20h and 28h, all unmasked. */
void pic_setup(struct machine *m);

/* A bus_print that collects in m->text. */
void collect(void *to, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif

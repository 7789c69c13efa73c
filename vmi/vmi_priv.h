/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of VMI share. */
#ifndef VMI_VMI_PRIV_H
#define VMI_VMI_PRIV_H

#include "core/bt/bt.h"
#include "core/cpu/cpu.h"
#include "core/op/op.h"
#include "core/x86/opcode.h"
#include "vmi/vmi.h"

/* The ROM lies where a kernel looks first behind a video BIOS. */
enum { STUB_INSN_LEN = 7 }; /* bytes of the instruction in a stub */
enum { ROM_BASE = 0xc8000, ROM_LEN = 0x1000 };
/* Calls that the two fixed entry points make. */
enum { CALL_INIT = VMI_CALLS, CALL_GET_RELOC, CALL_COUNT };

enum { COUNTER_REAL, COUNTER_AVAILABLE, COUNTER_STOLEN, ALARMS = 2 };

struct alarm {
	struct timer timer;
	struct vmi *v;
	u64 expiry; /* by its own counter */
	u64 period; /* cycles, 0: once */
	bool lvtt;  /* wired to the local APIC's timer, else to IRQ 0 */
};

enum { LAZY_MODES = 3 };
enum { AP_STATE_BYTES = 92, APS = 16, LINEAR_MAPPINGS = 4 };

/* A call that has begun, while calls are traced (trace.c). */
struct open_call {
	unsigned number;
	u32 esp, cr3, caller, eip;
	u64 start; /* ticks of the host */
	u64 repeats;
	/* Of a call about an entry of a page table: */
	gla_t at;
	u32 flags;
	u64 entry; /* as it was before */
};
enum { OPEN_CALLS = 16 };

struct vmi {
	struct vm *vm;
	bool active, in_line, timing;
	u32 lazy;
	gla_t rom; /* linear, where the kernel asked for relocations */
	u64 count[CALL_COUNT]; /* ever, but for what is in: */
	u64 *in_code; /* since the last cost_gather() (bt_calls) */
	u64 said;     /* of count[], what is said of page tables (mmu.c) */
	u64 count_from[CALL_COUNT]; /* when counters began anew */
	u64 faults[VMI_CALLS];	 /* calls that raised an exception */
	u64 senseless[VMI_CALLS]; /* with arguments that mean nothing */
	u64 strangers; /* a stub's instruction from elsewhere, or other rings */
	u64 repeats[CALL_COUNT]; /* of repeated string I/O, beyond the first */
	u64 since;		 /* guest time when counting began */
	struct {
		u64 ticks[CALL_COUNT]; /* of the host's time-stamp counter */
		u64 before[CALL_COUNT]; /* calls that were not timed */
		u64 from_tick, from_ns; /* when timing began */
		u64 cost; /* ticks that reading the clock takes */
	} time;
	struct alarm alarm[ALARMS];
	struct {
		bool set;
		u8 state[AP_STATE_BYTES];
	} ap[APS];
	struct {
		u32 from, pages, frame;
	} linear[LINEAR_MAPPINGS];
	struct open_call open[OPEN_CALLS];
	unsigned open_count;
	u64 told_of[BT_CALLS_MAX / 64]; /* calls somebody records, by number */
	void (*moved)(void *arg);
	void *moved_arg;
};

/* Calls done, ever. */
static inline u64 vmi_count(const struct vmi *v, unsigned number)
{
	return v->count[number] + v->in_code[number];
}
/* cost.c: count[] is all there is. */
void cost_gather(struct vmi *v);

typedef enum op_result vmi_fn(struct vmi *v, struct cpu *c);
struct insn;
enum op_result vmi_called(void *arg, struct cpu *c, const struct insn *in);

/* One declaration per function that calls.def names. */
#define INSN(...)
#define FN(name) vmi_fn vmi_##name;
#define FN_INSN(name, ...) vmi_fn vmi_##name;
#define FN_IF(name, which) vmi_fn vmi_##name;
#define CALL(number, name, answer, how, native, args, result, meaning) how
#include "vmi/calls.def"
#undef INSN
#undef FN
#undef FN_INSN
#undef FN_IF

/* rom.c: the image, ROM_LEN bytes. */
void rom_build(u8 *image);
/* What a relocation query answers for a call of any number: enum answer, and
 * the offset of the stub in the ROM. */
enum answer { ANSWER_NONE, ANSWER_REL, ANSWER_JUMP, ANSWER_NOP };
enum answer rom_answer(u32 number, u32 *offset);

/* sense.c: is this call about something that there is? */
bool makes_sense(u32 number, const struct cpu *c);

/* cost.c: parts of struct vm_part; what is timed begins anew. */
void cost_reset(void *arg);
void cost_json(void *arg, bus_print *out, void *to);
void cost_begin_timing(struct vmi *v);

/* The stub's instruction and, but for two calls, the return behind it. */
u64 vmi_stub_insns(unsigned number);

/* trace.c */
void trace_prepare(void);
void trace_calls(const struct vmi *v, u64 bits[BT_CALLS_MAX / 64]);
void trace_who_records(void *arg);
void vmi_told(void *arg, unsigned number, enum bt_call_step step);
static inline bool is_told(const struct vmi *v, unsigned number)
{
	return v->told_of[number / 64] >> (number % 64) & 1;
}

/* saved.c: what of it is saved (vm_part.state). */
void vmi_state(void *arg, struct state_list *to);

/* time.c */
void alarms_init(struct vmi *v);
/* Nothing is announced yet; count[] is another. */
void mmu_power_on(struct vmi *v);
void mmu_gathered(struct vmi *v);
void alarms_reset(struct vmi *v);

#endif

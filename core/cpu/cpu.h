/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest CPU's state, all of it, and the one pending exception.
 *
 * While translated code runs, the general registers and the arithmetic
 * flags live in the host's; struct cpu holds them whenever C code runs that
 * was called as an operation (core/op) or outside translated code.  Field
 * offsets are used by translated code. */
#ifndef CORE_CPU_CPU_H
#define CORE_CPU_CPU_H

#include "core/base/state.h"
#include "core/base/types.h"
#include "core/x86/bits.h"

/* A segment register: visible selector and descriptor cache. */
struct seg {
	u16 sel;
	u16 attr; /* bits of core/x86/bits.h; 0 = unusable (null selector) */
	u32 base;
	u32 limit; /* in bytes, granularity applied */
	/* For translated code at CPL 0: the descriptor it was loaded from, as
	 * long as this is sure to be there.  Loading the same selector again
	 * changes nothing as long as the descriptor's bytes are the same. */
	u32 memo;	     /* -(sel | SEG_MEMO), 0: none */
	u64 memo_raw;	     /* -descriptor */
	const u64 *memo_at;  /* its bytes */
};
enum { SEG_MEMO = 0x10000 };

struct dtable {
	u32 base;
	u16 limit;
};

/* Transfers between privilege levels that passed all checks once (core/op/
 * known.h).  As long as the bytes of the descriptors are what they were, so is
 * what they lead to; where these are in the host's memory holds as long as
 * `age` is that of struct cpu. */
struct known_bytes {
	const void *at;
	u64 raw;
};
struct known_frame {
	const u64 *age_at; /* mem_reach_age(); NULL: nothing is known */
	u64 age;	   /* what it was */
	u8 *host;
	u32 page;
};
struct known_gate { /* to 32-bit flat code at level 0 */
	u32 age;
	u16 vector;
	u8 dpl;
	u32 iflag; /* what is left of IF */
	u32 eip;
	struct known_bytes gate, code;
	struct seg cs; /* attr 0: nothing is known */
};
struct known_stack { /* level 0's, flat, from a 32-bit TSS */
	u32 age;
	const void *fields; /* ESP0 and SS0 */
	struct known_bytes stack;
	struct seg ss;
};
struct known_return { /* by IRET from level 0 to flat segments */
	u32 age;
	struct known_bytes code, stack;
	struct seg cs, ss; /* no SS: to the same level */
};
struct known_segment { /* loaded into DS, ES, FS or GS */
	u32 age;
	u16 sel;
	u8 cpl;
	struct known_bytes bytes;
	struct seg s; /* attr 0: nothing is known */
};
enum { KNOWN_GATES = 16, KNOWN_SEGMENTS = 8 };
struct known {
	u32 age; /* of the places of descriptors */
	struct known_gate gate[KNOWN_GATES];
	struct known_stack stack;
	struct known_segment segment[KNOWN_SEGMENTS];
	struct known_return inner, outer;
	struct known_frame frame; /* where the last one was */
};

enum exc {
#define EXCEPTION(vec, name, class, err, text) EXC_##name = vec,
#include "core/cpu/exceptions.def"
};

/* How an event reached delivery; decides error codes and privilege checks. */
enum event_kind {
	EVENT_FAULT,	/* exception reported with eip of the instruction */
	EVENT_TRAP,	/* exception reported with eip after it (#DB, #BP, #OF) */
	EVENT_SOFT,	/* INT n, INT3, INTO: gate DPL is checked */
	EVENT_EXTERNAL, /* hardware interrupt or NMI: EXT bit set */
};

struct exception {
	bool pending;
	u8 vector;
	bool has_error;
	u32 error;
	u32 cr2; /* for #PF, becomes CR2 at delivery */
	u32 dr6; /* for #DB, bits to OR into DR6 at delivery */
	u8 kind; /* enum event_kind: FAULT or TRAP */
};

/* CPUID.1:EAX, and EDX after reset: family 6, model 1Ch, a 32-bit processor
 * with in-order execution.  Kernels know that such ones do not speculate, so
 * they leave out page-table isolation and retpolines; rightly, since user
 * code here runs in a window where supervisor pages are not mapped. */
enum { CPU_SIGNATURE = 0x106ca };

/* What the instruction just done holds off until after the next one:
 * interrupts, and after a load of SS debug exceptions too (SDM 3A 6.8.3). */
enum shadow { SHADOW_NONE, SHADOW_STI, SHADOW_SS };

struct mem;
struct bus;

struct cpu {
	u32 gpr[8];
	u32 eip;
	/* EFLAGS in parts: translated code stores each without touching the
	 * others.  cpu_eflags() adds them up. */
	u32 arith; /* CF PF AF ZF SF OF, other bits 0 */
	u32 iflag; /* 0 or EFL_IF */
	u32 dflag; /* 0 or EFL_DF */
	u32 sysflags; /* TF IOPL NT RF VM AC VIF VIP ID */

	struct seg seg[SEG_COUNT];
	struct seg ldtr, tr;
	struct dtable gdtr, idtr;
	u32 cr0, cr2, cr3, cr4;
	u32 dr[8];
	u64 pdpte[4]; /* PAE: loaded by CR3 writes (SDM 3A 4.4.1) */
	u8 cpl;
	bool halted;
	u8 shadow; /* enum shadow */
	bool nmi_blocked; /* until IRET */
	bool nmi_pending;
	bool shutdown; /* triple fault */
	/* CR0.NE is 0 and a waiting x87 instruction met an error: it waits for
	 * the interrupt that the chipset is to make of that. */
	bool ferr;
	bool ignne; /* ... which took note: ignore errors until there is none */
	/* Something a mode key depends on changed (segment, CPL, CR0, CR4,
	 * CR3, EFLAGS.VM/TF/AC), or TR; the translator looks before going
	 * on. */
	bool mode_changed;
	/* Of all that, only CPL, CS and SS did, which are flat. */
	bool level_changed;
	bool fs_gs_changed; /* what no mode key depends on */
	/* Translations of pages were flushed: the next instruction is looked
	 * up anew. */
	bool flushed;
	/* What the kernel last told of a page-table entry that it changed, not
	 * asked yet: the linear page, and ENTRY_CURRENT; see mem.h. */
	u32 entry_told;

	u64 efer, pat, apic_base;
	u32 sysenter_cs, sysenter_esp, sysenter_eip;
	s64 tsc_offset; /* guest TSC = clock ticks + offset */
	/* MSRs that are only stored (SDM 3A 11.11: MTRRs; 35: the rest) */
	u64 mtrr_def_type, mtrr_fixed[11], mtrr_var[16];
	u64 misc_enable, mcg_status, bios_sign;

	struct exception exc;
	struct known known;

	/* x87, MMX, SSE in FXSAVE layout (SDM 2A FXSAVE, 32-bit form); may be
	 * stale while fpu_live: the host registers then hold it. */
	u8 fxsave[512] __attribute__((aligned(16)));
	bool fpu_live;

	u64 icount; /* guest instructions retired since reset */
	u8 last_exit; /* how translated code was left last: enum bt_exit */
	struct mem *mem; /* borrowed */
	struct bus *bus; /* borrowed */
	void *vm; /* borrowed; for hooks only */
};

static inline u32 cpu_eflags(const struct cpu *c)
{
	return c->arith | c->iflag | c->dflag | c->sysflags | EFL_ONE;
}

/* A table of descriptors may be elsewhere now. */
static inline void cpu_forget_descriptors(struct cpu *c)
{
	for (unsigned i = 0; i < SEG_COUNT; i++)
		c->seg[i].memo = 0;
	c->known.age++;
}

/* Sets all of EFLAGS as given; the caller has masked what may change. */
void cpu_set_eflags(struct cpu *c, u32 value);

static inline bool cpu_is_vm86(const struct cpu *c)
{
	return c->sysflags & EFL_VM;
}
static inline bool cpu_is_real(const struct cpu *c)
{
	return !(c->cr0 & CR0_PE);
}
static inline unsigned cpu_iopl(const struct cpu *c)
{
	return (c->sysflags & EFL_IOPL) >> EFL_IOPL_SHIFT;
}

/* Records an exception at the current instruction.  Error codes are kept for
 * vectors that have one.  The first exception of an instruction wins. */
void cpu_record(struct cpu *c, enum exc vector, u32 error);

/* #PF at `lin` with the error code of SDM 3A 4.7. */
void cpu_record_pf(struct cpu *c, gla_t lin, u32 error);

/* The same, and false, so `return cpu_raise(c, EXC_GP, 0)` reads well and
 * whoever compiles or analyses a caller sees what comes back. */
static inline bool cpu_raise(struct cpu *c, enum exc vector, u32 error)
{
	cpu_record(c, vector, error);
	return false;
}
static inline bool cpu_raise_pf(struct cpu *c, gla_t lin, u32 error)
{
	cpu_record_pf(c, lin, error);
	return false;
}

/* A waiting x87 instruction met an unmasked error: #MF, or by CR0.NE FERR#
 * (SDM 1 8.7).  Returns false. */
bool cpu_raise_x87(struct cpu *c);

/* Power-on state (SDM 3A 9.1): real mode, CS:EIP f000:fff0. */
void cpu_reset(struct cpu *c);

/* The state that is saved; after it was changed, cpu_loaded(). */
void cpu_state(struct cpu *c, struct state_list *to);
void cpu_loaded(struct cpu *c);

/* Name of a vector ("#PF", or "int 20h" text is left to the caller). */
const char *cpu_exception_name(unsigned vector);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CPUID (SDM 2A): an in-order processor (core/cpu/cpu.h) with later SSE.
 *
 * The signature is one whose kernels' special cases we can satisfy: local
 * APIC, SYSENTER and PAT work, there is no microcode to load, no thermal
 * monitor and no second thread.  The feature words come from features.def.
 * Leaves 2 and 4 tell of caches only because kernels print them.
 *
 * A leaf above the highest basic one answers as the highest basic leaf does,
 * as Intel's processors do.  The highest is 7, structured extended features,
 * of which there are none: kernels ask for it without looking whether it is
 * there, and would take leaf 2's bytes for features. */
#include "core/op/features.h"
#include "core/op/op_priv.h"
#include "trace/trace.h"

enum {
	MAX_BASIC = 7,
	CLFLUSH_LINE = 64 / 8,
	PHYSICAL_BITS = 36,
	LINEAR_BITS = 32,
};
#define EXT_BASE 0x80000000u
#define EXT_MAX 0x80000008u

static const char brand[48] = "Vitrine translated CPU";

static void set4(u32 out[4], u32 a, u32 b, u32 cx, u32 d)
{
	out[0] = a;
	out[1] = b;
	out[2] = cx;
	out[3] = d;
}

static void signature(u32 out[4])
{
	/* EBX: one logical processor, APIC id 0 */
	set4(out, CPU_SIGNATURE, 1u << 16 | CLFLUSH_LINE << 8,
	     feature_bits(1, ECX), feature_bits(1, EDX));
}

/* Leaf 4: 32 KiB L1 for data and for code, 2 MiB L2; all of 8 ways. */
static void cache(u32 subleaf, u32 out[4])
{
	static const struct {
		u32 type, sets;
	} caches[] = {{0x121, 64}, {0x122, 64}, {0x143, 4096}};

	set4(out, 0, 0, 0, 0);
	if (subleaf < ARRAY_LEN(caches))
		set4(out, caches[subleaf].type, 7u << 22 | 63,
		     caches[subleaf].sets - 1, 0);
}

void cpuid_leaf(const struct cpu *c, u32 leaf, u32 subleaf, u32 out[4])
{
	(void)c;
	if (leaf > EXT_MAX || (leaf > MAX_BASIC && leaf < EXT_BASE))
		leaf = MAX_BASIC;
	switch (leaf) {
	case 0: /* "GenuineIntel" in EBX, EDX, ECX */
		set4(out, MAX_BASIC, 0x756e6547, 0x6c65746e, 0x49656e69);
		break;
	case 1:
		signature(out);
		break;
	case 2: /* 32 KiB L1, 2 MiB L2 */
		set4(out, 0x02b3b001, 0xf0, 0, 0x2c04307d);
		break;
	case 4:
		cache(subleaf, out);
		break;
	case EXT_BASE:
		set4(out, EXT_MAX, 0, 0, 0);
		break;
	case EXT_BASE + 1:
		set4(out, 0, 0, feature_bits(leaf, ECX), feature_bits(leaf, EDX));
		break;
	case EXT_BASE + 2:
	case EXT_BASE + 3:
	case EXT_BASE + 4:
		copy_bytes(out, brand + 16 * (leaf - EXT_BASE - 2), 16);
		break;
	case EXT_BASE + 6: /* 2 MiB, 8 ways, lines of 64 bytes */
		set4(out, 0, 0, 0x08006040, 0);
		break;
	case EXT_BASE + 8:
		set4(out, LINEAR_BITS << 8 | PHYSICAL_BITS, 0, 0, 0);
		break;
	default:
		set4(out, 0, 0, 0, 0);
		break;
	}
}

enum op_result op_cpuid(struct cpu *c, const struct insn *in)
{
	u32 out[4] = {0};

	(void)in;
	cpuid_leaf(c, c->gpr[EAX], c->gpr[ECX], out);
	TRACE(cpu_cpuid, .leaf = c->gpr[EAX], .subleaf = c->gpr[ECX],
	      .eax = out[0], .ebx = out[1], .ecx = out[2], .edx = out[3]);
	op_note(OP_NOTE_CPUID, c->gpr[EAX], c->gpr[ECX]);
	c->gpr[EAX] = out[0];
	c->gpr[EBX] = out[1];
	c->gpr[ECX] = out[2];
	c->gpr[EDX] = out[3];
	return OP_NEXT;
}

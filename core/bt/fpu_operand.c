/* SPDX-License-Identifier: GPL-3.0-or-later */
/* x87 and MMX instructions and their operands in memory, where the manual
 * leaves something to the processor, or translated code to the host's.
 *
 * Processors differ in what such an instruction does before it faults, and so
 * the guest would see whether the host's met the fault, in a window, or a
 * helper did, the soft way.  It is always as on Intel's:
 * - an error that waits is reported before the operand is looked at;
 * - a store that an unmasked exception other than inexactness keeps from
 *   storing (SDM 1 8.5) does not look at it at all (AMD's do);
 * - ten bytes are stored as eight and two, and the eight stay when the two
 *   fault (SDM 3A 9.1.1; on AMD's nothing is stored);
 * - MMX stores clear TOP first (AMD's do it when they have stored). */
#include "core/bt/bt_priv.h"
#include "core/op/op.h"

enum { FSW_IE = 1, FSW_OE = 8, FSW_UE = 16, FSW_ES = 0x80 };
enum { KEEPS_FROM_STORING = FSW_IE | FSW_OE | FSW_UE };
enum { FX_FCW = 0, FX_FSW = 2 };

static u16 get16(const struct cpu *c, unsigned at)
{
	return (u16)(c->fxsave[at] | c->fxsave[at + 1] << 8);
}

bool fpu_insn(struct bt *bt, const struct block *b, unsigned index,
	      struct insn *in)
{
	u8 bytes[INSN_MAX];
	unsigned n = mem_debug_read(bt->cpu, b->lin + b->marks[index].guest,
				    bytes, sizeof(bytes));

	return decode(bytes, n, b->mode & MODE_CS32, in) == DECODE_OK;
}

/* Which of the x87's instructions with an operand in memory it is. */
#define WHICH(byte, ext) (((byte) & 7u) << 3 | (ext))
enum { FNSTCW = WHICH(0xd9, 7), FNSTSW = WHICH(0xdd, 7) };

static unsigned which(const struct insn *in)
{
	return WHICH((unsigned)in->opcode, in->reg);
}

/* Does the x87 store of the state in `c`, no error waiting, store nothing?
 * It is done, to nowhere. */
static bool stores_nothing(struct cpu *c, const struct insn *in)
{
	static const u32 default_mxcsr = 0x1f80;
	u8 nowhere[16];
	u16 fsw;

	if (c->fpu_live || !(in->op->form & F_X87) || in->map)
		return false;
	__asm__ volatile("fxrstor %0" : : "m"(c->fxsave));
	switch (which(in)) {
#define STORE(byte, ext, text)                                              \
	case WHICH(byte, ext):                                              \
		__asm__ volatile(text " %0" : "=m"(nowhere));               \
		break;
	STORE(0xd9, 2, "fsts")
	STORE(0xd9, 3, "fstps")
	STORE(0xdb, 1, "fisttpl")
	STORE(0xdb, 2, "fistl")
	STORE(0xdb, 3, "fistpl")
	STORE(0xdb, 7, "fstpt")
	STORE(0xdd, 1, "fisttpll")
	STORE(0xdd, 2, "fstl")
	STORE(0xdd, 3, "fstpl")
	STORE(0xdf, 1, "fisttps")
	STORE(0xdf, 2, "fists")
	STORE(0xdf, 3, "fistps")
	STORE(0xdf, 6, "fbstp")
	STORE(0xdf, 7, "fistpll")
#undef STORE
	}
	__asm__ volatile("fnstsw %0" : "=m"(fsw));
	__asm__ volatile("fninit; ldmxcsr %0" : : "m"(default_mxcsr));
	return fsw & ~get16(c, FX_FCW) & KEEPS_FROM_STORING;
}

/* The ten bytes that it stores. */
static void store_ten(struct cpu *c, const struct insn *in, u8 bytes[16])
{
	static const u32 default_mxcsr = 0x1f80;

	__asm__ volatile("fxrstor %0" : : "m"(c->fxsave));
	if (which(in) == WHICH(0xdf, 6))
		__asm__ volatile("fbstp (%0)" : : "r"(bytes) : "memory");
	else
		__asm__ volatile("fstpt (%0)" : : "r"(bytes) : "memory");
	__asm__ volatile("fninit; ldmxcsr %0" : : "m"(default_mxcsr));
}

/* Of the instructions that are copied. */
static bool waits(const struct insn *in)
{
	if (in->op->form & F_X87)
		return which(in) != FNSTCW && which(in) != FNSTSW;
	return (in->op->form & F_MMX) && in->opcode != 0x2a; /* CVTPI2PS */
}

enum fpu_operand fpu_operand(struct bt *bt, u32 how)
{
	bool stores = (how & (SOFT_WRITE | SOFT_READ)) == SOFT_WRITE;
	enum fpu_operand operand = FPU_OPERAND_USED;
	u16 fcw, fsw;
	struct insn in;
	struct block *b;
	unsigned index;

	__asm__ volatile("fnstcw %0" : "=m"(fcw));
	__asm__ volatile("fnstsw %0" : "=m"(fsw));
	if (!(fsw & FSW_ES) &&
	    (!stores || (fcw & KEEPS_FROM_STORING) == KEEPS_FROM_STORING))
		return FPU_OPERAND_USED;
	b = calling_block(bt, &index);
	fpu_out(bt); /* the decoder may use SSE */
	if (fpu_insn(bt, b, index, &in)) {
		if (fsw & FSW_ES)
			operand = waits(&in) ? FPU_OPERAND_WAITS : operand;
		else if (stores_nothing(bt->cpu, &in))
			operand = FPU_OPERAND_LEFT;
	}
	fpu_in(bt);
	return operand;
}

bool fpu_leaves_operand(struct bt *bt, const struct block *b, unsigned index)
{
	struct cpu *c = bt->cpu;
	bool error = get16(c, FX_FSW) & FSW_ES;
	struct insn in;

	if (!error &&
	    (get16(c, FX_FCW) & KEEPS_FROM_STORING) == KEEPS_FROM_STORING)
		return false;
	if (!fpu_insn(bt, b, index, &in) || !insn_has_mem(&in))
		return false;
	return error ? waits(&in) : in.op->form & F_W && stores_nothing(c, &in);
}

void fpu_faulted(struct bt *bt, const struct block *b, unsigned index)
{
	struct cpu *c = bt->cpu;
	u32 form;
	struct insn in;
	u8 bytes[16];
	gla_t lin;

	if (c->exc.vector == EXC_MF) /* it has not begun */
		return;
	fpu_out(bt);
	if (!fpu_insn(bt, b, index, &in) || !insn_has_mem(&in))
		return;
	form = in.op->form;
	if ((form & (F_MMX | F_SSE | F_W)) == (F_MMX | F_W)) {
		fpu_clear_top(c);
	} else if ((form & (F_X87 | F_W)) == (F_X87 | F_W) &&
		   in.op->mem_size == 10 && c->exc.vector == EXC_PF) {
		lin = c->seg[in.seg].base + op_ea(c, &in);
		if (c->exc.cr2 - lin != 8 && c->exc.cr2 - lin != 9)
			return;
		store_ten(c, &in, bytes);
		mem_lin_write(c, lin, bytes, 8, MEM_WRITE);
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Port instructions and who may use them (SDM 1 chapter 19).
 *
 * CPL <= IOPL allows every port.  Otherwise, and always in virtual-8086
 * mode, the I/O permission bitmap of the 32-bit TSS decides: one bit per
 * port, all bits of the access must be clear, and the processor reads two
 * bytes even where one would do, so the byte after the bitmap must lie
 * inside the TSS limit too.
 *
 * INS checks that memory can be written before it reads the port: reading
 * may have effects that cannot be taken back.  Repeated forms move at most
 * IO_BATCH elements between looks at faults. */
#include "core/op/string_priv.h"

enum { IO_BATCH = 128, TSS_IOMAP = 102, TSS_MIN_LIMIT = 103 };

bool io_allowed(struct cpu *c, u16 port, unsigned size)
{
	unsigned type = c->tr.attr & SEG_TYPE;
	u16 base, bits;
	u32 at;

	if (cpu_is_real(c) || (!cpu_is_vm86(c) && c->cpl <= cpu_iopl(c)))
		return true;
	if ((type != SYS_TSS32 && type != SYS_TSS32_BUSY) ||
	    c->tr.limit < TSS_MIN_LIMIT)
		return cpu_raise(c, EXC_GP, 0);
	if (!mem_lin_read(c, c->tr.base + TSS_IOMAP, &base, 2, MEM_SYSTEM))
		return false;
	at = base + port / 8u;
	if (at + 1 > c->tr.limit)
		return cpu_raise(c, EXC_GP, 0);
	if (!mem_lin_read(c, c->tr.base + at, &bits, 2, MEM_SYSTEM))
		return false;
	if (bits >> port % 8u & ((1u << size) - 1))
		return cpu_raise(c, EXC_GP, 0);
	return true;
}

/* E4 to E7 name the port in the instruction, EC to EF in DX. */
static u16 port_of(const struct cpu *c, const struct insn *in)
{
	return in->opcode & 8 ? c->gpr[EDX] & 0xffff : in->imm & 0xff;
}

static unsigned size_of(const struct insn *in)
{
	return in->opcode & 1 ? in->opsize : 1;
}

enum op_result op_in(struct cpu *c, const struct insn *in)
{
	unsigned size = size_of(in);
	u16 port = port_of(c, in);

	if (!io_allowed(c, port, size))
		return OP_FAULT;
	set_part(&c->gpr[EAX], op_hooks.port_in(c->vm, port, size),
		 size_mask(size));
	return OP_NEXT;
}

enum op_result op_out(struct cpu *c, const struct insn *in)
{
	unsigned size = size_of(in);
	u16 port = port_of(c, in);

	if (!io_allowed(c, port, size))
		return OP_FAULT;
	op_hooks.port_out(c->vm, port, size, c->gpr[EAX] & size_mask(size));
	return OP_NEXT;
}

/* How many elements may go at once: one when the guest has a breakpoint on
 * ports, since the string stops after the one that hits. */
static u32 batch_limit(const struct cpu *c, u32 count)
{
	u32 most = (c->cr4 & CR4_DE) && (c->dr[7] & 0xff) ? 1 : IO_BATCH;

	return count < most ? count : most;
}

static u32 ins_batch(struct cpu *c, const struct string_op *s, u32 count,
		     bool *stop)
{
	u16 port = c->gpr[EDX];
	u8 buf[IO_BATCH * 4];
	gla_t to;
	u32 n;

	(void)stop;
	n = string_span(c, s, SEG_ES, string_dst(c, s), batch_limit(c, count),
			MEM_WRITE, &to);
	if (!n || !mem_translate_range(c, to, n * s->size, MEM_WRITE))
		return 0;
	if (n > 1 && !string_host(c, to, n * s->size, MEM_WRITE))
		n = 1; /* a device: element by element */
	for (u32 i = 0; i < n; i++) {
		element_store(buf + i * s->size,
			      op_hooks.port_in(c->vm, port, s->size), s->size);
	}
	if (!mem_lin_write(c, to, buf, n * s->size, 0))
		return 0;
	string_advance(c, s, EDI, n);
	return n;
}

static u32 outs_batch(struct cpu *c, const struct string_op *s, u32 count,
		      bool *stop)
{
	u16 port = c->gpr[EDX];
	u8 buf[IO_BATCH * 4];
	gla_t from;
	u32 n;

	(void)stop;
	n = string_span(c, s, s->in->seg, string_src(c, s),
			batch_limit(c, count), MEM_READ, &from);
	if (n > 1 && !string_host(c, from, n * s->size, MEM_READ))
		n = 1;
	if (!n || c->exc.pending ||
	    !mem_lin_read(c, from, buf, n * s->size, MEM_READ))
		return 0;
	for (u32 i = 0; i < n; i++) {
		op_hooks.port_out(c->vm, port, s->size,
				  element(buf + i * s->size, s->size));
	}
	string_advance(c, s, ESI, n);
	return n;
}

enum op_result op_ins(struct cpu *c, const struct insn *in)
{
	if (!io_allowed(c, c->gpr[EDX], size_of(in)))
		return OP_FAULT;
	return string_repeat(c, in, ins_batch);
}

enum op_result op_outs(struct cpu *c, const struct insn *in)
{
	if (!io_allowed(c, c->gpr[EDX], size_of(in)))
		return OP_FAULT;
	return string_repeat(c, in, outs_batch);
}

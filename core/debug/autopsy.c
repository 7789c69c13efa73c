/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a triple fault leaves behind, in words: which exception could not be
 * delivered and why the gate does not serve, where the guest was, and how the
 * addresses concerned are mapped. */
#include "core/debug/debug_priv.h"

#include "core/mem/mem.h"
#include "core/x86/bits.h"

enum { GATE_BYTES = 8, TYPE_MASK = 0x1f };

static bool is_gate(unsigned type)
{
	return type == 0x05 || type == 0x06 || type == 0x07 || type == 0x0e ||
	       type == 0x0f;
}

static void show_gate(struct debug *d, unsigned vector, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	u32 at = c->idtr.base + vector * GATE_BYTES, gate[2];

	buf_printf(out, "its gate, IDT entry %u at 0x%x: ", vector, at);
	if (cpu_is_real(c)) {
		buf_printf(out, "real mode has none\n");
		return;
	}
	if (vector * GATE_BYTES + GATE_BYTES - 1 > c->idtr.limit) {
		buf_printf(out, "beyond the IDT's limit 0x%x\n", c->idtr.limit);
		return;
	}
	if (debug_read(d, at, gate, sizeof(gate)) != sizeof(gate)) {
		buf_printf(out, "not mapped\n");
		return;
	}
	buf_printf(out, "%08x %08x", gate[0], gate[1]);
	if (!(gate[1] & 0x8000))
		buf_printf(out, ", not present\n");
	else if (!is_gate(gate[1] >> 8 & TYPE_MASK))
		buf_printf(out, ", type %u is no gate\n",
			   gate[1] >> 8 & TYPE_MASK);
	else
		buf_printf(out, ", handler %04x:%08x\n", gate[0] >> 16,
			   (gate[1] & 0xffff0000) | (gate[0] & 0xffff));
}

void debug_autopsy(struct debug *d, struct buf *out)
{
	const struct cpu *c = debug_cpu(d);
	gla_t pc = debug_pc(d);

	buf_printf(out, "Vitrine: %s.\n", vm_stop_text(d->vm));
	buf_printf(out, "at ");
	debug_address(d, pc, out);
	buf_printf(out,
		   ", esp 0x%x, CPL %u, cr0 0x%x, cr2 0x%x, cr3 0x%x, "
		   "%llu instructions since reset\n",
		   c->gpr[ESP], c->cpl, c->cr0, c->cr2, c->cr3,
		   (unsigned long long)c->icount);
	show_gate(d, c->exc.vector, out);
	if (c->exc.vector == EXC_PF || c->exc.vector == EXC_DF) {
		buf_printf(out, "the address of the last page fault:\n");
		debug_show_paging(
			d, c->exc.vector == EXC_PF ? c->exc.cr2 : c->cr2, out);
	}
	buf_printf(out, "the stack:\n");
	debug_show_paging(d, c->gpr[ESP], out);
}

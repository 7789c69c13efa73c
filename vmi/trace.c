/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls as trace events.
 *
 * An operation tells of its steps itself (call.c); what is translated in line
 * is told by code that the translator puts around it while somebody records
 * the call (core/bt/paravirt.c).
 *
 * A call begins once, though its instruction may be run again from the start:
 * after a page was mapped, in a new translation, or a repeated one that was
 * interrupted.  So those that have begun are kept until they are done or
 * fault, and known again by their return address and stack. */
#include "vmi/vmi_priv.h"

#include "core/mem/mem.h"
#include "core/vm/vm.h"
#include "trace/trace.h"

static u8 stack_words[VMI_CALLS]; /* arguments above the return address */

void trace_prepare(void)
{
	for (unsigned i = 0; i < VMI_CALLS; i++)
		for (const char *s = vmi_row(i)->args; *s; s++)
			if (*s == '+')
				stack_words[i]++;
}

/* Words of the guest's stack from esp on; those that are not there are 0. */
static void read_stack(struct cpu *c, u32 *words, unsigned n)
{
	gla_t at = c->seg[SEG_SS].base + c->gpr[ESP];
	const u32 *host = mem_host_ptr(c, at, 4 * n, MEM_READ);

	for (unsigned i = 0; i < n; i++)
		words[i] = host ? host[i] : 0;
	if (!host)
		mem_debug_read(c, at, words, 4 * n);
}

/* ---- those that have begun ---- */

static bool same(const struct open_call *o, const struct cpu *c,
		 unsigned number, u32 caller)
{
	return o->number == number && o->esp == c->gpr[ESP] &&
	       o->cr3 == c->cr3 && o->caller == caller;
}

/* True: it is known, and is only tried again. */
static bool opened(struct vmi *v, const struct cpu *c, unsigned number,
		   u32 caller)
{
	struct open_call *o = v->open;

	for (unsigned i = 0; i < v->open_count; i++)
		if (same(&o[i], c, number, caller)) {
			o[i].start = __builtin_ia32_rdtsc();
			return true;
		}
	if (v->open_count == OPEN_CALLS) { /* the oldest was given up */
		for (unsigned i = 1; i < OPEN_CALLS; i++)
			o[i - 1] = o[i];
		v->open_count--;
	}
	o[v->open_count++] = (struct open_call){.number = number,
						.esp = c->gpr[ESP],
						.cr3 = c->cr3,
						.caller = caller};
	return false;
}

/* The youngest of that number, taken out. */
static bool closed(struct vmi *v, unsigned number, struct open_call *found)
{
	for (unsigned i = v->open_count; i-- > 0;) {
		if (v->open[i].number != number)
			continue;
		*found = v->open[i];
		for (v->open_count--; i < v->open_count; i++)
			v->open[i] = v->open[i + 1];
		return true;
	}
	return false;
}

/* ---- page tables ---- */

/* What the four calls say of an entry. */
struct entry {
	gla_t at;
	u32 flags;
	unsigned size; /* 4 or 8; 0: the call is another */
};
enum { PXE_PT = 1, PXE_PD = 2, PXE_HAS_ADDRESS = 16 };

static struct entry entry_of(unsigned number,
			     const struct trace_vmi_call_entry *r)
{
	switch (number) {
	case VMI_SetPxE:
		return (struct entry){r->edx, r->ecx, 4};
	case VMI_SetPxELong:
		return (struct entry){r->ecx, r->stack[0], 8};
	case VMI_UpdatePxE:
		return (struct entry){r->eax, r->edx, 4};
	case VMI_UpdatePxELong:
		return (struct entry){r->eax, r->edx, 8};
	default:
		return (struct entry){0};
	}
}

static bool about_entries(unsigned number)
{
	const struct trace_vmi_call_entry any = {0};

	return entry_of(number, &any).size;
}

static u64 read_entry(struct cpu *c, const struct entry *e)
{
	u64 value = 0;

	mem_debug_read(c, e->at, &value, e->size);
	return value;
}

/* Where the guest is when the call's instruction is done. */
static struct trace_head after(struct vmi *v, const struct open_call *o)
{
	struct trace_head head;

	vm_where(v->vm, &head);
	head.icount++;
	if (head.eip == o->eip) /* nor has the call led elsewhere */
		head.eip += STUB_INSN_LEN;
	return head;
}

static void entry_changed(struct vmi *v, struct cpu *c,
			  const struct open_call *o, unsigned number)
{
	struct entry e = {
		o->at, o->flags,
		number == VMI_SetPxELong || number == VMI_UpdatePxELong ? 8
									: 4};
	struct trace_mmu_pt_change r = {
		.level = e.flags & PXE_PT   ? 1
			 : e.flags & PXE_PD ? 2
					    : 3,
		.index = (u16)((e.at & (GUEST_PAGE - 1)) / e.size),
		.address = e.flags & PXE_HAS_ADDRESS
				   ? e.flags & ~(GUEST_PAGE - 1)
				   : 0,
		.old = o->entry,
		.new = read_entry(c, &e),
		.learned = TRACE_learned_CALL,
	};

	r.head = after(v, o);
	trace_record(TRACE_mmu_pt_change, &r.head);
}

/* ---- steps ---- */

static void begins(struct vmi *v, struct cpu *c, unsigned number)
{
	struct trace_vmi_call_entry r = {.call = (u8)number};
	unsigned n = stack_words[number];
	struct open_call *o;
	struct entry e;
	u32 words[6] = {0};

	read_stack(c, words, n + 1);
	if (opened(v, c, number, words[0]))
		return;
	vm_where(v->vm, &r.head);
	r.eax = c->gpr[EAX];
	r.edx = c->gpr[EDX];
	r.ecx = c->gpr[ECX];
	r.esi = c->gpr[ESI];
	r.edi = c->gpr[EDI];
	r.caller = words[0];
	r.stack_count = (u8)n;
	for (unsigned i = 0; i < n; i++)
		r.stack[i] = words[i + 1];
	if (TRACING(vmi_call_entry))
		trace_record(TRACE_vmi_call_entry, &r.head);
	if (trace_on[TRACE_CALL + number])
		trace_record(TRACE_CALL + number, &r.head);
	if (TRACING(vmi_call_stack)) {
		struct trace_vmi_call_stack s = {.head = r.head,
						 .call = (u8)number};

		s.frames[0] = r.caller;
		s.frames_count = 1 + (u8)vm_frames(v->vm, s.frames + 1, 31);
		trace_record(TRACE_vmi_call_stack, &s.head);
	}
	o = &v->open[v->open_count - 1];
	if (TRACING(mmu_pt_change) && (e = entry_of(number, &r)).size) {
		o->at = e.at;
		o->flags = e.flags;
		o->entry = read_entry(c, &e);
	}
	o->eip = r.head.eip;
	o->repeats = v->repeats[number];
	o->start = __builtin_ia32_rdtsc();
}

static void done(struct vmi *v, struct cpu *c, unsigned number)
{
	u64 now = __builtin_ia32_rdtsc();
	struct trace_vmi_call_exit r = {.call = (u8)number,
					.eax = c->gpr[EAX],
					.edx = c->gpr[EDX],
					.in_line = vmi_in_line(v, number)};
	struct open_call o = {.start = now, .repeats = v->repeats[number]};

	if (closed(v, number, &o) && o.at && TRACING(mmu_pt_change))
		entry_changed(v, c, &o, number);
	if (!TRACING(vmi_call_exit))
		return;
	r.head = after(v, &o);
	r.caller = o.caller;
	r.insns =
		(u32)(vmi_stub_insns(number) + v->repeats[number] - o.repeats);
	r.ns = (u32)trace_ns(now - o.start);
	trace_record(TRACE_vmi_call_exit, &r.head);
}

void vmi_told(void *arg, unsigned number, enum bt_call_step step)
{
	struct vmi *v = arg;
	struct cpu *c = vm_cpu(v->vm);
	struct open_call o = {0};

	switch (step) {
	case BT_CALL_BEGINS:
		begins(v, c, number);
		break;
	case BT_CALL_DONE:
		done(v, c, number);
		break;
	case BT_CALL_FAULTS:
		closed(v, number, &o);
		TRACE(vmi_call_fault, .call = (u8)number, .caller = o.caller);
		break;
	}
}

/* ---- who records ---- */

void trace_calls(const struct vmi *v, u64 bits[BT_CALLS_MAX / 64])
{
	bool all = TRACING(vmi_call_entry) || TRACING(vmi_call_exit) ||
		   TRACING(vmi_call_fault) || TRACING(vmi_call_stack);

	(void)v;
	for (unsigned i = 0; i < BT_CALLS_MAX / 64; i++)
		bits[i] = 0;
	for (unsigned i = 0; i < VMI_CALLS; i++)
		if (all || trace_on[TRACE_CALL + i] ||
		    (TRACING(mmu_pt_change) && about_entries(i)))
			bits[i / 64] |= 1ull << (i % 64);
}

/* Translations that tell must begin to, or cease to. */
void trace_who_records(void *arg)
{
	struct vmi *v = arg;
	u64 bits[BT_CALLS_MAX / 64];
	bool differ = false;

	trace_calls(v, bits);
	for (unsigned i = 0; i < BT_CALLS_MAX / 64; i++)
		differ |= bits[i] != v->told_of[i];
	if (!differ)
		return;
	v->open_count = 0;
	vmi_set_in_line(v, v->in_line);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the instruction in a stub to what it does.
 *
 * Calls that one instruction does are that instruction, decoded once from
 * calls.def and run as an operation on the state as the stub finds it: what
 * is a fault there is a fault at the stub. */
#include "vmi/vmi_priv.h"

#include "core/mem/mem.h"
#include "core/vm/vm.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct vmi_row rows[VMI_CALLS] = {
#define INSN(...) NULL
#define FN(name) "vmi_" #name
#define FN_INSN(name, ...) "vmi_" #name
#define FN_IF(name, which) "vmi_" #name
#define CALL(number, name, answer, how, native, args, result, meaning) \
	[number] = { #name, #answer, native, args, result, meaning, how },
#include "vmi/calls.def"
#undef INSN
#undef FN
#undef FN_INSN
#undef FN_IF
};

_Static_assert(ARRAY_LEN(rows) <= BT_CALLS_MAX, "more calls than the translator knows");

static const struct insn get_if = { .op = &bt_get_if, .len = STUB_INSN_LEN };
static const struct insn set_if = { .op = &bt_set_if, .len = STUB_INSN_LEN };
/* The rest look like a stub's own instruction, which may be made of them. */
#define LIKE_STUB .opsize = 4, .addrsize = 4, .base = REG_NONE, .index = REG_NONE
static const struct insn kernel_stack = { .op = &bt_kernel_stack,
					  .len = STUB_INSN_LEN, LIKE_STUB };
/* Where a task that is left goes on is behind the CALL, of 5 bytes. */
static const struct insn iret_call = { .op = &bt_call_iret, .len = 5, LIKE_STUB };
static const struct insn sysexit_call = { .op = &bt_call_sysexit, .len = 5,
					  LIKE_STUB };

static const struct insn announce = { .op = &bt_announce, .len = STUB_INSN_LEN,
				      .imm = true };
static const struct insn disown = { .op = &bt_announce, .len = STUB_INSN_LEN };
static const struct insn lazy_mode = { .op = &bt_lazy_mode,
				       .len = STUB_INSN_LEN };
static const struct insn set_long = { .op = &bt_set_long,
				      .len = STUB_INSN_LEN, .opsize = 4,
				      .addrsize = 4, .seg = SEG_DS,
				      .has_modrm = true, .modrm = ECX,
				      .rm = ECX, .base = ECX,
				      .index = REG_NONE };

static const struct {
	u8 bytes[4];
	u8 len;
	vmi_fn *fn;
	const struct insn *in_line;
} ways[VMI_CALLS] = {
#define INSN(...) { __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }), NULL, NULL
#define FN(name) { 0 }, 0, vmi_##name, NULL
#define FN_INSN(name, ...) \
	{ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }), vmi_##name, NULL
#define FN_IF(name, which) { 0 }, 0, vmi_##name, &which
#define CALL(number, name, answer, how, native, args, result, meaning) \
	[number] = { how },
#include "vmi/calls.def"
};

/* Which register has the flags of a page-table entry (pxe in calls.def). */
static u8 entry_flags[VMI_CALLS];

static u8 entry_flags_in(const char *args)
{
	static const char *const names[] = { "eax", "ecx", "edx", "ebx" };
	const char *type = strstr(args, ":pxe:");

	for (u8 r = 0; type && r < ARRAY_LEN(names); r++)
		if (type - args >= 3 && !memcmp(type - 3, names[r], 3))
			return r;
	return BT_TELLS_NOTHING;
}

/* What calls are, decoded: by one instruction, and in line. */
static struct insn insns[VMI_CALLS];
static const struct insn *in_line[VMI_CALLS];

const struct vmi_row *vmi_row(unsigned number)
{
	return &rows[number];
}

int vmi_find(const char *name)
{
	for (int i = 0; i < VMI_CALLS; i++)
		if (!strcasecmp(rows[i].name, name))
			return i;
	return -1;
}

bool vmi_active(const struct vmi *v)
{
	return v->active;
}

gla_t vmi_stub_linear(const struct vmi *v, unsigned number)
{
	return v->rom + (gla_t)(vmi_stub(number) - ROM_BASE);
}

void vmi_on_move(struct vmi *v, void (*fn)(void *arg), void *arg)
{
	v->moved = fn;
	v->moved_arg = arg;
}

/* ---- the two entry points ---- */

static enum op_result init(struct vmi *v, struct cpu *c)
{
	v->active = true;
	c->gpr[EAX] = 0;
	return OP_NEXT;
}

/* `at` is the linear address that the ROM is called at. */
static enum op_result get_reloc(struct vmi *v, struct cpu *c, gla_t at)
{
	u32 offset = 0;
	enum answer a = rom_answer(c->gpr[EAX], &offset);

	if (v->rom != at) {
		v->rom = at;
		if (v->moved)
			v->moved(v->moved_arg);
	}
	c->gpr[EAX] = a == ANSWER_REL ? at + offset : 0;
	c->gpr[EDX] = a;
	return OP_NEXT;
}

/* ---- dispatch ---- */

static enum op_result dispatch(struct vmi *v, struct cpu *c, u32 number,
			       gla_t rom)
{
	if (number == CALL_INIT)
		return init(v, c);
	if (number == CALL_GET_RELOC)
		return get_reloc(v, c, rom);
	if (ways[number].fn)
		return ways[number].fn(v, c);
	return op_table[insns[number].op->operation](c, &insns[number]);
}

static void done(struct vmi *v, struct cpu *c, u32 number)
{
	v->in_code[number]++;
	if (number < VMI_CALLS && entry_flags[number] != BT_TELLS_NOTHING)
		c->entry_told = c->gpr[entry_flags[number]];
}

/* The operation hook (op.h): an instruction like a stub's, anywhere. */
enum op_result vmi_called(void *arg, struct cpu *c, const struct insn *in)
{
	struct vmi *v = arg;
	gla_t lin = c->seg[SEG_CS].base + c->eip;
	u32 number = (u32)in->disp;
	enum op_result r;
	bool repeats, told;
	u64 before;
	gpa_t gpa;

	if (in->op == &bt_paravirt_call)
		gpa = vmi_stub(number);
	else if (c->cpl || number >= CALL_COUNT ||
		 !mem_translate(c, lin, MEM_EXEC, &gpa) || gpa < ROM_BASE ||
		 gpa >= ROM_BASE + ROM_LEN) {
		v->strangers++;
		cpu_raise(c, EXC_UD, 0);
		return OP_FAULT;
	}
	if (!makes_sense(number, c))
		v->senseless[number]++;
	told = number < VMI_CALLS && is_told(v, number);
	if (told)
		vmi_told(v, number, BT_CALL_BEGINS);
	repeats = number < VMI_CALLS && insns[number].rep;
	before = repeats ? vm_icount(v->vm) : 0;
	r = dispatch(v, c, number, lin - (gla_t)(gpa - ROM_BASE));
	if (repeats)
		v->repeats[number] += vm_icount(v->vm) - before;
	if (r == OP_AGAIN) /* the rest is paid for again */
		v->repeats[number]++;
	else if (r != OP_FAULT)
		done(v, c, number);
	if (told && r != OP_AGAIN)
		vmi_told(v, number,
			 r == OP_FAULT ? BT_CALL_FAULTS : BT_CALL_DONE);
	return r;
}

/* ---- making ---- */

/* Repeated instructions count once however often they are interrupted, so
 * they stay operations. */
static void decode_all(void)
{
	for (unsigned i = 0; i < VMI_CALLS; i++) {
		in_line[i] = ways[i].in_line;
		entry_flags[i] = entry_flags_in(rows[i].args);
		if (!ways[i].len)
			continue;
		decode(ways[i].bytes, ways[i].len, true, &insns[i]);
		insns[i].len = STUB_INSN_LEN;
		if (!insns[i].rep)
			in_line[i] = &insns[i];
	}
}

/* To the translator, calls are what they are now; hidden, there are none. */
static void tell_translator(struct vmi *v)
{
	struct bt_paravirt p = { .rom = ROM_BASE,
				 .rom_len = ROM_LEN,
				 .first = (u32)(vmi_stub(0) - ROM_BASE),
				 .stride = VMI_STUB_LEN,
				 .calls = VMI_CALLS,
				 .in_line = v->in_line,
				 .native = in_line,
				 .faults = v->faults,
				 .lazy = &v->lazy,
				 .lazy_modes = LAZY_MODES,
				 .senseless = v->senseless,
				 .entry_told = entry_flags,
				 .ticks = v->timing ? v->time.ticks : NULL,
				 .told = vmi_told,
				 .told_arg = v };

	trace_calls(v, v->told_of);
	memcpy(p.tells, v->told_of, sizeof(p.tells));
	if (!vm_shows_vmi(v->vm))
		p = (struct bt_paravirt){0};
	bt_set_paravirt(vm_bt(v->vm), &p);
}

void vmi_set_in_line(struct vmi *v, bool on)
{
	v->in_line = on;
	tell_translator(v);
}

void vmi_set_timing(struct vmi *v, bool on)
{
	if (on && !v->timing)
		cost_begin_timing(v);
	v->timing = on;
	vmi_set_in_line(v, v->in_line);
}

bool vmi_timing(const struct vmi *v)
{
	return v->timing;
}

bool vmi_in_line_on(const struct vmi *v)
{
	return v->in_line;
}

bool vmi_in_line(const struct vmi *v, unsigned number)
{
	return v->in_line && in_line[number];
}

static void power_on(void *arg)
{
	struct vmi *v = arg;
	struct mem *m = vm_mem(v->vm);

	v->active = false;
	v->open_count = 0;
	v->lazy = 0;
	v->rom = ROM_BASE;
	memset(v->ap, 0, sizeof(v->ap));
	memset(v->linear, 0, sizeof(v->linear));
	alarms_reset(v);
	op_hooks.paravirt = vm_shows_vmi(v->vm) ? vmi_called : NULL;
	mmu_power_on(v);
	tell_translator(v);
	if (!vm_shows_vmi(v->vm))
		return;
	rom_build(mem_phys_ptr(m, ROM_BASE, ROM_LEN));
	mem_protect_rom(m, ROM_BASE, ROM_LEN);
}

/* Another machine is there now. */
static void loaded(void *arg)
{
	struct vmi *v = arg;

	v->open_count = 0;
	cost_begin_timing(v);
	if (v->moved)
		v->moved(v->moved_arg);
}

struct vmi *vmi_new(struct vm *vm, struct err *e)
{
	struct vmi *v = calloc(1, sizeof(*v));

	if (!v) {
		err_set(e, "no memory");
		return NULL;
	}
	v->vm = vm;
	v->in_code = bt_calls(vm_bt(vm));
	decode_all();
	alarms_init(v);
	v->in_line = true;
	op_hooks.paravirt_arg = v;
	vm_set_part(vm, &(struct vm_part){ .arg = v,
					   .power_on = power_on,
					   .state = vmi_state,
					   .loaded = loaded,
					   .stats_reset = cost_reset,
					   .stats_json = cost_json,
					   .who_records = trace_who_records });
	trace_prepare();
	power_on(v);
	return v;
}

void vmi_free(struct vmi *v)
{
	if (!v)
		return;
	op_hooks.paravirt = NULL;
	free(v);
}

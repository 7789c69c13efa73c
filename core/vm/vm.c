/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes one machine: rooms are given one another's hooks here and nowhere
 * else, and power-on puts kernel and firmware tables into memory. */
#include "core/vm/vm_priv.h"

#include "core/op/op.h"
#include "trace/trace.h"

#include <stdlib.h>
#include <string.h>

enum { CODE_SIZE = 64 << 20, BLOCK_INSNS_USUAL = 32 };

/* ---- what operations and devices ask of the machine ---- */

static u32 port_in(void *arg, u16 port, unsigned size)
{
	struct vm *vm = arg;

	u32 value;

	bt_port_touched(vm->bt, port, size);
	value = bus_port_in(vm->bus, port, size);
	TRACE(dev_port_in, .port = port, .size = (u8)size, .value = value);
	if (vm->catch_count)
		catch_port(vm, false, port, size, value);
	return value;
}

static void port_out(void *arg, u16 port, unsigned size, u32 value)
{
	struct vm *vm = arg;

	TRACE(dev_port_out, .port = port, .size = (u8)size, .value = value);
	bt_port_touched(vm->bt, port, size);
	bus_port_out(vm->bus, port, size, value);
	if (vm->catch_count)
		catch_port(vm, true, port, size, value);
}

static u64 now(void *arg)
{
	struct vm *vm = arg;

	return clock_read(vm);
}

static void apic_base_changed(void *arg)
{
	struct vm *vm = arg;

	bus_apic_base(vm->bus, vm->cpu->apic_base);
}

static u64 rep_allowance(void *arg)
{
	struct vm *vm = arg;

	return bt_rep_allowance(vm->bt);
}

static void rep_done(void *arg, u64 extra)
{
	struct vm *vm = arg;

	bt_rep_done(vm->bt, extra);
}

static bool rep_must_end(void *arg)
{
	struct vm *vm = arg;

	return bt_rep_must_end(vm->bt);
}

static void intr_changed(void *arg)
{
	struct vm *vm = arg;

	if (vm->bus) /* it speaks already while it is being made */
		bt_set_irq(vm->bt, irq_waits(vm));
}

static void request(void *arg, enum bus_request what)
{
	struct vm *vm = arg;

	vm->requests |= what;
	bt_kick(vm->bt);
}

/* A timer was armed in the middle of a run: its limit is another now. */
static void deadline_changed(void *arg)
{
	struct vm *vm = arg;

	bt_kick(vm->bt);
}

static void serial_out(void *arg, unsigned port, u8 byte)
{
	struct vm *vm = arg;

	if (vm->cfg.serial_out)
		vm->cfg.serial_out(vm->cfg.arg, port, byte);
}

static void debug_out(void *arg, u8 byte)
{
	serial_out(arg, 0, byte);
}

static bool watched(void *arg, gla_t lin, unsigned len, bool write, bool tell)
{
	struct vm *vm = arg;
	bool any = false;

	for (unsigned i = 0; i < vm->watch_count; i++) {
		struct watch *w = &vm->watches[i];

		if (!(w->rw & (write ? VM_WATCH_WRITE : VM_WATCH_READ)))
			continue;
		if (lin - w->lin >= w->len && w->lin - lin >= len)
			continue;
		any = true;
		if (tell)
			w->hit = vm->watch_hit = true;
	}
	if (any && tell)
		bt_kick(vm->bt);
	return any;
}

/* The guest has met a breakpoint, or a call that somebody catches. */
static bool met_break(void *arg, gla_t lin)
{
	struct vm *vm = arg;

	catch_call(vm);
	return !vm->on_break || vm->on_break(vm->on_break_arg, lin);
}

/* ---- making ---- */

static void ignne(void *arg)
{
	struct vm *vm = arg;

	vm->cpu->ignne = true;
}

static void config_bus(struct vm *vm)
{
	vm->bus_cfg = (struct bus_config){
		.owner = vm,
		.now = now,
		.intr_changed = intr_changed,
		.request = request,
		.deadline_changed = deadline_changed,
		.start_time = 1262304000u + vm->cfg.seed, /* 2010-01-01 */
		.seed = vm->cfg.seed,
		.has_apic = vm->cfg.has_apic,
		.ram_size = vm->cfg.ram,
		.serial_out = serial_out,
		.debug_out = debug_out,
		.ignne = ignne,
	};
	op_hooks = (struct op_hooks){
		.port_in = port_in,
		.port_out = port_out,
		.tsc = now,
		.apic_base_changed = apic_base_changed,
		.rep_allowance = rep_allowance,
		.rep_done = rep_done,
		.rep_must_end = rep_must_end,
		.catch_arg = vm,
	};
}

/* ---- events ---- */

static void where(void *arg, struct trace_head *head)
{
	struct vm *vm = arg;

	bt_where(vm->bt, head);
}

static void who_records(void *arg)
{
	struct vm *vm = arg;

	if (vm->part.who_records)
		vm->part.who_records(vm->part.arg);
}

static int build(struct vm *vm, struct err *e)
{
	struct bt_config bc = {
		.code_size = vm->cfg.code_size ? (vm->cfg.code_size + 4095) & ~4095ull
						   : CODE_SIZE,
		.windows = !vm->cfg.no_windows,
		.links = !vm->cfg.no_links,
		.gs = !vm->cfg.no_gs,
		.return_faults = !vm->cfg.no_return_faults,
		.max_insns = vm->cfg.max_insns ? (unsigned)vm->cfg.max_insns
					       : BLOCK_INSNS_USUAL,
		.counts_twice = vm->cfg.counts_twice,
	};

	vm->mem = mem_new(vm->cfg.ram, e);
	if (!vm->mem)
		return -1;
	vm->bt = bt_new(&bc, e);
	if (!vm->bt)
		return -1;
	vm->cpu = bt_cpu(vm->bt);
	vm->cpu->mem = vm->mem;
	vm->cpu->vm = vm;
	if (bt_attach(vm->bt, e) < 0)
		return -1;
	bt_on_watch(vm->bt, watched, vm);
	bt_on_break(vm->bt, met_break, vm);
	bt_on_exception(vm->bt, vm_deliver_at_once, vm);
	config_bus(vm);
	vm->bus = bus_new(&vm->bus_cfg, vm->mem, e);
	if (!vm->bus)
		return -1;
	vm->cpu->bus = vm->bus;
	trace_set_machine(&(struct trace_machine){ .arg = vm,
						   .where = where,
						   .fpu_live = &vm->cpu->fpu_live,
						   .changed = who_records });
	return bt_install_signals(e);
}

struct vm *vm_new(const struct vm_config *cfg, struct err *e)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm) {
		err_set(e, "no memory");
		return NULL;
	}
	vm->cfg = *cfg;
	vm->shows_next = cfg->show_vmi;
	vm->sample_every = VM_SAMPLE_EVERY;
	vm->sample_at = UINT64_MAX;
	if (build(vm, e) < 0 || vm_reset(vm, e) < 0) {
		vm_free(vm);
		return NULL;
	}
	vm->cfg.bare = false;
	return vm;
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	trace_set_machine(&(struct trace_machine){ 0 });
	sampling_free(vm);
	bus_free(vm->bus);
	bt_free(vm->bt);
	mem_free(vm->mem);
	free(vm->watches);
	free(vm);
}

/* ---- power-on ---- */

static void set_segment(struct seg *s, u16 sel, u16 attr)
{
	*s = (struct seg){ .sel = sel, .attr = attr, .limit = 0xffffffffu };
}

/* Memory is cached, what is not memory is not, as firmware leaves it (SDM 3A
 * 11.11): a kernel that finds no type anywhere takes its machine for broken. */
static void set_memory_types(struct cpu *c)
{
	enum { UC = 0, FIXED = 0x400, ENABLED = 0x800, HOLE = 0xc0000000 };
	const u64 wb = 0x0606060606060606ull, wp = 0x0505050505050505ull;

	c->mtrr_def_type = 6 | FIXED | ENABLED;
	c->mtrr_fixed[0] = c->mtrr_fixed[1] = wb; /* up to 9FFFFh */
	for (unsigned i = 3; i < ARRAY_LEN(c->mtrr_fixed); i++)
		c->mtrr_fixed[i] = wp; /* from C0000h on */
	c->mtrr_var[0] = HOLE | UC; /* to 4 GiB, of 36 bits */
	c->mtrr_var[1] = 0xfc0000000ull | ENABLED;
}

/* The state boot protocols ask for: flat protected mode, paging off. */
static void enter_protected(struct cpu *c, const struct load_result *r)
{
	static const u8 data[] = { SEG_ES, SEG_SS, SEG_DS, SEG_FS, SEG_GS };

	c->cr0 = CR0_ET | CR0_PE; /* firmware has enabled the caches */
	set_memory_types(c);
	c->idtr.limit = 0x3ff;
	set_segment(&c->seg[SEG_CS], r->cs, 0xc9b);
	for (unsigned i = 0; i < ARRAY_LEN(data); i++)
		set_segment(&c->seg[data[i]], r->ds, 0xc93);
	c->gdtr.base = r->gdt_base;
	c->gdtr.limit = r->gdt_limit;
	for (unsigned i = 0; i < 8; i++)
		c->gpr[i] = 0;
	c->eip = r->eip;
	c->gpr[ESP] = r->esp;
	c->gpr[EAX] = r->eax;
	c->gpr[EBX] = r->ebx;
	c->gpr[ESI] = r->esi;
	c->iflag = 0;
	c->cpl = 0;
	c->mode_changed = true;
}

int vm_restart(struct vm *vm, struct err *e)
{
	struct load_request rq = {
		.m = vm->mem,
		.kernel = vm->cfg.kernel,
		.initrds = (const char *const *)vm->cfg.modules,
		.initrd_count = vm->cfg.module_count,
		.append = vm->cfg.append,
		.load_at = vm->cfg.flat_load,
	};
	struct load_result r;

	bt_reset(vm->bt);
	mem_clear(vm->mem);
	cpu_reset(vm->cpu);
	mem_reset(vm->cpu);
	vm->cfg.show_vmi = vm->shows_next;
	vm->requests = 0;
	vm->injected = vm->injected_lines = 0;
	vm->halted = false;
	bus_reset(vm->bus);
	tables_write(vm->mem, &vm->bus_cfg);
	mem_protect_rom(vm->mem, 0xe0000, 0x20000);
	if (vm->part.power_on)
		vm->part.power_on(vm->part.arg);
	intr_changed(vm);
	if (!vm->cfg.kernel || vm->cfg.bare)
		return 0;
	if (load_kernel(&rq, &r, e) < 0)
		return -1;
	enter_protected(vm->cpu, &r);
	return 0;
}

int vm_reset(struct vm *vm, struct err *e)
{
	int failed;

	vm->cpu->icount = 0;
	vm->chaos = vm->cfg.chaos;
	clock_reset(vm);
	vm->interrupt = 0;
	vm->idle_run = vm->idle_icount = 0;
	vm->exception_passes = false;
	failed = vm_restart(vm, e);
	vm_stats_reset(vm);
	return failed;
}

void vm_show_vmi(struct vm *vm, bool show)
{
	vm->shows_next = show;
}

bool vm_will_show_vmi(const struct vm *vm)
{
	return vm->shows_next;
}

bool vm_shows_vmi(const struct vm *vm)
{
	return vm->cfg.show_vmi;
}

/* ---- parts ---- */

struct cpu *vm_cpu(struct vm *vm)
{
	return vm->cpu;
}

struct bus *vm_bus(struct vm *vm)
{
	return vm->bus;
}

struct mem *vm_mem(struct vm *vm)
{
	return vm->mem;
}

struct bt *vm_bt(struct vm *vm)
{
	return vm->bt;
}

void vm_where(struct vm *vm, struct trace_head *head)
{
	bt_where(vm->bt, head);
}

unsigned vm_frames(struct vm *vm, u32 *frames, unsigned n)
{
	u32 at = vm->cpu->gpr[EBP], words[2]; /* caller's ebp, return address */
	unsigned count = 0;

	while (count < n && at && !(at & 3) &&
	       mem_debug_read(vm->cpu, at, words, 8) == 8 && words[1]) {
		frames[count++] = words[1];
		if (words[0] <= at)
			break;
		at = words[0];
	}
	return count;
}

u64 vm_icount(struct vm *vm)
{
	return bt_icount(vm->bt);
}

u64 vm_now(struct vm *vm)
{
	return now(vm);
}

u64 vm_stolen(struct vm *vm)
{
	return vm->clock.stolen;
}

u64 vm_start_time(struct vm *vm)
{
	return vm->bus_cfg.start_time;
}

void vm_set_part(struct vm *vm, const struct vm_part *part)
{
	vm->part = *part;
}

/* ---- breakpoints and watches ---- */

int vm_break_add(struct vm *vm, gla_t lin)
{
	return bt_break_add(vm->bt, lin);
}

int vm_break_remove(struct vm *vm, gla_t lin)
{
	bt_break_remove(vm->bt, lin);
	return 0;
}

int vm_watch_add(struct vm *vm, gla_t lin, unsigned len, unsigned rw)
{
	if (vm->watch_count == vm->watch_room) {
		unsigned room = vm->watch_room ? 2 * vm->watch_room : 16;
		struct watch *more =
			realloc(vm->watches, room * sizeof(*more));

		if (!more)
			return -1;
		vm->watches = more;
		vm->watch_room = room;
	}
	vm->watches[vm->watch_count++] =
		(struct watch){ .lin = lin, .len = len, .rw = rw };
	mem_watch(vm->cpu, lin, len, rw & VM_WATCH_READ, true);
	return 0;
}

int vm_watch_remove(struct vm *vm, gla_t lin, unsigned len, unsigned rw)
{
	for (unsigned i = 0; i < vm->watch_count; i++) {
		struct watch *w = &vm->watches[i];

		if (w->lin != lin || w->len != len || w->rw != rw)
			continue;
		*w = vm->watches[--vm->watch_count];
		mem_watch(vm->cpu, lin, len, rw & VM_WATCH_READ, false);
		bt_unwatched(vm->bt);
		return 0;
	}
	return -1;
}

void vm_on_break(struct vm *vm, bool (*fn)(void *arg, gla_t lin), void *arg)
{
	vm->on_break = fn;
	vm->on_break_arg = arg;
}

void vm_pass_break(struct vm *vm, bool pass)
{
	bt_pass_break(vm->bt, pass);
}

bool vm_watch_hit(struct vm *vm, gla_t lin, unsigned len)
{
	for (unsigned i = 0; i < vm->watch_count; i++)
		if (vm->watches[i].hit && vm->watches[i].lin == lin &&
		    vm->watches[i].len == len)
			return true;
	return false;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where Linux keeps what in struct task_struct.
 *
 * That differs from version to version and from configuration to
 * configuration, and kernels as distributions ship them say nothing about it.
 * But the structure shows itself.  The first task, init_task, is called
 * "swapper"; it is sought at its symbol, or, as kernels with few symbols have
 * none for data, in all of the kernel's memory.  From there,
 *
 *   tasks   is the list head whose ring leads through structures that have
 *           printable names in the same place
 *   pid     is 0 in init_task, 1 in the first of the others, 2 in the second,
 *           and different in all
 *   leader  is the task itself in all of them, as threads are not on the
 *           list: an address that is always as far from the name
 *   mm      is followed by active_mm: twice the same address in process 1,
 *           0 and something borrowed or 0 in init_task and in kernel threads
 *   stack   is before tasks: a page's address, different in all; the state is
 *           the word in front of it, in 2.6.24 and in 6.1
 *   sp      in thread is an address within that stack
 *   pgd     in mm is the linear address of what CR3 holds for that task
 *
 * Each is believed only if it holds for all tasks looked at.  What is not
 * found is not shown.  Offsets count from BEFORE bytes below the name, as
 * where the structure begins is of no interest. */
#include "core/debug/tasks.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/debug/debug_priv.h"
#include "core/mem/mem.h"

enum {
	BEFORE = 4096, /* what is looked at below comm, and in all */
	TASK_SIZE = 4096 + 12288,
	CHUNK = 1 << 20,
	PATIENCE = 4 << 20,
	A_LOOK = 200, /* of it, for one that may be init_task */
	SAMPLES = 12,
	RING_MAX = 4096,
	STACK_SIZE = 8192,
	NAME_LENGTH = 16,
	MM_SIZE = 512,
	LINEAR_BASE = 0xc0000000,
	LOWMEM_MAX = 896 << 20,
};

struct sample {
	u32 at;
	unsigned len;
	u8 bytes[TASK_SIZE];
};

struct samples {
	struct sample s[SAMPLES];
	unsigned count;
	unsigned patience; /* list heads still to be followed: a guest may lay
			    * out memory so that there is no end of them */
};

static u32 word(const struct sample *s, u32 at)
{
	u32 v = 0;

	if (at + 4 <= s->len)
		memcpy(&v, s->bytes + at, 4);
	return v;
}

static void take(struct debug *d, struct samples *all, u32 at)
{
	struct sample *s = &all->s[all->count++];

	s->at = at;
	s->len = debug_read(d, at, s->bytes, TASK_SIZE);
}

static u32 read_word(struct debug *d, u32 at)
{
	u32 v = 0;

	debug_read(d, at, &v, 4);
	return v;
}

static bool is_kernel(u32 address)
{
	return address >= LINEAR_BASE && address < UINT32_MAX - 4096;
}

/* ---- comm, tasks ---- */

static bool has_name(struct debug *d, u32 task)
{
	char name[NAME_LENGTH];

	if (debug_read(d, task + BEFORE, name, sizeof(name)) != sizeof(name) ||
	    !*name || !memchr(name, 0, sizeof(name)))
		return false;
	for (unsigned i = 0; name[i]; i++)
		if (!isprint((unsigned char)name[i]))
			return false;
	return true;
}

/* Length of the ring of tasks through the head at `link`; 0: it is none. */
static unsigned ring_length(struct debug *d, u32 init, s32 link,
			    unsigned *patience)
{
	u32 head = init + (u32)link, at = head;

	for (unsigned n = 1; n < RING_MAX && *patience; n++) {
		u32 next = read_word(d, at);

		--*patience;
		if (!is_kernel(next) || read_word(d, next + 4) != at)
			return 0;
		if (next == head)
			return n;
		if (!has_name(d, next - (u32)link))
			return 0;
		at = next;
	}
	return 0;
}

static s32 find_tasks(struct debug *d, struct samples *all)
{
	const struct sample *init = &all->s[0];
	unsigned best = 1;
	s32 found = TASK_NONE;

	for (s32 at = 0; at + 8 <= (s32)init->len; at += 4) {
		unsigned n;

		if (word(init, (u32)at) == init->at + (u32)at ||
		    !is_kernel(word(init, (u32)at)))
			continue;
		n = ring_length(d, init->at, at, &all->patience);
		if (n > best) {
			best = n;
			found = at;
		}
	}
	return found;
}

/* ---- the rest, from a few tasks ---- */

static bool is_pid(const struct samples *all, u32 at)
{
	for (unsigned i = 0; i < all->count; i++) {
		u32 v = word(&all->s[i], at);

		if (i < 3 ? v != i : v < 3 || v > 1 << 22)
			return false;
		for (unsigned k = 3; k < i; k++)
			if (word(&all->s[k], at) == v)
				return false;
	}
	return true;
}

/* An empty list's links lead to themselves, too. */
static bool is_leader(const struct samples *all, u32 at)
{
	u32 start = word(&all->s[0], at) - all->s[0].at;

	if (start >= BEFORE || start == at || start + 4 == at)
		return false;
	for (unsigned i = 1; i < all->count; i++)
		if (word(&all->s[i], at) - all->s[i].at != start)
			return false;
	return all->count > 2;
}

static bool is_mm(const struct samples *all, u32 at)
{
	for (unsigned i = 0; i < all->count; i++) {
		u32 mm = word(&all->s[i], at);
		u32 active = word(&all->s[i], at + 4);

		if ((i == 0 || i == 2) && mm)
			return false; /* swapper, kthreadd */
		if (i == 1 ? !is_kernel(mm) : mm && !is_kernel(mm))
			return false;
		if (mm ? active != mm : active && !is_kernel(active))
			return false;
	}
	return true;
}

static bool is_stack(const struct samples *all, u32 at)
{
	for (unsigned i = 0; i < all->count; i++) {
		u32 v = word(&all->s[i], at);

		if (!is_kernel(v) || v & 0xfff)
			return false;
		for (unsigned k = 0; k < i; k++)
			if (word(&all->s[k], at) == v)
				return false;
	}
	return true;
}

/* Within the stack, below the frame at its end. */
static bool is_sp(const struct samples *all, s32 stack, u32 at)
{
	for (unsigned i = 0; i < all->count; i++) {
		u32 v = word(&all->s[i], at);
		u32 from = word(&all->s[i], (u32)stack);

		if (v & 3 || v - from >= STACK_SIZE - 16 || v - from < 64)
			return false;
	}
	return true;
}

/* The offset of pgd in the mm whose page tables are loaded. */
static s32 find_pgd(struct debug *d, u32 init, s32 link, s32 mm)
{
	u32 cr3 = debug_cpu(d)->cr3 & ~0x1fu, task = init;

	for (unsigned n = 0; n < RING_MAX; n++) {
		u32 at = read_word(d, task + (u32)mm + 4);

		for (s32 k = 0; is_kernel(at) && k < MM_SIZE; k += 4)
			if (read_word(d, at + (u32)k) == cr3 + LINEAR_BASE)
				return k;
		task = read_word(d, task + (u32)link) - (u32)link;
		if (task == init)
			break;
	}
	return TASK_NONE;
}

static s32 find(const struct samples *all, s32 from, s32 to,
		bool (*is)(const struct samples *, u32))
{
	for (s32 at = from; at < to; at += 4)
		if (is(all, (u32)at))
			return at;
	return TASK_NONE;
}

/* The stack is the one that an sp goes with. */
static void find_stack(const struct samples *all, struct task_layout *l)
{
	s32 end = (s32)all->s[0].len - 8;

	for (s32 at = 4; at < l->link && l->esp == TASK_NONE; at += 4) {
		if (!is_stack(all, (u32)at))
			continue;
		for (s32 sp = l->link; sp < end && l->esp == TASK_NONE; sp += 4)
			if (is_sp(all, at, (u32)sp)) {
				l->stack = at;
				l->state = at - 4;
				l->esp = sp;
			}
	}
	l->stack_size = STACK_SIZE;
}

static void find_rest(struct debug *d, const struct samples *all,
		      struct task_layout *l)
{
	s32 end = (s32)all->s[0].len - 8;

	l->space = find(all, l->link, end, is_mm);
	if (l->space != TASK_NONE)
		l->page_tables = find_pgd(d, l->first, l->link, l->space);
	l->leader = find(all, l->link, end, is_leader);
	find_stack(all, l);
}

/* ---- init_task ---- */

/* Is there at `comm` the name of a task that others hang on to, and has it
 * number 0?  Process 1 is called swapper, too, before it becomes init. */
static bool is_init(struct debug *d, struct samples *all, u32 comm,
		    struct task_layout *l)
{
	u32 at = comm - BEFORE;

	all->count = 0;
	all->patience -= all->patience < A_LOOK ? all->patience : A_LOOK;
	take(d, all, at);
	l->first = at;
	l->link = find_tasks(d, all);
	if (l->link == TASK_NONE)
		return false;
	while (all->count < SAMPLES) {
		at = read_word(d, at + (u32)l->link) - (u32)l->link;
		if (at == l->first)
			break;
		take(d, all, at);
	}
	l->pid = find(all, l->link, (s32)all->s[0].len - 8, is_pid);
	return l->pid != TASK_NONE;
}

static bool find_init(struct debug *d, struct samples *all, u32 from, u64 len,
		      struct task_layout *l)
{
	u8 *chunk = malloc(CHUNK);
	bool found = false;

	for (u64 at = 0; chunk && at < len && !found; at += CHUNK - 16) {
		unsigned n = debug_read(d, from + (u32)at, chunk, CHUNK);
		const u8 *s = chunk;

		while (!found && all->patience &&
		       (s = memmem(s, (size_t)(chunk + n - s), "swapper", 7))) {
			found = is_init(d, all,
					from + (u32)at + (u32)(s - chunk), l);
			s++;
		}
		if (n < CHUNK)
			break;
	}
	free(chunk);
	return found;
}

static bool find_first(struct debug *d, struct samples *all,
		       struct task_layout *l)
{
	u64 ram = mem_ram_size(vm_mem(d->vm));
	u32 init;

	all->patience = PATIENCE;
	if (symbols_address(d->symbols, "init_task", &init) &&
	    find_init(d, all, init, TASK_SIZE, l))
		return true;
	return find_init(d, all, LINEAR_BASE,
			 ram < LOWMEM_MAX ? ram : LOWMEM_MAX, l);
}

int tasks_find_linux(struct debug *d, struct task_layout *l, struct err *e)
{
	static struct samples all; /* 200 KiB: not for the stack */

	*l = (struct task_layout){
		.link = TASK_NONE,
		.name = BEFORE,
		.pid = TASK_NONE,
		.space = TASK_NONE,
		.page_tables = TASK_NONE,
		.leader = TASK_NONE,
		.threads = TASK_NONE,
		.stack = TASK_NONE,
		.state = TASK_NONE,
		.esp = TASK_NONE,
		.top = TASK_NONE,
		.length = NAME_LENGTH,
		.base = LINEAR_BASE,
		.is_linux = true,
		.skip = "__switch_to,__switch_to_asm,schedule,__schedule,"
			"schedule_timeout,io_schedule,ret_from_fork"};
	if (!find_first(d, &all, l))
		return err_set(e,
			       "tasks: this is neither lantern nor Linux with "
			       "more than one task; `set tasks' describes "
			       "others");
	find_rest(d, &all, l);
	if (symbols_address(d->symbols, "__sched_text_start", &l->sched_from))
		symbols_address(d->symbols, "__sched_text_end", &l->sched_to);
	return 0;
}

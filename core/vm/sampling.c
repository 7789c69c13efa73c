/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the host's time goes, by sampling the monitor itself.
 *
 * While the guest runs a timer interrupts this thread with SIGPROF.  The
 * handler adds the processor time since the last one to what the thread was
 * at: in translated code that is told by the address, in C by who called
 * whom, up to the first function that activities.def knows.  What the thread
 * took outside of that is the difference to its whole, so that the shares add
 * up.  Nothing of it is in the way of a run that is not sampled.
 *
 * The timer is the monotonic clock's, as timers of processor time only go off
 * at the kernel's ticks, a few hundred a second; it stands while the monitor
 * waits.  A sample weighs the processor time since the last, so other
 * processes do not matter. */
#include "core/vm/vm_priv.h"

#include "core/base/check.h"
#include "core/bt/bt.h"
#include "core/cpu/cpu.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
	EVERY_NS = 499979, /* a prime: in step with no timer of the guest's */
	PLACES = VM_SAMPLED_PLACES,
	PLACES_FULL = PLACES - PLACES / 4,
	FRAMES = 64, /* looked at, at most */
};

struct sampling {
	struct vm *vm;
	timer_t timer;
	struct itimerspec rest; /* how the timer goes on */
	bool runs;              /* ... it does */
	u64 last;               /* processor time that was looked at */
	u64 pending;            /* ran since the last sample, before last */
	u64 begun_cpu, begun_wall, begun_kernel;
	u64 ns[VM_ACTIVITIES], samples, lost_ns;
	unsigned place_count;
	struct vm_sampled_place places[PLACES];
};

/* The one that the signal belongs to. */
static struct sampling *current;

/* ---- who does what ---- */

#define ACTIVITY(NAME, name, words, more)
#define FUNCTION(function, activity)                                  \
	extern const char sampling_at_##function[] __asm__(#function) \
		__attribute__((weak));
#include "core/vm/activities.def"

static const struct {
	const char *start;
	enum vm_activity activity;
} functions[] = {
#define ACTIVITY(NAME, name, words, more)
#define FUNCTION(function, activity) \
	{sampling_at_##function, VM_ACTIVITY_##activity},
#include "core/vm/activities.def"
};

static const struct {
	const char *name, *words, *more;
} activities[] = {
#define ACTIVITY(NAME, name, words, more) {#name, words, more},
#define FUNCTION(function, activity)
#include "core/vm/activities.def"
};

const char *vm_activity_name(enum vm_activity a)
{
	return activities[a].name;
}

const char *vm_activity_text(enum vm_activity a)
{
	return activities[a].words;
}

const char *vm_activity_more(enum vm_activity a)
{
	return activities[a].more;
}

struct search {
	unsigned frames;
	int found; /* enum vm_activity; -1: not yet */
};

/* signal-safe */
static _Unwind_Reason_Code look_at_frame(struct _Unwind_Context *frame,
					 void *arg)
{
	struct search *s = arg;
	const char *start = (const char *)_Unwind_GetRegionStart(frame);

	for (unsigned i = 0; start && i < ARRAY_LEN(functions); i++)
		if (functions[i].start == start) {
			s->found = (int)functions[i].activity;
			return _URC_END_OF_STACK;
		}
	return ++s->frames < FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* signal-safe: of C code, by its callers.  The chain ends where translated
 * code called it, for that has no frames. */
static enum vm_activity activity_of_c(void)
{
	struct search s = {.found = -1};

	_Unwind_Backtrace(look_at_frame, &s);
	return s.found < 0 ? VM_ACTIVITY_OPERATIONS : (enum vm_activity)s.found;
}

/* ---- samples ---- */

/* signal-safe */
static u64 cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static u64 wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

/* Processor time that the host's kernel took for this thread. */
static u64 kernel_ns(void)
{
	struct rusage r;

	getrusage(RUSAGE_THREAD, &r);
	return (u64)r.ru_stime.tv_sec * 1000000000u +
	       (u64)r.ru_stime.tv_usec * 1000;
}

/* signal-safe */
static void note_place(struct sampling *p, gla_t pc, bool user, u64 ns)
{
	u32 cr3 = user ? vm_cpu(p->vm)->cr3 : 0;
	u32 at = (pc * 0x9e3779b1u ^ cr3 * 0x85ebca6bu) >> 17;

	for (;; at = (at + 1) % PLACES) {
		struct vm_sampled_place *x = &p->places[at];

		if (x->samples &&
		    (x->pc != pc || x->cr3 != cr3 || x->user != user))
			continue;
		if (!x->samples) {
			if (p->place_count == PLACES_FULL) {
				p->lost_ns += ns;
				return;
			}
			p->place_count++;
			*x = (struct vm_sampled_place){
				.pc = pc, .cr3 = cr3, .user = user};
		}
		x->samples++;
		x->ns += ns;
		return;
	}
}

/* signal-safe */
static void on_time(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;
	struct sampling *p = current;
	struct bt_spot spot;
	enum vm_activity a;
	u64 now, ns;

	(void)sig;
	(void)si;
	if (!p)
		return;
	spot = bt_spot(vm_bt(p->vm),
		       (const void *)uc->uc_mcontext.gregs[REG_RIP]);
	now = cpu_ns();
	ns = now - p->last + p->pending;
	p->last = now;
	p->pending = 0;
	switch (spot.kind) {
	case BT_SPOT_CODE:
		a = spot.user ? VM_ACTIVITY_USER : VM_ACTIVITY_KERNEL;
		note_place(p, spot.lin, spot.user, ns);
		break;
	case BT_SPOT_LOOKUP:
		a = VM_ACTIVITY_LOOKUPS;
		break;
	case BT_SPOT_FAULT:
		a = VM_ACTIVITY_FAULTS;
		break;
	case BT_SPOT_EXIT:
		a = VM_ACTIVITY_EXITS;
		break;
	default:
		a = activity_of_c();
	}
	p->ns[a] += ns;
	p->samples++;
}

/* The first backtrace may open a library. */
static _Unwind_Reason_Code no_frame(struct _Unwind_Context *frame, void *arg)
{
	(void)frame;
	(void)arg;
	return _URC_END_OF_STACK;
}

/* ---- on and off ---- */

static void go_on(struct sampling *p)
{
	p->last = cpu_ns();
	p->runs = true;
	timer_settime(p->timer, 0, &p->rest, NULL);
}

static void stand(struct sampling *p)
{
	static const struct itimerspec never;
	u64 now;

	timer_settime(p->timer, 0, &never, &p->rest);
	if (!p->rest.it_value.tv_sec && !p->rest.it_value.tv_nsec)
		p->rest.it_value.tv_nsec = 1; /* it just went off */
	p->rest.it_interval.tv_nsec = EVERY_NS;
	p->runs = false;
	now = cpu_ns();
	p->pending += now - p->last; /* the next sample speaks for it */
	p->last = now;
}

void sampling_run(struct vm *vm, bool runs)
{
	if (runs)
		go_on(vm->sampling);
	else
		stand(vm->sampling);
}

void sampling_wait(struct vm *vm, bool waits)
{
	if (waits && vm->sampling->runs)
		stand(vm->sampling);
	else if (!waits && !vm->sampling->runs) {
		u64 was = vm->sampling->last;

		go_on(vm->sampling);
		vm->sampling->ns[VM_ACTIVITY_OUTSIDE] +=
			vm->sampling->last - was;
	}
}

static void forget(struct sampling *p)
{
	p->begun_cpu = p->last = cpu_ns();
	p->begun_wall = wall_ns();
	p->begun_kernel = kernel_ns();
	memset(p->ns, 0, sizeof(p->ns));
	memset(p->places, 0, sizeof(p->places));
	p->samples = p->lost_ns = p->pending = p->place_count = 0;
}

static int begin(struct vm *vm, struct err *e)
{
	struct sigaction sa = {.sa_sigaction = on_time,
			       .sa_flags =
				       SA_SIGINFO | SA_ONSTACK | SA_RESTART};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
				 .sigev_signo = SIGPROF};
	struct sampling *p = calloc(1, sizeof(*p));

	if (!p)
		return err_set(e, "sampling: no host memory");
	_Unwind_Backtrace(no_frame, NULL);
	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &p->timer) < 0 ||
	    sigaction(SIGPROF, &sa, NULL) < 0) {
		free(p);
		return err_set(e, "sampling: %s", strerror(errno));
	}
	p->vm = vm;
	p->rest.it_value.tv_nsec = p->rest.it_interval.tv_nsec = EVERY_NS;
	forget(p);
	vm->sampling = current = p;
	return 0;
}

void sampling_free(struct vm *vm)
{
	struct sampling *p = vm->sampling;

	if (!p)
		return;
	timer_delete(p->timer);
	signal(SIGPROF, SIG_IGN); /* one may be on its way */
	current = vm->sampling = NULL;
	free(p);
}

int vm_set_sampling(struct vm *vm, bool on, struct err *e)
{
	if (on)
		return vm->sampling ? 0 : begin(vm, e);
	sampling_free(vm);
	return 0;
}

bool vm_samples(const struct vm *vm)
{
	return vm->sampling;
}

void vm_sampled_reset(struct vm *vm)
{
	if (vm->sampling)
		forget(vm->sampling);
}

/* ---- what came of it ---- */

struct vm_sampled vm_sampled(struct vm *vm)
{
	const struct sampling *p = vm->sampling;
	struct vm_sampled r = {0};

	if (!p)
		return r;
	r.samples = p->samples;
	r.lost_ns = p->lost_ns;
	r.all_ns = cpu_ns() - p->begun_cpu;
	r.wall_ns = wall_ns() - p->begun_wall;
	r.kernel_ns = kernel_ns() - p->begun_kernel;
	r.ns[VM_ACTIVITY_STANDING] = r.all_ns;
	for (unsigned i = 0; i < VM_ACTIVITIES; i++)
		if (i != VM_ACTIVITY_STANDING) {
			r.ns[i] = p->ns[i];
			r.ns[VM_ACTIVITY_STANDING] -= p->ns[i];
		}
	return r;
}

unsigned vm_sampled_places(struct vm *vm, struct vm_sampled_place *list,
			   unsigned max)
{
	const struct sampling *p = vm->sampling;
	unsigned n = 0;

	for (unsigned i = 0; p && i < PLACES && n < max; i++)
		if (p->places[i].samples)
			list[n++] = p->places[i];
	return n;
}

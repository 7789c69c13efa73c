/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of VMI is saved with the machine: what the kernel has said, its alarms,
 * and the counters, on which it depends what is taken on trust (mmu.c).  How
 * calls are translated and timed is the user's choice and no state. */
#include "vmi/vmi_priv.h"

#include "core/vm/vm.h"

static const struct state_field alarm_state[] = {
	STATE_OF(struct alarm, timer, timer_state),
	STATE(struct alarm, expiry, STATE_ANY),
	STATE(struct alarm, period, STATE_ANY),
	STATE(struct alarm, lvtt, 1),
	STATE_END,
};

#define AP_TYPE STATE_MEMBER(struct vmi, ap[0])
#define LINEAR_TYPE STATE_MEMBER(struct vmi, linear[0])

static const struct state_field ap_state[] = {
	STATE(__typeof__(AP_TYPE), set, 1),
	STATE_ARRAY(__typeof__(AP_TYPE), state, STATE_ANY),
	STATE_END,
};

static const struct state_field linear_state[] = {
	STATE(__typeof__(LINEAR_TYPE), from, STATE_ANY),
	STATE(__typeof__(LINEAR_TYPE), pages, STATE_ANY),
	STATE(__typeof__(LINEAR_TYPE), frame, STATE_ANY),
	STATE_END,
};

static const struct state_field fields[] = {
	STATE(struct vmi, active, 1),
	STATE(struct vmi, lazy, STATE_ANY),
	STATE(struct vmi, rom, STATE_ANY),
	STATE_ARRAY(struct vmi, count, STATE_TIME),
	STATE_ARRAY(struct vmi, count_from, STATE_TIME),
	STATE_ARRAY(struct vmi, faults, STATE_TIME),
	STATE_ARRAY(struct vmi, senseless, STATE_TIME),
	STATE(struct vmi, strangers, STATE_TIME),
	STATE_ARRAY(struct vmi, repeats, STATE_TIME),
	STATE(struct vmi, since, STATE_TIME),
	STATE_ARRAY_OF(struct vmi, alarm, alarm_state),
	STATE_ARRAY_OF(struct vmi, ap, ap_state),
	STATE_ARRAY_OF(struct vmi, linear, linear_state),
	STATE_END,
};

static const char *wrong(const void *at, u64 now)
{
	const struct vmi *v = at;

	if (v->since > now)
		return "its counters began in the future";
	for (unsigned i = 0; i < CALL_COUNT; i++)
		if (v->count_from[i] > v->count[i])
			return "a call was counted backwards";
	return NULL;
}

void vmi_state(void *arg, struct state_list *to)
{
	struct vmi *v = arg;

	if (!vm_shows_vmi(v->vm))
		return;
	cost_gather(v);
	state_list_add(to, &(struct state_part){.name = "vmi",
						.fields = fields,
						.at = v,
						.size = sizeof(*v),
						.wrong = wrong});
}

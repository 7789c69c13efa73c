/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table that the shared object gives: each event, from the record of which
 * its tracepoint takes the fields (provider.h, provider_*.c). */
#define PROVIDER vitrine_vmi
#define PROVIDER_vmi
#include "trace/provider.h"
#undef TRACE_PROVIDER_H
#undef PROVIDER_vmi
#undef PROVIDER
#define PROVIDER vitrine_bt
#define PROVIDER_bt
#include "trace/provider.h"
#undef TRACE_PROVIDER_H
#undef PROVIDER_bt
#undef PROVIDER
#define PROVIDER vitrine_mmu
#define PROVIDER_mmu
#include "trace/provider.h"
#undef TRACE_PROVIDER_H
#undef PROVIDER_mmu
#undef PROVIDER
#define PROVIDER vitrine_cpu
#define PROVIDER_cpu
#include "trace/provider.h"
#undef TRACE_PROVIDER_H
#undef PROVIDER_cpu
#undef PROVIDER
#define PROVIDER vitrine_dev
#define PROVIDER_dev
#include "trace/provider.h"
#undef TRACE_PROVIDER_H
#undef PROVIDER_dev
#undef PROVIDER
#define PROVIDER vitrine_dbg
#define PROVIDER_dbg
#include "trace/provider.h"

#define FUNCTIONS(provider, name, record)                                    \
	static void record_##provider##_##name(const struct trace_head *head) \
	{                                                                    \
		lttng_ust_do_tracepoint(vitrine_##provider, name,            \
					(const struct record *)(const void *)head); \
	}                                                                    \
	static bool on_##provider##_##name(void)                             \
	{                                                                    \
		return lttng_ust_tracepoint_enabled(vitrine_##provider, name); \
	}

#undef EVENT
#define EVENT(provider, name, group, fields, text) \
	FUNCTIONS(provider, name, trace_##provider##_##name)
#include "trace/events.def"
#define TYPED(number, name, ...) FUNCTIONS(vmi, name, trace_vmi_call_entry)
#include "generated.def"

extern const struct trace_provider vitrine_trace_provider;
const struct trace_provider vitrine_trace_provider = {
	.version = TRACE_VERSION,
	.events = TRACE_EVENTS,
	.layout = TRACE_LAYOUT,
	.of = {
#define EVENT(provider, name, group, fields, text) \
	[TRACE_##provider##_##name] = { record_##provider##_##name, \
					on_##provider##_##name },
#include "trace/events.def"
#define TYPED(number, name, ...) \
	[TRACE_CALL + number] = { record_vmi_##name, on_vmi_##name },
#include "generated.def"
	},
};

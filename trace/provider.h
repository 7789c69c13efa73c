/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LTTng's tracepoints of one provider, made from the tables.  provider_<x>.c
 * defines PROVIDER (vitrine_<x>) and PROVIDER_<x>, then includes this. LTTng's
 * headers read it again and again, with its macros defined otherwise each time;
 * so there is no guard but theirs. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER PROVIDER

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "trace/provider.h"

#if !defined(TRACE_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define TRACE_PROVIDER_H

#include <lttng/tracepoint.h>

#include "trace/record.h"

#ifndef LIST_mode
#include "generated.def"
#endif

/* The events of the other providers are nothing here. */
#ifdef PROVIDER_vmi
#define EVENT_vmi(name, ...) MAKE_EVENT(vmi, name, __VA_ARGS__)
#else
#define EVENT_vmi(...)
#endif
#ifdef PROVIDER_bt
#define EVENT_bt(name, ...) MAKE_EVENT(bt, name, __VA_ARGS__)
#else
#define EVENT_bt(...)
#endif
#ifdef PROVIDER_mmu
#define EVENT_mmu(name, ...) MAKE_EVENT(mmu, name, __VA_ARGS__)
#else
#define EVENT_mmu(...)
#endif
#ifdef PROVIDER_cpu
#define EVENT_cpu(name, ...) MAKE_EVENT(cpu, name, __VA_ARGS__)
#else
#define EVENT_cpu(...)
#endif
#ifdef PROVIDER_dev
#define EVENT_dev(name, ...) MAKE_EVENT(dev, name, __VA_ARGS__)
#else
#define EVENT_dev(...)
#endif
#ifdef PROVIDER_dbg
#define EVENT_dbg(name, ...) MAKE_EVENT(dbg, name, __VA_ARGS__)
#else
#define EVENT_dbg(...)
#endif
#define EVENT(provider, name, group, fields, text) EVENT_##provider(name, fields)

#define MAKE_LIST(provider, list) MAKE_LIST_(provider, list)
#define MAKE_LIST_(provider, list) \
	LTTNG_UST_TRACEPOINT_ENUM(provider, list, LTTNG_UST_TP_ENUM_VALUES(LIST_##list))
#define VALUE(word, number) lttng_ust_field_enum_value(#word, number)
MAKE_LIST(PROVIDER, mode)
MAKE_LIST(PROVIDER, link)
MAKE_LIST(PROVIDER, invalidate)
MAKE_LIST(PROVIDER, site)
MAKE_LIST(PROVIDER, adapt)
MAKE_LIST(PROVIDER, window)
MAKE_LIST(PROVIDER, learned)
MAKE_LIST(PROVIDER, flush)
MAKE_LIST(PROVIDER, source)
MAKE_LIST(PROVIDER, controller)
MAKE_LIST(PROVIDER, call)
MAKE_LIST(PROVIDER, exception)
MAKE_LIST(PROVIDER, stop)
MAKE_LIST(PROVIDER, exit)

#define HEAD                                                       \
	lttng_ust_field_integer(uint64_t, icount, e->head.icount)  \
	lttng_ust_field_integer_hex(uint32_t, eip, e->head.eip)    \
	lttng_ust_field_integer_hex(uint32_t, cr3, e->head.cr3)    \
	lttng_ust_field_integer(uint8_t, cpl, e->head.cpl)
#define X32(name, text) lttng_ust_field_integer_hex(uint32_t, name, e->name)
#define X64(name, text) lttng_ust_field_integer_hex(uint64_t, name, e->name)
#define U8(name, text) lttng_ust_field_integer(uint8_t, name, e->name)
#define U16(name, text) lttng_ust_field_integer(uint16_t, name, e->name)
#define U32(name, text) lttng_ust_field_integer(uint32_t, name, e->name)
#define U64(name, text) lttng_ust_field_integer(uint64_t, name, e->name)
#define LIST(list, name, text) lttng_ust_field_enum(PROVIDER, list, uint8_t, name, e->name)
#define STR(name, text) lttng_ust_field_string(name, e->name)
#define WORDS(name, n, text) \
	lttng_ust_field_sequence_hex(uint32_t, name, e->name, uint8_t, e->name##_count)
#define HIDDEN(name)

#define MAKE_EVENT(provider, name, ...)                                       \
	LTTNG_UST_TRACEPOINT_EVENT(vitrine_##provider, name,                  \
		LTTNG_UST_TP_ARGS(const struct trace_##provider##_##name *, e), \
		LTTNG_UST_TP_FIELDS(HEAD __VA_ARGS__))
#include "trace/events.def"

#ifdef PROVIDER_vmi
#define FIELD_HEX(name, place) lttng_ust_field_integer_hex(uint32_t, name, e->place)
#define FIELD_DEC(name, place) lttng_ust_field_integer(uint32_t, name, e->place)
#define TYPED(number, name, ...)                                              \
	LTTNG_UST_TRACEPOINT_EVENT(vitrine_vmi, name,                         \
		LTTNG_UST_TP_ARGS(const struct trace_vmi_call_entry *, e),    \
		LTTNG_UST_TP_FIELDS(HEAD                                      \
			lttng_ust_field_integer_hex(uint32_t, caller, e->caller) __VA_ARGS__))
#include "generated.def"
#undef FIELD_HEX
#undef FIELD_DEC
#endif

#undef EVENT_vmi
#undef EVENT_bt
#undef EVENT_mmu
#undef EVENT_cpu
#undef EVENT_dev
#undef EVENT_dbg
#undef MAKE_LIST
#undef MAKE_LIST_
#undef VALUE
#undef HEAD
#undef X32
#undef X64
#undef U8
#undef U16
#undef U32
#undef U64
#undef LIST
#undef STR
#undef WORDS
#undef HIDDEN
#undef MAKE_EVENT

#endif

#include <lttng/tracepoint-event.h>

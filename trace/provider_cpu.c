/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tracepoints of vitrine_cpu (provider.h). */
#define PROVIDER vitrine_cpu
#define PROVIDER_cpu
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "trace/provider.h"

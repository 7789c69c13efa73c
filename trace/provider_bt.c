/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tracepoints of vitrine_bt (provider.h). */
#define PROVIDER vitrine_bt
#define PROVIDER_bt
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "trace/provider.h"

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tracepoints of vitrine_vmi (provider.h). */
#define PROVIDER vitrine_vmi
#define PROVIDER_vmi
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "trace/provider.h"

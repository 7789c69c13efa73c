/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tracepoints of vitrine_dev (provider.h). */
#define PROVIDER vitrine_dev
#define PROVIDER_dev
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "trace/provider.h"

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tracepoints of vitrine_mmu (provider.h). */
#define PROVIDER vitrine_mmu
#define PROVIDER_mmu
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "trace/provider.h"

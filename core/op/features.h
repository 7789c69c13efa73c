/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which CPUID features the guest sees: one bit per row of features.def. */
#ifndef CORE_OP_FEATURES_H
#define CORE_OP_FEATURES_H

#include "core/base/types.h"

enum feature {
#define FEATURE(name, NAME, leaf, reg, bit, host) FEATURE_##NAME,
#include "core/op/features.def"
	FEATURE_COUNT
};

bool feature_on(enum feature f);
/* The feature bits of register `reg` (EAX..) of a leaf. */
u32 feature_bits(u32 leaf, unsigned reg);

#endif

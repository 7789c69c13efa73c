/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CRC-32C (Castagnoli), as iSCSI and ext4 have it. */
#ifndef CORE_BASE_CRC_H
#define CORE_BASE_CRC_H

#include "core/base/types.h"

/* The checksum of what came before (0: nothing) and `len` bytes more. */
u32 crc32c(u32 before, const void *bytes, size_t len);

#endif

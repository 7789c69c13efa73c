/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CORE_BASE_VERSION_H
#define CORE_BASE_VERSION_H

#define VERSION "0.1"

#endif

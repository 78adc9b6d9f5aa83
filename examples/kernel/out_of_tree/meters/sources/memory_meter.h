/* SPDX-License-Identifier: GPL-2.0 */
#ifndef METERS_SOURCES_MEMORY_METER_H
#define METERS_SOURCES_MEMORY_METER_H

#include <linux/types.h>

/* The memory that is available, in KiB. */
u64 memory_meter_read(void);

#endif

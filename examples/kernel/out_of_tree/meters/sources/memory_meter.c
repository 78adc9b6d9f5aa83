// SPDX-License-Identifier: GPL-2.0
/* The memory that is available. */
#include <linux/mm.h>
#include <linux/module.h>
#include <core/meter.h>
#include "memory_meter.h"

u64 memory_meter_read(void)
{
	return (u64)si_mem_available() << PAGE_SHIFT >> MEMORY_METER_SHIFT;
}
EXPORT_SYMBOL_GPL(memory_meter_read);

static struct meter memory_meter = {
	.name = "memory",
	.unit = "KiB",
	.read = memory_meter_read,
};

static int __init memory_meter_init(void)
{
	return meter_register(&memory_meter);
}

static void __exit memory_meter_exit(void)
{
	meter_unregister(&memory_meter);
}

module_init(memory_meter_init);
module_exit(memory_meter_exit);

MODULE_DESCRIPTION("A meter of the memory that is available");
MODULE_LICENSE("GPL");

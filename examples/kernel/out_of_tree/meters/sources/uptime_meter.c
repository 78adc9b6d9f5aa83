// SPDX-License-Identifier: GPL-2.0
/* The time since the kernel started. */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <core/meter.h>

static u64 uptime_meter_read(void)
{
	return jiffies_to_msecs(jiffies - INITIAL_JIFFIES);
}

static struct meter uptime_meter = {
	.name = "uptime",
	.unit = "ms",
	.read = uptime_meter_read,
};

static int __init uptime_meter_init(void)
{
	return meter_register(&uptime_meter);
}

static void __exit uptime_meter_exit(void)
{
	meter_unregister(&uptime_meter);
}

module_init(uptime_meter_init);
module_exit(uptime_meter_exit);

MODULE_DESCRIPTION("A meter of the time since the kernel started");
MODULE_LICENSE("GPL");

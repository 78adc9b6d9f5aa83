// SPDX-License-Identifier: GPL-2.0
/* Reports all meters that are there, and warns of little memory. */
#include <linux/module.h>
#include <core/meter.h>
#include <sources/memory_meter.h>
#include "report.h"

static unsigned long warn_below;
module_param(warn_below, ulong, 0444);
MODULE_PARM_DESC(warn_below, "memory to warn of, in KiB");

static void report_meter(const struct meter *meter, void *data)
{
	pr_info("%s is a meter in %s\n", meter->name, meter->unit);
}

static int __init report_init(void)
{
	meter_for_each(report_meter, NULL);
	if (memory_meter_read() < warn_below)
		pr_warn("less than %lu KiB of memory\n", warn_below);
	return report_proc_add();
}

static void __exit report_exit(void)
{
	report_proc_remove();
}

module_init(report_init);
module_exit(report_exit);

MODULE_DESCRIPTION("Reports all meters");
MODULE_LICENSE("GPL");

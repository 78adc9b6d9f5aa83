// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <core/meter.h>
#include "report.h"

static void report_line(const struct meter *meter, void *to)
{
	seq_printf(to, "%s %llu %s\n", meter->name, meter->read(), meter->unit);
}

static int report_show(struct seq_file *to, void *unused)
{
	meter_for_each(report_line, to);
	return 0;
}

int report_proc_add(void)
{
	return proc_create_single("meters", 0444, NULL, report_show) ? 0 : -ENOMEM;
}

void report_proc_remove(void)
{
	remove_proc_entry("meters", NULL);
}

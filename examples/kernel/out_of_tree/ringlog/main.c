// SPDX-License-Identifier: GPL-2.0
/* Keeps the times of the last events. */
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <ringlog/ring.h>
#include "events.h"
#include "selftest.c"

static DEFINE_SPINLOCK(ringlog_lock);
static struct ring ringlog_times;

void ringlog_note(void)
{
	spin_lock(&ringlog_lock);
	ring_put(&ringlog_times, ktime_get_boottime_ns());
	spin_unlock(&ringlog_lock);
}

int ringlog_show(struct seq_file *to, void *unused)
{
	unsigned int n;

	spin_lock(&ringlog_lock);
	for (n = 0; n < ring_kept(&ringlog_times); n++)
		seq_printf(to, "%llu\n", ring_get(&ringlog_times, n));
	spin_unlock(&ringlog_lock);
	return 0;
}

static int __init ringlog_init(void)
{
	if (!ringlog_selftest()) {
		pr_err("self-test failed\n");
		return -EINVAL;
	}
	pr_info("self-test passed, keeping %u events\n", RINGLOG_SLOTS);
	return ringlog_proc_add();
}

static void __exit ringlog_exit(void)
{
	ringlog_proc_remove();
}

module_init(ringlog_init);
module_exit(ringlog_exit);

MODULE_DESCRIPTION("Keeps the times of the last events");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/* What it prints is defined in headers that it does not include. */
#include <linux/module.h>

static int __init forced_init(void)
{
	pr_info(FORCED_PREFIX "at most %d\n", FORCED_LIMIT);
	return 0;
}

static void __exit forced_exit(void)
{
}

module_init(forced_init);
module_exit(forced_exit);
MODULE_DESCRIPTION("Headers that are included by flags");
MODULE_LICENSE("GPL");

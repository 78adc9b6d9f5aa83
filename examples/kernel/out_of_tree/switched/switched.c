// SPDX-License-Identifier: GPL-2.0
/* Is there at all. */
#include <linux/module.h>

static int __init switched_init(void)
{
	pr_info("switched: on\n");
	return 0;
}

static void __exit switched_exit(void)
{
}

module_init(switched_init);
module_exit(switched_exit);
MODULE_DESCRIPTION("A module that a symbol switches on");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
/* Prints what another object, which has a flag of its own, computes. */
#include <linux/module.h>

#include "sum.h"

static int __init parts_init(void)
{
	pr_info("parts: sum %d\n", parts_sum(2));
	return 0;
}

static void __exit parts_exit(void)
{
}

module_init(parts_init);
module_exit(parts_exit);
MODULE_DESCRIPTION("A Kbuild file that includes another one");
MODULE_LICENSE("GPL");

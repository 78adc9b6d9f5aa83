// SPDX-License-Identifier: GPL-2.0
/* Its sum is right only if all flags of the Kbuild file are there. */
#include <linux/module.h>
#include <ownflags_first.h>
#include <ownflags_own.h>

static int __init ownflags_init(void)
{
	pr_info("ownflags: sum %d\n", OWNFLAGS_FIRST + OWNFLAGS_OWN + OWNFLAGS_ADDEND);
	return 0;
}

static void __exit ownflags_exit(void)
{
}

module_init(ownflags_init);
module_exit(ownflags_exit);
MODULE_DESCRIPTION("Flags in variables of Kbuild");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include "events.h"

static int ringlog_open(struct inode *inode, struct file *file)
{
	return single_open(file, ringlog_show, NULL);
}

static ssize_t ringlog_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	ringlog_note();
	return count;
}

static const struct proc_ops ringlog_operations = {
	.proc_open = ringlog_open,
	.proc_read = seq_read,
	.proc_write = ringlog_write,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

int ringlog_proc_add(void)
{
	return proc_create("ringlog", 0600, NULL, &ringlog_operations) ? 0 : -ENOMEM;
}

void ringlog_proc_remove(void)
{
	remove_proc_entry("ringlog", NULL);
}

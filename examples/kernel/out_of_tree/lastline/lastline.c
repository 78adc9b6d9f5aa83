// SPDX-License-Identifier: GPL-2.0
/* A device that gives back what was written to it last, up to its size. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

#define LASTLINE_SIZE 256

static DEFINE_MUTEX(lastline_lock);
static char lastline_text[LASTLINE_SIZE];
static size_t lastline_length;

static ssize_t lastline_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	ssize_t n;

	mutex_lock(&lastline_lock);
	n = simple_read_from_buffer(to, count, pos, lastline_text, lastline_length);
	mutex_unlock(&lastline_lock);
	return n;
}

static ssize_t lastline_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	ssize_t n = -EFAULT;

	if (count > LASTLINE_SIZE)
		return -EINVAL;
	mutex_lock(&lastline_lock);
	lastline_length = 0;
	if (!copy_from_user(lastline_text, from, count))
		n = lastline_length = count;
	mutex_unlock(&lastline_lock);
	return n;
}

static const struct file_operations lastline_operations = {
	.owner = THIS_MODULE,
	.read = lastline_read,
	.write = lastline_write,
	.llseek = default_llseek,
};

static struct miscdevice lastline_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lastline",
	.fops = &lastline_operations,
	.mode = 0600,
};

module_misc_device(lastline_device);

MODULE_DESCRIPTION("A device that remembers what was written to it last");
MODULE_LICENSE("GPL");

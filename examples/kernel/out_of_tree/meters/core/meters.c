// SPDX-License-Identifier: GPL-2.0
/* The registry of meters. */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <core/meter.h>

static DEFINE_MUTEX(meters_lock);
static LIST_HEAD(meters);

int meter_register(struct meter *meter)
{
	struct meter *other;
	int err = 0;

	mutex_lock(&meters_lock);
	list_for_each_entry(other, &meters, list)
		if (!strcmp(other->name, meter->name))
			err = -EEXIST;
	if (!err)
		list_add_tail(&meter->list, &meters);
	mutex_unlock(&meters_lock);
	return err;
}
EXPORT_SYMBOL_GPL(meter_register);

void meter_unregister(struct meter *meter)
{
	mutex_lock(&meters_lock);
	list_del(&meter->list);
	mutex_unlock(&meters_lock);
}
EXPORT_SYMBOL_GPL(meter_unregister);

void meter_for_each(void (*visit)(const struct meter *meter, void *data), void *data)
{
	const struct meter *meter;

	mutex_lock(&meters_lock);
	list_for_each_entry(meter, &meters, list)
		visit(meter, data);
	mutex_unlock(&meters_lock);
}
EXPORT_SYMBOL_GPL(meter_for_each);

MODULE_DESCRIPTION("A registry of meters");
MODULE_LICENSE("GPL");

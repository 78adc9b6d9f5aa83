/* SPDX-License-Identifier: GPL-2.0 */
#ifndef METERS_CORE_METER_H
#define METERS_CORE_METER_H

#include <linux/list.h>
#include <linux/types.h>

/* Something that can be read as a number. */
struct meter {
	const char *name;
	const char *unit;
	u64 (*read)(void);
	/* The registry's own. */
	struct list_head list;
};

/* Makes a meter known until it is unregistered. Names may be taken once. */
int meter_register(struct meter *meter);
void meter_unregister(struct meter *meter);

/* Calls visit for each meter, in the order they were registered in. */
void meter_for_each(void (*visit)(const struct meter *meter, void *data), void *data);

#endif

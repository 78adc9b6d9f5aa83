/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RINGLOG_RING_H
#define RINGLOG_RING_H

#include <linux/types.h>

/* Numbers, of which the last RINGLOG_SLOTS are kept. The caller takes care of locks. */
struct ring {
	u64 slots[RINGLOG_SLOTS];
	/* How many have been put in since the start. */
	u64 count;
};

void ring_put(struct ring *ring, u64 value);

/* How many are kept. */
unsigned int ring_kept(const struct ring *ring);

/* The one that came as the nth of those that are kept; 0 is the oldest. */
u64 ring_get(const struct ring *ring, unsigned int n);

#endif

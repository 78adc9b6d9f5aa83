// SPDX-License-Identifier: GPL-2.0
#include <linux/minmax.h>
#include <ringlog/ring.h>

void ring_put(struct ring *ring, u64 value)
{
	ring->slots[ring->count++ % RINGLOG_SLOTS] = value;
}

unsigned int ring_kept(const struct ring *ring)
{
	return min_t(u64, ring->count, RINGLOG_SLOTS);
}

u64 ring_get(const struct ring *ring, unsigned int n)
{
	return ring->slots[(ring->count - ring_kept(ring) + n) % RINGLOG_SLOTS];
}

// SPDX-License-Identifier: GPL-2.0
/* Included by main.c: it goes with the code that runs once. */
static struct ring selftest_ring __initdata;

/* Whether a ring keeps the last numbers, in their order. */
static bool __init ringlog_selftest(void)
{
	unsigned int n;

	for (n = 0; n < RINGLOG_SLOTS + 3; n++)
		ring_put(&selftest_ring, n);
	if (ring_kept(&selftest_ring) != RINGLOG_SLOTS)
		return false;
	for (n = 0; n < RINGLOG_SLOTS; n++)
		if (ring_get(&selftest_ring, n) != n + 3)
			return false;
	return true;
}

/* SPDX-License-Identifier: GPL-2.0 */
#define FORCED_LIMIT 7

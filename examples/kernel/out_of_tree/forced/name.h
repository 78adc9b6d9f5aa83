/* SPDX-License-Identifier: GPL-2.0 */
#define FORCED_NAME "forced"

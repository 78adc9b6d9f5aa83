/* SPDX-License-Identifier: GPL-2.0 */
int parts_sum(int addend);

/* SPDX-License-Identifier: GPL-2.0 */
#define OWNFLAGS_FIRST 10

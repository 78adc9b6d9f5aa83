/* SPDX-License-Identifier: GPL-2.0 */
#define OWNFLAGS_OWN 30

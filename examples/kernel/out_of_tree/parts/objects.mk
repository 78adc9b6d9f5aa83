# SPDX-License-Identifier: GPL-2.0
PARTS := main.o sum.o

CFLAGS_sum.o := -DPARTS_START=40

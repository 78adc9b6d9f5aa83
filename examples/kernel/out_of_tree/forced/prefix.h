/* SPDX-License-Identifier: GPL-2.0 */
#include "name.h"

#define FORCED_PREFIX FORCED_NAME ": "

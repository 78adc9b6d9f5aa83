# SPDX-License-Identifier: Apache-2.0
#
# Read by every GNU make of the check through MAKEFILES. Adds one goal to the kernel's root
# Makefile: descend from the top as its own build does, with ask.mk in place of
# scripts/Makefile.build (ASK is its path).

.PHONY: modhash-ask
modhash-ask:
	$(Q)$(MAKE) -f $(ASK) obj=. need-builtin=1 need-modorder=1

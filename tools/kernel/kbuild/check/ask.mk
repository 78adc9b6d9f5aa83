# SPDX-License-Identifier: Apache-2.0
#
# Kbuild's own answer about one directory, without a compile: scripts/Makefile.build does all
# the evaluation, and the descent is its own rule for $(subdir-ym), which comes back here
# because `build` is overridden on the command line. Only what a directory is made to build
# differs: its modules.order and the .mod lists of its composite modules, nothing else.
# Names are prefixed with ASK/ so that no rule of a Makefile applies to them.

include $(srctree)/scripts/Makefile.build

.DEFAULT_GOAL := modhash-ask-dir

modhash-order = $(patsubst ASK/%,%,$(filter ASK/%,$^))

.PHONY: modhash-ask-dir
modhash-ask-dir: $(subdir-ym) $(if $(need-modorder),modhash-ask-modules)

.PHONY: modhash-ask-modules $(addprefix ASK/,$(obj-m))
modhash-ask-modules: $(addprefix ASK/,$(obj-m)) $(subdir-ym)
	@mkdir -p $(obj)
	@{ $(foreach m,$(modhash-order),$(if $(filter %/modules.order,$m),cat $m,echo $m);) :; } \
		> $(obj)/modules.order
	@{ $(foreach m,$(filter $(multi-obj-m),$(modhash-order)),$(call modhash-parts,$m)) :; } \
		>> $(objtree)/modhash.parts

# "MODULE: PART PART ...", repeated parts dropped as cmd_mod does.
modhash-parts = echo $1: $$(printf '%s\n' $(call real-search,$(patsubst $(obj)/%,%,$1),.o,-objs -y -m) | \
	$(AWK) '!x[$$0]++ { print("$(obj)/"$$0) }');

$(addprefix ASK/,$(obj-m)): ;

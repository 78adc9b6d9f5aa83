// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"slices"

	"rules_modhash/tools/kernel/kbuild"
)

// whole are options with which Kbuild needs more than one directory to make an object of it, and why.
var whole = map[string]string{
	"CONFIG_AUTOFDO_CLANG":       "the compiler reads a profile of the whole kernel",
	"CONFIG_GCC_PLUGINS":         "the compiler loads plugins that Kbuild makes first",
	"CONFIG_GCOV_KERNEL":         "the compiler writes further files beside each object",
	"CONFIG_IKHEADERS":           "an object contains all headers",
	"CONFIG_LTO_CLANG":           "code is generated when vmlinux is linked",
	"CONFIG_PROPELLER_CLANG":     "the compiler reads a profile of the whole kernel",
	"CONFIG_TRIM_UNUSED_KSYMS":   "exports depend on what all modules import",
	"CONFIG_RUST_INLINE_HELPERS": "Rust code is compiled together with C code from elsewhere",
}

// archiveMakefile makes vmlinux.a. In older versions the root Makefile does, which reads the whole tree.
const archiveMakefile = "scripts/Makefile.vmlinux_a"

// unsupported returns why a tree cannot be built in shards with a configuration: options, and a file that it lacks.
func (t *Tree) unsupported(config kbuild.Config) []string {
	reasons := Unsupported(config)
	if !t.exists(archiveMakefile) {
		reasons = append(reasons, "no "+archiveMakefile)
	}
	return reasons
}

// Unsupported returns the options of a configuration with which a kernel cannot be built in shards, in bytewise order.
func Unsupported(config kbuild.Config) []string {
	var found []string
	for option := range whole {
		if config[option] != "" {
			found = append(found, option)
		}
	}
	slices.Sort(found)
	return found
}

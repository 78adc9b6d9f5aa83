// SPDX-License-Identifier: Apache-2.0

package kbuild

import "strings"

// objectPrefixes and directoryNames are variables of scripts/Makefile.lib and
// scripts/Makefile.build that say how objects are made, in addition to those that [Part] and
// [Directory] hold the values of. The name of an object completes a prefix.
var (
	objectPrefixes = []string{"AFLAGS_", "AFLAGS_REMOVE_", "CFLAGS_REMOVE_", "RUSTFLAGS_", "RUSTFLAGS_REMOVE_"}
	directoryNames = []string{
		"asflags-remove-y", "ccflags-remove-y", "rustflags-remove-y", "subdir-asflags-y", "subdir-rustflags-y",
	}
)

// switches turn the instrumentation of a directory or, with the suffix "_NAME.o", of one object
// on or off. They mean nothing without their configuration symbol.
var switches = []struct{ name, symbol string }{
	{"AUTOFDO_PROFILE", "CONFIG_AUTOFDO_CLANG"},
	{"CONTEXT_ANALYSIS", "CONFIG_WARN_CONTEXT_ANALYSIS"},
	{"GCOV_PROFILE", "CONFIG_GCOV_KERNEL"},
	{"KASAN_SANITIZE", "CONFIG_KASAN"},
	{"KCOV_INSTRUMENT", "CONFIG_KCOV"},
	{"KCSAN_INSTRUMENT_BARRIERS", "CONFIG_KCSAN"},
	{"KCSAN_SANITIZE", "CONFIG_KCSAN"},
	{"KMSAN_ENABLE_CHECKS", "CONFIG_KMSAN"},
	{"KMSAN_SANITIZE", "CONFIG_KMSAN"},
	{"OBJECT_FILES_NON_STANDARD", "CONFIG_OBJTOOL"},
	{"PROPELLER_PROFILE", "CONFIG_PROPELLER_CLANG"},
	{"UBSAN_INTEGER_WRAP", "CONFIG_UBSAN_INTEGER_WRAP"},
	{"UBSAN_SANITIZE", "CONFIG_UBSAN"},
}

// objectVariables names what the Makefile states of one object.
func (d *directory) objectVariables(object string) []string {
	names := make([]string, 0, len(objectPrefixes))
	for _, prefix := range objectPrefixes {
		names = append(names, prefix+object)
	}
	return append(d.notEmpty(names...), d.switched("_"+object)...)
}

// variables names what the Makefile states of all objects of the directory.
func (d *directory) variables() []string {
	return append(d.notEmpty(directoryNames...), d.switched("")...)
}

// switched names the switches that are set and may mean something.
func (d *directory) switched(suffix string) []string {
	var names []string
	for _, s := range switches {
		if len(d.notEmpty(s.name+suffix)) > 0 && len(d.notEmpty(s.symbol)) > 0 {
			names = append(names, s.name+suffix)
		}
	}
	return names
}

// notEmpty returns the names of those variables that are not certainly empty.
func (d *directory) notEmpty(names ...string) []string {
	var set []string
	for _, name := range names {
		d.read[name] = true
		if strings.TrimSpace(d.e.Value(name)) != "" {
			set = append(set, name)
		}
	}
	return set
}

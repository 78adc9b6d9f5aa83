// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"

	"rules_modhash/tools/archive/codec"
)

// compressions returns tools/archive/codec/compressions.bzl.
func compressions() string {
	modules := []string{codec.None}
	for _, f := range codec.OfModules() {
		modules = append(modules, f.Name)
	}
	slices.Sort(modules)
	archives := map[string]string{}
	for _, name := range codec.Written() {
		f, _ := codec.Named(name) // None has no suffix
		archives[name] = ".cpio" + f.Suffix
	}
	return header("The compressions of modules, and of what rules write.", "tools/archive/codec", "codec.go") +
		list("What the names of modules end with.", "MODULE_SUFFIXES", codec.ModuleSuffixes()) +
		list("How modules are compressed when they are installed.", "MODULE_COMPRESSIONS", modules) +
		dictionary("What the names of initramfs archives end with, by their compression.", "INITRAMFS_SUFFIXES", archives)
}

// SPDX-License-Identifier: Apache-2.0

package kmake

import (
	"path"
	"slices"
	"strings"
)

// unused are directories of the source tree that no kernel or module is built of. About half of all
// files are passed over by Uses, which halves the time to unpack the tree.
var unused = []string{"Documentation/", "tools/testing/", "tools/perf/"}

// Uses reports whether a kernel build for the target may read a file of the source tree.
func (t Target) Uses(file string) bool {
	// Kconfig and make read these across directories.
	if base := path.Base(file); strings.HasPrefix(base, "Kconfig") || strings.HasPrefix(base, "Makefile") {
		return true
	}
	for _, directory := range unused {
		if strings.HasPrefix(file, directory) {
			return false
		}
	}
	used := t.architecture().Reads
	below, isArch := strings.CutPrefix(file, "arch/")
	directory, _, isBelow := strings.Cut(below, "/")
	return len(used) == 0 || !isArch || !isBelow || slices.Contains(used, directory)
}

// Configures reports whether the configuration for any target may depend on a file of the source tree. Kconfig runs
// scripts and compilers, but reads no code of the kernel, which is most of the files.
func Configures(file string) bool {
	switch top, _, _ := strings.Cut(file, "/"); top {
	case "rust", "scripts":
		return true
	}
	switch path.Ext(file) {
	case ".S", ".c", ".dts", ".dtsi", ".dtso", ".h":
		return false
	}
	return Target{}.Uses(file)
}

// SPDX-License-Identifier: Apache-2.0

// Package order knows the format of modules.order, the list of modules that Kbuild writes: one path a line. It imports
// nothing of ours, so that programs that run Kbuild do not change with the code that hashes modules.
package order

import "strings"

// Parse returns the modules of a modules.order that Kbuild has just written, in its order, as paths that end in .ko. It
// checks nothing: an external module's path may be absolute. For files of users, see modules.ReadOrder.
func Parse(text string) []string {
	var paths []string
	for _, line := range strings.Fields(text) {
		path, _ := ModulePath(line)
		paths = append(paths, path)
	}
	return paths
}

// ModulePath returns the path of the module that a line names, and whether the line names one. Linux 6.4 and later list
// objects (.o), older kernels and installed lists modules (.ko).
func ModulePath(line string) (path string, ok bool) {
	if base, ok := strings.CutSuffix(line, ".o"); ok {
		return base + ".ko", true
	}
	return line, strings.HasSuffix(line, ".ko")
}

// SPDX-License-Identifier: Apache-2.0

package kmake

import (
	"path"
	"strings"
)

// sourceFolders are the folders below arch/ that builds of a machine read: x86 in any case, whose
// system calls are what scripts/checksyscalls.sh compares with. Machines that are not listed may
// read any.
var sourceFolders = map[string][]string{
	"arm64":  {"arm64", "arm", "x86"},
	"x86_64": {"x86", "um"},
}

// unused are folders of the source tree that no kernel or module is built of. About half of all
// files are passed over by Uses, which halves the time to unpack the tree.
var unused = []string{"Documentation/", "tools/testing/", "tools/perf/"}

// Uses tells whether a kernel build for the target may read a file of the source tree.
func (t Target) Uses(file string) bool {
	// Kconfig and make read these across folders.
	if base := path.Base(file); strings.HasPrefix(base, "Kconfig") || strings.HasPrefix(base, "Makefile") {
		return true
	}
	for _, folder := range unused {
		if strings.HasPrefix(file, folder) {
			return false
		}
	}
	folders, known := sourceFolders[t.Machine]
	below, isArch := strings.CutPrefix(file, "arch/")
	folder, _, isFolder := strings.Cut(below, "/")
	if !known || !isArch || !isFolder {
		return true
	}
	for _, used := range folders {
		if folder == used {
			return true
		}
	}
	return false
}

// Configures tells whether the configuration may depend on a file of the source tree. Kconfig runs scripts and
// compilers, but reads no code of the kernel, which is most of the files.
func (t Target) Configures(file string) bool {
	switch top, _, _ := strings.Cut(file, "/"); top {
	case "arch", "include", "rust", "scripts":
		return t.Uses(file)
	}
	ext := path.Ext(file)
	return ext != ".S" && ext != ".c" && ext != ".h" && t.Uses(file)
}

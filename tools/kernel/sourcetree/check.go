// SPDX-License-Identifier: Apache-2.0

package sourcetree

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// maxNamed is how many files a message names.
const maxNamed = 3

// check returns an error for files that are not the pristine source of a kernel, each path once. files are in order.
func check(files []file) error {
	for i := 1; i < len(files); i++ {
		before, name := files[i-1].Path, files[i].Path
		if name == before {
			return fmt.Errorf("got two files %s, want one", name)
		}
		if strings.HasPrefix(name, before+"/") {
			return fmt.Errorf("got %s below %s, which is not a directory", name, before)
		}
	}
	if err := checkBuilt(files); err != nil {
		return err
	}
	if !slices.ContainsFunc(files, func(f file) bool { return f.Path == "Kbuild" }) {
		return errors.New("got no Kbuild at the top of the tree, want the source of a Linux kernel. Next: set strip_prefix to the directory with Kbuild")
	}
	return nil
}

func checkBuilt(files []file) error {
	var built []string
	for _, f := range files {
		if isBuilt(f.Path) {
			built = append(built, f.Path)
		}
	}
	if len(built) == 0 {
		return nil
	}
	return fmt.Errorf("got a tree in which make has run: %d files, such as %s, are made by it. Next: run make mrproper there, and build elsewhere with make O=DIRECTORY",
		len(built), strings.Join(built[:min(maxNamed, len(built))], ", "))
}

// isBuilt reports whether a file is made by a build in the tree. These are the files that Kbuild's own check for a clean
// tree finds, and those that a build always makes.
func isBuilt(name string) bool {
	if directory, rest, _ := strings.Cut(name, "/"); directory == "arch" {
		_, name, _ = strings.Cut(rest, "/")
	}
	for _, directory := range []string{"include/config/", "include/generated/"} {
		if strings.HasPrefix(name, directory) {
			return true
		}
	}
	switch base := path.Base(name); path.Ext(base) {
	case ".cmd":
		return strings.HasPrefix(base, ".")
	case ".ko", ".o":
		return true
	default:
		return slices.Contains([]string{".config", "Module.symvers", "System.map", "modules.order", "vmlinux"}, name)
	}
}

// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"rules_modhash/tools/kernel/kbuild"
)

// A kernelSource is the tree of modhash_kernel_source.
type kernelSource struct {
	fs.FS
	// dirs are the directories that it is made of, by absolute path: the first that has a
	// file counts.
	dirs []string
	root string
}

// openKernelSource opens a source tree, or a build tree whose Makefile includes that of its
// source tree: a package of headers, or what make O=DIR leaves.
func openKernelSource(root, dir string) *kernelSource {
	k := &kernelSource{FS: os.DirFS(dir), dirs: []string{dir}, root: root}
	if common := commonTree(dir); common != "" {
		k.dirs = []string{dir, common}
		k.FS = overlay{os.DirFS(dir), os.DirFS(common)}
	}
	return k
}

// wrapped is the line that a build tree's Makefile has for its source tree.
var wrapped = regexp.MustCompile(`(?m)^\s*include\s+(/\S+)/Makefile\s*$`)

// maxWrapper is more than the size of any Makefile that only includes another one, in bytes.
const maxWrapper = 2000

// commonTree returns the source tree of a build tree; "" if it is one itself. Packages that
// were unpacked elsewhere have it next to the build tree.
func commonTree(dir string) string {
	text, err := readText(filepath.Join(dir, "Makefile"))
	if err != nil || len(text) > maxWrapper {
		return ""
	}
	found := wrapped.FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	for _, common := range []string{filepath.Join(filepath.Dir(dir), path.Base(found[1])), filepath.FromSlash(found[1])} {
		if common != dir && exists(filepath.Join(common, "Makefile")) {
			return common
		}
	}
	return ""
}

// display returns a text with the paths that the user has in place of those that Makefiles
// see.
func (k *kernelSource) display(text string) string {
	switch {
	case !strings.Contains(text, kbuild.KernelRoot):
		return text
	case k == nil:
		return strings.ReplaceAll(text, kbuild.KernelRoot, "$(srctree)")
	}
	return kernelPaths.ReplaceAllStringFunc(text, func(name string) string {
		return k.path(strings.TrimPrefix(strings.TrimPrefix(name, kbuild.KernelRoot), "/"))
	})
}

var kernelPaths = regexp.MustCompile(regexp.QuoteMeta(kbuild.KernelRoot) + `(/[^\s:,;)]*)?`)

// path returns where the user has a file of the tree: relative to the repository, if it is
// in there.
func (k *kernelSource) path(name string) string {
	dir := k.dirs[0]
	if i := slices.IndexFunc(k.dirs, func(dir string) bool {
		return exists(filepath.Join(dir, filepath.FromSlash(name)))
	}); i >= 0 {
		dir = k.dirs[i]
	}
	if name == "Makefile" {
		dir = k.dirs[len(k.dirs)-1]
	}
	full := filepath.Join(dir, filepath.FromSlash(name))
	if below, err := filepath.Rel(k.root, full); err == nil && filepath.IsLocal(below) {
		return filepath.ToSlash(below)
	}
	return full
}

// An overlay shows the files of a build tree over those of its source tree, whose Makefile
// counts.
type overlay struct{ upper, lower fs.FS }

var _ fs.ReadDirFS = overlay{}

// Open implements [fs.FS].
func (o overlay) Open(name string) (fs.File, error) {
	if name == "Makefile" {
		return o.lower.Open(name)
	}
	file, err := o.upper.Open(name)
	if err != nil {
		return o.lower.Open(name)
	}
	return file, nil
}

// ReadDir implements [fs.ReadDirFS].
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	upper, upperErr := fs.ReadDir(o.upper, name)
	lower, lowerErr := fs.ReadDir(o.lower, name)
	if upperErr != nil && lowerErr != nil {
		return nil, errors.Join(upperErr, lowerErr)
	}
	all := slices.Concat(upper, lower)
	slices.SortStableFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return slices.CompactFunc(all, func(a, b fs.DirEntry) bool { return a.Name() == b.Name() }), nil
}

// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/bazelbuild/bazel-gazelle/config"

	"rules_modhash/tools/kernel/kbuild"
	"rules_modhash/tools/kernel/kbuild/gnumake"
)

// treeKey is all that a reading of Kbuild files depends on.
type treeKey struct{ top, config, source, set string }

// A tree is what Kbuild makes of a directory with M=DIR, and of those below that it
// descends into. Paths are relative to the repository.
type tree struct {
	top string
	// modules by the directory whose Makefile lists them, and directories.
	modules     map[string][]kbuild.Module
	directories map[string]kbuild.Directory
	// unset are directories that the configuration switches off.
	unset    []string
	problems []problem
	// source is the kernel's tree, or nil.
	source *kernelSource
	// version is the kernel's. inKernel is set if make works in the kernel's tree.
	version  kbuild.Version
	inKernel bool
}

// A problem is a diagnostic of the reader.
type problem struct {
	// file is "" if the problem is about the tree as a whole.
	file string
	text string
}

// files is the repository, of which each directory is listed once.
func (x *extension) files(c *config.Config) *gnumake.Files {
	if x.repository == nil {
		x.repository = gnumake.NewFiles(c.RepoRoot, gnumake.Mount{Root: c.RepoRoot, FS: os.DirFS(c.RepoRoot)})
	}
	return x.repository
}

// tree reads the Kbuild files of a directory, nil, and a report, if that is impossible.
func (x *extension) tree(c *config.Config, s *settings, top string) *tree {
	key := treeKey{top, s.config, s.source, strings.Join(s.set, "\n")}
	t, ok := x.trees[key]
	if !ok {
		var err error
		if t, err = x.readTree(c, s, top); err != nil {
			x.say("%s: %v", path.Join(top, "Makefile"), err)
		}
		x.trees[key] = t
	}
	return t
}

func (x *extension) readTree(c *config.Config, s *settings, top string) (*tree, error) {
	target, err := x.target(s)
	if err != nil {
		// What depends on the configuration is undecided, and reported as such.
		x.say("%v", err)
	}
	target.Set = s.variables()
	var kernel fs.FS
	var source *kernelSource
	if s.source != "" {
		if target.SrcArch == "" {
			return nil, errors.New("reading external modules for the kernel of modhash_kernel_source: " +
				"got no architecture, want one that the file of modhash_config sets, such as CONFIG_X86=y")
		}
		source = openKernelSource(c.RepoRoot, s.source)
		kernel = source
	}
	result, err := kbuild.ReadExternal(os.DirFS(c.RepoRoot), path.Join(".", top), kernel, target)
	if err != nil {
		return nil, errors.New(source.display(err.Error()))
	}
	return newTree(top, source, result), nil
}

func newTree(top string, source *kernelSource, result *kbuild.Result) *tree {
	t := &tree{
		top:         top,
		source:      source,
		version:     result.Version,
		inKernel:    result.InKernel,
		modules:     make(map[string][]kbuild.Module),
		directories: make(map[string]kbuild.Directory),
	}
	for _, d := range result.Directories {
		t.directories[t.path(d.Path)] = d
		for _, name := range d.Unset {
			t.unset = append(t.unset, t.path(name))
		}
	}
	for _, m := range result.Modules {
		dir := t.path(m.Directory)
		t.modules[dir] = append(t.modules[dir], m)
	}
	for _, d := range result.Diagnostics {
		p := problem{}
		if at := d.Position; at.File != "" {
			at.File = t.file(at.File)
			d.Position = at
			p.file = at.File
		}
		p.text = t.display(d.String())
		t.problems = append(t.problems, p)
	}
	return t
}

// path returns a path of the reader relative to the repository, "" for its root.
func (t *tree) path(name string) string {
	if name = path.Join(t.top, name); name == "." {
		return ""
	}
	return name
}

// file is path for names that may be absolute, as Makefiles see them. Those of neither the
// repository nor the kernel stay so.
func (t *tree) file(name string) string {
	if below, ok := strings.CutPrefix(name, kbuild.ExternalRoot+"/"); ok {
		return path.Clean(below)
	}
	if path.IsAbs(name) {
		return name
	}
	return t.path(name)
}

// display returns a text with the paths that the user has.
func (t *tree) display(text string) string {
	return t.source.display(strings.ReplaceAll(text, kbuild.ExternalRoot+"/", ""))
}

// isUnset reports whether the configuration switches a directory off, or one above it.
func (t *tree) isUnset(rel string) bool {
	return slices.ContainsFunc(t.unset, func(dir string) bool { return isBelow(rel, dir) })
}

// isBelow reports whether a path is a directory or something below it.
func isBelow(name, dir string) bool {
	return dir == "" || name == dir || strings.HasPrefix(name, dir+"/")
}

// isUndecided reports whether something is undecided that the modules of a directory may
// depend on: in its Makefile, in one above, or in a file that belongs to none.
func (t *tree) isUndecided(rel string) bool {
	return slices.ContainsFunc(t.problems, func(p problem) bool {
		dir := t.directoryOf(p.file)
		_, known := t.directories[dir]
		return p.file == "" || !known || isBelow(rel, dir)
	})
}

func (t *tree) directoryOf(file string) string {
	if dir := path.Dir(file); dir != "." {
		return dir
	}
	return ""
}

// sole reports whether the Makefile of a directory builds one module and nothing else.
func (t *tree) sole(rel string) bool {
	for dir := range t.directories {
		if dir != rel && isBelow(dir, rel) {
			return false
		}
	}
	return len(t.modules[rel]) == 1
}

// makefile returns the path of the Makefile of a directory.
func (t *tree) makefile(rel string) string {
	return t.path(t.directories[rel].Makefile)
}

// inputs returns the files of the repository that the Makefile of a directory needs.
func (t *tree) inputs(rel string) []string {
	var names []string
	for _, name := range t.directories[rel].Inputs {
		names = append(names, t.file(name))
	}
	return names
}

// place returns FILE:LINE of a position.
func (t *tree) place(at gnumake.Position) string {
	at.File = t.file(at.File)
	return t.display(at.String())
}

// How a directory belongs to a tree.
type relation int

const (
	// outside: no Kbuild file leads here.
	outside relation = iota
	reached
	// switchedOff by the configuration.
	switchedOff
	// unreadable: reported already.
	unreadable
)

// reach returns the tree that a directory belongs to: the outermost one that leads to it.
func (x *extension) reach(c *config.Config, s *settings, rel string) (*tree, relation) {
	for _, top := range s.tops {
		t := x.tree(c, s, top)
		if t == nil {
			return nil, unreadable
		}
		if _, ok := t.directories[rel]; ok {
			return t, reached
		}
		if t.isUnset(rel) {
			return t, switchedOff
		}
	}
	return nil, outside
}

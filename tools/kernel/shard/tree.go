// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"rules_modhash/tools/kernel/kbuild/csource"
	"rules_modhash/tools/kernel/treearchive"
)

// A Tree is a source tree in memory. Several goroutines may use it.
type Tree struct {
	files map[string]*file
	// named holds the paths of files by their base name, in bytewise order.
	named map[string][]string
	// listing holds the paths of files by their directory, in bytewise order.
	listing map[string][]string
	// srcArch is the directory of arch/ that code is taken from.
	srcArch string
	// scriptOptions returns the options that occur in what all actions have.
	scriptOptions func() []string
}

// A file of a tree.
type file struct {
	treearchive.Entry
	data []byte
	// scanned guards the fields below, and resolved the edges: most files are asked for neither.
	scanned, resolved sync.Once
	// source is what a C or assembler source refers to.
	source csource.Source
	// printed are operands of #include in sources that the file makes.
	printed []string
	// options are the CONFIG_ names in it. computesOptions is set if it has others that are put together.
	options         []string
	computesOptions bool
	// edges are files that this one may read.
	edges []string
}

// ReadTree reads a tree archive. Files for which uses does not hold are passed over.
func ReadTree(r io.Reader, srcArch string, uses func(path string) bool) (*Tree, error) {
	t := &Tree{files: map[string]*file{}, named: map[string][]string{}, listing: map[string][]string{}, srcArch: srcArch}
	wanted := func(entry treearchive.Entry) bool { return uses(entry.Path) }
	err := treearchive.Read(r, wanted, func(entry treearchive.Entry, contents io.Reader) error {
		f := &file{Entry: entry, data: make([]byte, entry.Size)}
		t.files[entry.Path] = f
		if entry.IsLink() {
			return nil
		}
		if _, err := io.ReadFull(contents, f.data); err != nil {
			return fmt.Errorf("reading %s: %w", entry.Path, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.index()
	t.scriptOptions = sync.OnceValue(t.findScriptOptions)
	return t, nil
}

func (t *Tree) index() {
	for name := range t.files {
		base := path.Base(name)
		t.named[base] = append(t.named[base], name)
		t.listing[path.Dir(name)] = append(t.listing[path.Dir(name)], name)
	}
	for _, paths := range t.named {
		slices.Sort(paths)
	}
	for _, paths := range t.listing {
		slices.Sort(paths)
	}
}

// kind is what a file is to the split.
type kind int

const (
	other kind = iota
	// source of C, assembler, linker scripts or device trees: it includes files.
	source
	// rust has options, and includes files in its own way.
	rust
	// script is read by make, or run.
	script
)

func kindOf(name string) kind {
	base := path.Base(name)
	switch path.Ext(base) {
	case ".c", ".h", ".S", ".lds", ".inc", ".dts", ".dtsi", ".dtso", ".cc", ".cpp", ".asn1", ".tbl", ".l", ".y", ".s":
		return source
	case ".rs":
		return rust
	case ".mk", ".include", ".sh", ".pl", ".awk", ".py":
		return script
	}
	if isKbuildFile(name) {
		return script
	}
	if strings.HasPrefix(name, "include/") || strings.HasSuffix(base, "_shipped") {
		return source
	}
	return other
}

// isKbuildFile reports whether make includes the file, going by its name.
func isKbuildFile(name string) bool {
	base := path.Base(name)
	for _, prefix := range []string{"Makefile", "Kbuild", "Build", "Platform"} {
		if strings.HasPrefix(base, prefix) {
			return true
		}
	}
	ext := path.Ext(base)
	return ext == ".mk" || ext == ".include" || ext == ".modules" || ext == ".inc" && strings.HasPrefix(name, "scripts/")
}

// scan reads what the file refers to.
func (f *file) scan() *file {
	f.scanned.Do(func() {
		kind := kindOf(f.Path)
		if kind == other {
			return
		}
		text := string(f.data)
		if kind == source {
			f.source = csource.ScanIncludes(text)
		}
		f.printed = printed(text)
		f.options, f.computesOptions = options(text)
	})
	return f
}

// findScriptOptions returns the options that occur in scripts, but for those of Kconfig.
func (t *Tree) findScriptOptions() []string {
	var names []string
	for name, f := range t.files {
		if strings.HasPrefix(name, "scripts/") && !strings.HasPrefix(name, "scripts/kconfig/") {
			names = append(names, f.scan().options...)
		}
	}
	return names
}

// exists reports whether there is a file.
func (t *Tree) exists(name string) bool { return t.files[name] != nil }

// FS returns the tree with the contents of files that make reads. Others are empty.
func (t *Tree) FS() fs.FS {
	m := newMemory()
	for name, f := range t.files {
		switch {
		case f.IsLink():
		case kindOf(name) == script:
			m.add(name, f.data)
		default:
			m.add(name, nil)
		}
	}
	return m
}

// list returns the files directly in a directory, in bytewise order.
func (t *Tree) list(dir string) []string { return t.listing[dir] }

// below returns all files below a directory.
func (t *Tree) below(dir string) []string {
	var names []string
	for name := range t.files {
		if strings.HasPrefix(name, dir+"/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// isSubBuild reports whether a directory has a file that make reads.
func (t *Tree) isSubBuild(dir string) bool {
	return t.exists(dir+"/Makefile") || t.exists(dir+"/Kbuild")
}

// all returns the paths of all files.
func (t *Tree) all() Files {
	files := make(Files, len(t.files))
	for name := range t.files {
		files[name] = true
	}
	return files
}

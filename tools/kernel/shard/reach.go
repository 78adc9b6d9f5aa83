// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"path"
	"slices"
	"strings"
)

// reach adds to reached all files that the given ones may read, themselves included. It includes too many rather than
// too few: both sides of each #if, and, of headers that the usual search path does not have, each file of that name.
func (t *Tree) reach(reached map[string]bool, names ...string) {
	for len(names) > 0 {
		name := names[len(names)-1]
		names = names[:len(names)-1]
		f := t.files[name]
		if f == nil || reached[name] {
			continue
		}
		reached[name] = true
		names = append(names, t.edgesOf(f)...)
	}
}

// edgesOf returns the files that a file names.
func (t *Tree) edgesOf(f *file) []string {
	f.resolved.Do(func() { f.edges = t.findEdges(f.scan()) })
	return f.edges
}

func (t *Tree) findEdges(f *file) []string {
	var edges []string
	if f.IsLink() {
		edges = append(edges, path.Join(path.Dir(f.Path), f.Target))
	}
	for _, name := range f.source.Includes {
		edges = append(edges, t.resolve(f.Path, name, true)...)
	}
	for _, name := range f.source.SystemIncludes {
		edges = append(edges, t.resolve(f.Path, name, false)...)
	}
	for _, operand := range f.source.Operands {
		edges = append(edges, t.resolveOperand(f.Path, operand.Text)...)
	}
	for _, operand := range f.printed {
		edges = append(edges, t.resolveOperand(f.Path, operand)...)
	}
	if generator := generators[path.Ext(f.Path)]; generator != "" {
		edges = append(edges, t.printedBy(generator)...)
	}
	for _, name := range f.source.Embedded {
		edges = append(edges, path.Clean(name), path.Join(path.Dir(f.Path), name))
	}
	if isKbuildFile(f.Path) {
		for _, name := range t.mentioned(path.Dir(f.Path), f.Path) {
			if isKbuildFile(name) {
				edges = append(edges, name)
			}
		}
	}
	slices.Sort(edges)
	return slices.Compact(edges)
}

// generators make C sources of files with a suffix.
var generators = map[string]string{".asn1": "scripts/asn1_compiler.c"}

// printedBy returns the headers that sources include that a program makes.
func (t *Tree) printedBy(program string) []string {
	f := t.files[program]
	if f == nil {
		return nil
	}
	var names []string
	for _, operand := range f.scan().printed {
		names = append(names, t.resolveOperand(program, operand)...)
	}
	return names
}

// resolveOperand is resolve of an operand with its brackets or quotes.
func (t *Tree) resolveOperand(from, operand string) []string {
	if len(operand) <= 2 {
		return nil
	}
	return t.resolve(from, operand[1:len(operand)-1], operand[0] == '"')
}

// searchPath is where Kbuild has the compiler look for headers: LINUXINCLUDE in the root Makefile.
func (t *Tree) searchPath() []string {
	arch := "arch/" + t.srcArch + "/include"
	return []string{arch, "include", arch + "/uapi", "include/uapi"}
}

// resolve returns the files that an operand of #include in a file may stand for.
func (t *Tree) resolve(from, name string, quoted bool) []string {
	if own := path.Join(path.Dir(from), name); quoted && t.exists(own) {
		return []string{own}
	}
	for _, dir := range t.searchPath() {
		if found := path.Join(dir, name); t.exists(found) && !strings.HasPrefix(name, "../") {
			return []string{found}
		}
	}
	// Kbuild makes headers of this kind for those that the architecture lacks: scripts/Makefile.asm-headers.
	if below, ok := strings.CutPrefix(name, "asm/"); ok {
		var generic []string
		for _, dir := range []string{"include/asm-generic/", "include/uapi/asm-generic/"} {
			if t.exists(dir + below) {
				generic = append(generic, dir+below)
			}
		}
		if len(generic) > 0 {
			return generic
		}
	}
	return t.anywhere(from, name)
}

// anywhere returns the files whose path ends in a name: some directory may have been added to the search path.
func (t *Tree) anywhere(from, name string) []string {
	name = path.Clean("/" + name)[1:]
	var kernel, apart []string
	for _, candidate := range t.named[path.Base(name)] {
		switch {
		case candidate != name && !strings.HasSuffix(candidate, "/"+name):
		case isApart(candidate):
			apart = append(apart, candidate)
		default:
			kernel = append(kernel, candidate)
		}
	}
	// Programs that run on the build machine have headers apart from the kernel's.
	if isApart(from) {
		return append(kernel, apart...)
	}
	if len(kernel) > 0 {
		return kernel
	}
	return apart
}

// isApart reports whether a file belongs to programs, and not to the kernel.
func isApart(name string) bool {
	return strings.HasPrefix(name, "tools/") || strings.HasPrefix(name, "scripts/") || strings.HasPrefix(name, "samples/")
}

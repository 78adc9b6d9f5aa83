// SPDX-License-Identifier: Apache-2.0

package kbuild

import (
	"errors"
	"path"
	"slices"
	"strings"

	"rules_modhash/tools/kernel/kbuild/gnumake"
)

// emptyAtFirst are the variables that scripts/Makefile.build sets before it includes a
// directory's Makefile.
var emptyAtFirst = []string{
	"obj-y", "obj-m", "lib-y", "lib-m", "always-y", "always-m", "targets", "subdir-y", "subdir-m",
	"asflags-y", "ccflags-y", "rustflags-y", "cppflags-y", "ldflags-y", "subdir-asflags-y", "subdir-ccflags-y",
}

// A directory is one evaluated Makefile, after scripts/Makefile.build.
type directory struct {
	// obj is its path below the top, spelled is $(obj), which may be absolute.
	obj, spelled string
	makefile     string
	files        *gnumake.Files
	e            *gnumake.Evaluator
	// listed reports that its modules count: it is reached through obj-y and obj-m only.
	listed bool
	// tree is what it shares with others of external modules, nil for one of the kernel.
	tree *externalTree
	// record, and the variables that were read for its modules: of external modules only.
	record *gnumake.Record
	read   map[string]bool
	// inherited is what subdirFlags had before this directory.
	inherited string
}

// evaluate reads the Makefile of a directory.
func (w *walk) evaluate(v visit) *directory {
	d := &directory{
		obj: v.obj, spelled: w.spell(v.obj), files: w.files, e: gnumake.NewEvaluator(w.files, v.environment),
		listed: v.listed, tree: w.external, read: make(map[string]bool),
	}
	d.preset()
	d.makefile = path.Join(d.obj, "Kbuild")
	if !d.files.Exists(d.file("Kbuild")) {
		d.makefile = path.Join(d.obj, "Makefile")
	}
	d.e.KeepGoing()
	if d.tree != nil {
		d.record = d.e.StartRecord()
	}
	// The error stays with the evaluator, and stops all that is asked of it later.
	_ = d.e.Read(path.Clean(d.file(path.Base(d.makefile))))
	return d
}

// preset sets what scripts/Makefile.build sets before it includes the Makefile.
func (d *directory) preset() {
	for _, name := range emptyAtFirst {
		d.e.Set(name, "")
	}
	if d.tree != nil && !(d.tree.version.IsKnown() && !d.tree.version.isBefore(withoutExtra)) {
		for name := range extraVariables {
			d.e.Set(name, "")
		}
	}
	d.e.Set("obj", d.spelled)
	d.e.Set("src", d.spelled)
	if d.tree == nil || !d.tree.inKernel {
		d.e.Set("src", d.e.Value("srcroot")+"/"+d.obj)
	}
	d.e.Set("need-builtin", "1")
	if d.listed {
		d.e.Set("need-modorder", "1")
	}
}

// file returns the name by which make finds a file of the directory.
func (d *directory) file(name string) string {
	if d.tree != nil && d.tree.inKernel {
		return d.tree.top + "/" + d.path(name)
	}
	return d.path(name)
}

// relative returns the path of a file as the result has it.
func (d *directory) relative(name string) string {
	if d.tree == nil {
		return d.files.Relative(name)
	}
	abs := d.files.Absolute(name)
	if below, ok := strings.CutPrefix(abs, d.tree.top+"/"); ok {
		return below
	}
	if strings.HasPrefix(abs, ExternalRoot+"/") {
		up := strings.Repeat("../", strings.Count(strings.TrimPrefix(d.tree.top, ExternalRoot), "/"))
		return up + strings.TrimPrefix(abs, ExternalRoot+"/")
	}
	return abs
}

func (d *directory) reportError(err error) {
	var syntax *gnumake.SyntaxError
	if !errors.As(err, &syntax) {
		d.e.Report(gnumake.Position{File: d.makefile}, "%s", err)
		return
	}
	if syntax.Position.File != "" {
		d.e.Report(syntax.Position, "%s", syntax.Message)
		return
	}
	d.e.Report(gnumake.Position{File: d.makefile}, "%s", syntax.Message)
}

// words returns the decided words of a variable, and reports what is undecided in it.
func (d *directory) words(name string) []string {
	d.read[name] = true
	value := d.e.Value(name)
	for _, u := range d.e.Undecided(value) {
		at := u.Position
		if at.File == "" {
			at = d.e.Position(name)
		}
		d.e.Report(at, "undecided what %s of %s contains: %s", name, d.makefile, u.Reason)
	}
	return gnumake.Words(value)
}

// wordsOf returns the decided words of several variables.
func (d *directory) wordsOf(names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, gnumake.Words(d.e.Value(name))...)
	}
	return all
}

// objects returns obj-y, and obj-m without what is built in.
func (d *directory) objects() (y, m []string) {
	y, m = d.words("obj-y"), d.words("obj-m")
	builtin := make(map[string]bool, len(y))
	for _, o := range y {
		builtin[o] = true
	}
	return y, slices.DeleteFunc(m, func(o string) bool { return builtin[o] })
}

// An entry is one line of what a directory adds to modules.order: a module, or all that a
// directory has.
type entry struct {
	object string
	// subdirectory is the path below this one, empty for a module.
	subdirectory string
}

// entries returns what belongs into the directory's modules.order, and the directories
// that Kbuild also descends into. Directories of obj-y come first, as Kbuild cannot
// know how they and those of obj-m are meant to mix.
func (d *directory) entries() (order []entry, others []string) {
	y, m := d.objects()
	seen := make(map[string]bool)
	add := func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		if sub, ok := strings.CutSuffix(name, "/"); ok {
			order = append(order, entry{subdirectory: sub})
		} else if d.module(name) {
			order = append(order, entry{object: name})
		}
	}
	for _, name := range y {
		if strings.HasSuffix(name, "/") {
			add(name)
		}
	}
	for _, name := range m {
		add(name)
	}
	for _, name := range append(d.words("subdir-y"), d.words("subdir-m")...) {
		if name = strings.TrimSuffix(name, "/"); !seen[name+"/"] {
			seen[name+"/"] = true
			others = append(others, name)
		}
	}
	return order, others
}

// module reports whether a word of obj-m is a module, and reports it if it cannot be.
func (d *directory) module(name string) bool {
	switch {
	case !strings.HasSuffix(name, ".o"):
		d.e.Report(d.e.Position("obj-m"), "%s is in obj-m, want NAME.o or DIRECTORY/", name)
	case !d.listed:
		d.e.Report(d.e.Position("obj-m"), "%s is not built: %s is reached through subdir-y or subdir-m, "+
			"want obj-y or obj-m", name, d.obj)
	default:
		return true
	}
	return false
}

// path returns a name of this directory as modules.order has it.
func (d *directory) path(name string) string {
	if d.obj == "." {
		for strings.HasPrefix(name, "./") {
			name = strings.TrimLeft(name[2:], "/")
		}
		return name
	}
	return d.obj + "/" + name
}

// composition lists the suffixes of variables that make NAME.o a composite object of
// obj-m. The last one only makes it so, its objects are not linked.
var composition = []string{"-objs", "-y", "-m", "-"}

// describe finds the parts of a module that obj-m lists.
func (d *directory) describe(object string) Module {
	m := Module{Object: d.path(object), Directory: d.obj}
	stem := strings.TrimSuffix(object, ".o")
	var parts []string
	for i, suffix := range composition {
		words := d.words(stem + suffix)
		m.Composite = m.Composite || strings.TrimSpace(d.e.Value(stem+suffix)) != ""
		if i < len(composition)-1 {
			parts = append(parts, words...)
		}
	}
	if d.e.Err() != nil {
		return m
	}
	if !m.Composite {
		parts = []string{object}
	}
	m.Parts = d.parts(parts)
	if d.tree != nil {
		m.Variables = d.notEmpty("LDFLAGS_" + path.Base(object))
		m.Words = d.wordsOf(m.Variables)
	}
	if len(m.Parts) == 0 {
		d.e.Report(d.e.Position("obj-m"), "module %s has no objects in this configuration", m.Object)
	}
	return m
}

func (d *directory) parts(objects []string) []Part {
	var parts []Part
	seen := make(map[string]bool)
	for _, object := range objects {
		switch {
		case seen[object]:
		case strings.HasSuffix(object, "/"):
			d.e.Report(d.e.Position("obj-m"), "a module of %s has the directory %s among its objects: left out, "+
				"it cannot be linked", d.makefile, object)
		default:
			parts = append(parts, d.part(object))
		}
		seen[object] = true
	}
	return parts
}

// describeSelf returns what callers may want to know of the directory and its modules.
func (d *directory) describeSelf(modules []Module) Directory {
	self := Directory{Path: d.obj, Makefile: d.makefile}
	if d.tree == nil {
		self.Objects = d.goals()
		return self
	}
	self.Inherited = gnumake.Words(d.inherited)
	self.CFlags = append(d.words(subdirFlags), d.words("ccflags-y")...)
	self.AFlags = d.words("asflags-y")
	self.LDFlags = d.words("ldflags-y")
	self.RustFlags = d.words("rustflags-y")
	self.ExtraSymbols = d.words("KBUILD_EXTRA_SYMBOLS")
	self.Variables = d.variables()
	self.Words = d.wordsOf(self.Variables)
	self.Unset = d.unset()
	self.Flags = d.flags()
	self.Inputs = d.inputs()
	self.Made = d.madeFiles()
	self.Off = d.switchedOff(modules)
	self.Asked = d.asked()
	return self
}

// goalNames are the variables that list what Kbuild makes in a directory; composites those whose words may stand for others.
var (
	goalNames  = []string{"obj-y", "obj-m", "lib-y", "lib-m", "extra-y", "always-y", "always-m", "targets"}
	programs   = []string{"hostprogs", "hostprogs-always-y", "hostprogs-always-m", "userprogs", "userprogs-always-y"}
	composites = []string{"-objs", "-y", "-m", "-cxxobjs"}
)

// goals returns the paths of what Kbuild makes in the directory. What cannot be decided is left out: nothing but the
// choice of sources that are needed hangs on it.
func (d *directory) goals() []string {
	if d.e.Err() != nil {
		return nil
	}
	var paths []string
	for _, name := range d.wordsOf(slices.Concat(goalNames, programs)) {
		parts := d.wordsOf(suffixed(strings.TrimSuffix(name, ".o"), composites))
		if len(parts) == 0 {
			parts = []string{name}
		}
		for _, part := range parts {
			if !strings.HasSuffix(part, "/") {
				paths = append(paths, path.Clean(d.path(part)))
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func suffixed(stem string, suffixes []string) []string {
	names := make([]string, len(suffixes))
	for i, suffix := range suffixes {
		names[i] = stem + suffix
	}
	return names
}

// subdirFlags is a variable that carries subdir-ccflags-y down, as KBUILD_CFLAGS does in
// scripts/Makefile.build. That file also contains much else.
const subdirFlags = "MODHASH_SUBDIR_CCFLAGS"

// inheritFlags adds subdir-ccflags-y to what came from above.
func (d *directory) inheritFlags() {
	d.inherited = d.e.Value(subdirFlags)
	if flags := d.e.Value("subdir-ccflags-y"); flags != "" {
		d.e.Set(subdirFlags, strings.TrimSpace(d.e.Value(subdirFlags)+" "+flags))
		d.e.Export(subdirFlags)
	}
}

// unset returns the directories that obj- and subdir- name.
func (d *directory) unset() []string {
	var paths []string
	for _, name := range gnumake.Words(d.e.Value("obj-")) {
		if strings.HasSuffix(name, "/") {
			paths = append(paths, path.Clean(d.path(name)))
		}
	}
	for _, name := range gnumake.Words(d.e.Value("subdir-")) {
		paths = append(paths, path.Clean(d.path(name)))
	}
	return paths
}

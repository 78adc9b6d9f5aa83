// SPDX-License-Identifier: Apache-2.0

package kbuild

import (
	"path"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"rules_modhash/tools/kernel/kbuild/gnumake"
)

// Bounds on the descent. Linux has about 3,500 directories, 10 deep.
const (
	maxDirectories = 20000
	maxDescent     = 64
)

// A walk descends through the directories of one tree, several at a time.
type walk struct {
	files *gnumake.Files
	// external is nil for the kernel itself.
	external *externalTree
	// slots bounds the directories that are evaluated at a time.
	slots   chan struct{}
	visited atomic.Int64
}

func newWalk(files *gnumake.Files, external *externalTree) *walk {
	return &walk{files: files, external: external, slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// A node is a directory with all below it.
type node struct {
	self        Directory
	order       []item
	children    []*node
	diagnostics []Diagnostic
}

// An item is a place in modules.order: a module, or what a child has.
type item struct {
	module Module
	child  *node
}

// top walks from the top of the tree.
func (w *walk) top(environment *gnumake.Scope, diagnostics []Diagnostic) *Result {
	if w.external != nil {
		w.external.readVariables(w.files, environment)
	}
	root := w.visit(visit{obj: ".", listed: true, environment: environment})
	r := &Result{Diagnostics: diagnostics}
	root.collect(r)
	r.Modules = root.modules(nil)
	r.Diagnostics = w.external.relative(append(r.Diagnostics, sameNames(r.Modules)...))
	if w.external != nil {
		r.Version, r.InKernel = w.external.version, w.external.inKernel
	}
	return r
}

// spell returns $(obj) of a directory.
func (w *walk) spell(obj string) string {
	switch {
	case w.external == nil || !w.external.inKernel:
		return obj
	case obj == ".":
		return w.external.top
	default:
		return w.external.top + "/" + obj
	}
}

// A visit is a directory to be evaluated.
type visit struct {
	obj         string
	listed      bool
	environment *gnumake.Scope
	// above holds the clean paths of the directories that lead here.
	above []string
	// from is the variable that names the directory.
	from gnumake.Position
}

func (w *walk) visit(v visit) *node {
	n := &node{self: Directory{Path: v.obj}}
	if problem := w.refuse(v); problem != "" {
		n.diagnostics = []Diagnostic{{Position: v.from, Message: problem}}
		return n
	}
	w.slots <- struct{}{}
	d := w.evaluate(v)
	if d.tree != nil {
		d.inheritFlags()
	}
	visits := w.fill(n, d, v)
	<-w.slots
	var wait sync.WaitGroup
	for i, child := range visits {
		wait.Go(func() { *n.children[i] = *w.visit(child) })
	}
	wait.Wait()
	return n
}

// refuse reports why a directory cannot be visited, "" if it can.
func (w *walk) refuse(v visit) string {
	switch {
	case slices.Contains(v.above, path.Clean(v.obj)):
		return v.obj + " leads back to itself: Kbuild would not end"
	case len(v.above) > maxDescent:
		return v.obj + " is nested too deeply, want at most 64 directories"
	case w.visited.Add(1) > maxDirectories:
		return v.obj + " is not read: more than 20000 directories"
	case !w.files.IsDir(w.spell(v.obj)):
		return "directory " + v.obj + " does not exist"
	}
	return ""
}

// fill copies the results of an evaluated directory, and returns the visits to the
// directories below. Of one with an error nothing is taken over: Kbuild stops there.
func (w *walk) fill(n *node, d *directory, v visit) []visit {
	order, others := d.entries()
	below := visit{
		environment: d.e.Environment(),
		above:       append(slices.Clip(v.above), path.Clean(v.obj)),
		from:        d.e.Position("obj-y"),
	}
	var visits []visit
	child := func(sub string, listed bool) *node {
		next := below
		next.obj, next.listed = d.path(sub), listed
		visits = append(visits, next)
		n.children = append(n.children, &node{})
		return n.children[len(n.children)-1]
	}
	for _, e := range order {
		if e.subdirectory == "" {
			n.order = append(n.order, item{module: d.describe(e.object)})
		} else if c := child(e.subdirectory, v.listed); v.listed {
			n.order = append(n.order, item{child: c})
		}
	}
	for _, sub := range others {
		child(sub, false)
	}
	n.self = d.describeSelf(n.own())
	if err := d.e.Err(); err != nil {
		d.reportError(err)
		n.order, n.children, visits = nil, nil, nil
	}
	n.diagnostics = d.e.Diagnostics()
	return visits
}

// own returns the modules that the directory itself lists.
func (n *node) own() []Module {
	var modules []Module
	for _, i := range n.order {
		if i.child == nil {
			modules = append(modules, i.module)
		}
	}
	return modules
}

// collect appends directories and diagnostics, parents first.
func (n *node) collect(r *Result) {
	if n.self.Makefile != "" {
		r.Directories = append(r.Directories, n.self)
	}
	r.Diagnostics = append(r.Diagnostics, n.diagnostics...)
	for _, c := range n.children {
		c.collect(r)
	}
}

// modules appends the modules in the order of modules.order.
func (n *node) modules(to []Module) []Module {
	for _, i := range n.order {
		if i.child != nil {
			to = i.child.modules(to)
		} else {
			to = append(to, i.module)
		}
	}
	return to
}

// sameNames reports modules of one name, which scripts/modules-check.sh rejects.
func sameNames(modules []Module) []Diagnostic {
	var found []Diagnostic
	first := make(map[string]string, len(modules))
	for _, m := range modules {
		if other, ok := first[m.Name()]; ok {
			found = append(found, Diagnostic{
				Position: gnumake.Position{File: m.Object},
				Message:  "module name " + m.Name() + " is used by " + other + " too: Kbuild rejects that",
			})
			continue
		}
		first[m.Name()] = m.Object
	}
	return found
}

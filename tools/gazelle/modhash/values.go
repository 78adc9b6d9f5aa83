// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"slices"

	"github.com/bazelbuild/bazel-gazelle/rule"
	"github.com/bazelbuild/buildtools/build"
)

// ordered is a list of strings whose order means something: that of modules.order.
type ordered []string

var _ rule.Merger = ordered(nil)

// BzlExpr implements [rule.BzlExprValue].
func (o ordered) BzlExpr() build.Expr {
	list := &build.ListExpr{ForceMultiLine: true}
	for _, s := range o {
		list.List = append(list.List, &build.StringExpr{Value: s})
	}
	return list
}

// Merge implements [rule.Merger]: elements and their order are those of o, comments those
// of other. What other keeps stays after the element that it follows there.
func (o ordered) Merge(other build.Expr) build.Expr {
	list, ok := other.(*build.ListExpr)
	if !ok {
		return o.BzlExpr()
	}
	wanted := make(map[string]bool, len(o))
	for _, s := range o {
		wanted[s] = true
	}
	old := make(map[string]build.Expr)
	kept := make(map[string][]build.Expr)
	previous := ""
	for _, e := range list.List {
		s, _ := e.(*build.StringExpr)
		switch {
		case s != nil && wanted[s.Value]:
			old[s.Value], previous = e, s.Value
		case rule.ShouldKeep(e):
			kept[previous] = append(kept[previous], e)
		}
	}
	merged := *list
	merged.ForceMultiLine = true
	merged.List = slices.Clone(kept[""])
	for _, s := range o {
		e, ok := old[s]
		if !ok {
			e = &build.StringExpr{Value: s}
		}
		merged.List = append(append(merged.List, e), kept[s]...)
	}
	return &merged
}

// patterns is a glob that replaces what was there.
type patterns []string

var _ rule.Merger = patterns(nil)

// BzlExpr implements [rule.BzlExprValue].
func (p patterns) BzlExpr() build.Expr {
	return rule.GlobValue{Patterns: p}.BzlExpr()
}

// Merge implements [rule.Merger].
func (p patterns) Merge(other build.Expr) build.Expr {
	if glob, ok := rule.ParseGlobExpr(other); ok && len(glob.Excludes) == 0 && slices.Equal(glob.Patterns, p) {
		return other
	}
	return p.BzlExpr()
}

// union returns a's strings, then those of b that a has not.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// without returns those of a's strings that b has not.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

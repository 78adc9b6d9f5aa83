// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bmatcuk/doublestar/v4"
)

// Class states what became of an entry: a file, a link, a member of an archive, a section of an EFI program.
type Class string

// The classes of entries. The zero Class is NotExamined: what nobody decided on was not examined.
const (
	// NotExamined entries could hold a module or a kernel and were not looked into.
	NotExamined Class = ""
	// ClassModule entries are kernel modules.
	ClassModule Class = "module"
	// ClassKernel entries are kernels.
	ClassKernel Class = "kernel"
	// ClassContainer entries hold other entries, which are accounted for by themselves.
	ClassContainer Class = "container"
	// ClassLink entries are links and further names of entries that are accounted for at another path.
	ClassLink Class = "link"
	// ClassOther entries are neither of these by their contents, or are not what anything loads modules or kernels from.
	ClassOther Class = "other"
	// ClassIgnored entries match a pattern of the user.
	ClassIgnored Class = "ignored"
)

// verdict is what became of one entry. The zero verdict is NotExamined.
type verdict struct {
	Class
	// reason states why an entry was not examined, in words that follow its path.
	reason string
}

func of(c Class) verdict                    { return verdict{Class: c} }
func notExamined(reason string) verdict     { return verdict{NotExamined, reason} }
func notExaminedError(err error) verdict    { return notExamined(err.Error()) }
func (v verdict) is(c Class) bool           { return v.Class == c }
func joined(outer, inner string) string     { return outer + "!/" + inner }
func orUnexplained(v verdict) (text string) { return cmp.Or(v.reason, "was not examined") }

// account is what became of all entries.
type account struct {
	patterns []string
	counts   map[Class]int
	open     []Problem
	ignored  []Problem
}

// checkPatterns returns an error for a pattern that cannot match anything.
func checkPatterns(patterns []string) error {
	for _, p := range patterns {
		if !doublestar.ValidatePattern(p) {
			return fmt.Errorf("the pattern %s is malformed", p)
		}
	}
	return nil
}

// entry accounts for one entry: it is ignored, or it is what examine finds out. Every reader of directories and
// archives hands each of its entries to this function, the only one that counts.
func (a *account) entry(path string, examine func() verdict) verdict {
	v := verdict{}
	if pattern, ok := a.ignores(path); ok {
		v = of(ClassIgnored)
		a.ignored = append(a.ignored, Problem{path, pattern})
	} else if v = examine(); v.is(NotExamined) {
		a.open = append(a.open, Problem{path, orUnexplained(v)})
	}
	a.counts[v.Class]++
	return v
}

func (a *account) ignores(path string) (pattern string, ok bool) {
	i := slices.IndexFunc(a.patterns, func(p string) bool {
		match, err := doublestar.Match(p, path)
		return err == nil && match
	})
	if i < 0 {
		return "", false
	}
	return a.patterns[i], true
}

// settle returns problems in order of paths.
func settle(problems []Problem) []Problem {
	sorted := append([]Problem{}, problems...)
	slices.SortStableFunc(sorted, func(p, q Problem) int { return cmp.Compare(p.Path, q.Path) })
	return sorted
}

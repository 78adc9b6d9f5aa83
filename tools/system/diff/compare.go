// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"rules_modhash/tools/merkle/tree"
	"rules_modhash/tools/system/diff/elfdiff"
)

// Result is what differs between A and B. It is its own JSON form.
type Result struct {
	// MachinesDiffer reports modules that are built for more than one architecture, on one side or on both: the other
	// differences follow from that.
	MachinesDiffer bool `json:"machines_differ"`
	// Same reports that both have the same root: the same modules, byte for byte, in the same order.
	Same bool    `json:"same"`
	A    Summary `json:"a"`
	B    Summary `json:"b"`
	// Added are modules of B alone, Removed those of A alone, in the order of their trees.
	Added   []Entry `json:"added"`
	Removed []Entry `json:"removed"`
	// Moved are modules at another install path, and those that come in another order among the modules that both
	// have. They may be among Changed too.
	Moved []Move `json:"moved"`
	// Changed are modules with other bytes, in the order of A.
	Changed []ChangedModule `json:"changed"`
	// NotExamined is what may hold modules and was not examined, A's ahead of B's.
	NotExamined []Unexamined `json:"not_examined"`
}

// Entry is a module that one side has.
type Entry struct {
	InstallPath string `json:"install_path"`
	Position    uint32 `json:"position"`
	SHA256      string `json:"sha256"`
	Size        int64  `json:"size"`
}

// Move is a module that both sides have, at different places.
type Move struct {
	A Place `json:"a"`
	B Place `json:"b"`
}

// Place is where a module stands in a tree.
type Place struct {
	InstallPath string `json:"install_path"`
	Position    uint32 `json:"position"`
}

// ChangedModule is a module that both sides have, with other bytes.
type ChangedModule struct {
	A Entry `json:"a"`
	B Entry `json:"b"`
	// Note states why there is no Diff: a side is a tree, which holds no bytes, or is not a sound ELF file.
	Note string `json:"note,omitempty"`
	*elfdiff.Diff
}

// Progress receives what is done. Both functions may be nil; the second may be called by several goroutines.
type Progress struct {
	// Begin is called ahead of each phase with the number of modules in it.
	Begin func(verb string, modules int)
	// Step is called after each module.
	Step func()
}

func (p Progress) begin(verb string, modules int) {
	if p.Begin != nil {
		p.Begin(verb, modules)
	}
}

func (p Progress) step() {
	if p.Step != nil {
		p.Step()
	}
}

// Compare compares two inputs.
func Compare(ctx context.Context, a, b *Input, progress Progress) (*Result, error) {
	progress.begin("hashing", a.Len()+b.Len())
	treeA, err := a.hash(ctx, b, progress.step)
	if err != nil {
		return nil, err
	}
	treeB, err := b.hash(ctx, a, progress.step)
	if err != nil {
		return nil, err
	}
	r := &Result{
		Same: treeA.Root() == treeB.Root(), A: a.summary(treeA.Root()), B: b.summary(treeB.Root()),
		Added: []Entry{}, Removed: []Entry{}, Moved: []Move{}, Changed: []ChangedModule{},
	}
	r.MachinesDiffer = differ(slices.Concat(a.machines, b.machines))
	r.NotExamined = append(append([]Unexamined{}, a.NotExamined...), b.NotExamined...)
	pairs := r.match(treeA, treeB)
	r.moved(pairs)
	changed := changedPairs(pairs)
	progress.begin("comparing", len(changed))
	r.Changed, err = examine(ctx, a, b, changed, progress.step)
	return r, err
}

// pair is a module that both sides have.
type pair struct{ a, b tree.Leaf }

// match pairs the modules of both sides: those with one install path first, then what is left by the bytes, then
// by the module's name, which is unique in a kernel. What is left after that was added or removed.
func (r *Result) match(a, b *tree.Tree) []pair {
	var pairs []pair
	var restA, restB []tree.Leaf
	for _, l := range a.Leaves {
		if other, ok := b.Find(l.InstallPath); ok {
			pairs = append(pairs, pair{l, other})
		} else {
			restA = append(restA, l)
		}
	}
	for _, l := range b.Leaves {
		if _, ok := a.Find(l.InstallPath); !ok {
			restB = append(restB, l)
		}
	}
	for _, key := range []func(tree.Leaf) string{contentsOf, nameOf} {
		var found []pair
		found, restA, restB = matchBy(key, restA, restB)
		pairs = append(pairs, found...)
	}
	for _, l := range restA {
		r.Removed = append(r.Removed, entryOf(l))
	}
	for _, l := range restB {
		r.Added = append(r.Added, entryOf(l))
	}
	slices.SortFunc(pairs, func(p, q pair) int { return cmp.Compare(p.a.Position, q.a.Position) })
	return pairs
}

func contentsOf(l tree.Leaf) string { return l.SHA256.String() }

// nameOf is the name that the kernel gives to a module: it takes - for _.
func nameOf(l tree.Leaf) string { return strings.ReplaceAll(path.Base(l.InstallPath), "-", "_") }

// matchBy pairs leaves with one key. A key that several leaves of one side have pairs none.
func matchBy(key func(tree.Leaf) string, a, b []tree.Leaf) (found []pair, restA, restB []tree.Leaf) {
	countA, inB := map[string]int{}, map[string][]tree.Leaf{}
	for _, l := range a {
		countA[key(l)]++
	}
	for _, l := range b {
		inB[key(l)] = append(inB[key(l)], l)
	}
	unique := func(l tree.Leaf) bool { return countA[key(l)] == 1 && len(inB[key(l)]) == 1 }
	for _, l := range a {
		if unique(l) {
			found = append(found, pair{l, inB[key(l)][0]})
		} else {
			restA = append(restA, l)
		}
	}
	for _, l := range b {
		if !unique(l) {
			restB = append(restB, l)
		}
	}
	return found, restA, restB
}

func entryOf(l tree.Leaf) Entry {
	return Entry{l.InstallPath, l.Position, l.SHA256.String(), l.Size}
}

func placeOf(l tree.Leaf) Place { return Place{l.InstallPath, l.Position} }

// moved enters pairs whose path differs, and of those with one path as few as possible whose removal leaves the
// others in one order. That positions shift when modules are added or removed is not a move.
func (r *Result) moved(pairs []pair) {
	var staying []pair
	for _, p := range pairs {
		if p.a.InstallPath == p.b.InstallPath {
			staying = append(staying, p)
		}
	}
	inOrder := longestRising(staying)
	for _, p := range pairs {
		if p.a.InstallPath != p.b.InstallPath || !inOrder[p.a.Position] {
			r.Moved = append(r.Moved, Move{placeOf(p.a), placeOf(p.b)})
		}
	}
}

// longestRising returns the positions in A of a longest run of pairs, sorted by position in A, whose positions in
// B rise as well (patience sorting).
func longestRising(pairs []pair) map[uint32]bool {
	// ends[n] is the pair with the least position in B that ends a run of n+1 pairs.
	var ends []int
	before := make([]int, len(pairs))
	for i, p := range pairs {
		n, _ := slices.BinarySearchFunc(ends, p.b.Position, func(end int, position uint32) int {
			return cmp.Compare(pairs[end].b.Position, position)
		})
		before[i] = -1
		if n > 0 {
			before[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	run := make(map[uint32]bool, len(ends))
	if len(ends) == 0 {
		return run
	}
	for i := ends[len(ends)-1]; i >= 0; i = before[i] {
		run[pairs[i].a.Position] = true
	}
	return run
}

func changedPairs(pairs []pair) []pair {
	return slices.DeleteFunc(slices.Clone(pairs), func(p pair) bool { return p.a.SHA256 == p.b.SHA256 })
}

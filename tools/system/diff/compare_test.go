// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/tree"
)

// tree returns a tree of modules in the order given: install paths and, as hash, a byte.
func treeOf(t testing.TB, modules ...any) *tree.Tree {
	t.Helper()
	var leaves []tree.Leaf
	for i := 0; i < len(modules); i += 2 {
		leaves = append(leaves, tree.Leaf{
			InstallPath: modules[i].(string), Position: uint32(i / 2), SHA256: merkle.Hash{byte(modules[i+1].(int))}, Size: 1,
		})
	}
	made, err := tree.New(leaves)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// paths compares two trees and returns what was added, removed, moved and changed.
func paths(a, b *tree.Tree) string {
	r := &Result{}
	pairs := r.match(a, b)
	r.moved(pairs)
	var added, removed, moved, changed []string
	for _, e := range r.Added {
		added = append(added, e.InstallPath)
	}
	for _, e := range r.Removed {
		removed = append(removed, e.InstallPath)
	}
	for _, m := range r.Moved {
		moved = append(moved, fmt.Sprintf("%s:%d-%s:%d", m.A.InstallPath, m.A.Position, m.B.InstallPath, m.B.Position))
	}
	for _, p := range changedPairs(pairs) {
		changed = append(changed, p.a.InstallPath)
	}
	return fmt.Sprintf("added %s removed %s moved %s changed %s", added, removed, moved, changed)
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b *tree.Tree
		want string
	}{
		{"same", treeOf(t, "a.ko", 1, "b.ko", 2), treeOf(t, "a.ko", 1, "b.ko", 2), "added [] removed [] moved [] changed []"},
		{"empty", treeOf(t), treeOf(t, "a.ko", 1), "added [a.ko] removed [] moved [] changed []"},
		{"changed", treeOf(t, "a.ko", 1), treeOf(t, "a.ko", 2), "added [] removed [] moved [] changed [a.ko]"},
		{"added first shifts, moves nothing", treeOf(t, "b.ko", 1, "c.ko", 2), treeOf(t, "a.ko", 3, "b.ko", 1, "c.ko", 2),
			"added [a.ko] removed [] moved [] changed []"},
		{"renamed", treeOf(t, "x/a.ko", 1), treeOf(t, "y/b.ko", 1), "added [] removed [] moved [x/a.ko:0-y/b.ko:0] changed []"},
		{"moved and changed", treeOf(t, "x/my-mod.ko", 1), treeOf(t, "y/my_mod.ko", 2),
			"added [] removed [] moved [x/my-mod.ko:0-y/my_mod.ko:0] changed [x/my-mod.ko]"},
		{"bytes that are there twice", treeOf(t, "x/a.ko", 1, "x/b.ko", 1), treeOf(t, "y/c.ko", 1, "y/d.ko", 1),
			"added [y/c.ko y/d.ko] removed [x/a.ko x/b.ko] moved [] changed []"},
		{"last first", treeOf(t, "a.ko", 1, "b.ko", 2, "c.ko", 3), treeOf(t, "c.ko", 3, "a.ko", 1, "b.ko", 2),
			"added [] removed [] moved [c.ko:2-c.ko:0] changed []"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := paths(c.a, c.b); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestLongestRising compares with the plain quadratic way on random orders.
func TestLongestRising(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		order := random.Perm(random.IntN(20))
		pairs := make([]pair, len(order))
		for i, position := range order {
			pairs[i] = pair{tree.Leaf{Position: uint32(i)}, tree.Leaf{Position: uint32(position)}}
		}
		run := longestRising(pairs)
		last := -1
		for i, position := range order {
			if !run[uint32(i)] {
				continue
			}
			if position < last {
				t.Fatalf("%v: %v does not rise", order, run)
			}
			last = position
		}
		if want := longestLength(order); len(run) != want {
			t.Fatalf("%v: run of %d, want %d", order, len(run), want)
		}
	}
}

func longestLength(order []int) int {
	lengths, longest := make([]int, len(order)), 0
	for i := range order {
		lengths[i] = 1
		for j := range i {
			if order[j] < order[i] {
				lengths[i] = max(lengths[i], lengths[j]+1)
			}
		}
		longest = max(longest, lengths[i])
	}
	return longest
}

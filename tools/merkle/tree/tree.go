// SPDX-License-Identifier: Apache-2.0

// Package tree reads and writes the files that modhash commands hand to each
// other: leaves, trees and proofs, encoded as the messages of proto/modhash.proto.
//
// What is read is not trusted: lengths, positions, paths and above all the root
// are checked, and every error states what was found and what was wanted.
package tree

import (
	"cmp"
	"fmt"
	"slices"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
)

// FormatVersion is the version of ModuleTree that is written and read.
const FormatVersion = 1

// Leaf is one module in a tree.
type Leaf struct {
	// InstallPath is the path relative to lib/modules/RELEASE, without
	// compression suffix.
	InstallPath string
	// Label is the build label for messages, "" in a tree.
	Label string
	// Position among the leaves, from 0.
	Position uint32
	// Hash is the leaf hash, SHA256 the plain hash of the module.
	Hash, SHA256 merkle.Hash
	// Size of the module in bytes.
	Size int64
	// Target of the module, zero if not known or in a tree.
	Target arch.Target
}

// String names the leaf in messages: "LABEL (INSTALL PATH)", or the path.
func (l Leaf) String() string {
	if l.Label == "" {
		return l.InstallPath
	}
	return l.Label + " (" + l.InstallPath + ")"
}

// Sort orders leaves by position.
func Sort(leaves []Leaf) {
	slices.SortStableFunc(leaves, func(a, b Leaf) int { return cmp.Compare(a.Position, b.Position) })
}

// Tree is a hash tree together with the modules it was made of.
type Tree struct {
	// Leaves in tree order: leaf i has position i.
	Leaves []Leaf
	*merkle.Tree
	index map[string]int
}

// New returns the tree over leaves, given in any order. Their positions must be
// 0 to n-1 and their install paths unique.
func New(leaves []Leaf) (*Tree, error) {
	leaves = slices.Clone(leaves)
	Sort(leaves)
	t := &Tree{Leaves: leaves, index: make(map[string]int, len(leaves))}
	hashes := make([]merkle.Hash, len(leaves))
	for i, l := range leaves {
		if err := t.add(i, l); err != nil {
			return nil, err
		}
		hashes[i] = l.Hash
	}
	var err error
	t.Tree, err = merkle.New(hashes)
	return t, err
}

// add enters leaf i of the sorted leaves into the index.
func (t *Tree) add(i int, l Leaf) error {
	if i > 0 && t.Leaves[i-1].Position == l.Position {
		return fmt.Errorf("%s and %s have the same position %d", t.Leaves[i-1], l, l.Position)
	}
	if uint64(l.Position) != uint64(i) {
		return fmt.Errorf("no module has position %d, the next one is %s with position %d", i, l, l.Position)
	}
	if other, ok := t.index[l.InstallPath]; ok {
		return fmt.Errorf("%s (position %d) and %s (position %d) have the same install path %q",
			t.Leaves[other], other, l, i, l.InstallPath)
	}
	t.index[l.InstallPath] = i
	return nil
}

// Find returns the leaf with that install path.
func (t *Tree) Find(installPath string) (Leaf, bool) {
	i, ok := t.index[installPath]
	if !ok {
		return Leaf{}, false
	}
	return t.Leaves[i], true
}

// Proof is a proof that names the module it is for.
type Proof struct {
	// InstallPath and Leaf are those of the module.
	InstallPath string
	Leaf        merkle.Hash
	merkle.Proof
	// Root is that of the tree.
	Root merkle.Root
}

// ProofOf returns the proof for the leaf at position, which must exist.
func (t *Tree) ProofOf(position uint32) (Proof, error) {
	p, err := t.Proof(position)
	if err != nil {
		return Proof{}, err
	}
	l := t.Leaves[position]
	return Proof{InstallPath: l.InstallPath, Leaf: l.Hash, Proof: p, Root: t.Root()}, nil
}

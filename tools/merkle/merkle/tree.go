// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"fmt"
	"math/bits"
)

// MaxLevels is the highest number of levels a tree can have: positions have 32
// bits.
const MaxLevels = 32

// MaxLeaves is the highest number of leaves a tree can have.
const MaxLeaves = 1 << MaxLevels

// Root is what vmlinux carries about a tree.
type Root struct {
	// Levels is the number of hash steps from leaf to root: ceil(log2(leaves)),
	// 1 for one leaf (hashed with itself), 0 for none.
	Levels uint32
	// Hash is the root hash, all zero for a tree without leaves.
	Hash Hash
}

// String returns "LEVELS HEX", the form that `modhash root` prints.
func (r Root) String() string {
	return fmt.Sprintf("%d %s", r.Levels, r.Hash)
}

// Check returns an error if no tree can have this root.
func (r Root) Check() error {
	switch {
	case r.Levels > MaxLevels:
		return fmt.Errorf("root has %d levels, a tree has at most %d", r.Levels, MaxLevels)
	case r.Levels == 0 && r.Hash != Hash{}:
		return fmt.Errorf("root %s has 0 levels: only the all-zero root of a tree without modules has",
			r.Hash)
	}
	return nil
}

// LevelsFor returns the number of levels of a tree with that many leaves, at
// most MaxLeaves.
func LevelsFor(leaves uint64) uint32 {
	if leaves <= 1 {
		return uint32(leaves)
	}
	return uint32(bits.Len64(leaves - 1))
}

// Tree is a hash tree with all its inner nodes.
type Tree struct {
	// levels[0] holds the leaves, the last one the root alone. Empty for a tree
	// without leaves.
	levels [][]Hash
}

// New returns the tree over leaves, position 0 first. The tree keeps the slice:
// the caller must not change it. Inner nodes take about as much memory again.
func New(leaves []Hash) (*Tree, error) {
	if uint64(len(leaves)) > MaxLeaves {
		return nil, fmt.Errorf("tree has %d leaves, want at most %d", len(leaves), uint64(MaxLeaves))
	}
	if len(leaves) == 0 {
		return &Tree{}, nil
	}
	levels := [][]Hash{leaves}
	for range LevelsFor(uint64(len(leaves))) {
		levels = append(levels, parents(levels[len(levels)-1]))
	}
	return &Tree{levels: levels}, nil
}

// parents returns the level above nodes; the last of an odd count is paired with
// itself.
func parents(nodes []Hash) []Hash {
	up := make([]Hash, (len(nodes)+1)/2)
	for i := range up {
		left, right := nodes[2*i], nodes[min(2*i+1, len(nodes)-1)]
		up[i] = NodeHash(left, right)
	}
	return up
}

// Len returns the number of leaves.
func (t *Tree) Len() int {
	if len(t.levels) == 0 {
		return 0
	}
	return len(t.levels[0])
}

// Leaf returns the leaf hash at position, which must be less than Len.
func (t *Tree) Leaf(position uint32) Hash {
	return t.levels[0][position]
}

// Root returns levels and root hash; the zero Root for a tree without leaves.
func (t *Tree) Root() Root {
	if len(t.levels) == 0 {
		return Root{}
	}
	top := len(t.levels) - 1
	return Root{Levels: uint32(top), Hash: t.levels[top][0]}
}

// Proof returns the proof for the leaf at position. It fails if there is none.
func (t *Tree) Proof(position uint32) (Proof, error) {
	if uint64(position) >= uint64(t.Len()) {
		return Proof{}, fmt.Errorf("tree has no position %d: it has %d leaves", position, t.Len())
	}
	siblings := make([]Hash, len(t.levels)-1)
	for k := range siblings {
		nodes := t.levels[k]
		sibling := int(position>>k) ^ 1
		siblings[k] = nodes[min(sibling, len(nodes)-1)]
	}
	return Proof{Position: position, Siblings: siblings}, nil
}

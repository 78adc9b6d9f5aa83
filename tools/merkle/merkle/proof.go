// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"errors"
	"fmt"
)

// Proof holds the hashes next to the path from one leaf to the root.
type Proof struct {
	// Position of the leaf. Bit k states on which side of its parent the path
	// runs at level k: 0 is left, 1 is right.
	Position uint32
	// Siblings, leaf level first, one a level.
	Siblings []Hash
}

// LevelsError reports a proof that is too long or too short for a root. The
// kernel calls such a module unsupported (ENOPKG).
type LevelsError struct {
	// Got is the number of siblings in the proof, Want that of the root's levels.
	Got, Want uint32
}

// Error states how many levels there are and should be.
func (e *LevelsError) Error() string {
	return fmt.Sprintf("proof has %d levels, the root has %d", e.Got, e.Want)
}

// RootMismatchError reports a leaf and a proof that lead to another root. The
// kernel calls such a module not known (ENOKEY).
type RootMismatchError struct {
	// Got is the root hash that leaf and proof give, Want the expected one.
	Got, Want Hash
}

// Error names both roots.
func (e *RootMismatchError) Error() string {
	return fmt.Sprintf("module and proof give root %s, want %s", e.Got, e.Want)
}

// errEmptyTree reports a proof against the root of a tree without leaves.
var errEmptyTree = errors.New("root is that of a tree without modules: no module belongs to it")

// RootFrom returns the root that leaf and proof lead to. It fails if the
// position does not fit a tree of that many levels, or if there are no siblings:
// nothing is proven against an empty tree.
func (p Proof) RootFrom(leaf Hash) (Root, error) {
	levels := len(p.Siblings)
	if levels == 0 || levels > MaxLevels {
		return Root{}, fmt.Errorf("proof has %d siblings, want 1 to %d", levels, MaxLevels)
	}
	if uint64(p.Position)>>levels != 0 {
		return Root{}, fmt.Errorf("proof has position %d, which a tree of %d levels does not have",
			p.Position, levels)
	}
	h := leaf
	for k, sibling := range p.Siblings {
		if p.Position>>k&1 == 0 {
			h = NodeHash(h, sibling)
		} else {
			h = NodeHash(sibling, h)
		}
	}
	return Root{Levels: uint32(levels), Hash: h}, nil
}

// Verify checks that leaf and proof lead to root, as the kernel does. It returns
// a LevelsError, a RootMismatchError, or RootFrom's error.
func (p Proof) Verify(leaf Hash, root Root) error {
	if err := root.Check(); err != nil {
		return err
	}
	if root.Levels == 0 {
		return errEmptyTree
	}
	if got := uint32(len(p.Siblings)); got != root.Levels {
		return &LevelsError{Got: got, Want: root.Levels}
	}
	got, err := p.RootFrom(leaf)
	if err != nil {
		return err
	}
	if got != root {
		return &RootMismatchError{Got: got.Hash, Want: root.Hash}
	}
	return nil
}

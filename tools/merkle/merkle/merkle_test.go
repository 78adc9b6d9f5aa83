// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// testTree returns a tree over n modules "module 0", "module 1", ...
func testTree(t testing.TB, n int) *Tree {
	t.Helper()
	leaves := make([]Hash, n)
	for i := range leaves {
		leaves[i] = LeafHash(uint32(i), []byte(fmt.Sprint("module ", i)))
	}
	tree, err := New(leaves)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestLevelsFor(t *testing.T) {
	for _, c := range []struct {
		leaves uint64
		want   uint32
	}{
		{0, 0}, {1, 1}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {4096, 12}, {4097, 13}, {4216, 13}, {1 << 31, 31}, {MaxLeaves, 32},
	} {
		if got := LevelsFor(c.leaves); got != c.want {
			t.Errorf("LevelsFor(%d) is %d, want %d", c.leaves, got, c.want)
		}
	}
}

// TestEveryFlippedBit flips each bit of leaf, position, siblings and root of every
// proof of a small tree: none may verify.
func TestEveryFlippedBit(t *testing.T) {
	for n := 1; n <= 9; n++ {
		tree := testTree(t, n)
		for i := range uint32(n) {
			flipBits(t, tree, i)
		}
	}
}

func flipBits(t *testing.T, tree *Tree, i uint32) {
	t.Helper()
	leaf, root := tree.Leaf(i), tree.Root()
	p, err := tree.Proof(i)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(what string, b []byte) {
		for bit := range 8 * len(b) {
			b[bit/8] ^= 1 << (bit % 8)
			if p.Verify(leaf, root) == nil {
				t.Errorf("%d leaves, proof of %d: verifies with bit %d of %s flipped",
					tree.Len(), i, bit, what)
			}
			b[bit/8] ^= 1 << (bit % 8)
		}
	}
	flip("leaf", leaf[:])
	flip("root", root.Hash[:])
	for k := range p.Siblings {
		flip(fmt.Sprint("sibling ", k), p.Siblings[k][:])
	}
	for bit := range 32 {
		if otherPositionVerifies(p, leaf, root, 1<<bit) {
			t.Errorf("%d leaves, proof of %d: verifies with bit %d of the position flipped",
				tree.Len(), i, bit)
		}
	}
}

// otherPositionVerifies tries a changed position with the leaf hash as it was. A node
// paired with itself looks the same from both sides: there only the leaf hash, which binds
// the position, tells them apart, and nothing is tried.
func otherPositionVerifies(p Proof, leaf Hash, root Root, flip uint32) bool {
	self := leaf
	for k, s := range p.Siblings {
		if flip == 1<<k && s == self {
			return false
		}
		if p.Position>>k&1 == 0 {
			self = NodeHash(self, s)
		} else {
			self = NodeHash(s, self)
		}
	}
	p.Position ^= flip
	return p.Verify(leaf, root) == nil
}

func TestVerifyErrors(t *testing.T) {
	tree := testTree(t, 5)
	good, err := tree.Proof(4)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		proof Proof
		leaf  Hash
		root  Root
		want  string
	}{
		{"one level short", Proof{4, good.Siblings[:2]}, tree.Leaf(4), tree.Root(), "proof has 2 levels, the root has 3"},
		{"one level long", Proof{4, append(good.Siblings[:3:3], Hash{})}, tree.Leaf(4), tree.Root(), "proof has 4 levels, the root has 3"},
		{"no siblings", Proof{4, nil}, tree.Leaf(4), tree.Root(), "proof has 0 levels, the root has 3"},
		{"position out of range", Proof{8, good.Siblings}, tree.Leaf(4), tree.Root(),
			"proof has position 8, which a tree of 3 levels does not have"},
		{"other leaf", good, tree.Leaf(3), tree.Root(), "module and proof give root "},
		{"empty tree", good, tree.Leaf(4), Root{}, "root is that of a tree without modules: no module belongs to it"},
		{"empty tree, no siblings", Proof{}, tree.Leaf(4), Root{}, "root is that of a tree without modules: no module belongs to it"},
		{"root without levels", good, tree.Leaf(4), Root{0, Hash{1}}, "has 0 levels: only the all-zero root"},
		{"root with too many levels", good, tree.Leaf(4), Root{33, Hash{1}}, "root has 33 levels, a tree has at most 32"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.proof.Verify(c.leaf, c.root)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestVerifyErrorTypes(t *testing.T) {
	tree := testTree(t, 5)
	p, err := tree.Proof(2)
	if err != nil {
		t.Fatal(err)
	}
	var mismatch *RootMismatchError
	if err := p.Verify(Hash{}, tree.Root()); !errors.As(err, &mismatch) || mismatch.Want != tree.Root().Hash {
		t.Errorf("other leaf: error is %v, want a RootMismatchError that wants %s", err, tree.Root().Hash)
	}
	p.Siblings = p.Siblings[:1]
	var levels *LevelsError
	if err := p.Verify(tree.Leaf(2), tree.Root()); !errors.As(err, &levels) || *levels != (LevelsError{Got: 1, Want: 3}) {
		t.Errorf("short proof: error is %v, want a LevelsError with got 1, want 3", err)
	}
}

func TestProofOutOfRange(t *testing.T) {
	for n := range 3 {
		_, err := testTree(t, n).Proof(uint32(n))
		want := fmt.Sprintf("tree has no position %d: it has %d leaves", n, n)
		if err == nil || err.Error() != want {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

func TestRootFromLimits(t *testing.T) {
	for _, n := range []int{0, 33} {
		_, err := Proof{Siblings: make([]Hash, n)}.RootFrom(Hash{})
		want := fmt.Sprintf("proof has %d siblings, want 1 to 32", n)
		if err == nil || err.Error() != want {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
	if _, err := (Proof{Position: 1<<32 - 1, Siblings: make([]Hash, 32)}).RootFrom(Hash{}); err != nil {
		t.Errorf("32 siblings: %v", err)
	}
}

func TestHashFromBytes(t *testing.T) {
	if _, err := HashFromBytes(make([]byte, 31)); err == nil || err.Error() != "hash has 31 bytes, want 32" {
		t.Errorf("error is %v", err)
	}
	want := Hash{1, 2}
	if got, err := HashFromBytes(want[:]); err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
}

// BenchmarkMillionLeaves builds a tree of 1,000,000 leaves, all proofs included, and
// reports the memory that the tree holds (leaves and inner nodes).
func BenchmarkMillionLeaves(b *testing.B) {
	leaves := make([]Hash, 1_000_000)
	for i := range leaves {
		leaves[i] = LeafHash(uint32(i), nil)
	}
	for b.Loop() {
		before := heap()
		tree, err := New(leaves)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(heap()-before)/(1<<20)+float64(len(leaves)*HashSize)/(1<<20), "MiB/tree")
		for i := range leaves {
			if _, err := tree.Proof(uint32(i)); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestMillionLeaves proves first, last and a middle leaf of a large tree.
func TestMillionLeaves(t *testing.T) {
	const n = 1_000_000
	tree := testTree(t, n)
	if got := tree.Root().Levels; got != 20 {
		t.Errorf("%d levels, want 20", got)
	}
	for _, i := range []uint32{0, n / 3, n - 1} {
		p, err := tree.Proof(i)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Verify(tree.Leaf(i), tree.Root()); err != nil {
			t.Errorf("proof of %d: %v", i, err)
		}
	}
}

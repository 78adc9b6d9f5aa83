// SPDX-License-Identifier: Apache-2.0

package merkle

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"
)

// reference is the tree as its definition puts it, slow and recursive, without any
// of the code under test.
type reference [][]byte

func sum(parts ...[]byte) []byte {
	h := sha256.Sum256(bytes.Join(parts, nil))
	return h[:]
}

// leaf is SHA256(0x01 || be32(i) || module).
func (r reference) leaf(i int) []byte {
	return sum([]byte{1}, binary.BigEndian.AppendUint32(nil, uint32(i)), r[i])
}

// width is the number of nodes at a level: half of those below, rounded up; but the
// level above a lone leaf counts too.
func (r reference) width(level int) int {
	if level == 0 {
		return len(r)
	}
	return (r.width(level-1) + 1) / 2
}

// node is SHA256(0x02 || left || right), right being left where there is none.
func (r reference) node(level, i int) []byte {
	if level == 0 {
		return r.leaf(i)
	}
	left, right := 2*i, 2*i+1
	if right == r.width(level-1) {
		right = left
	}
	return sum([]byte{2}, r.node(level-1, left), r.node(level-1, right))
}

// levels is ceil(log2(n)), and 1 for one module.
func (r reference) levels() int {
	levels := 0
	for 1<<levels < len(r) {
		levels++
	}
	if len(r) == 1 {
		levels = 1
	}
	return levels
}

func (r reference) root() []byte {
	if len(r) == 0 {
		return make([]byte, 32)
	}
	return r.node(r.levels(), 0)
}

// sibling is what the proof of leaf i holds at a level.
func (r reference) sibling(level, i int) []byte {
	node := i / (1 << level)
	other := node + 1 - 2*(node%2)
	if other == r.width(level) {
		other = node
	}
	return r.node(level, other)
}

func compareWithReference(t *testing.T, r reference) {
	t.Helper()
	leaves := make([]Hash, len(r))
	for i := range r {
		leaves[i] = LeafHash(uint32(i), r[i])
	}
	tree, err := New(leaves)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%d %x", r.levels(), r.root())
	if got := tree.Root().String(); got != want {
		t.Fatalf("%d modules: root %s, want %s", len(r), got, want)
	}
	for i := range r {
		p, err := tree.Proof(uint32(i))
		if err != nil {
			t.Fatal(err)
		}
		for level, sibling := range p.Siblings {
			if want := r.sibling(level, i); !bytes.Equal(sibling[:], want) {
				t.Fatalf("%d modules: sibling of %d at level %d is %s, want %x",
					len(r), i, level, sibling, want)
			}
		}
		if err := p.Verify(leaves[i], tree.Root()); err != nil {
			t.Fatalf("%d modules: proof of %d: %v", len(r), i, err)
		}
	}
}

func TestAgainstReference(t *testing.T) {
	for n := range 40 {
		r := make(reference, n)
		for i := range r {
			r[i] = []byte(fmt.Sprint("module ", i))
		}
		compareWithReference(t, r)
	}
}

// FuzzAgainstReference cuts data into modules at each separator.
func FuzzAgainstReference(f *testing.F) {
	f.Add([]byte(""), byte(0))
	f.Add([]byte("one module"), byte(0))
	f.Add([]byte("a,b,c,d,e"), byte(','))
	f.Fuzz(func(t *testing.T, data []byte, separator byte) {
		if len(data) > 1<<10 {
			t.Skip("more than the slow tree can do in a moment")
		}
		var r reference
		if len(data) > 0 {
			r = bytes.Split(data, []byte{separator})
		}
		compareWithReference(t, r)
	})
}

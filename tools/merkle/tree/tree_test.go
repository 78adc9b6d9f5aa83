// SPDX-License-Identifier: Apache-2.0

package tree

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	modhashpb "rules_modhash/proto"
	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
)

var x86 = arch.Target{Class: elf.ELFCLASS64, Data: elf.ELFDATA2LSB, Machine: elf.EM_X86_64}

// testLeaves returns n leaves as modhash leaf makes them.
func testLeaves(n int) []Leaf {
	leaves := make([]Leaf, n)
	for i := range leaves {
		body := []byte(fmt.Sprint("module ", i))
		leaves[i] = Leaf{
			InstallPath: fmt.Sprintf("kernel/m%d.ko",
				i), Label: fmt.Sprintf("//:m%d", i), Position: uint32(i),
			Hash: merkle.LeafHash(uint32(i), body), SHA256: sha256.Sum256(body), Size: int64(len(body)), Target: x86,
		}
	}
	return leaves
}

func testTree(t testing.TB, n int) *Tree {
	t.Helper()
	tree, err := New(testLeaves(n))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func must(t testing.TB) func(b []byte, err error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func TestLeavesRoundTrip(t *testing.T) {
	for n := range 4 {
		want := testLeaves(n)
		if n > 1 {
			want[1].Target, want[1].Label = arch.Target{}, ""
		}
		got, err := DecodeLeaves(must(t)(EncodeLeaves(want)))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d leaves: got %v, %v, want %v", n, got, err, want)
		}
	}
}

// TestShardsInAnyOrder checks that a shard is written by ascending position.
func TestShardsInAnyOrder(t *testing.T) {
	leaves := testLeaves(3)
	want := must(t)(EncodeLeaves(leaves))
	leaves[0], leaves[2] = leaves[2], leaves[0]
	if got := must(t)(EncodeLeaves(leaves)); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestTreeRoundTrip(t *testing.T) {
	for n := range 6 {
		tree := testTree(t, n)
		data := must(t)(EncodeTree(tree))
		got, err := DecodeTree(data)
		if err != nil {
			t.Fatal(err)
		}
		if got.Root() != tree.Root() || got.Len() != n {
			t.Errorf("%d leaves: root is %s of %d, want %s", n, got.Root(), got.Len(), tree.Root())
		}
		if again := must(t)(EncodeTree(got)); !bytes.Equal(again, data) {
			t.Errorf("%d leaves: written again: %x, want %x", n, again, data)
		}
	}
}

// TestTreeIsFreeOfLabels checks that neither labels nor shards decide a tree's bytes.
func TestTreeIsFreeOfLabels(t *testing.T) {
	leaves := testLeaves(5)
	want := must(t)(EncodeTree(testTree(t, 5)))
	for i := range leaves {
		leaves[i].Label, leaves[i].Target = "", arch.Target{}
	}
	leaves[0], leaves[4] = leaves[4], leaves[0]
	tree, err := New(leaves)
	if err != nil {
		t.Fatal(err)
	}
	if got := must(t)(EncodeTree(tree)); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestProofRoundTrip(t *testing.T) {
	tree := testTree(t, 5)
	for i := range uint32(5) {
		want, err := tree.ProofOf(i)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeProof(must(t)(EncodeProof(want)))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("proof of %d: got %+v, %v, want %+v", i, got, err, want)
		}
	}
	if _, err := tree.ProofOf(5); err == nil || err.Error() != "tree has no position 5: it has 5 leaves" {
		t.Errorf("proof of 5: error is %v", err)
	}
}

func TestFind(t *testing.T) {
	tree := testTree(t, 3)
	if l, ok := tree.Find("kernel/m2.ko"); !ok || l.Position != 2 {
		t.Errorf("got %v, %v, want position 2", l, ok)
	}
	if _, ok := tree.Find("kernel/m3.ko"); ok {
		t.Error("found a module that is not there")
	}
}

func TestNewErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func([]Leaf)
		want string
	}{
		{"duplicate position", func(l []Leaf) { l[2].Position = 1 },
			"//:m1 (kernel/m1.ko) and //:m2 (kernel/m2.ko) have the same position 1"},
		{"gap", func(l []Leaf) { l[2].Position = 3 },
			"no module has position 2, the next one is //:m2 (kernel/m2.ko) with position 3"},
		{"no first", func(l []Leaf) { l[0].Position, l[0].Label = 7, "" },
			"no module has position 0, the next one is //:m1 (kernel/m1.ko) with position 1"},
		{"duplicate path", func(l []Leaf) { l[2].InstallPath = "kernel/m0.ko" },
			`//:m0 (kernel/m0.ko) (position 0) and //:m2 (kernel/m0.ko) (position 2) have the same install path "kernel/m0.ko"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			leaves := testLeaves(3)
			c.edit(leaves)
			if _, err := New(leaves); err == nil || err.Error() != c.want {
				t.Errorf("error is %v, want %q", err, c.want)
			}
		})
	}
}

// edited decodes data into m, lets edit change it, and encodes it again.
func edited[M proto.Message](t *testing.T, data []byte, m M, edit func(M)) []byte {
	t.Helper()
	if err := proto.Unmarshal(data, m); err != nil {
		t.Fatal(err)
	}
	edit(m)
	return must(t)(proto.Marshal(m))
}

// unknownField is field 99 with the value 1.
var unknownField = protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1)

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want one with %q", err, want)
	}
}

func TestDecodeTreeErrors(t *testing.T) {
	type message = modhashpb.ModuleTree
	for _, c := range []struct {
		name string
		edit func(*message)
		want string
	}{
		{"version", func(m *message) { m.FormatVersion = 2 }, "ModuleTree has format version 2, want 1"},
		{"no version", func(m *message) { m.FormatVersion = 0 }, "ModuleTree has format version 0, want 1"},
		{"algorithm", func(m *message) { m.HashAlgorithm = 7 }, "ModuleTree has hash algorithm 7, want HASH_ALGORITHM_SHA256"},
		{"no algorithm", func(m *message) { m.HashAlgorithm = 0 }, "hash algorithm HASH_ALGORITHM_UNSPECIFIED, want"},
		{"unknown field", func(m *message) { m.ProtoReflect().SetUnknown(unknownField) }, "ModuleTree has unknown fields"},
		{"unknown field of an entry", func(m *message) { m.Entries[1].ProtoReflect().SetUnknown(unknownField) },
			"ModuleTree: entry 1: kernel/m1.ko has unknown fields"},
		{"root", func(m *message) { m.Root[0] ^= 1 }, "its 3 leaves give 2 "},
		{"short root", func(m *message) { m.Root = m.Root[:31] }, "ModuleTree: root hash has 31 bytes, want 32"},
		{"levels", func(m *message) { m.Levels = 3 }, "ModuleTree states the root 3 "},
		{"leaf hash", func(m *message) { m.Entries[2].LeafHash[0] ^= 1 }, "ModuleTree states the root 2 "},
		{"short leaf hash", func(m *message) { m.Entries[2].LeafHash = nil }, "entry 2: kernel/m2.ko: leaf hash has 0 bytes, want 32"},
		{"long SHA-256", func(m *message) { m.Entries[0].Sha256 = make([]byte, 33) }, "entry 0: kernel/m0.ko: SHA-256 hash has 33 bytes, want 32"},
		{"size 0", func(m *message) { m.Entries[0].Size = 0 }, "entry 0: kernel/m0.ko has size 0, want 1 to 2147483647"},
		{"size too large", func(m *message) { m.Entries[0].Size = 1 << 31 }, "has size 2147483648, want 1 to 2147483647"},
		{"position", func(m *message) { m.Entries[1].Position = 2 }, "entry 1: kernel/m1.ko has position 2, want 1"},
		{"order", func(m *message) { m.Entries[0], m.Entries[1] = m.Entries[1], m.Entries[0] }, "entry 0: kernel/m1.ko has position 1, want 0"},
		{"missing entry", func(m *message) { m.Entries = m.Entries[:2] }, "its 2 leaves give 1 "},
		{"duplicate path", func(m *message) { m.Entries[1].InstallPath = "kernel/m0.ko" }, `have the same install path "kernel/m0.ko"`},
		{"path", func(m *message) { m.Entries[1].InstallPath = "../m.ko" }, `entry 1: install path "../m.ko" leads out of lib/modules/RELEASE`},
		{"no path", func(m *message) { m.Entries[1].InstallPath = "" }, `entry 1: install path "" is empty`},
		{"label", func(m *message) { m.Entries[1].Label = "//:m1" }, "has a label or a target, which trees leave out"},
		{"target", func(m *message) { m.Entries[1].Target = &modhashpb.ElfTarget{} }, "has a label or a target, which trees leave out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := edited(t, must(t)(EncodeTree(testTree(t, 3))), &message{}, c.edit)
			_, err := DecodeTree(data)
			wantError(t, err, c.want)
		})
	}
	_, err := DecodeTree([]byte{0x0a, 0xff})
	wantError(t, err, "decoding modhash.v1.ModuleTree: ")
}

func TestDecodeLeavesErrors(t *testing.T) {
	type message = modhashpb.ModuleLeaves
	for _, c := range []struct {
		name string
		edit func(*message)
		want string
	}{
		{"unknown field", func(m *message) { m.ProtoReflect().SetUnknown(unknownField) }, "ModuleLeaves has unknown fields"},
		{"unknown field of a target", func(m *message) { m.Leaves[0].Target.ProtoReflect().SetUnknown(unknownField) },
			"leaf 0 of ModuleLeaves: target of //:m0 (kernel/m0.ko) has unknown fields"},
		{"order", func(m *message) { m.Leaves[2].Position = 0 },
			"leaf 2 of ModuleLeaves: position 0 follows position 1, want ascending ones"},
		{"duplicate", func(m *message) { m.Leaves[2].Position = 1 }, "position 1 follows position 1, want ascending ones"},
		{"leaf", func(m *message) { m.Leaves[1].LeafHash = []byte{1} },
			"leaf 1 of ModuleLeaves: //:m1 (kernel/m1.ko): leaf hash has 1 bytes, want 32"},
		{"machine", func(m *message) { m.Leaves[1].Target.ElfMachine = 1 << 16 },
			"target of //:m1 (kernel/m1.ko) has class 2, data 1, machine 65536: no ELF header can"},
		{"class", func(m *message) { m.Leaves[1].Target.ElfClass = 256 }, "has class 256, data 1, machine 62"},
		{"byte order", func(m *message) { m.Leaves[1].Target.ElfData = 256 }, "has class 2, data 256, machine 62"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := edited(t, must(t)(EncodeLeaves(testLeaves(3))), &message{}, c.edit)
			_, err := DecodeLeaves(data)
			wantError(t, err, c.want)
		})
	}
	_, err := DecodeLeaves([]byte{0x0a, 0xff})
	wantError(t, err, "decoding modhash.v1.ModuleLeaves: ")
}

func TestDecodeProofErrors(t *testing.T) {
	type message = modhashpb.ModuleProof
	proof, err := testTree(t, 5).ProofOf(2)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		edit func(*message)
		want string
	}{
		{"unknown field", func(m *message) { m.ProtoReflect().SetUnknown(unknownField) }, "ModuleProof has unknown fields"},
		{"path", func(m *message) { m.InstallPath = "/m.ko" }, `ModuleProof: install path "/m.ko" is absolute`},
		{"leaf length", func(m *message) { m.LeafHash = nil }, "ModuleProof: leaf hash has 0 bytes, want 32"},
		{"root length", func(m *message) { m.Root = m.Root[1:] }, "ModuleProof: root hash has 31 bytes, want 32"},
		{"sibling length", func(m *message) { m.Siblings[1] = nil }, "ModuleProof: sibling of level 1: hash has 0 bytes, want 32"},
		{"leaf", func(m *message) { m.LeafHash[3] ^= 1 }, "ModuleProof of kernel/m2.ko: module and proof give root "},
		{"root", func(m *message) { m.Root[3] ^= 1 }, "ModuleProof of kernel/m2.ko: module and proof give root "},
		{"sibling", func(m *message) { m.Siblings[2][3] ^= 1 }, "ModuleProof of kernel/m2.ko: module and proof give root "},
		{"position", func(m *message) { m.Position = 3 }, "ModuleProof of kernel/m2.ko: module and proof give root "},
		{"large position", func(m *message) { m.Position = 8 }, "proof has position 8, which a tree of 3 levels does not have"},
		{"levels", func(m *message) { m.Levels = 2 }, "proof has 3 levels, the root has 2"},
		{"siblings", func(m *message) { m.Siblings = m.Siblings[:2] }, "proof has 2 levels, the root has 3"},
		{"empty", func(m *message) { m.Siblings, m.Levels, m.Root = nil, 0, make([]byte, 32) }, "root is that of a tree without modules"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodeProof(edited(t, must(t)(EncodeProof(proof)), &message{}, c.edit))
			wantError(t, err, c.want)
		})
	}
	_, err = DecodeProof([]byte{0xff})
	wantError(t, err, "decoding modhash.v1.ModuleProof: ")
}

// TestEveryFlippedBit flips each bit of a tree file: it may be read only if what decides
// about modules is unchanged, which leaves plain hashes, sizes and paths.
func TestEveryFlippedBit(t *testing.T) {
	tree := testTree(t, 3)
	data := must(t)(EncodeTree(tree))
	for bit := range 8 * len(data) {
		flipped := bytes.Clone(data)
		flipped[bit/8] ^= 1 << (bit % 8)
		got, err := DecodeTree(flipped)
		if err == nil && got.Root() != tree.Root() {
			t.Errorf("bit %d flipped: the root is %s, want %s or an error", bit, got.Root(), tree.Root())
		}
	}
}

// FuzzDecodeTree checks that a tree that was read can be written and read again.
func FuzzDecodeTree(f *testing.F) {
	for _, n := range []int{0, 1, 3} {
		f.Add(must(f)(EncodeTree(testTree(f, n))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := DecodeTree(data)
		if err != nil {
			return
		}
		again, err := DecodeTree(must(t)(EncodeTree(tree)))
		if err != nil || !reflect.DeepEqual(again.Leaves, tree.Leaves) || again.Root() != tree.Root() {
			t.Errorf("written and read again: %v, %v, want %v", again, err, tree)
		}
	})
}

// FuzzDecodeLeaves and FuzzDecodeProof hold the same for the other files.
func FuzzDecodeLeaves(f *testing.F) {
	f.Add(must(f)(EncodeLeaves(testLeaves(3))))
	f.Fuzz(func(t *testing.T, data []byte) {
		leaves, err := DecodeLeaves(data)
		if err != nil {
			return
		}
		again, err := DecodeLeaves(must(t)(EncodeLeaves(leaves)))
		if err != nil || !reflect.DeepEqual(again, leaves) {
			t.Errorf("written and read again: %v, %v, want %v", again, err, leaves)
		}
	})
}

func FuzzDecodeProof(f *testing.F) {
	p, err := testTree(f, 5).ProofOf(3)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(must(f)(EncodeProof(p)))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := DecodeProof(data)
		if err != nil {
			return
		}
		again, err := DecodeProof(must(t)(EncodeProof(p)))
		if err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("written and read again: %v, %v, want %v", again, err, p)
		}
	})
}

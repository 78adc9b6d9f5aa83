// SPDX-License-Identifier: Apache-2.0

// Package treefile reads and writes the files that modhash commands hand to each
// other: leaves, trees and proofs, encoded as the messages of proto/modhash.proto.
//
// What is read is not trusted: lengths, positions, paths and above all the root
// are checked, and every error says what was found and what was wanted.
package treefile

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	modhashpb "rules_modhash/proto"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/moduleset"
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
	Target module.Target
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

// EncodeLeaves returns a ModuleLeaves file with the leaves in the order of their
// positions.
func EncodeLeaves(leaves []Leaf) ([]byte, error) {
	leaves = slices.Clone(leaves)
	Sort(leaves)
	m := &modhashpb.ModuleLeaves{}
	for _, l := range leaves {
		entry := encodeLeaf(l)
		entry.Label = l.Label
		if l.Target != (module.Target{}) {
			entry.Target = &modhashpb.ElfTarget{
				ElfClass: uint32(l.Target.Class), ElfData: uint32(l.Target.Data), ElfMachine: uint32(l.Target.Machine),
			}
		}
		m.Leaves = append(m.Leaves, entry)
	}
	return marshal(m)
}

// EncodeTree returns a ModuleTree file.
func EncodeTree(t *Tree) ([]byte, error) {
	root := t.Root()
	m := &modhashpb.ModuleTree{
		FormatVersion: FormatVersion,
		HashAlgorithm: modhashpb.HashAlgorithm_HASH_ALGORITHM_SHA256,
		Levels:        root.Levels,
		Root:          root.Hash[:],
		Entries:       make([]*modhashpb.ModuleLeaf, 0, len(t.Leaves)),
	}
	for _, l := range t.Leaves {
		m.Entries = append(m.Entries, encodeLeaf(l))
	}
	return marshal(m)
}

// EncodeProof returns a ModuleProof file.
func EncodeProof(p Proof) ([]byte, error) {
	m := &modhashpb.ModuleProof{
		InstallPath: p.InstallPath, Position: p.Position, LeafHash: p.Leaf[:],
		Siblings: make([][]byte, len(p.Siblings)), Levels: p.Root.Levels, Root: p.Root.Hash[:],
	}
	for i := range p.Siblings {
		m.Siblings[i] = p.Siblings[i][:]
	}
	return marshal(m)
}

func encodeLeaf(l Leaf) *modhashpb.ModuleLeaf {
	return &modhashpb.ModuleLeaf{
		InstallPath: l.InstallPath, Position: l.Position, LeafHash: l.Hash[:], Sha256: l.SHA256[:], Size: uint64(l.Size),
	}
}

func marshal(m proto.Message) ([]byte, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	return b, nil
}

// unmarshal decodes data into m and refuses fields that m does not have.
func unmarshal(data []byte, m proto.Message) error {
	name := m.ProtoReflect().Descriptor().FullName()
	if err := proto.Unmarshal(data, m); err != nil {
		return fmt.Errorf("decoding %s: %w", name, err)
	}
	return nil
}

// errUnknownFields reports fields that this version does not know.
var errUnknownFields = errors.New("has unknown fields: is it another message, or of a newer version?")

func checkKnown(m proto.Message) error {
	if len(m.ProtoReflect().GetUnknown()) > 0 {
		return errUnknownFields
	}
	return nil
}

// DecodeLeaves reads a ModuleLeaves file: leaves of one shard by ascending
// position.
func DecodeLeaves(data []byte) ([]Leaf, error) {
	m := &modhashpb.ModuleLeaves{}
	if err := unmarshal(data, m); err != nil {
		return nil, err
	}
	if err := checkKnown(m); err != nil {
		return nil, fmt.Errorf("ModuleLeaves %w", err)
	}
	leaves := make([]Leaf, len(m.Leaves))
	for i, entry := range m.Leaves {
		l, err := decodeShardLeaf(entry)
		if err != nil {
			return nil, fmt.Errorf("leaf %d of ModuleLeaves: %w", i, err)
		}
		if i > 0 && leaves[i-1].Position >= l.Position {
			return nil, fmt.Errorf("leaf %d of ModuleLeaves: position %d follows position %d, want ascending ones",
				i, l.Position, leaves[i-1].Position)
		}
		leaves[i] = l
	}
	return leaves, nil
}

// decodeShardLeaf reads a leaf that may have a label and a target.
func decodeShardLeaf(m *modhashpb.ModuleLeaf) (Leaf, error) {
	l, err := decodeLeaf(m)
	if err != nil || m.Target == nil {
		return l, err
	}
	if err := checkKnown(m.Target); err != nil {
		return l, fmt.Errorf("target of %s %w", l, err)
	}
	if m.Target.ElfClass > math.MaxUint8 || m.Target.ElfData > math.MaxUint8 || m.Target.ElfMachine > math.MaxUint16 {
		return l, fmt.Errorf("target of %s has class %d, data %d, machine %d: no ELF header can",
			l, m.Target.ElfClass, m.Target.ElfData, m.Target.ElfMachine)
	}
	l.Target = module.Target{
		Class: elf.Class(m.Target.ElfClass), Data: elf.Data(m.Target.ElfData), Machine: elf.Machine(m.Target.ElfMachine),
	}
	return l, nil
}

// decodeLeaf reads the fields that every leaf has.
func decodeLeaf(m *modhashpb.ModuleLeaf) (Leaf, error) {
	l := Leaf{InstallPath: m.InstallPath, Label: m.Label, Position: m.Position}
	if err := checkKnown(m); err != nil {
		return l, fmt.Errorf("%s %w", l, err)
	}
	if err := moduleset.CheckInstallPath(m.InstallPath); err != nil {
		return l, err
	}
	if m.Size == 0 || m.Size > module.MaxSize {
		return l, fmt.Errorf("%s has size %d, want 1 to %d", l, m.Size, module.MaxSize)
	}
	l.Size = int64(m.Size)
	var err error
	if l.Hash, err = merkle.HashFromBytes(m.LeafHash); err != nil {
		return l, fmt.Errorf("%s: leaf %w", l, err)
	}
	if l.SHA256, err = merkle.HashFromBytes(m.Sha256); err != nil {
		return l, fmt.Errorf("%s: SHA-256 %w", l, err)
	}
	return l, nil
}

// DecodeTree reads a ModuleTree file and recomputes its root from its leaves.
func DecodeTree(data []byte) (*Tree, error) {
	m := &modhashpb.ModuleTree{}
	if err := unmarshal(data, m); err != nil {
		return nil, err
	}
	if m.FormatVersion != FormatVersion {
		return nil, fmt.Errorf("ModuleTree has format version %d, want %d", m.FormatVersion, FormatVersion)
	}
	if err := checkKnown(m); err != nil {
		return nil, fmt.Errorf("ModuleTree %w", err)
	}
	if m.HashAlgorithm != modhashpb.HashAlgorithm_HASH_ALGORITHM_SHA256 {
		return nil, fmt.Errorf("ModuleTree has hash algorithm %s, want HASH_ALGORITHM_SHA256", m.HashAlgorithm)
	}
	leaves, err := decodeEntries(m.Entries)
	if err != nil {
		return nil, fmt.Errorf("ModuleTree: %w", err)
	}
	t, err := New(leaves)
	if err != nil {
		return nil, fmt.Errorf("ModuleTree: %w", err)
	}
	return t, checkRoot(m, t.Root())
}

// decodeEntries reads the leaves of a tree, which stand in tree order.
func decodeEntries(entries []*modhashpb.ModuleLeaf) ([]Leaf, error) {
	leaves := make([]Leaf, len(entries))
	for i, entry := range entries {
		l, err := decodeLeaf(entry)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		if entry.Label != "" || entry.Target != nil {
			return nil, fmt.Errorf("entry %d: %s has a label or a target, which trees leave out", i, l)
		}
		if uint64(l.Position) != uint64(i) {
			return nil, fmt.Errorf("entry %d: %s has position %d, want %d", i, l, l.Position, i)
		}
		leaves[i] = l
	}
	return leaves, nil
}

// checkRoot compares the root that a file states with the one its leaves give.
func checkRoot(m *modhashpb.ModuleTree, want merkle.Root) error {
	stated, err := merkle.HashFromBytes(m.Root)
	if err != nil {
		return fmt.Errorf("ModuleTree: root %w", err)
	}
	if got := (merkle.Root{Levels: m.Levels, Hash: stated}); got != want {
		return fmt.Errorf("ModuleTree states the root %s, its %d leaves give %s", got, len(m.Entries), want)
	}
	return nil
}

// DecodeProof reads a ModuleProof file and checks that leaf and siblings lead to
// its root.
func DecodeProof(data []byte) (Proof, error) {
	m := &modhashpb.ModuleProof{}
	if err := unmarshal(data, m); err != nil {
		return Proof{}, err
	}
	if err := checkKnown(m); err != nil {
		return Proof{}, fmt.Errorf("ModuleProof %w", err)
	}
	p, err := decodeProof(m)
	if err != nil {
		return Proof{}, fmt.Errorf("ModuleProof: %w", err)
	}
	if err := p.Verify(p.Leaf, p.Root); err != nil {
		return Proof{}, fmt.Errorf("ModuleProof of %s: %w", p.InstallPath, err)
	}
	return p, nil
}

func decodeProof(m *modhashpb.ModuleProof) (Proof, error) {
	p := Proof{InstallPath: m.InstallPath, Root: merkle.Root{Levels: m.Levels}}
	if err := moduleset.CheckInstallPath(m.InstallPath); err != nil {
		return p, err
	}
	var err error
	if p.Leaf, err = merkle.HashFromBytes(m.LeafHash); err != nil {
		return p, fmt.Errorf("leaf %w", err)
	}
	if p.Root.Hash, err = merkle.HashFromBytes(m.Root); err != nil {
		return p, fmt.Errorf("root %w", err)
	}
	p.Position = m.Position
	for k, sibling := range m.Siblings {
		h, err := merkle.HashFromBytes(sibling)
		if err != nil {
			return p, fmt.Errorf("sibling of level %d: %w", k, err)
		}
		p.Siblings = append(p.Siblings, h)
	}
	return p, nil
}

// SPDX-License-Identifier: Apache-2.0

package tree

import (
	"debug/elf"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	modhashpb "rules_modhash/proto"
	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/modules"
)

// unmarshal decodes data into m and rejects fields that m does not have.
func unmarshal(data []byte, m proto.Message) error {
	name := m.ProtoReflect().Descriptor().FullName()
	if err := proto.Unmarshal(data, m); err != nil {
		return fmt.Errorf("decoding %s: %w", name, err)
	}
	return nil
}

// errUnknownFields reports fields that this version does not know.
var errUnknownFields = errors.New("has unknown fields: is it another message, or from a newer version?")

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
	e := m.Target
	if e.ElfClass > math.MaxUint8 || e.ElfData > math.MaxUint8 || e.ElfMachine > math.MaxUint16 {
		return l, fmt.Errorf("target of %s has class %d, data %d, machine %d: no ELF header can",
			l, e.ElfClass, e.ElfData, e.ElfMachine)
	}
	l.Target = arch.Target{
		Class: elf.Class(e.ElfClass), Data: elf.Data(e.ElfData), Machine: elf.Machine(e.ElfMachine),
	}
	return l, nil
}

// decodeLeaf reads the fields that every leaf has.
func decodeLeaf(m *modhashpb.ModuleLeaf) (Leaf, error) {
	l := Leaf{InstallPath: m.InstallPath, Label: m.Label, Position: m.Position}
	if err := checkKnown(m); err != nil {
		return l, fmt.Errorf("%s %w", l, err)
	}
	if err := modules.CheckInstallPath(m.InstallPath); err != nil {
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
		return nil, fmt.Errorf("ModuleTree has hash algorithm %s, want HASH_ALGORITHM_SHA256",
			m.HashAlgorithm)
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
	if err := modules.CheckInstallPath(m.InstallPath); err != nil {
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

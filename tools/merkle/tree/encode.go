// SPDX-License-Identifier: Apache-2.0

package tree

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	modhashpb "rules_modhash/proto"
	"rules_modhash/tools/arch"
)

// EncodeLeaves returns a ModuleLeaves file with the leaves in the order of their
// positions.
func EncodeLeaves(leaves []Leaf) ([]byte, error) {
	leaves = slices.Clone(leaves)
	Sort(leaves)
	m := &modhashpb.ModuleLeaves{}
	for _, l := range leaves {
		entry := encodeLeaf(l)
		entry.Label = l.Label
		if l.Target != (arch.Target{}) {
			entry.Target = &modhashpb.ElfTarget{
				ElfClass: uint32(l.Target.Class), ElfData: uint32(l.Target.Data),
				ElfMachine: uint32(l.Target.Machine),
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
		InstallPath: l.InstallPath, Position: l.Position, LeafHash: l.Hash[:],
		Sha256: l.SHA256[:], Size: uint64(l.Size),
	}
}

func marshal(m proto.Message) ([]byte, error) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	return b, nil
}

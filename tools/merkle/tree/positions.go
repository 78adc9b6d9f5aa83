// SPDX-License-Identifier: Apache-2.0

package tree

import (
	"cmp"
	"fmt"
	"slices"

	modhashpb "rules_modhash/proto"
	"rules_modhash/tools/merkle/modules"
)

// EncodePositions returns a ModulePositions file, from install paths to positions.
func EncodePositions(positions map[string]uint32) ([]byte, error) {
	m := &modhashpb.ModulePositions{}
	for path, position := range positions {
		m.Positions = append(m.Positions, &modhashpb.ModulePosition{InstallPath: path, Position: position})
	}
	slices.SortFunc(m.Positions, func(a, b *modhashpb.ModulePosition) int {
		return cmp.Compare(a.Position, b.Position)
	})
	return marshal(m)
}

// DecodePositions reads a ModulePositions file: install paths to positions.
func DecodePositions(data []byte) (map[string]uint32, error) {
	m := &modhashpb.ModulePositions{}
	if err := unmarshal(data, m); err != nil {
		return nil, err
	}
	if err := checkKnown(m); err != nil {
		return nil, fmt.Errorf("ModulePositions %w", err)
	}
	positions := make(map[string]uint32, len(m.Positions))
	for i, entry := range m.Positions {
		if err := checkPosition(m.Positions, i, positions); err != nil {
			return nil, fmt.Errorf("position %d of ModulePositions: %w", i, err)
		}
		positions[entry.InstallPath] = entry.Position
	}
	return positions, nil
}

// checkPosition checks the i-th entry against those ahead of it, which are in seen.
func checkPosition(entries []*modhashpb.ModulePosition, i int, seen map[string]uint32) error {
	entry := entries[i]
	if err := checkKnown(entry); err != nil {
		return err
	}
	if err := modules.CheckInstallPath(entry.InstallPath); err != nil {
		return err
	}
	if _, ok := seen[entry.InstallPath]; ok {
		return fmt.Errorf("install path %q is listed already", entry.InstallPath)
	}
	if i > 0 && entries[i-1].Position >= entry.Position {
		return fmt.Errorf("%d follows %d, want ascending ones", entry.Position, entries[i-1].Position)
	}
	return nil
}

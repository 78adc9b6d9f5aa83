// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"fmt"
	"path"
	"slices"
)

// Rest is the shard of the directories that no other shard has.
const Rest = "."

// A Partition is the names of the shards. A shard is named by a directory, and has all directories below it that are not
// in a shard with a longer name.
type Partition struct {
	names map[string]bool
}

// NewPartition returns the partition with the given names. Names that are not clean relative paths, names that occur
// twice, and a missing Rest are errors.
func NewPartition(names []string) (Partition, error) {
	p := Partition{names: make(map[string]bool, len(names))}
	for _, name := range names {
		if path.Clean(name) != name || path.IsAbs(name) || name == ".." || len(name) > 2 && name[:3] == "../" {
			return Partition{}, fmt.Errorf("shard: got %q, want a clean path in the kernel's tree", name)
		}
		if p.names[name] {
			return Partition{}, fmt.Errorf("shard: got %q twice, want each shard once", name)
		}
		p.names[name] = true
	}
	if !p.names[Rest] {
		return Partition{}, fmt.Errorf("shard: got no %q, want a shard for the directories that no other one has", Rest)
	}
	return p, nil
}

// Names returns the names in bytewise order.
func (p Partition) Names() []string {
	names := make([]string, 0, len(p.names))
	for name := range p.names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Of returns the shard of a directory, or of a file by its path.
func (p Partition) Of(name string) string {
	for name = path.Clean(name); name != "."; name = path.Dir(name) {
		if p.names[name] {
			return name
		}
	}
	return Rest
}

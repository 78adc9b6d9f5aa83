// SPDX-License-Identifier: Apache-2.0

// Package object writes the object file that carries a tree's root into vmlinux,
// without a compiler, and reads roots back from object files and from vmlinux.
//
// The object has one section, .module_hashes, and one symbol in it,
// module_hashes_root: levels as a u32 in the target's byte order, then the root
// hash.
package object

import (
	"fmt"

	"rules_modhash/tools/arch"
)

// ArchitectureOf returns the architecture of root objects for modules with a target.
func ArchitectureOf(t arch.Target) (arch.Architecture, error) {
	if a, ok := arch.Of(t); ok {
		return a, nil
	}
	return arch.Architecture{}, fmt.Errorf("no root object can be written for %s, want one of %s", t, arch.Names())
}

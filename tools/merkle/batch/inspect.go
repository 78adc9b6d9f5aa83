// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"context"

	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/moduleset"
	"rules_modhash/tools/merkle/rootfs"
)

// Inspection is what one module carries.
type Inspection struct {
	module.Finding
	// Err says what is malformed, or why the module cannot be read; Finding is of no use then.
	Err error
}

// Inspect reads modules and reports what each carries. What is wrong
// with one of them is part of its Inspection.
func Inspect(ctx context.Context, modules []moduleset.Module, progress func()) ([]Inspection, error) {
	inspections := make([]Inspection, len(modules))
	err := Each(ctx, len(modules), progress, func(s *module.Scanner, i int) error {
		found, err := s.Examine(modules[i].File, module.Options{Position: uint32(i), Raw: true})
		inspections[i] = Inspection{Finding: found, Err: rootfs.Reason(err)}
		return nil
	})
	return inspections, err
}

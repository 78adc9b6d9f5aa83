// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"context"

	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/moduleset"
)

// Inspection is what one module carries.
type Inspection struct {
	module.Finding
	// Err says what is malformed; Finding is of no use then.
	Err error
}

// Inspect reads modules and reports what each carries. A module that cannot be read
// at all is an error.
func Inspect(ctx context.Context, modules []moduleset.Module, progress func()) ([]Inspection, error) {
	inspections := make([]Inspection, len(modules))
	err := Each(ctx, len(modules), progress, func(s *module.Scanner, i int) error {
		found, err := s.Examine(modules[i].File, module.Options{Position: uint32(i), Raw: true})
		if unreadable(err) {
			return wrap(modules[i], err)
		}
		inspections[i] = Inspection{Finding: found, Err: err}
		return nil
	})
	return inspections, err
}

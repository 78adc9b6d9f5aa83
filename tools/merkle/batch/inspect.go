// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"context"
	"errors"
	"io/fs"

	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/modules"
)

// Inspection is what one module carries.
type Inspection struct {
	module.Finding
	// Err states why the file cannot be read, or what is malformed; Finding is of no use
	// then.
	Err error
	// Unsound states why what is in front of the trailers is not a whole ELF module, if it
	// is not. The kernel does not load such a file.
	Unsound error
}

// Unreadable reports whether Err is one of the operating system.
func (in Inspection) Unreadable() bool {
	var pathError *fs.PathError
	return errors.As(in.Err, &pathError)
}

// Inspect reads modules and reports what each carries. A module that cannot be read
// does not keep the others from being inspected.
func Inspect(ctx context.Context, modules []modules.Module, progress func()) ([]Inspection, error) {
	inspections := make([]Inspection, len(modules))
	err := Each(ctx, len(modules), progress, func(s *module.Scanner, i int) error {
		inspections[i] = inspect(s, modules[i].File, module.Options{Position: uint32(i)})
		return nil
	})
	return inspections, err
}

// inspect reads a module, and takes what is not one for raw bytes.
func inspect(s *module.Scanner, file string, o module.Options) Inspection {
	found, strict := s.Examine(file, o)
	if strict == nil {
		return Inspection{Finding: found}
	}
	o.Raw = true
	found, err := s.Examine(file, o)
	if err != nil {
		return Inspection{Err: err}
	}
	return Inspection{Finding: found, Unsound: strict}
}

// SPDX-License-Identifier: Apache-2.0

package object

import (
	"debug/elf"
	"fmt"
	"io"

	"rules_modhash/tools/merkle/merkle"
)

// Overwrite puts root in the place of the one that an ELF file has: what Read finds.
// Nothing else in the file changes. The build ID, which the linker computes over
// what it links, stays that of the file with the old root.
func Overwrite(file interface {
	io.ReaderAt
	io.WriterAt
}, root merkle.Root) error {
	if err := root.Check(); err != nil {
		return fmt.Errorf("overwriting the root: %w", err)
	}
	f, err := elf.NewFile(file)
	if err != nil {
		return fmt.Errorf("reading an ELF file: %w", err)
	}
	defer f.Close()
	p, err := findRoot(f)
	if err != nil {
		return err
	}
	if _, err := p.read(); err != nil {
		return err
	}
	if _, err := file.WriteAt(Encode(root, f.ByteOrder), int64(p.section.Offset+p.offset)); err != nil {
		return fmt.Errorf("overwriting the root: %w", err)
	}
	return nil
}

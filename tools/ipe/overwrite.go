// SPDX-License-Identifier: Apache-2.0

package ipe

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"

	"rules_modhash/tools/arch/elffile"
)

// Overwrite writes a policy over the one that was compiled into a linked kernel. Both have the same length, and what was compiled
// in is there once.
func Overwrite(file interface {
	io.ReaderAt
	io.WriterAt
}, compiled, policy []byte) error {
	if len(compiled) != len(policy) {
		return fmt.Errorf("overwriting the policy: got one of %d bytes, want %d, as the one that was compiled in", len(policy), len(compiled))
	}
	if _, err := Parse(policy); err != nil {
		return fmt.Errorf("overwriting the policy: %w", err)
	}
	places, err := find(file, compiled)
	if err != nil {
		return err
	}
	if len(places) != 1 {
		return fmt.Errorf("has the policy that was to be compiled in %d times, want once. Next: check that CONFIG_IPE_BOOT_POLICY names it", len(places))
	}
	if _, err := file.WriteAt(policy, places[0]); err != nil {
		return fmt.Errorf("overwriting the policy: %w", err)
	}
	return nil
}

// find returns the places of a text in the parts of an ELF file that the kernel loads.
func find(file io.ReaderAt, text []byte) ([]int64, error) {
	f, err := elffile.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading an ELF file: %w", err)
	}
	defer f.Close()
	var places []int64
	for _, section := range f.Sections {
		if section.Type != elf.SHT_PROGBITS || section.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		data, err := section.Data()
		if err != nil {
			return nil, fmt.Errorf("reading the section %s: %w", section.Name, err)
		}
		for from := 0; ; {
			i := bytes.Index(data[from:], text)
			if i < 0 {
				break
			}
			places = append(places, int64(section.Offset)+int64(from+i))
			from += i + 1
		}
	}
	return places, nil
}

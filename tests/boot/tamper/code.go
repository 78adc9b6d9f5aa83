// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
)

// relocationSpan is more than any relocation of a 64-bit machine writes.
const relocationSpan = 8

// codeOffset returns where in an ELF module the last byte of .text is that no relocation overwrites:
// the loader rejects a module with other bytes than it expects where it relocates, and what is to be
// shown is that its hash is wrong.
func codeOffset(body []byte) (uint64, error) {
	file, err := elf.NewFile(bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	if file.Class != elf.ELFCLASS64 {
		return 0, fmt.Errorf("got a module of class %s, want %s", file.Class, elf.ELFCLASS64)
	}
	text := file.Section(".text")
	if text == nil || text.Size == 0 {
		return 0, errors.New("got a module without code in .text, want some")
	}
	relocated, err := relocatedBytes(file, ".rela.text")
	if err != nil {
		return 0, err
	}
	for at := text.Size; at > 0; at-- {
		if !relocated[at-1] {
			return text.Offset + at - 1, nil
		}
	}
	return 0, errors.New("got a module whose whole code is relocated, want some that is not")
}

// relocatedBytes returns the offsets that relocations may write to.
func relocatedBytes(file *elf.File, name string) (map[uint64]bool, error) {
	relocated := map[uint64]bool{}
	section := file.Section(name)
	if section == nil {
		return relocated, nil
	}
	data, err := section.Data()
	if err != nil {
		return nil, err
	}
	entries := make([]elf.Rela64, len(data)/binary.Size(elf.Rela64{}))
	if err := binary.Read(bytes.NewReader(data), file.ByteOrder, entries); err != nil {
		return nil, err
	}
	for _, entry := range entries {
		for i := range uint64(relocationSpan) {
			relocated[entry.Off+i] = true
		}
	}
	return relocated, nil
}

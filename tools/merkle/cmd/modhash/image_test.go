// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rules_modhash/tools/internal/imagetest"
	"rules_modhash/tools/merkle/merkle"
)

// imageRoot is the root of the kernels that mkimage makes.
var imageRoot = merkle.Root{Levels: 1, Hash: merkle.Hash{0xab}}

// mkImage makes a boot image for one architecture, or a System.map that goes with all of them.
func mkImage(args []string) error {
	const release = "7.2.12-test"
	little, big := binary.LittleEndian, binary.BigEndian
	kinds := map[string]func() ([]byte, error){
		"arm64":   func() ([]byte, error) { return imagetest.ARM64ImageOf(little, imageRoot, release), nil },
		"riscv64": func() ([]byte, error) { return imagetest.RISCVImage(imageRoot, release), nil },
		"arm": func() ([]byte, error) {
			kernel, err := compressedBytes(imagetest.Memory(little, imageRoot, release))
			return imagetest.ZImage(little, kernel, true), err
		},
		"s390x": func() ([]byte, error) {
			kernel, err := compressedBytes(imagetest.Memory(big, imageRoot, release))
			return imagetest.S390Image(kernel, release), err
		},
		"u-boot":      func() ([]byte, error) { return imagetest.UBoot(4, nil), nil },
		"map":         func() ([]byte, error) { return []byte(imagetest.SystemMapWithBanner), nil },
		"placeholder": func() ([]byte, error) { return []byte(imagetest.Placeholder), nil },
	}
	kind, ok := kinds[args[0]]
	if !ok {
		return fmt.Errorf("unknown kind of image %q", args[0])
	}
	b, err := kind()
	if err != nil {
		return err
	}
	return os.WriteFile(args[1], b, 0o600)
}

func compressedBytes(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

// cmdBzImage is the command "bzimage FILE KERNEL RELEASE": it makes an x86 boot image of a vmlinux.
func cmdBzImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: bzimage FILE KERNEL RELEASE")
	}
	kernel, err := compressedBytes([]byte(ts.ReadFile(args[1])))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), imagetest.BzImage(kernel, args[2]), 0o600))
}

// cmdUKI returns the command "uki FILE NAME=FILE...": it makes an EFI program with sections, in order.
func cmdUKI(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < 2 {
			ts.Fatalf("usage: uki FILE NAME=FILE...")
		}
		var sections []imagetest.Section
		for _, arg := range args[1:] {
			name, file, _ := strings.Cut(arg, "=")
			sections = append(sections, imagetest.Section{Name: name, Data: []byte(ts.ReadFile(file))})
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), imagetest.PE(t, sections...), 0o600))
	}
}

// SPDX-License-Identifier: Apache-2.0

package object

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"rules_modhash/tools/arch"
)

// This file needs the assemblers and linkers of Debian's binutils packages, one package a
// machine (binutils-aarch64-linux-gnu, ...). A machine without them is skipped, unless
// MODHASH_REQUIRE_LINKERS is 1.

// toolchain is the binutils of one machine.
type toolchain struct {
	// triple is the prefix of its programs.
	triple string
	// assemble are the flags with which the kernel's objects are assembled: they
	// decide the ABI flags that root objects must go with.
	assemble []string
	// word is the directive for an address.
	word string
}

var toolchains = map[string]toolchain{
	"x86_64":  {"x86_64-linux-gnu", nil, ".quad"},
	"arm64":   {"aarch64-linux-gnu", nil, ".quad"},
	"riscv64": {"riscv64-linux-gnu", []string{"-march=rv64imac", "-mabi=lp64"}, ".quad"},
	"ppc64le": {"powerpc64le-linux-gnu", []string{"-a64", "-mlittle-endian"}, ".quad"},
	"s390x":   {"s390x-linux-gnu", []string{"-m64"}, ".quad"},
	"arm":     {"arm-linux-gnueabihf", []string{"-meabi=5", "-mfloat-abi=soft"}, ".long"},
}

// program returns the path of a program, or skips the test.
func (c toolchain) program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(c.triple + "-" + name)
	if err == nil {
		return path
	}
	if os.Getenv("MODHASH_REQUIRE_LINKERS") == "1" {
		t.Fatalf("MODHASH_REQUIRE_LINKERS is set: %v", err)
	}
	t.Skipf("needs binutils for %s: %v", c.triple, err)
	return ""
}

// run runs a program, which must neither fail nor print anything.
func run(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

// linkerScript puts the root where a kernel's would: in a separate section, in read-only
// data.
const linkerScript = `ENTRY(_start)
SECTIONS {
	. = 0x100000;
	.text : { *(.text) }
	.module_hashes : { KEEP(*(.module_hashes)) }
	.data : { *(.data) }
	/DISCARD/ : { *(.ARM.attributes) *(.riscv.attributes) *(.note*) }
}
`

// TestLink links root objects as a kernel's build does, with an object that refers to the
// root, and reads the root back from the results.
func TestLink(t *testing.T) {
	forEachMachine(t, func(t *testing.T, m arch.Architecture) {
		c := toolchains[m.Name]
		ld, as := c.program(t, "ld"), c.program(t, "as")
		dir := t.TempDir()
		for name, contents := range map[string][]byte{
			"root.o": write(t, m, testRoot), "vmlinux.lds": []byte(linkerScript), "main.s": []byte(c.source(m)),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), contents, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		run(t, dir, as, append(c.assemble, "-o", "main.o", "main.s")...)
		link := []string{"--fatal-warnings", "-T", "vmlinux.lds"}
		run(t, dir, ld, append(link, "-o", "vmlinux", "main.o", "root.o")...)
		run(t, dir, ld, append(link, "-o", "root-first", "root.o", "main.o")...)
		run(t, dir, ld, append(link, "-s", "-o", "stripped", "main.o", "root.o")...)
		run(t, dir, ld, "--fatal-warnings", "-r", "-o", "vmlinux.o", "main.o", "root.o")
		for file, format := range map[string]Format{
			"vmlinux": FormatVmlinux, "root-first": FormatVmlinux, "stripped": FormatVmlinux, "vmlinux.o": FormatObject,
		} {
			checkFile(t, filepath.Join(dir, file), Found{Root: testRoot, Format: format, Target: m.Target})
		}
	})
}

// source is an assembler file whose data refers to the root.
func (c toolchain) source(m arch.Architecture) string {
	s := ".section .note.GNU-stack,\"\",%progbits\n.text\n.globl _start\n_start:\n.data\n" + c.word + " module_hashes_root\n"
	if m.Name == "ppc64le" {
		s = ".abiversion 2\n" + s
	}
	return s
}

func checkFile(t *testing.T, file string, want Found) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Read(bytes.NewReader(b)); err != nil || got != want {
		t.Errorf("%s: got %+v, %v, want %+v", filepath.Base(file), got, err, want)
	}
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/root/object"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"boottest": main})
}

// The scripts replay serial logs of real boots through a program that stands for QEMU. Boots
// themselves are in the tests of the rule. Scripts install that program with a process of its own: a file that this
// process wrote could still be open for writing in a child of another script, and then not be run.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: writeKernel})
}

// writeKernel writes the file kernel.elf, which has a root.
func writeKernel(env *testscript.Env) error {
	machine, err := arch.Named("x86_64")
	if err != nil {
		return err
	}
	data, err := object.Write(machine, merkle.Root{Levels: 2, Hash: merkle.Hash{0xab}})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(env.WorkDir, "kernel.elf"), data, 0o644)
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"boottest": main})
}

// The scripts replay serial logs of real boots through a program that stands for QEMU. Boots
// themselves are in the tests of the rule. Scripts install that program with a process of its own: a file that this
// process wrote could still be open for writing in a child of another script, and then not be run.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}

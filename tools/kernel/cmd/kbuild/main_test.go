// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rules_modhash/tools/internal/imagetest"
	"rules_modhash/tools/merkle/merkle"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kbuild": main})
}

func TestScripts(t *testing.T) {
	root := merkle.Root{Levels: 2, Hash: merkle.Hash{1, 2, 3}}
	kernels := map[string][]byte{
		"blank": imagetest.Vmlinux(t, merkle.Root{}), "rooted": imagetest.Vmlinux(t, root),
		"root.o": imagetest.Object(t, "x86_64", root), "arm64.o": imagetest.Object(t, "arm64", root),
	}
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(env *testscript.Env) error {
		dir := env.WorkDir + "/elf/"
		err := os.Mkdir(dir, 0o755)
		for name, data := range kernels {
			err = errors.Join(err, os.WriteFile(dir+name, data, 0o644))
		}
		return err
	}})
}

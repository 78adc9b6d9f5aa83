// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/u-root/u-root/pkg/cpio"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mkinitramfs": main, "listcpio": list})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}

// list prints the paths in the archive that its argument names.
func list() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	records, err := cpio.ReadAllRecords(cpio.Newc.Reader(file))
	if err != nil {
		panic(err)
	}
	for _, r := range records {
		fmt.Println(r.Name)
	}
}

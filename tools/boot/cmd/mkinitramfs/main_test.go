// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/u-root/u-root/pkg/cpio"

	"rules_modhash/tools/boot/plan"
	"rules_modhash/tools/moduleimage"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mkinitramfs": main, "listcpio": list, "catcpio": cat, "mkimage": image})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}

// list prints the paths in the archive that its argument names.
func list() {
	for _, r := range records() {
		fmt.Println(r.Name)
	}
}

// cat prints the file of an archive whose path is its second argument.
func cat() {
	for _, r := range records() {
		if r.Name != os.Args[2] {
			continue
		}
		if _, err := io.Copy(os.Stdout, io.NewSectionReader(r, 0, int64(r.FileSize))); err != nil {
			panic(err)
		}
	}
}

func records() []cpio.Record {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	records, err := cpio.ReadAllRecords(cpio.Newc.Reader(file))
	if err != nil {
		panic(err)
	}
	return records
}

// image writes the module image that its first argument names with the files of a directory, and prints its device table.
func image() {
	file, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	defer file.Close()
	image, err := moduleimage.Write(context.Background(), file, os.Args[2])
	if err != nil {
		panic(err)
	}
	fmt.Print(image.Table(plan.LoopDevice))
}

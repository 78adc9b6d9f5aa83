// SPDX-License-Identifier: Apache-2.0

package object

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
)

func TestOverwrite(t *testing.T) {
	blank, root := merkle.Root{}, merkle.Root{Levels: 3, Hash: merkle.Hash{1, 2, 3}}
	for _, m := range arch.All {
		t.Run(m.Name, func(t *testing.T) {
			want, err := Write(m, root)
			if err != nil {
				t.Fatal(err)
			}
			content, err := Write(m, blank)
			if err != nil {
				t.Fatal(err)
			}
			got, err := overwritten(t, content, root)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Error("the file is not the one that is written with the root")
			}
		})
	}
}

func TestOverwriteErrors(t *testing.T) {
	object, err := Write(arch.All[0], merkle.Root{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		content []byte
		root    merkle.Root
		want    string
	}{
		{"no ELF file", []byte("hi"), merkle.Root{}, "reading an ELF file: "},
		{"no root", bytes.ReplaceAll(object, []byte("hashes"), []byte("hushes")), merkle.Root{}, "has neither a symbol"},
		{"bad root", object, merkle.Root{Hash: merkle.Hash{1}}, "overwriting the root: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := overwritten(t, c.content, c.root)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
			if !bytes.Equal(got, c.content) {
				t.Error("the file has changed")
			}
		})
	}
}

// overwritten returns what becomes of a file with the given content.
func overwritten(t *testing.T, content []byte, root merkle.Root) ([]byte, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	overwriteErr := Overwrite(file, root)
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return got, overwriteErr
}

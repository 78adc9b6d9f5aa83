// SPDX-License-Identifier: Apache-2.0

package action

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKbuildFile(t *testing.T) {
	for _, test := range []struct {
		name, dir        string
		sources, textual []string
		want             string
	}{
		{"one source of the module's name", "drivers", []string{"drivers/one.c"}, nil, "obj-m := one.o\n"},
		{"one source of another name", ".", []string{"main.c"}, nil, "obj-m := one.o\none-y := main.o\n"},
		{"a source below the directory, a header beside", ".", []string{"sub/main.c", "api.h"}, nil,
			"obj-m := one.o\none-y := sub/main.o\n"},
		{"assembler", "lib", []string{"lib/main.c", "lib/entry.S"}, nil, "obj-m := one.o\none-y := main.o entry.o\n"},
		{"a source that another one includes", "lib", []string{"lib/main.c"}, []string{"lib/part.c"},
			"obj-m := one.o\none-y := main.o\n"},
		{"a source of another directory", "lib", []string{"lib/main.c", "other/part.c"}, nil,
			"obj-m := one.o\none-y := main.o\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "file")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			o := &Module{Name: "one", Dir: test.dir, Sources: at(file, test.sources), Textual: at(file, test.textual)}
			external := filepath.Join(dir, "external")
			if err := o.layOut(external); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(external, test.dir, "Kbuild"))
			if err != nil || string(got) != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
			for _, path := range append(test.sources, test.textual...) {
				if _, err := os.Stat(filepath.Join(external, path)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// at is PATH=FILE for each path.
func at(file string, paths []string) []string {
	var arguments []string
	for _, path := range paths {
		arguments = append(arguments, path+"="+file)
	}
	return arguments
}

func TestTrimSymvers(t *testing.T) {
	for _, test := range []struct{ name, module string }{
		{"a path that is relative to the directory", "sub/one"},
		{"an absolute path", "@/sub/one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "Module.symvers")
			text := "0x12345678\tsymbol\t" + strings.Replace(test.module, "@", dir, 1) + "\tEXPORT_SYMBOL\t\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := trimSymvers(dir); err != nil {
				t.Fatal(err)
			}
			const want = "0x12345678\tsymbol\tsub/one\tEXPORT_SYMBOL\t\n"
			if got, err := os.ReadFile(file); err != nil || string(got) != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
}

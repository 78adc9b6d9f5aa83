// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"slices"
	"testing"

	"github.com/bazelbuild/buildtools/build"
)

// public are the .bzl files that external workspaces load: those of docs/reference, what generated BUILD files load, and a
// list that kernel_modules_list writes.
var public = []string{
	"examples/debian/modules.bzl",
	"rules/deb.bzl",
	"rules/defs.bzl",
	"rules/providers.bzl",
	"toolchains/boot/extensions.bzl",
	"toolchains/boot/toolchain.bzl",
	"toolchains/debian/extensions.bzl",
	"toolchains/kernel/absent_config.bzl",
	"toolchains/kernel/extensions.bzl",
	"toolchains/kernel/toolchain.bzl",
	"toolchains/modhash/extensions.bzl",
	"toolchains/modhash/toolchain.bzl",
}

// TestLoadVisibility checks that each .bzl file states who can load it, as a statement and not in its docstring, unless it
// is public.
func TestLoadVisibility(t *testing.T) {
	var unseen []string
	unseen = append(unseen, public...)
	sources(t, ".bzl", func(name, text string) {
		file, err := build.ParseBzl(name, []byte(text))
		if err != nil {
			t.Error(err)
			return
		}
		unseen = slices.DeleteFunc(unseen, func(other string) bool { return other == name })
		has := slices.ContainsFunc(file.Stmt, func(e build.Expr) bool { return callsAny(e, []string{"visibility"}) })
		if want := !slices.Contains(public, name); has != want {
			t.Errorf("%s: got a visibility() statement: %v, want %v. Next: add visibility(\"//...\") after the load statements, "+
				"or add the file to the public ones in this test", name, has, want)
		}
	})
	for _, name := range unseen {
		t.Errorf("%s is public by this test, but it does not exist", name)
	}
}

// TestASCII checks that .bzl files are ASCII: Stardoc garbles other characters of docstrings.
func TestASCII(t *testing.T) {
	sources(t, ".bzl", func(name, text string) {
		for i, c := range text {
			if c > 0x7e {
				t.Errorf("%s: got %q at offset %d, want ASCII, as Stardoc garbles it", name, c, i)
			}
		}
	})
}

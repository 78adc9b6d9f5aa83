// SPDX-License-Identifier: Apache-2.0

package names

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestInside(t *testing.T) {
	for name, want := range map[string]string{
		"a.ko": "a.ko", "./a//b/../c.ko": "a/c.ko", "": ".", ".": ".", "..a": "..a", strings.Repeat("n", Max): strings.Repeat("n", Max),
	} {
		if got, err := Inside(name); got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", name, got, err, want)
		}
	}
	for name, want := range map[string]string{
		"/a": "is an absolute path: it leads out of the archive", "..": "leads out of the archive", "a/../../b": "leads out of the archive",
		strings.Repeat("n", Max+1): "has 4097 bytes, want at most 4096",
	} {
		if got, err := Inside(name); err == nil || err.Error() != want {
			t.Errorf("%.20q: got %q, %v, want %s", name, got, err, want)
		}
	}
}

func TestRooted(t *testing.T) {
	for name, want := range map[string]string{
		"a.ko": "a.ko", "/lib/a.ko": "lib/a.ko", "../../a": "a", "a/../../b/.": "b", "": ".", "/": ".", "..": ".",
	} {
		if got := Rooted(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// FuzzNames checks that no name leads out.
func FuzzNames(f *testing.F) {
	f.Add("a/../../b")
	f.Add("/etc//passwd")
	f.Fuzz(func(t *testing.T, name string) {
		if clean, err := Inside(name); err == nil && !filepath.IsLocal(clean) {
			t.Errorf("Inside(%q) is %q", name, clean)
		}
		if clean := Rooted(name); !filepath.IsLocal(clean) {
			t.Errorf("Rooted(%q) is %q", name, clean)
		}
	})
}

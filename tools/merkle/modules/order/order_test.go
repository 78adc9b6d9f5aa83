// SPDX-License-Identifier: Apache-2.0

package order

import (
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	got := Parse("fs/a.o\nfs/b.ko\n\n/external/c.o\n")
	if want := []string{"fs/a.ko", "fs/b.ko", "/external/c.ko"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Parse(""); len(got) != 0 {
		t.Errorf("got %v, want nothing", got)
	}
}

func TestModulePath(t *testing.T) {
	for line, want := range map[string]string{"a.o": "a.ko", "kernel/a.ko": "kernel/a.ko", "a.o.ko": "a.o.ko"} {
		if got, ok := ModulePath(line); got != want || !ok {
			t.Errorf("%s: got %s, %v, want %s", line, got, ok, want)
		}
	}
	for _, line := range []string{"", "a", "a.a", "a.ko.xz"} {
		if got, ok := ModulePath(line); got != line || ok {
			t.Errorf("%s: got %s, %v, want no module", line, got, ok)
		}
	}
}

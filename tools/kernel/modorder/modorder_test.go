// SPDX-License-Identifier: Apache-2.0

package modorder

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	got := Parse("fs/a.o\nfs/b.ko\n\n")
	if want := []string{"fs/a.ko", "fs/b.ko"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Parse(""); len(got) != 0 {
		t.Errorf("got %v, want nothing", got)
	}
}

func TestNoDifference(t *testing.T) {
	if err := Difference([]string{"b.ko", "a.ko"}, []string{"a.ko", "b.ko"}); err != nil {
		t.Error(err)
	}
}

func TestDifference(t *testing.T) {
	err := Difference([]string{"old.ko", "same.ko"}, []string{"same.ko", "new.ko"})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		"attribute modules: got 2 modules, which are not the 2 that Kbuild built",
		"declared, but not built (is the option =m in the configuration?):\n    old.ko",
		"built, but not declared:\n    new.ko",
		"bazel run //:gazelle",
		"    modules = [\n        \"new.ko\",\n        \"same.ko\",\n    ],",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got:\n%v\nwant in it:\n%s", err, want)
		}
	}
}

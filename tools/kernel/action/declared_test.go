// SPDX-License-Identifier: Apache-2.0

package action

import (
	"strings"
	"testing"
)

func TestNoDifference(t *testing.T) {
	if err := difference([]string{"b.ko", "a.ko"}, []string{"a.ko", "b.ko"}); err != nil {
		t.Error(err)
	}
}

func TestDifference(t *testing.T) {
	err := difference([]string{"old.ko", "same.ko"}, []string{"same.ko", "new.ko"})
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

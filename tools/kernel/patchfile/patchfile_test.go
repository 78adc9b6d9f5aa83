// SPDX-License-Identifier: Apache-2.0

package patchfile

import "testing"

func TestNames(t *testing.T) {
	for name, c := range map[string]struct {
		patch string
		want  []string
	}{
		"unified":      {"--- a/fs/x.c\n+++ b/fs/y.c\n", []string{"fs/x.c", "fs/y.c"}},
		"timestamp":    {"--- a/fs/x.c\t2026-01-01 00:00:00\n", []string{"fs/x.c"}},
		"spaces":       {"--- a/fs/x y.c 2026-01-01\n", []string{"fs/x y.c"}},
		"context":      {"*** a/fs/x.c Thu Jan 1\n", []string{"fs/x.c"}},
		"index":        {"Index: linux/fs/x.c\n", []string{"fs/x.c"}},
		"git":          {"diff --git a/fs/x y.c b/fs/z.c\n", []string{"fs/x y.c", "fs/z.c"}},
		"rename":       {"rename from fs/x.c\nrename to mm/y.c\n", []string{"fs/x.c", "mm/y.c"}},
		"copy":         {"copy from fs/x.c\ncopy to mm/y.c\n", []string{"fs/x.c", "mm/y.c"}},
		"quoted":       {`--- "a/fs/\303\274 \"x\".c"`, []string{"fs/ü \"x\".c"}},
		"quoted twice": {`diff --git "a/fs/\tx" "b/fs/\ty"`, []string{"fs/\tx", "fs/\ty"}},
		"CR LF":        {"--- a/fs/x.c\r\n", []string{"fs/x.c"}},
		"indented":     {"  --- a/fs/x.c\n", []string{"fs/x.c"}},
		"slashes":      {"--- a//fs//x.c\n", []string{"fs/x.c"}},
		"no directory": {"--- x.c\n", []string{"x.c"}},
		"no line end":  {"+++ b/fs/x.c", []string{"fs/x.c"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Names([]byte(c.patch))
			for _, want := range c.want {
				if !got[want] {
					t.Errorf("got %v, want %q among them", got, want)
				}
			}
		})
	}
}

func TestNamesStayInTheTree(t *testing.T) {
	got := Names([]byte("--- ../x\n+++ /etc/passwd\nrename from a/../../x\n--- \n--- a\n+fs/ordinary line\n"))
	want := map[string]bool{"etc/passwd": true, "x": true, "a": true}
	for name := range got {
		if !want[name] {
			t.Errorf("got the name %q, want none but %v", name, want)
		}
	}
}

// SPDX-License-Identifier: Apache-2.0

package gnumake

import (
	"fmt"
	"slices"
	"testing"
	"testing/fstest"
)

func testFiles() *Files {
	return NewFiles("/tree",
		Mount{"/tree", fstest.MapFS{"a.c": {}, "dir/b.c": {}, "dir/sub/c.c": {}, "dir/.h.c": {}}},
		Mount{"/other", fstest.MapFS{"x.mk": {Data: []byte("x := y\n")}}},
	)
}

func TestGlob(t *testing.T) {
	tests := []struct {
		pattern string
		want    []string
	}{
		{"a.c", []string{"a.c"}},
		{"nowhere", nil},
		{"*.c", []string{"a.c"}},
		{"d*/", []string{"dir/"}},
		{"a*/", nil},
		{"dir/*", []string{"dir/b.c", "dir/sub"}},
		{"dir/.*", []string{"dir/.h.c"}},
		{"*/s?b/[a-c].c", []string{"dir/sub/c.c"}},
		{"./dir//*.c", []string{"./dir//b.c"}},
		{"dir/../*.c", []string{"dir/../a.c"}},
		{"/tree/*.c", []string{"/tree/a.c"}},
		{"/other/*", []string{"/other/x.mk"}},
		{"/nowhere/*", nil},
		{"[", nil},
	}
	for _, test := range tests {
		got, err := testFiles().Glob(test.pattern)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("Glob(%q) = %q, %v, want %q", test.pattern, got, err, test.want)
		}
	}
}

func TestGlobLimit(t *testing.T) {
	fsys := fstest.MapFS{}
	for i := range 200 {
		fsys[fmt.Sprintf("%03d/x", i)] = &fstest.MapFile{}
	}
	_, err := NewFiles("/tree", Mount{"/tree", fsys}).Glob("*/../*/../*/x")
	if want := "matching */../*/../*/x: more than 20000 names"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNames(t *testing.T) {
	tests := []struct {
		name                 string
		known, exists, isDir bool
	}{
		{"a.c", true, true, false},
		{"a.c/", true, false, false},
		{"dir", true, true, true},
		{"dir/", true, true, true},
		{".", true, true, true},
		{"nowhere", true, false, false},
		{"dir/../a.c", true, true, false},
		{"/other/x.mk", true, true, false},
		{"/other", true, true, true},
		{"../other/x.mk", true, true, false},
		{"../x", false, false, false},
		{"/", false, false, false},
	}
	f := testFiles()
	for _, test := range tests {
		known, exists, isDir := f.Known(test.name), f.Exists(test.name), f.IsDir(test.name)
		if known != test.known || exists != test.exists || isDir != test.isDir {
			t.Errorf("%q: known %t, exists %t, directory %t, want %t, %t, %t",
				test.name, known, exists, isDir, test.known, test.exists, test.isDir)
		}
	}
}

func TestReadFileOutside(t *testing.T) {
	_, err := testFiles().ReadFile("../x")
	if want := "reading ../x: it is outside the source tree"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestSetEmpty(t *testing.T) {
	f := testFiles()
	f.SetEmpty("gone.mk")
	e := NewEvaluator(f, nil)
	if err := e.Read("/tree/gone.mk"); err != nil {
		t.Errorf("got %v, want an empty Makefile", err)
	}
}

// SPDX-License-Identifier: Apache-2.0

package treearchive

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

func all(string, fs.FileInfo) bool { return true }

func wanted(string) bool { return true }

func write(t *testing.T, root, path, content string, mode fs.FileMode) {
	t.Helper()
	full := filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(full, mode); err != nil {
		t.Fatal(err)
	}
}

func sampleTree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, root, "b/c.c", "int c;", 0o640)
	write(t, root, "a.sh", "#!/bin/sh", 0o700)
	write(t, root, "b/.c.o.cmd", "gcc -I"+root+"/include -o c.o", 0o644)
	if err := os.Symlink("b/c.c", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	return root
}

func pack(t *testing.T, root string, keep func(string, fs.FileInfo) bool) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Pack(&b, root, keep); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPackDoesNotDependOnPlaceTimeOrOwnerModes(t *testing.T) {
	first, second := sampleTree(t), sampleTree(t)
	write(t, second, "b/c.c", "int c;", 0o604)
	old := time.Unix(1, 0)
	if err := os.Chtimes(filepath.Join(second, "a.sh"), old, old); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pack(t, first, all), pack(t, second, all)) {
		t.Error("the same tree in two places gives two archives")
	}
}

func TestUnpackAtAnotherPlace(t *testing.T) {
	data := pack(t, sampleTree(t), all)
	root, stamp := t.TempDir(), time.Unix(1_700_000_000, 0)
	// What is there is replaced, and nothing is written through a symbolic link.
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, filepath.Dir(outside), "outside", "mine", 0o644)
	if err := os.Symlink(outside, filepath.Join(root, "a.sh")); err != nil {
		t.Fatal(err)
	}
	if err := Unpack(bytes.NewReader(data), root, stamp, wanted); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"a.sh": "#!/bin/sh", "b/c.c": "int c;", "link": "int c;",
		"b/.c.o.cmd": "gcc -I" + root + "/include -o c.o",
	} {
		if got, err := os.ReadFile(filepath.Join(root, path)); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", path, got, err, want)
		}
	}
	if got, _ := os.ReadFile(outside); string(got) != "mine" {
		t.Errorf("a file outside the tree was overwritten: %q", got)
	}
	info, err := os.Lstat(filepath.Join(root, "a.sh"))
	if err != nil || info.Mode() != 0o755 || !info.ModTime().Equal(stamp) {
		t.Errorf("a.sh: got %v, %v, want mode 0755 and time %v", info, err, stamp)
	}
}

func TestUnpackTakesWhatIsWanted(t *testing.T) {
	root := t.TempDir()
	err := Unpack(bytes.NewReader(pack(t, sampleTree(t), all)), root, time.Unix(5, 0), func(p string) bool { return p == "a.sh" })
	if err != nil {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(root)
	if len(entries) != 1 || entries[0].Name() != "a.sh" {
		t.Errorf("got %v, want a.sh alone", entries)
	}
}

func TestChangedSince(t *testing.T) {
	root, stamp := t.TempDir(), time.Unix(1_700_000_000, 0)
	if err := Unpack(bytes.NewReader(pack(t, sampleTree(t), all)), root, stamp, wanted); err != nil {
		t.Fatal(err)
	}
	write(t, root, "b/c.o", "object", 0o644)
	changed := t.TempDir()
	data := pack(t, root, func(path string, info fs.FileInfo) bool {
		return info.Mode().IsRegular() && ChangedSince(stamp)(path, info)
	})
	if err := Unpack(bytes.NewReader(data), changed, stamp, wanted); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(changed, "b/c.o")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(changed, "b/c.c")); err == nil {
		t.Error("b/c.c was packed, although it was not changed")
	}
}

func archiveOf(t *testing.T, header *tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	compressor, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	writer := tar.NewWriter(compressor)
	if err := writer.WriteHeader(header); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := compressor.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnpackRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"a path outside": {archiveOf(t, &tar.Header{Name: "../x", Typeflag: tar.TypeReg}), `got the path "../x", want one below the tree`},
		"a device":       {archiveOf(t, &tar.Header{Name: "x", Typeflag: tar.TypeChar}), "want a file or a symbolic link"},
		"garbage":        {[]byte("garbage"), "reading the tree archive"},
		"half":           {pack(t, sampleTree(t), all)[:40], "reading the tree archive"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Unpack(bytes.NewReader(c.data), t.TempDir(), time.Unix(5, 0), wanted)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

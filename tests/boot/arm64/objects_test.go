// SPDX-License-Identifier: Apache-2.0

// Package arm64 compiles a part of a kernel that was built here again, in another directory, as another user and with
// another umask, and compares the objects.
package arm64

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
)

// parts are the directories that are compiled again: the kernel's version, the loader, and modules.
var parts = []string{"init/", "kernel/module/", "fs/nls/"}

// elsewhere is the environment variable with the directory that TestElsewhere compiles in.
const elsewhere = "OBJECTS_TEST_DIRECTORY"

// runfile returns the absolute path of a file, by its path from the root of the runfiles.
func runfile(t *testing.T, path string) string {
	t.Helper()
	absolute, err := filepath.Abs(filepath.Join("../../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return absolute
}

// unpack unpacks the files of an archive for which wanted is true.
func unpack(t *testing.T, archive, dir string, stamp time.Time, wanted func(string) bool) {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := treearchive.Unpack(file, dir, stamp, wanted); err != nil {
		t.Fatalf("unpacking %s: %v", archive, err)
	}
}

// built returns the objects of the parts in a tree, and its configuration.
func built(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, part := range append([]string{".config"}, parts...) {
		err := filepath.WalkDir(filepath.Join(dir, part), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".o" && filepath.Base(path) != ".config" {
				return err
			}
			name, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			files[name], err = os.ReadFile(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// made reports whether make makes a file for the parts alone. What the link of vmlinux and of modules adds is not among
// it.
func made(name string) bool {
	return !strings.HasSuffix(name, ".mod.o") && !strings.HasPrefix(filepath.Base(name), "version-timestamp") &&
		!strings.HasPrefix(filepath.Base(name), ".")
}

// TestObjects has the parts compiled by this test program as another user.
func TestObjects(t *testing.T) {
	objects := filepath.Join(runfile(t, os.Getenv("KERNEL")), "objects.tar.zst")
	here, there := t.TempDir(), filepath.Join(t.TempDir(), "another", "place", "linux")
	unpack(t, objects, here, time.Now(), func(string) bool { return true })
	if err := os.MkdirAll(there, 0o777); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(here, ".config"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(there, ".config"), config, 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--user", "--map-user=4321", "--map-group=4321",
		"sh", "-c", `umask 0077 && exec "$@"`, "sh", os.Args[0], "-test.run=^TestElsewhere$", "-test.v")
	cmd.Env = append(os.Environ(), elsewhere+"="+there, "TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "USER=there")
	if output, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(output), "--- PASS: TestElsewhere") {
		t.Fatalf("compiling elsewhere: %v\n%s", err, output)
	}

	compared := 0
	want := built(t, here)
	for name, got := range built(t, there) {
		if !made(name) {
			continue
		}
		if !bytes.Equal(got, want[name]) {
			t.Errorf("%s: got another file elsewhere", name)
		}
		compared++
	}
	if compared < 20 {
		t.Errorf("got %d objects to compare, want at least 20", compared)
	}
}

// TestElsewhere compiles the parts. TestObjects runs it.
func TestElsewhere(t *testing.T) {
	dir := os.Getenv(elsewhere)
	if dir == "" {
		t.Skip("run by TestObjects")
	}
	tree := &kmake.Tree{
		Target: kmake.Target{Machine: "arm64", Compiler: "clang"},
		Dir:    dir,
		Stamp:  time.Now().Truncate(time.Second),
	}
	unpack(t, runfile(t, os.Getenv("SOURCE")), dir, tree.Stamp, tree.Uses)
	if err := tree.Make(t.Context(), parts...); err != nil {
		t.Fatal(err)
	}
}

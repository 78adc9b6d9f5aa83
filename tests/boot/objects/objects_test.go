// SPDX-License-Identifier: Apache-2.0

// Package objects compiles parts of kernels that were built here again, in another directory, as another user and with
// another umask, and compares the objects.
package objects

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rules_modhash/tests/private/runfile"
	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
)

// kernel is a kernel that was built here, and what of it is compiled again.
type kernel struct {
	kmake.Target
	// archives are outputs of its build that have the objects, each unpacked over the ones before.
	archives []string
	// parts are goals of make, and directories or files that they make.
	parts []string
	// files are further files that are made on the way.
	files []string
	// least is the number of files to compare at least.
	least int
}

var kernels = map[string]kernel{
	// The version of the kernel, the loader, and modules; with debug information.
	"arm64": {
		Target:   kmake.Target{Machine: "arm64", Compiler: "clang"},
		archives: []string{"tests/boot/arm64/vmlinux_kernel/objects.tar.zst"},
		parts:    []string{"init/", "kernel/module/", "fs/nls/"},
		least:    20,
	},
	// Code that has flags of its own, and a program that the build runs. This kernel is built in shards.
	"x86_64": {
		Target: kmake.Target{Machine: "x86_64", Compiler: "gcc"},
		archives: []string{
			"examples/kernel/vmlinux_config.tar.zst",
			"examples/kernel/vmlinux_kernel/graph/prepared.tar.zst",
			"examples/kernel/vmlinux_kernel/graph/objects/arch.builtin.tar.zst",
			"examples/kernel/vmlinux_kernel/graph/objects/rest.builtin.tar.zst",
		},
		parts: []string{"init/", "arch/x86/realmode/"},
		files: []string{"tools/objtool/objtool", "scripts/mod/modpost", "scripts/kallsyms"},
		least: 12,
	},
}

// elsewhere is the environment variable with the directory that TestElsewhere compiles in, and which the name of a kernel.
const (
	elsewhere = "OBJECTS_TEST_DIRECTORY"
	which     = "OBJECTS_TEST_KERNEL"
)

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

// built returns what the parts consist of in a tree.
func (k kernel) built(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, part := range append(k.parts, k.files...) {
		err := filepath.WalkDir(filepath.Join(dir, part), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".o" && strings.HasSuffix(part, "/") {
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
	for name, k := range kernels {
		t.Run(name, func(t *testing.T) {
			here, there := t.TempDir(), filepath.Join(t.TempDir(), "another", "place", "linux")
			for _, archive := range k.archives {
				unpack(t, runfile.At(archive), here, time.Now(), func(string) bool { return true })
			}
			copyFile(t, filepath.Join(here, ".config"), filepath.Join(there, ".config"))
			compileElsewhere(t, name, there)

			compared := 0
			want := k.built(t, here)
			for file, got := range k.built(t, there) {
				if !made(file) {
					continue
				}
				if !bytes.Equal(got, want[file]) {
					t.Errorf("%s: got another file elsewhere", file)
				}
				compared++
			}
			if compared < k.least {
				t.Errorf("got %d files to compare, want at least %d", compared, k.least)
			}
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// compileElsewhere runs TestElsewhere.
func compileElsewhere(t *testing.T, name, dir string) {
	t.Helper()
	cmd := exec.Command("unshare", "--user", "--map-user=4321", "--map-group=4321",
		"sh", "-c", `umask 0077 && exec "$@"`, "sh", os.Args[0], "-test.run=^TestElsewhere$", "-test.v")
	cmd.Env = append(os.Environ(), elsewhere+"="+dir, which+"="+name, "TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "USER=there")
	if output, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(output), "--- PASS: TestElsewhere") {
		t.Fatalf("compiling elsewhere: %v\n%s", err, output)
	}
}

// TestElsewhere compiles the parts of a kernel. TestObjects runs it.
func TestElsewhere(t *testing.T) {
	dir := os.Getenv(elsewhere)
	if dir == "" {
		t.Skip("run by TestObjects")
	}
	k := kernels[os.Getenv(which)]
	tree := &kmake.Tree{Target: k.Target, Dir: dir, Stamp: time.Now().Truncate(time.Second)}
	unpack(t, runfile.Path(t, "SOURCE"), dir, tree.Stamp, tree.Uses)
	if err := tree.Make(t.Context(), k.parts...); err != nil {
		t.Fatal(err)
	}
}

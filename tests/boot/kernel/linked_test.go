// SPDX-License-Identifier: Apache-2.0

// Package kernel checks that the root which was linked into a kernel is the only thing that sets it
// apart from the kernel with the blank root.
package kernel

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"testing"

	"rules_modhash/tools/merkle/root"
	"rules_modhash/tools/merkle/root/object"
)

// file returns where Bazel has put what an environment variable names. Bazel runs tests in the
// directory of their package; rootpaths are relative to the workspace.
func file(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skip("checks files that Bazel builds: bazel test //tests/boot/kernel:kernel_test")
	}
	return filepath.Join("..", "..", "..", path)
}

// withRoot returns a copy of a kernel, its root overwritten by the one in another file.
func withRoot(t *testing.T, kernel, rootOf string) []byte {
	t.Helper()
	found, err := root.Read(rootOf, "")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(kernel)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "vmlinux")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	copied, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if err := object.Overwrite(copied, found.Root); err != nil {
		t.Fatal(err)
	}
	if data, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return data
}

// buildID returns the build ID of a kernel: the descriptor of its note NT_GNU_BUILD_ID.
func buildID(t *testing.T, data []byte) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	notes, err := f.Section(".notes").Data()
	if err != nil {
		t.Fatal(err)
	}
	// namesz 4, descsz 20, type 3, "GNU\0" (elf(5)).
	head := append([]byte{4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0}, "GNU\x00"...)
	at := bytes.Index(notes, head)
	if at < 0 {
		t.Fatal("got a kernel without a build ID")
	}
	return notes[at+len(head):][:20]
}

func TestLinkedRootIsOverwrittenRoot(t *testing.T) {
	for _, name := range []string{"VMLINUX", "VMLINUX_UNSTRIPPED"} {
		t.Run(name, func(t *testing.T) {
			linkedPath := file(t, "LINKED_"+name)
			linked, err := os.ReadFile(linkedPath)
			if err != nil {
				t.Fatal(err)
			}
			overwritten := withRoot(t, file(t, "BLANK_"+name), file(t, "ROOT_OBJECT"))
			was, is := buildID(t, overwritten), buildID(t, linked)
			if bytes.Equal(was, is) {
				t.Error("the build ID does not depend on the root")
			}
			if n := bytes.Count(overwritten, was); n != 1 {
				t.Fatalf("got the build ID in %d places, want 1", n)
			}
			if !bytes.Equal(bytes.Replace(overwritten, was, is, 1), linked) {
				t.Error("the linked kernel differs from the overwritten one in more than its build ID")
			}
		})
	}
}

func TestImageHasTheRoot(t *testing.T) {
	image, err := root.Read(file(t, "IMAGE"), "")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := root.Read(file(t, "TREE"), "")
	if err != nil {
		t.Fatal(err)
	}
	if image.Root != tree.Root || image.Root.Levels == 0 {
		t.Errorf("got the root %v in the boot image, want that of the tree, %v", image.Root, tree.Root)
	}
}

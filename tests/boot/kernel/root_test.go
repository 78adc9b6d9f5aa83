// SPDX-License-Identifier: Apache-2.0

// Package kernel checks that the root is the only thing that sets a kernel apart from the kernel with the blank root,
// whether the root was linked or written over the blank one.
package kernel

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_modhash/tests/private/runfile"
	"rules_modhash/tools/merkle/root"
	"rules_modhash/tools/merkle/root/object"
)

// file returns the path of the runfile that an environment variable names. Without Bazel there is none.
func file(t *testing.T, variable string) string {
	t.Helper()
	if os.Getenv(variable) == "" {
		t.Skip("checks files that Bazel builds: bazel test //tests/boot/kernel:all")
	}
	return runfile.Path(t, variable)
}

func read(t *testing.T, variable string) []byte {
	t.Helper()
	data, err := os.ReadFile(file(t, variable))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// withRoot returns a kernel whose blank root is overwritten by the one in a root object.
func withRoot(t *testing.T, kernel, rootObject []byte) []byte {
	t.Helper()
	found, err := object.Read(bytes.NewReader(rootObject))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "vmlinux")
	if err := os.WriteFile(path, kernel, 0o644); err != nil {
		t.Fatal(err)
	}
	copied, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if err := object.Overwrite(copied, found); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t *testing.T, data []byte) *elf.File {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func contents(t *testing.T, s *elf.Section) []byte {
	t.Helper()
	if s.Type == elf.SHT_NOBITS {
		return nil
	}
	data, err := s.Data()
	if err != nil {
		t.Fatalf("section %s: %v", s.Name, err)
	}
	return data
}

// buildID returns the build ID of a kernel: the descriptor of its note NT_GNU_BUILD_ID.
func buildID(t *testing.T, data []byte) []byte {
	t.Helper()
	notes := contents(t, parse(t, data).Section(".notes"))
	// namesz 4, descsz 20, type 3, "GNU\0" (elf(5)).
	head := append([]byte{4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0}, "GNU\x00"...)
	at := bytes.Index(notes, head)
	if at < 0 {
		t.Fatal("got a kernel without a build ID")
	}
	return notes[at+len(head):][:20]
}

// eachFile runs a subtest for both files of the kernel.
func eachFile(t *testing.T, test func(t *testing.T, name string)) {
	for _, name := range []string{"VMLINUX", "VMLINUX_UNSTRIPPED"} {
		t.Run(name, func(t *testing.T) { test(t, name) })
	}
}

// TestOverwritten checks that Kbuild has made vmlinux of the overwritten vmlinux.unstripped, and of nothing else.
func TestOverwritten(t *testing.T) {
	eachFile(t, func(t *testing.T, name string) {
		want := withRoot(t, read(t, "BLANK_"+name), read(t, "ROOT_OBJECT"))
		if !bytes.Equal(read(t, "OVERWRITTEN_"+name), want) {
			t.Error("the overwritten kernel differs from the blank one in more than its root")
		}
	})
}

// TestLinked checks that a linked kernel differs from the overwritten one only where the documentation states it.
func TestLinked(t *testing.T) {
	eachFile(t, func(t *testing.T, name string) {
		linked, overwritten := read(t, "LINKED_"+name), read(t, "OVERWRITTEN_"+name)
		was, is := buildID(t, overwritten), buildID(t, linked)
		if bytes.Equal(was, is) {
			t.Error("the build ID does not depend on the root")
		}
		if n := bytes.Count(overwritten, was); n != 1 {
			t.Fatalf("got the build ID in %d places, want 1", n)
		}
		overwritten = bytes.Replace(overwritten, was, is, 1)
		differ := strings.Fields(os.Getenv("DIFFER"))
		if len(differ) == 0 && !bytes.Equal(overwritten, linked) {
			t.Error("the linked kernel differs from the overwritten one in more than its build ID")
		}
		compare(t, parse(t, linked), parse(t, overwritten), differ)
	})
}

// compare checks that what is loaded is the same, and that other sections differ only if their names have a prefix.
func compare(t *testing.T, linked, overwritten *elf.File, differ []string) {
	t.Helper()
	if len(linked.Progs) != len(overwritten.Progs) || len(linked.Sections) != len(overwritten.Sections) {
		t.Fatalf("got %d segments and %d sections, want %d and %d", len(overwritten.Progs), len(overwritten.Sections),
			len(linked.Progs), len(linked.Sections))
	}
	for i, p := range linked.Progs {
		if got := overwritten.Progs[i].ProgHeader; got != p.ProgHeader {
			t.Errorf("segment %d: got %+v, want %+v", i, got, p.ProgHeader)
		}
	}
	for i, want := range linked.Sections {
		got := overwritten.Sections[i]
		if got.Name != want.Name || got.Type != want.Type || got.Flags != want.Flags || got.Addr != want.Addr {
			t.Errorf("got section %+v, want %+v", got.SectionHeader, want.SectionHeader)
		}
		if got.Size == want.Size && bytes.Equal(contents(t, got), contents(t, want)) {
			continue
		}
		isDocumented := slices.ContainsFunc(differ, func(prefix string) bool { return strings.HasPrefix(want.Name, prefix) })
		if want.Flags&elf.SHF_ALLOC != 0 || !isDocumented {
			t.Errorf("section %s of %d bytes differs from that of the linked kernel, %d bytes", got.Name, got.Size, want.Size)
		}
		t.Logf("section %s: overwritten %d bytes, linked %d", got.Name, got.Size, want.Size)
	}
}

// TestRoots checks that all files of both kernels have the root of the tree.
func TestRoots(t *testing.T) {
	tree, err := root.Read(file(t, "TREE"), "")
	if err != nil {
		t.Fatal(err)
	}
	if tree.Root.Levels == 0 {
		t.Fatal("got the tree without modules")
	}
	for _, kernel := range []string{"LINKED_", "OVERWRITTEN_"} {
		for _, name := range []string{"VMLINUX", "VMLINUX_UNSTRIPPED", "IMAGE"} {
			found, err := root.Read(file(t, kernel+name), file(t, "SYSTEM_MAP"))
			if err != nil {
				t.Error(err)
			} else if found.Root != tree.Root {
				t.Errorf("%s%s: got the root %v, want that of the tree, %v", kernel, name, found.Root, tree.Root)
			}
		}
	}
}

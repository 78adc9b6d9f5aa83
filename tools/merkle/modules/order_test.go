// SPDX-License-Identifier: Apache-2.0

package modules

import (
	"reflect"
	"strings"
	"testing"
)

// modulesAt returns modules with the given install paths.
func modulesAt(installPaths ...string) []Module {
	var modules []Module
	for _, p := range installPaths {
		modules = append(modules, Module{File: "dir/" + p, InstallPath: p})
	}
	return modules
}

func TestArrange(t *testing.T) {
	for _, c := range []struct {
		name    string
		order   string
		modules []Module
		want    []uint32
	}{
		{"objects, as Kbuild lists them", "fs/b.o\nfs/a.o\n", modulesAt("kernel/fs/a.ko", "kernel/fs/b.ko"), []uint32{1, 0}},
		{"modules, as they are installed", "kernel/fs/b.ko\nkernel/fs/a.ko\n", modulesAt("kernel/fs/a.ko", "kernel/fs/b.ko"), []uint32{1, 0}},
		{"modules of an old build", "fs/b.ko\nfs/a.ko\n", modulesAt("kernel/fs/a.ko", "kernel/fs/b.ko"), []uint32{1, 0}},
		{"modules in a directory kernel", "kernel/fs/b.ko\nkernel/fs/a.ko\n", modulesAt("fs/a.ko", "fs/b.ko"), []uint32{1, 0}},
		{"objects of the build tree itself", "fs/b.o\nfs/a.o\n", modulesAt("fs/a.ko", "fs/b.ko"), []uint32{1, 0}},
		{"the source's own kernel directory", "fs/a.o\nkernel/time/t.o\n", modulesAt("kernel/kernel/time/t.ko", "kernel/fs/a.ko"), []uint32{1, 0}},
		{"the same, installed", "kernel/fs/a.ko\nkernel/kernel/time/t.ko\n", modulesAt("kernel/kernel/time/t.ko", "kernel/fs/a.ko"), []uint32{1, 0}},
		{"kernel directory and its like", "time/t.o\nkernel/time/t.o\n", modulesAt("kernel/kernel/time/t.ko", "kernel/time/t.ko"), []uint32{1, 0}},
		{"elsewhere than kernel", "fs/a.o\nextra/x.o\n", modulesAt("extra/x.ko", "kernel/fs/a.ko"), []uint32{1, 0}},
		{"CR LF", "fs/b.o\r\nfs/a.o\r\n", modulesAt("kernel/fs/a.ko", "kernel/fs/b.ko"), []uint32{1, 0}},
		{"no newline at the end", "fs/b.o\nfs/a.o", modulesAt("kernel/fs/a.ko", "kernel/fs/b.ko"), []uint32{1, 0}},
		{"nothing", "", nil, []uint32{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			order, err := ReadOrder(strings.NewReader(c.order), "modules.order")
			if err != nil {
				t.Fatal(err)
			}
			got, err := order.Arrange(c.modules, true)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestReadOrderErrors(t *testing.T) {
	for _, c := range []struct{ name, order, want string }{
		{"duplicate", "fs/a.o\nfs/b.o\nfs/a.o\n", "modules.order:3: fs/a.o is listed already, in line 1"},
		{"duplicate as object and module", "fs/a.o\nfs/a.ko\n", "modules.order:2: fs/a.ko is listed already, in line 1"},
		{"empty line", "fs/a.o\n\nfs/b.o\n", `modules.order:2: "" is not a modules.order line, want a path that ends in .o or .ko`},
		{"comment", "# modules\n", `modules.order:1: "# modules" is not a modules.order line`},
		{"compressed", "fs/a.ko.xz\n", `modules.order:1: "fs/a.ko.xz" is not a modules.order line`},
		{"builtin", "fs/a.a\n", `modules.order:1: "fs/a.a" is not a modules.order line`},
		{"absolute", "/fs/a.o\n", `modules.order:1: path "/fs/a.ko" is absolute`},
		{"not clean", "fs//a.o\n", `modules.order:1: path "fs//a.ko" is not clean, want "fs/a.ko"`},
		{"upwards", "../a.o\n", `modules.order:1: path "../a.ko" leads out of lib/modules/RELEASE`},
		{"control character", "fs/\x01.o\n", "has a control character"},
		{"not UTF-8", "fs/\xff.o\n", "is not valid UTF-8"},
		{"endless line", "fs/a.o\n" + strings.Repeat("x", 1<<17), "modules.order:2: reading modules.order: bufio.Scanner: token too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadOrder(strings.NewReader(c.order), "modules.order")
			wantError(t, err, c.want)
		})
	}
}

func TestArrangeErrors(t *testing.T) {
	for _, c := range []struct {
		name, order string
		modules     []Module
		want        string
	}{
		{"listed, not given", "fs/a.o\nfs/b.o\n", modulesAt("kernel/fs/a.ko"), "modules.order:2: fs/b.o is listed, but no such module was given"},
		{"given, not listed", "fs/a.o\n", modulesAt("kernel/fs/a.ko", "kernel/fs/b.ko"),
			"modules.order does not list dir/kernel/fs/b.ko (install path kernel/fs/b.ko)"},
		{"two lines, one module", "fs/a.o\nkernel/fs/a.ko\n", modulesAt("kernel/fs/a.ko"),
			"modules.order:2: kernel/fs/a.ko names dir/kernel/fs/a.ko, which line 1 names already"},
	} {
		t.Run(c.name, func(t *testing.T) {
			order, err := ReadOrder(strings.NewReader(c.order), "modules.order")
			if err != nil {
				t.Fatal(err)
			}
			_, err = order.Arrange(c.modules, true)
			wantError(t, err, c.want)
		})
	}
}

// TestArrangeShard checks that a shard may leave lines without a module, never a module
// without a line.
func TestArrangeShard(t *testing.T) {
	order, err := ReadOrder(strings.NewReader("a.o\nb.o\nc.o\n"), "modules.order")
	if err != nil {
		t.Fatal(err)
	}
	got, err := order.Arrange(modulesAt("kernel/c.ko", "kernel/a.ko"), false)
	if err != nil || !reflect.DeepEqual(got, []uint32{2, 0}) {
		t.Errorf("got %v, %v, want [2 0]", got, err)
	}
	_, err = order.Arrange(modulesAt("kernel/d.ko"), false)
	wantError(t, err, "modules.order does not list dir/kernel/d.ko")
}

// TestExtend checks that modules without a line come last, in bytewise order of install paths, and that nothing
// changes where there are none.
func TestExtend(t *testing.T) {
	for _, c := range []struct {
		name    string
		modules []Module
		want    []uint32
	}{
		{"all listed", modulesAt("kernel/b.ko", "kernel/a.ko"), []uint32{1, 0}},
		{"others around them", modulesAt("updates/x.ko", "kernel/a.ko", "extra/x.ko", "kernel/b.ko", "Z.ko"), []uint32{4, 0, 3, 1, 2}},
		{"others at paths that look listed", modulesAt("a.ko", "kernel/a.ko", "kernel/b.ko"), []uint32{2, 0, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			order, err := ReadOrder(strings.NewReader("a.o\nb.o\n"), "modules.order")
			if err != nil {
				t.Fatal(err)
			}
			order.Extend(c.modules)
			got, err := order.Arrange(c.modules, true)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

// TestExtendMissing checks that a listed module that is not there stays an error.
func TestExtendMissing(t *testing.T) {
	order, err := ReadOrder(strings.NewReader("a.o\nb.o\n"), "modules.order")
	if err != nil {
		t.Fatal(err)
	}
	modules := modulesAt("kernel/a.ko", "updates/x.ko")
	order.Extend(modules)
	_, err = order.Arrange(modules, true)
	wantError(t, err, "modules.order:2: b.o is listed, but no such module was given")
}

func TestReadOrderFile(t *testing.T) {
	_, err := ReadOrderFile("no/such/modules.order")
	wantError(t, err, "open no/such/modules.order: no such file")
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want one with %q", err, want)
	}
}

// FuzzReadOrder checks that modules installed where the lines state get the positions of the
// lines.
func FuzzReadOrder(f *testing.F) {
	f.Add("fs/a.o\nfs/b.o\n")
	f.Add("kernel/fs/a.ko\r\nkernel/kernel/t.ko")
	f.Add("fs/a.o\nfs/a.ko\n")
	f.Fuzz(func(t *testing.T, text string) {
		order, err := ReadOrder(strings.NewReader(text), "modules.order")
		if err != nil {
			return
		}
		var modules []Module
		for _, line := range order.lines {
			if err := CheckInstallPath(line.path); err != nil {
				t.Fatalf("line %q was taken, but is no install path: %v", line.text, err)
			}
			modules = append(modules, Module{InstallPath: line.candidates()[0]})
		}
		positions, err := order.Arrange(modules, true)
		if err != nil {
			return // the lines name one module twice, or two modules stand for one
		}
		for i, p := range positions {
			if modules[p].InstallPath != modules[i].InstallPath {
				t.Errorf("module %q has position %d", modules[i].InstallPath, p)
			}
		}
	})
}

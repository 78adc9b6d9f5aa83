// SPDX-License-Identifier: Apache-2.0

package modules

import (
	"os"
	"reflect"
	"syscall"
	"testing"
)

// layout makes the files of a small lib/modules/RELEASE called mods, and what does not
// belong to it.
func layout(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, file := range []string{
		"mods/kernel/b.ko", "mods/kernel/b-c.ko", "mods/kernel/b/z.ko", "mods/a.ko.zst", "mods/extra/x.ko.xz", "mods/extra/y.ko.gz",
		"mods/modules.dep", "mods/kernel/notes.ko.txt", "mods/kernel/b.o", "source/outside.ko", "store/1234.ko",
	} {
		write(t, file)
	}
	symlink(t, "../source", "mods/build")
	symlink(t, "../../store/1234.ko", "mods/kernel/linked.ko")
	symlink(t, "mods", "link")
}

func symlink(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func installPaths(modules []Module) []string {
	var paths []string
	for _, m := range modules {
		paths = append(paths, m.InstallPath)
	}
	return paths
}

// inLayout is what the directory mods holds, bytewise by install path.
var inLayout = []string{
	"a.ko", "extra/x.ko", "extra/y.ko", "kernel/b-c.ko", "kernel/b.ko", "kernel/b/z.ko", "kernel/linked.ko",
}

func TestCollectDirectory(t *testing.T) {
	layout(t)
	for _, dir := range []string{"mods", "mods/", "./mods", "link", "link/"} {
		found, err := Collect([]Source{{Path: dir}})
		if got := installPaths(found.Modules); err != nil || !reflect.DeepEqual(got, inLayout) {
			t.Errorf("%s: got %q, %v, want %q", dir, got, err, inLayout)
		}
	}
}

func TestCollectSources(t *testing.T) {
	layout(t)
	found, err := Collect([]Source{
		{Path: "store/1234.ko", InstallPath: "kernel/z.ko.xz", Label: "//:z"},
		{Path: "mods/extra", InstallPath: "updates/dkms", Label: "//:extra"},
		{Path: "mods/a.ko.zst"},
	})
	want := []Module{
		{File: "store/1234.ko", InstallPath: "kernel/z.ko", Label: "//:z"},
		{File: "mods/extra/x.ko.xz", InstallPath: "updates/dkms/x.ko", Label: "//:extra"},
		{File: "mods/extra/y.ko.gz", InstallPath: "updates/dkms/y.ko", Label: "//:extra"},
		{File: "mods/a.ko.zst", InstallPath: "a.ko", Guessed: true},
	}
	if err != nil || !reflect.DeepEqual(found.Modules, want) {
		t.Errorf("got %+v, %v, want %+v", found.Modules, err, want)
	}
}

func TestListAllowsDuplicates(t *testing.T) {
	layout(t)
	found, err := List([]Source{{Path: "mods/a.ko.zst"}, {Path: "mods/a.ko.zst"}})
	if err != nil || len(found.Modules) != 2 {
		t.Errorf("got %v, %v, want two modules", found, err)
	}
}

func TestCollectErrors(t *testing.T) {
	layout(t)
	write(t, "twice/a.ko")
	write(t, "twice/a.ko.xz")
	write(t, "broken/x")
	symlink(t, "nowhere", "broken/gone.ko")
	write(t, "odd/x")
	if err := syscall.Mkfifo("odd/pipe.ko", 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, "control/\n.ko")
	for _, c := range []struct {
		name    string
		sources []Source
		want    string
	}{
		{"not there", []Source{{Path: "none"}}, "stat none: no such file or directory"},
		{"not there, labelled", []Source{{Path: "none", Label: "//:n"}}, "//:n: stat none: no such file or directory"},
		{"two names of one module", []Source{{Path: "twice"}},
			`twice/a.ko and twice/a.ko.xz have the same install path "a.ko": a tree contains it once`},
		{"two targets", []Source{{Path: "twice/a.ko", InstallPath: "k/x.ko", Label: "//:a"}, {Path: "store/1234.ko", InstallPath: "k/x.ko", Label: "//:b"}},
			`//:a (twice/a.ko) and //:b (store/1234.ko) have the same install path "k/x.ko": a tree contains it once`},
		{"file and directory", []Source{{Path: "twice/a.ko", InstallPath: "k/x.ko"}, {Path: "store", InstallPath: "k/x.ko"}},
			`install path "k/x.ko" of twice/a.ko is a directory of "k/x.ko/1234.ko" of store/1234.ko`},
		{"dangling link", []Source{{Path: "broken"}}, `broken/gone.ko is a symbolic link to "nowhere", which does not exist`},
		{"pipe in a directory", []Source{{Path: "odd"}}, "odd/pipe.ko has the name of a module, but is not a regular file (p---------)"},
		{"pipe", []Source{{Path: "odd/pipe.ko"}}, "odd/pipe.ko is neither a regular file nor a directory"},
		{"control character", []Source{{Path: "control"}}, `install path "\n.ko" has a control character`},
		{"prefix", []Source{{Path: "twice/a.ko", InstallPath: "../a.ko", Label: "//:a"}},
			`//:a (twice/a.ko): install path "../a.ko" leads out of lib/modules/RELEASE`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Collect(c.sources)
			wantError(t, err, c.want)
		})
	}
}

func TestCheckInstallPath(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"kernel/fs/ext4/ext4.ko", ""}, {"a.ko", ""}, {"kernel/..a/b.ko", ""}, {"kernel/größe.ko", ""},
		{"", `install path "" is empty`},
		{"/a.ko", `install path "/a.ko" is absolute, want one relative to lib/modules/RELEASE`},
		{".", `install path "." leads out of lib/modules/RELEASE`},
		{"..", `install path ".." leads out of lib/modules/RELEASE`},
		{"../a.ko", `install path "../a.ko" leads out of lib/modules/RELEASE`},
		{"a/../../b.ko", `install path "a/../../b.ko" is not clean, want "../b.ko"`},
		{"a/../b.ko", `install path "a/../b.ko" is not clean, want "b.ko"`},
		{"a//b.ko", `install path "a//b.ko" is not clean, want "a/b.ko"`},
		{"./a.ko", `install path "./a.ko" is not clean, want "a.ko"`},
		{"a/", `install path "a/" is not clean, want "a"`},
		{"a\x00.ko", `install path "a\x00.ko" has a control character`},
		{"a\n.ko", `install path "a\n.ko" has a control character`},
		{"\xff.ko", `install path "\xff.ko" is not valid UTF-8`},
	} {
		err := CheckInstallPath(c.path)
		if c.want == "" && err != nil {
			t.Errorf("%q: %v", c.path, err)
		}
		if c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%q: error is %v, want %q", c.path, err, c.want)
		}
	}
}

// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// open returns an empty system, and the directory that it is in.
func open(t *testing.T) (*FS, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "system")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	system, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { system.Close() })
	return system, dir
}

func write(t *testing.T, dir, name string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(name), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, dir, name, target string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func TestOpenFile(t *testing.T) {
	system, dir := open(t)
	write(t, dir, "etc/hostname")
	write(t, filepath.Dir(dir), "outside")
	link(t, dir, "a/absolute", "/etc/hostname")
	link(t, dir, "a/up", "../../../../../etc/hostname")
	link(t, dir, "a/chain", "absolute")
	link(t, dir, "behind", "/a")
	link(t, dir, "loop", "loop")
	link(t, dir, "out", "../outside")
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a/absolute", "a/up", "a/chain", "behind/chain"} {
		f, _, err := system.OpenFile(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, _ := io.ReadAll(f); string(got) != "etc/hostname" {
			t.Errorf("%s: got %q", name, got)
		}
		f.Close()
	}
	for name, want := range map[string]string{
		"loop": "cannot be read: too many levels of symbolic links", "out": "cannot be read: no such file or directory",
		"fifo": "is not a regular file (p---------)", "etc": "is not a regular file (d---------)",
	} {
		if _, _, err := system.OpenFile(name); err == nil || err.Error() != want {
			t.Errorf("%s: error is %v, want %s", name, err, want)
		}
	}
}

func TestNames(t *testing.T) {
	system, dir := open(t)
	for host, want := range map[string]string{dir: ".", filepath.Join(dir, "a/b"): "a/b", dir + "/a/../c/": "c"} {
		if got, ok := system.Name(host); got != want || !ok {
			t.Errorf("%s: got %q, %v, want %q", host, got, ok, want)
		}
	}
	if got, ok := system.Name(dir + "er"); ok {
		t.Errorf("a path outside has the name %q", got)
	}
	if got := system.HostPath("a/b"); got != filepath.Join(dir, "a/b") {
		t.Errorf("got %q", got)
	}
}

func TestGlob(t *testing.T) {
	system, dir := open(t)
	write(t, dir, "lib/modules/1/a")
	write(t, dir, "lib/modules/2/a")
	write(t, dir, "lib/modules/file")
	link(t, dir, "linked", "/lib/modules")
	for pattern, want := range map[string][]string{
		"lib/modules/*/a": {"lib/modules/1/a", "lib/modules/2/a"}, "linked/[2-9]": {"linked/2"}, "none/*": nil, "lib/none": nil,
	} {
		if got := system.Glob(pattern); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", pattern, got, want)
		}
	}
}

// lines returns "PATH: what" for each entry.
func lines(entries []Entry) (all []string) {
	for _, e := range entries {
		what := map[Kind]string{File: "file", Special: "special", Excluded: "excluded"}[e.Kind]
		switch e.Kind {
		case Again:
			what = "again " + e.First
		case Dangling, Unreadable:
			what = e.Err.Error()
		}
		all = append(all, e.Path+": "+what)
	}
	return all
}

func TestWalk(t *testing.T) {
	system, dir := open(t)
	write(t, dir, "lib/m/kernel/a")
	write(t, dir, "lib/m/z")
	write(t, dir, "opt/b")
	write(t, dir, "opt/deep/c")
	write(t, dir, "lib/m/build/d")
	link(t, dir, "lib/m/kernel/up", "..")
	link(t, dir, "lib/m/file", "/opt/b")
	link(t, dir, "lib/m/first", "/opt")
	link(t, dir, "lib/m/second", "../../opt/deep")
	link(t, dir, "lib/m/gone", "/nowhere")
	link(t, dir, "lib/m/loop", "loop")
	if err := syscall.Mkfifo(filepath.Join(dir, "lib/m/pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	entries, err := system.Walk("lib/m", func(p string) bool { return p == "lib/m/build" })
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"lib/m/build: excluded", "lib/m/file: file", "lib/m/first/b: file", "lib/m/first/deep/c: file",
		`lib/m/gone: is a symbolic link to "/nowhere", which does not exist`, "lib/m/kernel/a: file", "lib/m/kernel/up: again lib/m",
		"lib/m/loop: cannot be read: too many levels of symbolic links", "lib/m/pipe: special",
		"lib/m/second: again lib/m/first/deep", "lib/m/z: file",
	}
	if got := lines(entries); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := system.Walk("none", nil); err == nil || err.Error() != "cannot be read: no such file or directory" {
		t.Errorf("error is %v", err)
	}
}

// TestWalkReachesEverything has random links between directories, and a file in each: the walk finds the files of all
// directories that links lead to, each once.
func TestWalkReachesEverything(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		system, dir := open(t)
		n := 2 + random.IntN(8)
		name := func(i int) string { return fmt.Sprintf("d%d", i) }
		for i := range n {
			write(t, dir, path.Join(name(i), "file"))
		}
		leads := make([][]int, n)
		for l := range random.IntN(3 * n) {
			from, to := random.IntN(n), random.IntN(n)
			target := "../" + name(to)
			switch random.IntN(3) {
			case 0:
				target = "/" + name(to)
			case 1:
				link(t, dir, fmt.Sprintf("chain%d", l), name(to))
				target = fmt.Sprintf("../../chain%d", l)
			}
			link(t, dir, fmt.Sprintf("%s/to%d", name(from), l), target)
			leads[from] = append(leads[from], to)
		}
		entries, err := system.Walk(name(0), nil)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, e := range entries {
			if e.Kind == File {
				got = append(got, e.Real)
			}
		}
		for i := range reachable(leads) {
			want = append(want, path.Join(name(i), "file"))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: got %q, want %q", seed, got, want)
		}
	}
}

// reachable returns the nodes that can be reached from the first.
func reachable(leads [][]int) map[int]bool {
	reached, todo := map[int]bool{0: true}, []int{0}
	for len(todo) > 0 {
		from := todo[0]
		todo = todo[1:]
		for _, to := range leads[from] {
			if !reached[to] {
				reached[to] = true
				todo = append(todo, to)
			}
		}
	}
	return reached
}

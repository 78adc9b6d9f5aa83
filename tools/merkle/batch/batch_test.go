// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/cli/output"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/trailer"
	"rules_modhash/tools/merkle/tree"
)

// withProcs runs a test with several numbers of workers.
func withProcs(t *testing.T, test func(*testing.T)) {
	for _, n := range []int{1, 2, 16} {
		t.Run(fmt.Sprint(n, " workers"), func(t *testing.T) {
			defer func(before chan *module.Scanner) { scanners = before }(scanners)
			scanners = newScanners(n)
			test(t)
		})
	}
}

func TestEachDoesAll(t *testing.T) {
	withProcs(t, func(t *testing.T) {
		var done [1000]atomic.Int32
		var ticks atomic.Int32
		err := Each(t.Context(), len(done), func() { ticks.Add(1) }, func(_ *module.Scanner, i int) error {
			done[i].Add(1)
			return nil
		})
		if err != nil || ticks.Load() != 1000 {
			t.Errorf("error is %v, %d ticks, want none, 1000", err, ticks.Load())
		}
		for i := range done {
			if done[i].Load() != 1 {
				t.Errorf("index %d done %d times", i, done[i].Load())
			}
		}
	})
	if err := Each(t.Context(), 0, nil, nil); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
}

// TestEachReturnsFirstError has early indices fail late.
func TestEachReturnsFirstError(t *testing.T) {
	withProcs(t, func(t *testing.T) {
		for range 20 {
			err := Each(t.Context(), 500, nil, func(_ *module.Scanner, i int) error {
				if i < 40 || i%7 != 5 {
					return nil
				}
				time.Sleep(time.Duration(100-min(i, 100)) * 20 * time.Microsecond)
				return fmt.Errorf("failing at %d", i)
			})
			if err == nil || err.Error() != "failing at 40" {
				t.Fatalf("error is %v, want failing at 40", err)
			}
		}
	})
}

// TestEachSurvivesPanics checks that a panic is an error, and takes no Scanner away.
func TestEachSurvivesPanics(t *testing.T) {
	for range 2 * cap(scanners) {
		err := Each(t.Context(), 3, nil, func(_ *module.Scanner, i int) error {
			if i == 1 {
				panic("out of luck")
			}
			return nil
		})
		if err == nil || !strings.HasPrefix(err.Error(), "internal error: out of luck\n") {
			t.Fatalf("got error %v, want one that says out of luck", err)
		}
	}
	if len(scanners) != cap(scanners) {
		t.Errorf("%d scanners are left, want %d", len(scanners), cap(scanners))
	}
}

// TestEachShares checks that all batches together use no more scanners than there are CPUs.
func TestEachShares(t *testing.T) {
	var used sync.Map
	var batches sync.WaitGroup
	for range 10 {
		batches.Go(func() {
			_ = Each(t.Context(), 100, nil, func(s *module.Scanner, _ int) error {
				if _, busy := used.LoadOrStore(s, true); busy {
					t.Error("a scanner is used twice at once")
				}
				used.Delete(s)
				return nil
			})
		})
	}
	batches.Wait()
	if len(scanners) != cap(scanners) {
		t.Errorf("%d scanners are left, want %d", len(scanners), cap(scanners))
	}
}

func TestEachStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var done atomic.Int32
	err := Each(ctx, 1_000_000, nil, func(*module.Scanner, int) error {
		if done.Add(1) == 10 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || done.Load() > 100 {
		t.Errorf("error is %v after %d, want cancelled soon after 10", err, done.Load())
	}
}

// writeModules makes n raw modules in a new working directory.
func writeModules(t *testing.T, n int) []modules.Module {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.Mkdir("in", 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		body := strings.Repeat(fmt.Sprintf("module %d ", i), 3*i+1)
		if err := os.WriteFile(fmt.Sprintf("in/m%02d.ko", i), []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := modules.Collect([]modules.Source{{Path: "in"}})
	if err != nil {
		t.Fatal(err)
	}
	return found.Modules
}

func positions(n int) []uint32 {
	p := make([]uint32, n)
	for i := range p {
		p[i] = uint32(i)
	}
	return p
}

// sealInto hashes modules and seals them into the directory out.
func sealInto(t *testing.T, modules []modules.Module, out string) *tree.Tree {
	t.Helper()
	var outputs output.Set
	dir, err := outputs.Dir(out)
	if err != nil {
		t.Fatal(err)
	}
	leaves, err := Leaves(t.Context(), modules, positions(len(modules)), Reading{Raw: true}, dir)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := tree.New(leaves)
	if err != nil {
		t.Fatal(err)
	}
	if err := AppendProofs(t.Context(), tree, dir); err != nil {
		t.Fatal(err)
	}
	if err := outputs.Commit(); err != nil {
		t.Fatal(err)
	}
	return tree
}

// TestSealWays checks that both ways of sealing give the same files, whatever the number of
// workers.
func TestSealWays(t *testing.T) {
	modules := writeModules(t, 21)
	tree := sealInto(t, modules, "first")
	withProcs(t, func(t *testing.T) {
		again := fmt.Sprint("again", cap(scanners))
		if got := sealInto(t, modules, again).Root(); got != tree.Root() {
			t.Errorf("root is %s, want %s", got, tree.Root())
		}
		var outputs output.Set
		dir, err := outputs.Dir("by-tree" + again)
		if err != nil {
			t.Fatal(err)
		}
		if err := Seal(t.Context(), tree, modules, Reading{Raw: true}, dir); err != nil {
			t.Fatal(err)
		}
		if err := outputs.Commit(); err != nil {
			t.Fatal(err)
		}
		for _, m := range modules {
			wantSame(t, "first", again, m.InstallPath)
			wantSame(t, "first", "by-tree"+again, m.InstallPath)
		}
	})
}

func wantSame(t *testing.T, dir, other, file string) {
	t.Helper()
	a, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(other, file))
	if err != nil || string(a) != string(b) {
		t.Errorf("%s differs between %s and %s: %v", file, dir, other, err)
	}
}

// TestEveryFlippedBit flips each bit of sealed modules, proof and marker included: none
// passes, against the root alone and against the tree.
func TestEveryFlippedBit(t *testing.T) {
	tree := sealInto(t, writeModules(t, 3), "sealed")
	var changed []modules.Module
	for _, l := range tree.Leaves {
		b, err := os.ReadFile(filepath.Join("sealed", l.InstallPath))
		if err != nil {
			t.Fatal(err)
		}
		for bit := range 8 * len(b) {
			b[bit/8] ^= 1 << (bit % 8)
			changed = append(changed, changedModule(t, l, fmt.Sprintf("bit %d flipped", bit), b))
			b[bit/8] ^= 1 << (bit % 8)
		}
	}
	wantAllRefused(t, tree, changed)
}

// TestEveryLength cuts a sealed module short and makes it longer.
func TestEveryLength(t *testing.T) {
	tree := sealInto(t, writeModules(t, 3), "sealed")
	b, err := os.ReadFile("sealed/m02.ko")
	if err != nil {
		t.Fatal(err)
	}
	var changed []modules.Module
	for n := 1; n < len(b); n++ {
		changed = append(changed, changedModule(t, tree.Leaves[2], fmt.Sprintf("%d bytes", n), b[:n]))
	}
	for _, more := range []string{"\n", "\x00", trailer.Marker} {
		changed = append(changed, changedModule(t, tree.Leaves[2], fmt.Sprintf("%q appended",
			more), append(b[:len(b):len(b)], more...)))
	}
	wantAllRefused(t, tree, changed)
}

// changedModule writes what became of a sealed module, and calls it by what was done.
func changedModule(t *testing.T, l tree.Leaf, what string, b []byte) modules.Module {
	t.Helper()
	file := l.InstallPath + " " + what
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return modules.Module{File: file, InstallPath: l.InstallPath}
}

// wantAllRefused verifies changed modules against the root alone and against the tree.
func wantAllRefused(t *testing.T, tree *tree.Tree, changed []modules.Module) {
	t.Helper()
	for _, ref := range []Reference{{Root: tree.Root()}, {Root: tree.Root(), Tree: tree}} {
		r, err := Verify(t.Context(), changed, ref, nil)
		if err != nil {
			t.Fatal(err)
		}
		refused := map[string]bool{}
		for _, f := range r.Failures {
			refused[f.Module.File] = true
		}
		for _, m := range changed {
			if !refused[m.File] {
				t.Errorf("%s: passes", m)
			}
		}
	}
}

func TestVerifyReasons(t *testing.T) {
	plain := writeModules(t, 5)
	tree := sealInto(t, plain, "sealed")
	other := sealInto(t, plain[:2], "other")
	full := Reference{Root: tree.Root(), Tree: tree}
	for _, c := range []struct {
		name        string
		file, where string
		guessed     bool
		ref         Reference
		want        string
	}{
		{"good", "sealed/m03.ko", "m03.ko", false, full, ""},
		{"only the name known", "sealed/m03.ko", "m03.ko", true, full, ""},
		{"not sealed", "in/m03.ko", "m03.ko", false, full, "is not sealed: it carries no proof"},
		{"other place", "sealed/m03.ko", "kernel/m03.ko", false, full, "is m03.ko in the tree (position 3), but is at kernel/m03.ko"},
		{"place of another", "sealed/m03.ko", "m02.ko", false, full, "is m03.ko in the tree (position 3), but is at m02.ko"},
		{"place of another by name", "sealed/m03.ko", "m02.ko", true, full, "is m03.ko in the tree (position 3), but is at m02.ko"},
		{"other place, root only", "sealed/m03.ko", "kernel/m03.ko", false, Reference{Root: tree.Root()}, ""},
		{"other tree", "other/m01.ko", "m01.ko", false, full,
			"proof has 1 levels, the root has 3; the tree has m01.ko at position 1"},
		{"other tree, root only", "sealed/m03.ko", "m03.ko", false, Reference{Root: other.Root()}, "proof has 3 levels, the root has 1"},
		{"empty tree", "sealed/m03.ko", "m03.ko", false, Reference{}, "root is that of a tree without modules: no module belongs to it"},
		{"other root", "sealed/m03.ko", "m03.ko", false, Reference{Root: merkle.Root{Levels: 3, Hash: merkle.Hash{1}}},
			"module and proof give root " + tree.Root().Hash.String() + ", want 0100000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := modules.Module{File: c.file, InstallPath: c.where, Guessed: c.guessed}
			r, err := Verify(t.Context(), []modules.Module{m}, c.ref, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, f := range r.Failures {
				got += f.Reason.Error()
			}
			if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
				t.Errorf("reason is %q, want %q", got, c.want)
			}
		})
	}
}

func TestVerifyMissing(t *testing.T) {
	plain := writeModules(t, 4)
	tree := sealInto(t, plain, "sealed")
	sealed, err := modules.Collect([]modules.Source{{Path: "sealed/m01.ko"}, {Path: "in/m02.ko"}, {Path: "sealed/m03.ko"}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Verify(t.Context(), sealed.Modules, Reference{Root: tree.Root(), Tree: tree}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var missing []string
	for _, l := range r.Missing {
		missing = append(missing, l.InstallPath)
	}
	if want := []string{"m00.ko", "m02.ko"}; !reflect.DeepEqual(missing, want) || r.Checked != 3 || len(r.Failures) != 1 {
		t.Errorf("missing are %q of %+v, want %q, 3 checked, 1 failure", missing, r, want)
	}
}

// TestUnreadable checks that a file that is not there ends what needs every module, and that the others go on.
func TestUnreadable(t *testing.T) {
	gone := []modules.Module{{File: "gone.ko", InstallPath: "gone.ko", Label: "//:gone"}}
	_, err := Leaves(t.Context(), gone, positions(1), Reading{}, nil)
	if want := "//:gone (gone.ko): open: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("leaves: error is %v, want %q", err, want)
	}
	report, err := Verify(t.Context(), gone, Reference{}, nil)
	if want := "cannot be read: no such file or directory"; err != nil || report.Failures[0].Reason.Error() != want {
		t.Errorf("verify: got %+v, %v, want the failure %q", report, err, want)
	}
	inspections, err := Inspect(t.Context(), gone, nil)
	if err != nil || !inspections[0].Unreadable() {
		t.Errorf("inspect: got %+v, %v, want an unreadable module", inspections, err)
	}
}

func TestCheckTargets(t *testing.T) {
	x86 := arch.Target{Class: 2, Data: 1, Machine: 62}
	arm := arch.Target{Class: 2, Data: 1, Machine: 183}
	for _, c := range []struct {
		name    string
		targets []arch.Target
		want    arch.Target
		err     string
	}{
		{"all alike", []arch.Target{x86, x86}, arch.Target{}, ""},
		{"as wanted", []arch.Target{x86, x86}, x86, ""},
		{"raw among them", []arch.Target{{}, x86, {}}, arch.Target{}, ""},
		{"none", nil, x86, ""},
		{"not as wanted", []arch.Target{x86, arm}, x86,
			"m1: is built for ELFCLASS64 ELFDATA2LSB EM_AARCH64, want ELFCLASS64 ELFDATA2LSB EM_X86_64"},
		{"first not as wanted", []arch.Target{arm}, x86, "m0: is built for ELFCLASS64 ELFDATA2LSB EM_AARCH64, want"},
		{"mixed", []arch.Target{{}, x86, arm}, arch.Target{},
			"m2: is built for ELFCLASS64 ELFDATA2LSB EM_AARCH64, but m1 for ELFCLASS64 ELFDATA2LSB EM_X86_64: the modules of a tree have one target"},
	} {
		t.Run(c.name, func(t *testing.T) {
			leaves := make([]tree.Leaf, len(c.targets))
			for i := range leaves {
				leaves[i].Target = c.targets[i]
			}
			err := CheckTargets(leaves, c.want, func(i int) string { return fmt.Sprint("m", i) })
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.HasPrefix(err.Error(), c.err)) {
				t.Errorf("error is %v, want %q", err, c.err)
			}
		})
	}
}

func TestSealRefuses(t *testing.T) {
	plain := writeModules(t, 3)
	tree := sealInto(t, plain, "sealed")
	for _, c := range []struct {
		name string
		m    modules.Module
		want string
	}{
		{"not in the tree", modules.Module{File: "in/m00.ko", InstallPath: "kernel/m00.ko"},
			`in/m00.ko: the tree has no module with the install path "kernel/m00.ko"`},
		{"other bytes", modules.Module{File: "in/m01.ko", InstallPath: "m02.ko", Label: "//:m"},
			"//:m (in/m01.ko): hashes to leaf " + merkle.LeafHash(2, []byte(strings.Repeat("module 1 ", 4))).String() +
				" at position 2, the proof of m02.ko is for " + tree.Leaf(2).String()},
	} {
		t.Run(c.name, func(t *testing.T) {
			var outputs output.Set
			defer func() { _ = outputs.Discard() }()
			dir, err := outputs.Dir("out")
			if err != nil {
				t.Fatal(err)
			}
			err = Seal(t.Context(), tree, []modules.Module{c.m}, Reading{Raw: true}, dir)
			if err == nil || err.Error() != c.want {
				t.Errorf("error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestUnseal(t *testing.T) {
	plain := writeModules(t, 3)
	sealInto(t, plain, "sealed")
	sealed, err := modules.Collect([]modules.Source{{Path: "sealed"}})
	if err != nil {
		t.Fatal(err)
	}
	var outputs output.Set
	dir, err := outputs.Dir("bare")
	if err != nil {
		t.Fatal(err)
	}
	if left, err := Unseal(t.Context(), sealed.Modules, false, nil, dir); err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	_, err = Unseal(t.Context(), plain[1:2], true, nil, dir)
	if want := "file exists"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("twice: error is %v, want one with %q", err, want)
	}
	if err := outputs.Commit(); err != nil {
		t.Fatal(err)
	}
	for _, m := range plain {
		wantSame(t, "in", "bare", m.InstallPath)
	}
	for _, all := range []bool{false, true} {
		_, err = UnsealOne(new(module.Scanner), plain[0], all, new(strings.Builder))
		if want := "in/m00.ko: carries no trailer to drop"; err == nil || err.Error() != want {
			t.Errorf("not sealed: error is %v, want %q", err, want)
		}
	}
}

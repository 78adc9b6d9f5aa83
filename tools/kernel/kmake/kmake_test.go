// SPDX-License-Identifier: Apache-2.0

package kmake

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExcerptShowsErrorsFirst(t *testing.T) {
	lines := []string{"  CC      a.o", "a.c:3:1: error: unknown type name 'nit'", "make[2]: *** [a.o] Error 1"}
	for range 100 {
		lines = append(lines, "  CC      other.o")
	}
	got := Excerpt(strings.Join(append(lines, "make: *** [Makefile:1: sub-make] Error 2"), "\n"))
	if !strings.HasPrefix(got, "a.c:3:1: error: unknown type name 'nit'\n--- the last lines of the output:\n  CC") {
		t.Errorf("got %q", got)
	}
	if !strings.HasSuffix(got, "Error 2") || strings.Count(got, "\n") != shownTail+1 {
		t.Errorf("got %q", got)
	}
}

func TestUses(t *testing.T) {
	x86 := Target{Machine: "x86_64"}
	for path, want := range map[string]bool{
		"Makefile": true, "arch/Kconfig": true, "arch/x86/kernel/cpu.c": true, "arch/arm64/kernel/cpu.c": false,
		"arch/arm64/Kconfig": true, "Documentation/x.rst": false, "Documentation/Kconfig": true,
		"tools/testing/x.c": false, "tools/objtool/check.c": true, "fs/ext4/inode.c": true,
	} {
		if got := x86.Uses(path); got != want {
			t.Errorf("%s: got %t, want %t", path, got, want)
		}
	}
	if !(Target{Machine: "arm64"}).Uses("arch/x86/entry/syscalls/syscall_32.tbl") {
		t.Error("arm64 does not get the system calls that scripts/checksyscalls.sh compares with")
	}
	if other := (Target{Machine: "s390x"}); !other.Uses("arch/x86/kernel/cpu.c") {
		t.Error("a machine without a list does not get all folders")
	}
}

func TestConfigures(t *testing.T) {
	x86 := Target{Machine: "x86_64"}
	for path, want := range map[string]bool{
		"Makefile": true, "fs/Kconfig": true, "fs/ext4/inode.c": false, "net/core/dev.h": false, "kernel/configs/tiny.config": true,
		"scripts/kconfig/conf.c": true, "scripts/cc-version.sh": true, "include/linux/kconfig.h": true,
		"arch/x86/configs/x86_64_defconfig": true, "arch/arm64/configs/defconfig": false, "Documentation/x.rst": false,
	} {
		if got := x86.Configures(path); got != want {
			t.Errorf("%s: got %t, want %t", path, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		target Target
		want   string
	}{
		{Target{Machine: "vax", Compiler: "gcc"}, `machine: got "vax"`},
		{Target{Machine: "x86_64", Compiler: "tcc"}, `compiler: got "tcc"`},
	} {
		if err := c.target.Check(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if err := (Target{Machine: "arm64", Compiler: "clang"}).Check(); err != nil {
		t.Error(err)
	}
}

func TestProgramsSeeNothingOfTheMachine(t *testing.T) {
	t.Setenv("SECRET", "x")
	dir := filepath.Join(t.TempDir(), "linux")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	tree := &Tree{Dir: dir}
	if err := tree.Run(t.Context(), "env"); err != nil {
		t.Fatal(err)
	}
	if log := tree.Log.String(); strings.Contains(log, "SECRET") || !strings.Contains(log, "TZ=UTC\n") {
		t.Errorf("got %s", log)
	}
	if err := tree.Run(t.Context(), "no-such-program"); err == nil || !strings.Contains(err.Error(), "starting no-such-program") {
		t.Errorf("got %v", err)
	}
}

// SPDX-License-Identifier: Apache-2.0

package kmake

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
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
		t.Error("a machine without a list does not get all directories")
	}
}

func TestConfigures(t *testing.T) {
	for path, want := range map[string]bool{
		"Makefile": true, "fs/Kconfig": true, "fs/ext4/inode.c": false, "net/core/dev.h": false, "kernel/configs/tiny.config": true,
		"scripts/kconfig/conf.c": true, "scripts/cc-version.sh": true, "include/linux/kconfig.h": false,
		"arch/x86/configs/x86_64_defconfig": true, "arch/arm64/configs/defconfig": true, "Documentation/x.rst": false,
		"arch/arm64/boot/dts/x.dtsi": false, "Documentation/Kconfig": true, "tools/testing/x.sh": false,
	} {
		if got := Configures(path); got != want {
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

// TestLogDoesNotNameJobs checks that make gets -j, and that the log, which is an output, is the same with any number.
func TestLogDoesNotNameJobs(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "make"), []byte("#!/bin/sh\necho $1 >jobs\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	before := runtime.GOMAXPROCS(0)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	dir := t.TempDir()
	var logs [2]bytes.Buffer
	for i, jobs := range []int{1, 3} {
		runtime.GOMAXPROCS(jobs)
		tree := &Tree{Target: Target{Machine: "x86_64", Compiler: "gcc"}, Dir: dir}
		if err := tree.Make(t.Context(), "vmlinux"); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "jobs")); err != nil || string(got) != []string{"-j1\n", "-j3\n"}[i] {
			t.Errorf("got %q, %v, want -j%d", got, err, jobs)
		}
		if err := tree.WriteLog(&logs[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(logs[0].Bytes(), logs[1].Bytes()) || logs[0].Len() == 0 {
		t.Errorf("got the logs %q and %q, want the same", &logs[0], &logs[1])
	}
}

// TestGroupEndsWithItsLeader checks that what a program leaves running ends with it, and does not delay it.
func TestGroupEndsWithItsLeader(t *testing.T) {
	dir := t.TempDir()
	tree := &Tree{Dir: dir}
	if err := tree.Run(t.Context(), "sh", "-c", "sleep 600 & echo $! >pid"); err != nil {
		t.Fatal(err)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/" + strings.TrimSpace(string(pid))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("process %s: got %v, want none", pid, err)
	}
}

// TestEndedContextStartsNothing checks that no program starts after the context has ended.
func TestEndedContextStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the cause")
	cancel(cause)
	dir := t.TempDir()
	if err := (&Tree{Dir: dir}).Run(ctx, "touch", "made"); !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("got %v, %v, want nothing", entries, err)
	}
}

func TestCompiled(t *testing.T) {
	tree := &Tree{}
	tree.Log.WriteString("$ make vmlinux\n  CC      init/main.o\n  HOSTCC  scripts/x\n  CC [M]  fs/ext4/inode.o\n  AS      a.o\n  AR      built-in.a\n")
	if got := tree.Compiled(); got != 3 {
		t.Errorf("got %d files compiled, want 3", got)
	}
}

func TestWriteLog(t *testing.T) {
	tree := &Tree{Dir: "/sandbox/7/linux"}
	tree.Log.WriteString("$ make KCPPFLAGS=-fdebug-prefix-map=/sandbox/7/linux=/linux install /sandbox/7/devel\n")
	var got strings.Builder
	if err := tree.WriteLog(&got); err != nil {
		t.Fatal(err)
	}
	if want := "$ make KCPPFLAGS=-fdebug-prefix-map=/linux=/linux install /devel\n"; got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}

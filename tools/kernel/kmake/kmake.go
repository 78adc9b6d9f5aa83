// SPDX-License-Identifier: Apache-2.0

// Package kmake runs Kbuild so that its outputs follow from source, configuration and tools alone,
// and reports what went wrong with the failing file first.
package kmake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"rules_modhash/tools/arch"
)

// Machines returns the names of the architectures that kernels are built for, in bytewise order.
func Machines() []string {
	return arch.Sorted(func(arch.Architecture) bool { return true })
}

// Target is what a kernel is built for, and with.
type Target struct {
	// Machine is one of Machines.
	Machine string
	// Compiler is gcc or clang. Clang comes with its own linker and binary tools.
	Compiler string
	// Cross is the prefix of the compiler's and the binary tools' names, such as
	// aarch64-linux-gnu-, or empty.
	Cross string
}

// String returns the architecture and the compiler, such as "arm64 by clang".
func (t Target) String() string { return t.Machine + " by " + t.Compiler }

// Check returns an error if the target is not one that kernels are built for here.
func (t Target) Check() error {
	if _, ok := arch.Find(t.Machine); !ok {
		return fmt.Errorf("machine: got %q, want one of %s", t.Machine, strings.Join(Machines(), ", "))
	}
	if t.Compiler != "gcc" && t.Compiler != "clang" {
		return fmt.Errorf("compiler: got %q, want gcc or clang", t.Compiler)
	}
	return nil
}

// Image returns the make target of the boot image, and where it lies in the tree afterwards.
func (t Target) Image() (target, path string) {
	a := t.architecture()
	return a.Image, a.ImagePath()
}

// SourceArch returns the directory of arch/ that the target's sources are in.
func (t Target) SourceArch() string {
	return t.architecture().Directory
}

// architecture returns the zero one for a target that Check rejects.
func (t Target) architecture() arch.Architecture {
	a, _ := arch.Find(t.Machine)
	return a
}

// Tool returns the name of a binary tool, such as strip.
func (t Target) Tool(name string) string {
	if t.Compiler == "clang" {
		return "llvm-" + name
	}
	return t.Cross + name
}

// Tree is a kernel source tree that make runs in.
type Tree struct {
	Target
	// Dir is the tree's absolute path.
	Dir string
	// Stamp is the timestamp of the files that were unpacked. What is newer was made by Kbuild.
	Stamp time.Time
	// Flags are options for the compiler, in addition to those of the configuration.
	Flags []string
	// Log gets all that the programs print.
	Log bytes.Buffer

	// programs is the directory of programs that take the place of others, or empty.
	programs string
}

// Make runs make with targets and VARIABLE=VALUE words, and with as many jobs as this process may use processors:
// GOMAXPROCS, which the caller sets to what its build action declares.
func (t *Tree) Make(ctx context.Context, words ...string) error {
	return t.Run(ctx, "make", slices.Concat([]string{jobs()}, t.variables(), words)...)
}

func jobs() string { return "-j" + strconv.Itoa(runtime.GOMAXPROCS(0)) }

// variables are what each run of make is given.
func (t *Tree) variables() []string {
	a := t.architecture()
	args := []string{"ARCH=" + a.Kbuild}
	switch {
	case t.Compiler != "clang":
		args = append(args, "CROSS_COMPILE="+t.Cross)
	case a.GNUImage:
		args = append(args, "LLVM=1", "CROSS_COMPILE="+a.CrossPrefix)
	default:
		args = append(args, "LLVM=1")
	}
	// The tree's path gets into debug information, and nowhere else: its other names are relative. All code has
	// KCPPFLAGS, also that of the boot image, which has no KCFLAGS.
	mapping := "-fdebug-prefix-map=" + t.Dir + "=/linux"
	args = append(args, "KCPPFLAGS="+mapping, "HOSTCFLAGS="+mapping)
	// Rust's compiler names the tree in debug information too. Kbuild maps paths in macros alone, and the compiler takes
	// one scope: without Kbuild's, these mappings are for both, and the last one that matches counts.
	args = append(args, "rustc-option-yn=n", "KRUSTFLAGS=--remap-path-prefix="+t.Dir+"=/linux --remap-path-prefix="+t.Dir+"/=")
	if flags := strings.Join(t.Flags, " "); flags != "" {
		args = append(args, "KCFLAGS="+flags, "KAFLAGS="+flags)
	}
	return args
}

// Run runs a program in the tree. What it prints goes to the log; if it fails, the error has
// the part that matters. When the context ends, so do the program and all that it has started.
func (t *Tree) Run(ctx context.Context, program string, args ...string) error {
	return t.run(ctx, t.environment(), program, args...)
}

func (t *Tree) run(ctx context.Context, env []string, program string, args ...string) error {
	start := t.Log.Len()
	cmd := exec.Command(program, args...)
	cmd.Dir = t.Dir
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = &t.Log, &t.Log
	fmt.Fprintf(&t.Log, "$ %s %s\n", program, strings.Join(withoutJobs(args), " "))
	err := runGroup(ctx, cmd)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", program, strings.Join(targets(args), " "), err)
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("starting %s: %w. Next: check the path and the programs of the kernel toolchain", program, err)
	}
	text := strings.ReplaceAll(t.Log.String()[start:], t.Dir+"/", "")
	return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(targets(args), " "), err, Excerpt(text))
}

// withoutJobs drops -j: the log is an output, and the number of jobs decides no output.
func withoutJobs(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return strings.HasPrefix(arg, "-j") })
}

// targets drops variables and flags from make's arguments.
func targets(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		return strings.HasPrefix(arg, "-") || strings.Contains(arg, "=")
	})
}

// environment is all that programs see of the machine: where programs are, and a temporary directory.
// Kbuild puts the time of the build, its user and its host into the kernel unless it is given them.
func (t *Tree) environment() []string {
	path := os.Getenv("PATH")
	if t.programs != "" {
		path = t.programs + ":" + path
	}
	return []string{
		"PATH=" + path,
		"HOME=/nonexistent",
		"TMPDIR=" + filepath.Dir(t.Dir),
		"LC_ALL=C",
		"TZ=UTC",
		"PYTHONDONTWRITEBYTECODE=1",
		"GIT_CEILING_DIRECTORIES=/",
		"SOURCE_DATE_EPOCH=0",
		"KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970",
		"KBUILD_BUILD_USER=rules_modhash",
		"KBUILD_BUILD_HOST=bazel",
		"KBUILD_BUILD_VERSION=1",
	}
}

// compilation matches the line that Kbuild prints before it compiles a file for the kernel or a module.
var compilation = regexp.MustCompile(`(?m)^  (CC|AS|RUSTC) `)

// Compiled returns how many files of the kernel and its modules were compiled.
func (t *Tree) Compiled() int { return len(compilation.FindAllIndex(t.Log.Bytes(), -1)) }

// WriteLog writes all that was printed, with /linux for the tree's path and / for its parent directory.
func (t *Tree) WriteLog(w io.Writer) error {
	text := strings.ReplaceAll(t.Log.String(), t.Dir, "/linux")
	_, err := io.WriteString(w, strings.ReplaceAll(text, filepath.Dir(t.Dir)+"/", "/"))
	return err
}

// SPDX-License-Identifier: Apache-2.0

package kbuild

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"rules_modhash/tools/kernel/kbuild/gnumake"
)

// A Target states for what a tree is built.
type Target struct {
	// SrcArch names a directory of arch/: "x86", "arm64". For external modules without the
	// kernel's sources it may be empty: then it is undecided.
	SrcArch string
	// Config is the kernel's configuration. Nil, of external modules only, means that it is
	// not known: what depends on it is undecided.
	Config Config
	// Version is the kernel's. [ReadExternal] takes that of the kernel's tree, if it is at hand.
	Version Version
	// Set are variables that Kbuild files of external modules see in addition to the configuration, as
	// if they were given to make.
	Set map[string]string
}

// Paths under which Makefiles see the source trees. In flags they stand for the trees.
const (
	// KernelRoot is the kernel's source tree, which is its build tree too.
	KernelRoot = "/kernel-source"
	// ExternalRoot is the directory of external modules.
	ExternalRoot = "/external-modules"
)

// ReadKernel lists the modules of a kernel source tree. Its errors are about the tree as a
// whole: it is not a kernel source, older than Linux 6.1, or has no such architecture.
func ReadKernel(source fs.FS, target Target) (*Result, error) {
	if target.Config["CONFIG_MODULES"] != "y" {
		return &Result{}, nil
	}
	files := gnumake.NewFiles(KernelRoot, gnumake.Mount{Root: KernelRoot, FS: source})
	return readTree(files, target, nil)
}

// ReadExternal lists the modules of a directory that is built with make M=DIR. The source
// holds the directory and whatever its Makefiles reach by "..". The kernel is the source
// tree it is built against; nil if it is not at hand, then its helpers, such as
// $(call cc-option,…), are undecided.
//
// Paths in the result are relative to the directory. Its errors are about the directory or
// the kernel as a whole.
func ReadExternal(source fs.FS, dir string, kernel fs.FS, target Target) (*Result, error) {
	if info, err := fs.Stat(source, dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("reading external modules: got %q, want a directory of the source", dir)
	}
	top := path.Join(ExternalRoot, dir)
	external := gnumake.Mount{Root: ExternalRoot, FS: source}
	if kernel == nil {
		files := gnumake.NewFiles(top, external)
		x := &externalTree{top: top, version: target.Version, set: target.Set}
		return newWalk(files, x).top(bareEnvironment(files, target), nil), nil
	}
	x := &externalTree{top: top, version: readVersion(kernel), set: target.Set}
	cwd := top
	if x.inKernel = x.version.isBefore(separateOutput); x.inKernel {
		cwd = KernelRoot
	}
	files := gnumake.NewFiles(cwd, external, gnumake.Mount{Root: KernelRoot, FS: kernel})
	files.AddIncludeDirectory(KernelRoot)
	return readTree(files, target, x)
}

// readTree walks from the top of external modules or, where external is nil, of the kernel.
func readTree(files *gnumake.Files, target Target, external *externalTree) (*Result, error) {
	if err := checkTree(files, target); err != nil {
		return nil, err
	}
	scope, diagnostics, err := kernelEnvironment(files, target, external)
	if err != nil {
		return nil, err
	}
	return newWalk(files, external).top(scope, diagnostics), nil
}

func checkTree(files *gnumake.Files, target Target) error {
	for _, name := range []string{"Makefile", "scripts/Kbuild.include"} {
		if !files.Exists(KernelRoot + "/" + name) {
			return fmt.Errorf("reading the kernel source: got no %s, want the top of a Linux source tree", name)
		}
	}
	if target.SrcArch == "" || !files.IsDir(KernelRoot+"/arch/"+target.SrcArch) {
		return fmt.Errorf("reading the kernel source: got architecture %q, want the name of a directory in arch/",
			target.SrcArch)
	}
	return nil
}

// kernelEnvironment evaluates the root Makefile up to where it descends: the second time
// Kbuild reads it, when it has settled where sources and outputs are. external is nil for
// the kernel itself.
//
// The scope holds the configuration, the helpers of scripts/Kbuild.include and
// scripts/Makefile.compiler, and the variables that the root Makefile exports.
func kernelEnvironment(
	files *gnumake.Files, target Target, external *externalTree,
) (*gnumake.Scope, []Diagnostic, error) {
	root := ""
	if external != nil {
		root = KernelRoot + "/"
	}
	common, err := helpers(files, target.Config, root)
	if err != nil {
		return nil, nil, err
	}
	e := gnumake.NewEvaluator(files, common)
	presetRoot(e, target, external)
	if err := e.Read(root + "Makefile"); err != nil {
		return nil, nil, fmt.Errorf("reading the kernel source: %w", err)
	}
	// Only for the kernel itself does the root Makefile set it.
	if external == nil && !e.Defined("ARCH_CORE") {
		return nil, nil, errors.New("reading the kernel source: its Makefile sets no ARCH_CORE, " +
			"want Linux 6.1 or later")
	}
	return e.Environment(), e.Diagnostics(), nil
}

// helpers evaluates what scripts/Makefile.build includes before each directory's Makefile.
func helpers(files *gnumake.Files, config Config, root string) (*gnumake.Scope, error) {
	// The configuration is set below. Its dependencies are of no interest.
	files.SetEmpty(root + "include/config/auto.conf")
	files.SetEmpty(root + "include/config/auto.conf.cmd")
	e := gnumake.NewEvaluator(files, nil)
	presetMake(e, files)
	presetConfig(e, config)
	for _, name := range []string{"scripts/Kbuild.include", "scripts/Makefile.compiler"} {
		if !files.Exists(root + name) {
			continue
		}
		if err := e.Read(root + name); err != nil {
			return nil, fmt.Errorf("reading the kernel source: %w", err)
		}
	}
	return e.Scope(), nil
}

// presetConfig sets the configuration.
func presetConfig(e *gnumake.Evaluator, config Config) {
	if config == nil {
		e.Unknown("CONFIG_", gnumake.Undecided{Reason: "the kernel's configuration, which is not given"})
	}
	for symbol, value := range config {
		e.Set(symbol, value)
	}
}

// presetMake sets what GNU make 4.4.1 itself sets.
func presetMake(e *gnumake.Evaluator, files *gnumake.Files) {
	e.Set("MAKE", "make")
	e.Set("MAKE_VERSION", "4.4.1")
	e.Set("MAKEFLAGS", "rR --no-print-directory")
	e.Set("SHELL", "/bin/sh")
	e.Set("CURDIR", files.CurrentDirectory())
	e.Set(".FEATURES", "archives check-symlink else-if extra-prereqs grouped-target jobserver jobserver-fifo "+
		"load notintermediate oneshell order-only output-sync second-expansion shell-export shortest-stem "+
		"target-specific undefine")
}

// presetRoot sets what the root Makefile gets from its first reading, by the caller of
// make, and what only a build can know.
func presetRoot(e *gnumake.Evaluator, target Target, external *externalTree) {
	e.Override("ARCH", arch(target))
	e.Set("sub_make_done", "1")
	e.Set("objtree", ".")
	e.Set("srcroot", ".")
	if external != nil {
		e.Set("objtree", KernelRoot)
		e.Set("srcroot", external.top)
		e.Set("KBUILD_EXTMOD", external.top)
		e.Set("M", external.top)
		presetVariables(e, target.Set)
	}
	if external != nil && external.inKernel {
		// Where Kbuild has ".", for flags that other directories are read for.
		e.Override("srctree", KernelRoot)
		e.Override("objtree", KernelRoot)
	}
	e.Export("objtree", "srcroot", "KBUILD_EXTMOD", "M")
	presetUnknown(e)
	for _, name := range []string{"CC_VERSION_TEXT", "RUSTC_VERSION_TEXT", "PAHOLE_VERSION"} {
		if value, ok := target.Config["CONFIG_"+name]; ok {
			e.Override(name, value)
		}
	}
}

// presetVariables sets what the caller of make gives.
func presetVariables(e *gnumake.Evaluator, set map[string]string) {
	for name, value := range set {
		e.Override(name, value)
		e.Export(name)
	}
}

// presetUnknown sets what is certainly there but known to a build only.
func presetUnknown(e *gnumake.Evaluator) {
	for _, u := range []struct{ name, why string }{
		{"KERNELRELEASE", "known to a build only"},
		{"PWD", "the directory make is started in"},
	} {
		e.OverrideUndecided(u.name, gnumake.Undecided{Reason: "$(" + u.name + "), " + u.why, NotEmpty: true})
		e.Export(u.name)
	}
}

// arch returns the ARCH that leads to a SRCARCH; scripts/subarch.include and the root
// Makefile have the other direction.
func arch(target Target) string {
	wide := target.Config["CONFIG_64BIT"] == "y"
	switch {
	case target.SrcArch == "x86" && wide:
		return "x86_64"
	case target.SrcArch == "x86":
		return "i386"
	case target.SrcArch == "sparc" && wide:
		return "sparc64"
	case target.SrcArch == "sparc":
		return "sparc32"
	case target.SrcArch == "parisc" && wide:
		return "parisc64"
	default:
		return target.SrcArch
	}
}

// kernelHelpers are names that Kbuild gives to every Makefile and whose values only a
// kernel source tree has.
var kernelHelpers = []string{
	"as-instr", "as-option", "cc-disable-warning", "cc-ifversion", "cc-option", "cc-option-yn",
	"clang-min-version", "gcc-min-version", "ld-ifversion", "ld-option", "rustc-min-version", "rustc-option",
	"rustc-option-yn", "test-ge", "test-gt", "test-le", "test-lt",
	"VERSION", "PATCHLEVEL", "SUBLEVEL", "KERNELVERSION",
	"AR", "CC", "CPP", "LD", "NM", "OBJCOPY", "OBJDUMP", "READELF", "STRIP", "HOSTCC", "HOSTCXX", "RUSTC",
	"KBUILD_CFLAGS", "KBUILD_CPPFLAGS", "KBUILD_AFLAGS", "KBUILD_LDFLAGS", "LINUXINCLUDE", "NOSTDINC_FLAGS",
	"KBUILD_CFLAGS_MODULE", "KBUILD_AFLAGS_MODULE", "USERINCLUDE",
	"CC_FLAGS_CFI", "CC_FLAGS_FPU", "CC_FLAGS_FTRACE", "CC_FLAGS_LTO", "CC_FLAGS_NO_FPU", "CC_FLAGS_SCS", "CFLAGS_GCOV",
}

// bareEnvironment is that of external modules without the kernel's sources.
func bareEnvironment(files *gnumake.Files, target Target) *gnumake.Scope {
	e := gnumake.NewEvaluator(files, nil)
	presetMake(e, files)
	presetConfig(e, target.Config)
	for name, value := range map[string]string{
		"ARCH": arch(target), "SRCARCH": target.SrcArch, "M": files.CurrentDirectory(),
		"srctree": KernelRoot, "objtree": KernelRoot, "srcroot": ".", "KBUILD_EXTMOD": files.CurrentDirectory(),
		"comma": ",", "empty": "", "space": " ", "pound": "#", "quote": `"`, "squote": "'",
	} {
		e.Set(name, value)
	}
	if target.SrcArch == "" {
		for _, name := range []string{"ARCH", "SRCARCH"} {
			e.OverrideUndecided(name, gnumake.Undecided{Reason: "$(" + name + "), no architecture is given", NotEmpty: true})
		}
	}
	presetVariables(e, target.Set)
	for _, name := range kernelHelpers {
		e.SetUndecided(name, gnumake.Undecided{Reason: "$(" + name + "), which needs the kernel's sources"})
	}
	presetUnknown(e)
	return e.Scope()
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rules_modhash/bench/internal/run"
	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/root/object"
)

const moduleFile = `module(name = "bench")

bazel_dep(name = "rules_modhash", version = "0.1.0")
local_path_override(module_name = "rules_modhash", path = %q)
register_toolchains("//:prebuilt_toolchain")
`

const buildHead = `load("@rules_modhash//rules:defs.bzl", "kernel_module_import", "kernel_modules_import", "module_tree")
load("@rules_modhash//toolchains/modhash:toolchain.bzl", "modhash_toolchain")
load(":module_directory.bzl", "module_directory")

modhash_toolchain(name = "prebuilt", modhash = "modhash")

toolchain(
    name = "prebuilt_toolchain",
    toolchain = ":prebuilt",
    toolchain_type = "@rules_modhash//toolchains/modhash:toolchain_type",
)

module_directory(name = "module_directory", srcs = glob(["kernel/**/*.ko"]))

kernel_modules_import(name = "directory_import", srcs = [":module_directory"])

module_tree(name = "directory", machine = "x86_64", modules = [":directory_import"])

[
    kernel_module_import(name = path.removesuffix(".ko"), module = path)
    for path in glob(["kernel/**/*.ko"])
]

MODULES = [path.removesuffix(".ko") for path in glob(["kernel/**/*.ko"])]

module_tree(name = "tree", machine = "x86_64", modules = MODULES)

module_tree(name = "one_by_one", granularity = 1, machine = "x86_64", modules = MODULES)
`

const ruleFile = `def _module_directory_impl(ctx):
    module_directory = ctx.actions.declare_directory(ctx.label.name)
    args = ctx.actions.args()
    args.use_param_file("%s", use_always = True)
    args.set_param_file_format("multiline")
    args.add_all(ctx.files.srcs)
    ctx.actions.run_shell(
        command = "tr '\\n' '\\0' < $2 | xargs -0 cp -L --parents -t $1",
        arguments = [module_directory.path, args],
        inputs = ctx.files.srcs,
        outputs = [module_directory],
    )
    return [DefaultInfo(files = depset([module_directory]))]

module_directory = rule(implementation = _module_directory_impl, attrs = {"srcs": attr.label_list(allow_files = True)})
`

// findModules returns the modules in a directory, in the order of their paths.
func findModules(dir string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.HasSuffix(path, ".ko") {
			found = append(found, path)
		}
		return err
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("--modules %s: found no *.ko", dir)
	}
	slices.Sort(found)
	return found, err
}

// workspace is where the trees over some modules are built.
type workspace struct {
	*bench
	dir string
	// changes counts what has been changed, so that each change is a new one.
	changes int
}

// newWorkspace makes a workspace with so many modules.
func (b *bench) newWorkspace(size int) (*workspace, error) {
	w := &workspace{bench: b, dir: filepath.Join(b.work, fmt.Sprint("w", size))}
	if err := os.MkdirAll(filepath.Join(w.dir, "kernel"), 0o755); err != nil {
		return nil, err
	}
	program, err := os.ReadFile(b.modhash)
	if err != nil {
		return nil, err
	}
	for name, data := range map[string]string{
		"MODULE.bazel": fmt.Sprintf(moduleFile, b.checkout), "BUILD.bazel": buildHead, "module_directory.bzl": ruleFile,
		"modhash": string(program),
	} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(data), 0o755); err != nil {
			return nil, err
		}
	}
	for i := range size {
		data, err := b.moduleBytes(i, size)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(w.module(i), data, 0o644); err != nil {
			return nil, err
		}
	}
	return w, w.server().Prepare(context.Background())
}

// module is the path of the i-th module: names leave room between one another.
func (w *workspace) module(i int) string {
	return filepath.Join(w.dir, "kernel", fmt.Sprintf("m%05d.ko", i))
}

// moduleBytes is the i-th module of so many: a real one where there are as many.
func (b *bench) moduleBytes(i, size int) ([]byte, error) {
	if size <= len(b.real) {
		return os.ReadFile(b.real[i])
	}
	m, err := arch.Named("x86_64")
	if err != nil {
		return nil, err
	}
	object, err := object.Write(m, merkle.Root{Levels: 1, Hash: merkle.Hash{1}})
	if err != nil {
		return nil, err
	}
	return append(object, bytes.Repeat(fmt.Appendf(nil, "%08d", i), 512)...), nil
}

// change changes the contents of a module in the middle: bytes after the last section mean nothing.
func (w *workspace) change(size int) error {
	w.changes++
	data, err := w.moduleBytes(size/2, size)
	if err != nil {
		return err
	}
	return os.WriteFile(w.module(size/2), fmt.Appendf(data, "change %d", w.changes), 0o644)
}

// insert adds a module in the middle, after those that were added before.
func (w *workspace) insert(size int) error {
	w.changes++
	data, err := w.moduleBytes(0, size)
	if err != nil {
		return err
	}
	path := strings.TrimSuffix(w.module(size/2), ".ko") + fmt.Sprintf("_%03d.ko", w.changes)
	return os.WriteFile(path, data, 0o644)
}

// bazel runs Bazel in the workspace and returns what it prints on the standard output.
func (w *workspace) bazel(ctx context.Context, args ...string) (string, error) {
	return w.server().Run(ctx, args...)
}

func (w *workspace) server() run.Bazel {
	return run.Bazel{Checkout: w.checkout, Dir: w.dir, OutputRoot: w.dir + ".out"}
}

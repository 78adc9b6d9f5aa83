// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rules_modhash/bench/internal/run"
)

const moduleFile = `module(name = "bench")

bazel_dep(name = "rules_modhash", version = "0.1.0")
local_path_override(module_name = "rules_modhash", path = %q)
register_toolchains("//:prebuilt_toolchain")
`

const bazelrc = `build --incompatible_strict_action_env
build --nosandbox_default_allow_network
`

// buildHead has the targets of each graph: "one" and "shards". Only shards are edited.
const buildHead = `load("@rules_modhash//rules:defs.bzl", "kernel_build", "kernel_config", "kernel_source", "module_tree", "vmlinux")
load("@rules_modhash//toolchains/modhash:toolchain.bzl", "modhash_toolchain")
load(":modules.bzl", MODULES = %[1]q)

modhash_toolchain(name = "prebuilt", modhash = "modhash")

toolchain(
    name = "prebuilt_toolchain",
    toolchain = ":prebuilt",
    toolchain_type = "@rules_modhash//toolchains/modhash:toolchain_type",
)

# What actions run, built ahead of what is measured.
genrule(
    name = "tools",
    outs = ["tools.txt"],
    cmd = ": > $@",
    tools = ["@rules_modhash//tools/kernel/cmd/kbuild"],
)

SERIES = "@rules_modhash//toolchains/kernel/patches:module_hashes"

EDITS = {"one": [], "shards": ["edit"]}

[kernel_source(
    name = graph + "_source",
    archive = "linux.tar.xz",
    patches = [SERIES] + [edit + ".patch" for edit in edits],
    version = %[2]q,
) for graph, edits in EDITS.items()]

[kernel_config(
    name = graph + "_config",
    %[3]s,
    fragments = [%[4]s] + [edit + ".config" for edit in edits],
    machine = "x86_64",
    source = graph + "_source",
) for graph, edits in EDITS.items()]

[kernel_build(
    name = graph,
    config = graph + "_config",
    graph = graph,
    modules = MODULES,
    trusted_keys = %[5]s,
) for graph in EDITS]

[module_tree(name = graph + "_tree", modules = [graph]) for graph in EDITS]

[vmlinux(name = graph + "_vmlinux", kernel = graph, tree = graph + "_tree") for graph in EDITS]

# Plain make writes the root over the blank one, too: the cases compare these kernels.
[vmlinux(name = graph + "_overwritten", kernel = graph, root = "overwrite", tree = graph + "_tree") for graph in EDITS]

[filegroup(name = graph + "_sealed", srcs = [graph + "_tree"], output_group = "sealed") for graph in EDITS]
`

const buildNext = `
kernel_source(name = "next_source", archive = "next.tar.xz", patches = [SERIES], version = %q)
`

// Files of the workspace that edits replace.
const (
	editPatch  = "edit.patch"
	editConfig = "edit.config"
	noOption   = "# An option of one driver.\n"
)

// builder is a workspace in which the kernel is built, with a Bazel server of its own.
type builder struct {
	bazel run.Bazel
	// flags are those of each build: others would have Bazel analyze everything again. disk is the flag for the disk cache of
	// kernels.
	flags []string
	disk  string
	// logs is where the logs of Bazel are written.
	logs string
}

// newBuilder writes a workspace to a directory, or continues with the one that is there, and starts its server.
func (b *bench) newBuilder(ctx context.Context, dir string) (*builder, error) {
	w := &builder{
		bazel: run.Bazel{Checkout: b.checkout, Dir: filepath.Join(dir, "workspace"), OutputRoot: filepath.Join(dir, "out")},
		flags: append([]string{
			"--noshow_progress", "--curses=no",
			// Builds with different disk caches follow one another, so an output must not stay in a cache alone.
			"--remote_download_outputs=all",
			fmt.Sprintf("--@rules_modhash//rules:kernel_jobs=%d", b.jobs),
		}, b.bazelFlags...),
		disk: "--disk_cache=" + b.diskCache(),
		logs: dir,
	}
	if err := b.writeFiles(w.bazel.Dir); err != nil {
		return nil, err
	}
	return w, w.bazel.Prepare(ctx)
}

func (b *bench) writeFiles(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files, fragments, err := b.kernel.files(b.checkout)
	if err != nil {
		return err
	}
	modhash, err := os.ReadFile(b.modhash)
	if err != nil {
		return err
	}
	files["modhash"] = modhash
	files["MODULE.bazel"] = fmt.Appendf(nil, moduleFile, b.checkout)
	files[".bazelrc"] = []byte(bazelrc)
	files["BUILD.bazel"] = []byte(b.buildFile(fragments))
	files[editPatch], files[editConfig] = nil, []byte(noOption)
	for name, data := range files {
		if err := writeChanged(filepath.Join(dir, name), data); err != nil {
			return err
		}
	}
	return b.linkArchives(dir)
}

func (b *bench) buildFile(fragments []string) string {
	quoted := make([]string, len(fragments))
	for i, fragment := range fragments {
		quoted[i] = strconv.Quote(fragment)
	}
	key := "None"
	if b.kernel.key != "" {
		key = `"key.pem"`
	}
	text := fmt.Sprintf(buildHead, b.kernel.list, b.releases[0].version, b.kernel.base, strings.Join(quoted, ", "), key)
	if len(b.releases) > 1 {
		text += fmt.Sprintf(buildNext, b.releases[1].version)
	}
	return text
}

func (b *bench) linkArchives(dir string) error {
	links := map[string]string{"linux.tar.xz": b.releases[0].source, "base.config": b.releases[0].config}
	if len(b.releases) > 1 {
		links["next.tar.xz"] = b.releases[1].source
	}
	for name, target := range links {
		path := filepath.Join(dir, name)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if target == "" {
			continue
		}
		if err := os.Symlink(target, path); err != nil {
			return err
		}
	}
	return nil
}

// writeChanged writes a file unless it has these contents: Bazel would read it again.
func writeChanged(path string, data []byte) error {
	if old, err := os.ReadFile(path); err == nil && slices.Equal(old, data) {
		return nil
	}
	return os.WriteFile(path, data, 0o755)
}

// edit replaces the patch and the option.
func (w *builder) edit(patch []byte, option string) error {
	err := writeChanged(filepath.Join(w.bazel.Dir, editPatch), patch)
	return errors.Join(err, writeChanged(filepath.Join(w.bazel.Dir, editConfig), []byte(noOption+option)))
}

// build builds targets, and returns the actions of the execution log: also those of a build that fails.
func (w *builder) build(ctx context.Context, args ...string) ([]action, error) {
	log := filepath.Join(w.logs, "execution.json")
	if err := os.Remove(log); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	argv := slices.Concat([]string{"build"}, w.flags, []string{w.disk, "--execution_log_json_file=" + log, "--profile=" + w.profile()}, args)
	_, buildError := w.bazel.Run(ctx, argv...)
	file, err := os.Open(log)
	if err != nil {
		return nil, errors.Join(buildError, err)
	}
	defer file.Close()
	actions, err := readActions(file)
	return actions, errors.Join(buildError, err)
}

// profile is the file with the profile of the last build.
func (w *builder) profile() string { return filepath.Join(w.logs, "profile.json") }

func (w *builder) readProfile() (profile, error) {
	file, err := os.Open(w.profile())
	if err != nil {
		return profile{}, err
	}
	defer file.Close()
	return readProfile(file)
}

// prepare builds the programs that actions run, by the disk cache of the world. After that, with the flags of the build that
// follows: a build with another disk cache sees first that all is up to date.
func (w *builder) prepare(ctx context.Context, flags ...string) error {
	const tools = "//:tools"
	if _, err := w.bazel.Run(ctx, slices.Concat([]string{"build"}, w.flags, []string{tools})...); err != nil {
		return err
	}
	_, err := w.build(ctx, append(flags, tools)...)
	return err
}

// clean removes all outputs but those programs. flags are those of the build that follows.
func (w *builder) clean(ctx context.Context, flags ...string) error {
	if _, err := w.bazel.Run(ctx, "clean"); err != nil {
		return err
	}
	return w.prepare(ctx, flags...)
}

// server is the process of the Bazel server.
func (w *builder) server(ctx context.Context) (int, error) {
	text, err := w.bazel.Run(ctx, "info", "server_pid")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// output is the path of an output file.
func (w *builder) output(name string) string { return filepath.Join(w.bazel.Dir, "bazel-bin", name) }

// shards are the names of the shards of the last build, sorted.
func (w *builder) shards() ([]string, error) {
	// WalkDir does not follow the link bazel-bin itself.
	top, err := filepath.EvalSymlinks(w.output("shards/graph/source/shards"))
	if err != nil {
		return nil, err
	}
	var names []string
	err = filepath.WalkDir(top, func(path string, _ fs.DirEntry, err error) error {
		if name, isShard := strings.CutSuffix(strings.TrimPrefix(path, top+"/"), ".tar.zst"); isShard {
			names = append(names, shardName(name))
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

// digest returns one digest of vmlinux and all modules of a graph.
func (w *builder) digest(graph string) (string, error) {
	top, err := filepath.EvalSymlinks(w.output(graph))
	if err != nil {
		return "", err
	}
	all := sha256.New()
	add := func(path string) error {
		one, err := digestOf(path)
		if err == nil {
			fmt.Fprintf(all, "%s %s\n", one, strings.TrimPrefix(path, top))
		}
		return err
	}
	if err := add(filepath.Join(top, "vmlinux")); err != nil {
		return "", err
	}
	err = filepath.WalkDir(filepath.Join(top, "modules"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return add(path)
	})
	return fmt.Sprintf("%x", all.Sum(nil)), err
}

// digestOf returns the SHA-256 of a file.
func digestOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	digest := sha256.New()
	_, err = io.Copy(digest, file)
	return fmt.Sprintf("%x", digest.Sum(nil)), err
}

// sizeOf is the size of the files in a directory, in bytes: 0 if there is none.
func sizeOf(dir string) (int64, error) {
	var size int64
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return 0, err
	}
	err = filepath.WalkDir(resolved, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

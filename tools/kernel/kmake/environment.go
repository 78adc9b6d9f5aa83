// SPDX-License-Identifier: Apache-2.0

package kmake

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// environmentFile holds what the root Makefile exports, as env -0 prints it. Its name is that of a .cmd file, so that
// package treearchive puts the tree's path into it.
const environmentFile = ".modhash.environment.cmd"

// BlankRoot makes Kbuild link the root of the empty tree, which the real one takes the place of.
const BlankRoot = "MODULE_HASHES_ROOT_OBJ=blank"

// Record has the root Makefile write down what it exports to the Makefiles that it calls. Submake runs those without it.
func (t *Tree) Record(ctx context.Context) error {
	// LDFLAGS_vmlinux is exported for one target only.
	command := "KBUILD_RUN_COMMAND=LDFLAGS_vmlinux='$(LDFLAGS_vmlinux)' env -0 >" + environmentFile
	// With run-command alone, the root Makefile does not read the configuration.
	if err := t.Make(ctx, BlankRoot, "prepare", "run-command", command); err != nil {
		return err
	}
	name := filepath.Join(t.Dir, environmentFile)
	recorded, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(name, exported(recorded), 0o644)
}

// exported returns what the root Makefile itself exports, in order of the names: neither what depends on the machine and the run,
// nor the order in which the shell has the variables.
func exported(recorded []byte) []byte {
	entries := slices.DeleteFunc(strings.Split(strings.TrimRight(string(recorded), "\x00"), "\x00"), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(own, name)
	})
	slices.Sort(entries)
	return []byte(strings.Join(entries, "\x00") + "\x00")
}

// Submake runs one of Kbuild's Makefiles as the root Makefile would, which takes seconds to start and asks for files that
// not every action has. The tree has what Record wrote. Variables are NAME=VALUE.
func (t *Tree) Submake(ctx context.Context, makefile string, words ...string) error {
	recorded, err := os.ReadFile(filepath.Join(t.Dir, environmentFile))
	if err != nil {
		return fmt.Errorf("reading what the root Makefile exports: %w", err)
	}
	args := slices.Concat([]string{jobs(), "-rR", "--no-print-directory", "-f", makefile}, t.variables(), words)
	return t.run(ctx, t.replay(recorded), "make", args...)
}

// own are variables that each run of make sets itself, or that are about the machine.
var own = []string{
	"PATH", "HOME", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_", "MAKELEVEL", "MAKEFLAGS", "MFLAGS", "MAKE_TERMOUT", "MAKE_TERMERR",
	"MAKEOVERRIDES", "KBUILD_RUN_COMMAND", "KBUILD_BUILTIN", "KBUILD_MODULES",
}

func (t *Tree) replay(recorded []byte) []string {
	env := strings.Split(strings.TrimRight(string(recorded), "\x00"), "\x00")
	for _, entry := range t.environment() {
		name, _, _ := strings.Cut(entry, "=")
		if name == "PATH" || name == "HOME" || name == "TMPDIR" {
			env = append(env, entry)
		}
	}
	return env
}

// A Shard is a part of the tree to build, without what it is linked to.
type Shard struct {
	// Directories are those whose objects are built, as Kbuild spells them.
	Directories []string
}

// shardMakefile is what Kbuild reads in place of scripts/Makefile.build when it builds a shard: it builds the objects of
// the shard's directories, and enters directories on the way to them only. Archives of objects and lists of modules are
// left to the link, which has all directories.
const shardMakefile = `PHONY := __shard
__shard:

include $(srctree)/scripts/Makefile.build

ifneq ($(filter $(obj),$(SHARD_DIRECTORIES)),)
__shard: $(if $(KBUILD_BUILTIN),$(filter-out %%/lib.a %%/built-in.a,$(targets-for-builtin) $(real-obj-y)) $(lib-y)) \
	$(if $(KBUILD_MODULES),$(filter-out %%/modules.order,$(targets-for-modules))) $(always-y)
else ifeq ($(filter $(obj),$(SHARD_ANCESTORS)),)
# A rule of some directory builds this one.
__shard: $(obj)/
endif
__shard: $(filter $(SHARD_DIRECTORIES) $(SHARD_ANCESTORS),$(subdir-ym))
	@:
`

// BuildShard compiles what is built in, or modules: goal is KBUILD_BUILTIN=y or KBUILD_MODULES=y.
func (t *Tree) BuildShard(ctx context.Context, shard Shard, goal string) error {
	makefile := filepath.Join(filepath.Dir(t.Dir), "shard.mk")
	text := fmt.Sprintf("SHARD_DIRECTORIES := %s\nSHARD_ANCESTORS := %s\n"+shardMakefile,
		strings.Join(shard.Directories, " "), strings.Join(shard.ancestors(), " "))
	if err := os.WriteFile(makefile, []byte(text), 0o644); err != nil {
		return err
	}
	relative := "../" + filepath.Base(makefile)
	return t.Submake(ctx, relative, "build=-f $(srctree)/"+relative+" obj", "obj=.", "need-builtin=1", "need-modorder=1", goal)
}

// ancestors returns the directories on the way to those of the shard that are not its own, the top included.
func (s Shard) ancestors() []string {
	names := []string{"."}
	for _, dir := range s.Directories {
		for {
			at := strings.LastIndex(dir, "/")
			if at < 0 {
				break
			}
			dir = dir[:at]
			if !slices.Contains(names, dir) && !slices.Contains(s.Directories, dir) {
				names = append(names, dir)
			}
		}
	}
	slices.Sort(names)
	return names
}

// ReadDirectories parses the list of a shard's directories: one in a line.
func ReadDirectories(data []byte) Shard {
	return Shard{Directories: strings.Fields(string(bytes.TrimSpace(data)))}
}

// LinkVmlinux has Kbuild link vmlinux from vmlinux.o with a root of modules, and make the boot image of it. root is the
// value of MODULE_HASHES_ROOT_OBJ. The tree has what Record wrote.
func (t *Tree) LinkVmlinux(ctx context.Context, root string) error {
	if err := t.makeVmlinux(ctx, root); err != nil {
		return err
	}
	return t.MakeImage(ctx)
}

// LinkBlank is LinkVmlinux with the root of the empty tree. Nobody boots the image, which is made for the objects in it
// alone: it is not compressed, which takes a minute of zstd -22.
func (t *Tree) LinkBlank(ctx context.Context) error {
	if err := t.makeVmlinux(ctx, BlankRoot); err != nil {
		return err
	}
	return t.MakeImage(ctx, uncompressed()...)
}

// uncompressed returns variables that have Kbuild copy where it compresses. The shell ignores the options of a compressor.
func uncompressed() []string {
	var words []string
	for _, compressor := range []string{"KGZIP", "KBZIP2", "KLZOP", "LZMA", "LZ4", "XZ", "ZSTD"} {
		words = append(words, compressor+"=sh -c cat")
	}
	return words
}

// Unstripped is the file that Kbuild links, and makes vmlinux of.
const Unstripped = "vmlinux.unstripped"

// StripVmlinux has Kbuild make vmlinux of the Unstripped that is in the tree. Kbuild does not link Unstripped again,
// whatever the timestamps and commands. The tree has what Record wrote.
func (t *Tree) StripVmlinux(ctx context.Context) error {
	return t.makeVmlinux(ctx, "--old-file="+Unstripped, "vmlinux")
}

func (t *Tree) makeVmlinux(ctx context.Context, words ...string) error {
	return t.Submake(ctx, "scripts/Makefile.vmlinux", append(words, "KBUILD_BUILTIN=y")...)
}

// MakeImage has Kbuild make the boot image of the vmlinux that is in the tree. The tree has what Record wrote.
func (t *Tree) MakeImage(ctx context.Context, words ...string) error {
	_, image := t.Image()
	words = append(words, "obj="+filepath.Dir(image), "KBUILD_BUILTIN=y", image)
	return t.Submake(ctx, "scripts/Makefile.build", words...)
}

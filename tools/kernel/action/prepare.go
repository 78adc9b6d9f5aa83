// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
)

// Prepare is the action that makes what all other actions of a kernel build need: programs, headers, and the variables of
// the root Makefile.
type Prepare struct {
	Common
	// Source is what Split wrote for it, Configuration what Config wrote.
	Source, Configuration string
	// Out is the archive to write. It has nothing of the configuration itself.
	Out string
	// Release is a file to write, with the text that uname -r prints, SignFile the program scripts/sign-file, or empty.
	Release, SignFile string
}

// Run prepares, and writes all outputs or none.
func (o *Prepare) Run(ctx context.Context) error {
	return inWorkspace(o.Out, func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.Source, o.Configuration)
		if err != nil {
			return err
		}
		if err := o.make(ctx, tree); err != nil {
			return fmt.Errorf("%s: %w", o.Label, err)
		}
		r := &results{dir: tree.Dir}
		err = r.copyAll(map[string]string{"include/config/kernel.release": o.Release, "scripts/sign-file": o.SignFile})
		if err != nil {
			return r.finish(ctx, err)
		}
		return r.finish(ctx, r.set.CreateFile(o.Out, packer(ctx, func(w *treearchive.Writer) error {
			return pack(w, tree)
		})))
	})
}

func (o *Prepare) make(ctx context.Context, tree *kmake.Tree) error {
	if err := tree.Make(ctx, "prepare", "modules_prepare"); err != nil {
		return err
	}
	return tree.Record(ctx)
}

// pack packs what others need. Commands have no dependencies: no other action has all the files that programs and the Rust
// code of the kernel are made of, so make would make these again.
func pack(w *treearchive.Writer, tree *kmake.Tree) error {
	return treearchive.Walk(tree.Dir, isPrepared(tree), func(name string, info fs.FileInfo) error {
		return putMade(w, tree.Dir, name, info, none)
	})
}

// isPrepared tells what others need of a prepared tree: what was made, and the scripts. The configuration they get in
// parts.
func isPrepared(tree *kmake.Tree) func(string, fs.FileInfo) bool {
	changed := treearchive.ChangedSince(tree.Stamp)
	return func(name string, info fs.FileInfo) bool {
		switch {
		case slices.Contains(configurationFiles, name):
			return false
		case strings.HasPrefix(name, "include/config/"):
			return name == "include/config/kernel.release"
		case isCompilerRule(name):
			return false
		case strings.HasPrefix(name, "scripts/"):
			return true
		}
		return changed(name, info)
	}
}

// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
)

// Source is the action that unpacks and patches a kernel source archive.
type Source struct {
	// Archive is a compressed tar with one directory at its top, Label the target that messages name, Out the tree to
	// write (package treearchive).
	Archive, Label, Out string
	// Patches are applied in order. One that does not fit exactly is an error.
	Patches []string
}

// Run unpacks and patches.
func (o *Source) Run(ctx context.Context) error {
	return inWorkspace(o.Out, func(dir string) error {
		tree := &kmake.Tree{Dir: filepath.Join(dir, "linux")}
		if err := o.prepare(ctx, tree); err != nil {
			return err
		}
		r := &results{}
		return r.finish(ctx, r.set.CreateFile(o.Out, func(w io.Writer) error {
			return treearchive.Pack(writer{ctx, w}, tree.Dir, func(string, fs.FileInfo) bool { return true })
		}))
	})
}

func (o *Source) prepare(ctx context.Context, tree *kmake.Tree) error {
	if err := os.Mkdir(tree.Dir, 0o755); err != nil {
		return err
	}
	archive, err := filepath.Abs(o.Archive)
	if err != nil {
		return err
	}
	if err := tree.Run(ctx, "tar", "--extract", "--file", archive, "--strip-components=1", "--no-same-owner"); err != nil {
		return fmt.Errorf("%s: unpacking %s: %w", o.Label, o.Archive, err)
	}
	if _, err := os.Stat(filepath.Join(tree.Dir, "Kbuild")); err != nil {
		return fmt.Errorf("%s: %s: got no linux-*/Kbuild in it, want the source of a Linux kernel", o.Label, o.Archive)
	}
	for _, patch := range o.Patches {
		if err := applyPatch(ctx, tree, patch); err != nil {
			return fmt.Errorf("%s: patch %s does not apply to %s exactly: %w\nNext: refresh the patch against this source, or remove it from the attribute patches",
				o.Label, patch, o.Archive, err)
		}
	}
	return nil
}

func applyPatch(ctx context.Context, tree *kmake.Tree, patch string) error {
	path, err := filepath.Abs(patch)
	if err != nil {
		return err
	}
	return tree.Run(ctx, "patch", "--strip=1", "--fuzz=0", "--no-backup-if-mismatch", "--batch", "--forward", "--input="+path)
}

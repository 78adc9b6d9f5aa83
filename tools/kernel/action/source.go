// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/sourcetree"
	"rules_modhash/tools/kernel/treearchive"
)

// Source is the action that makes a tree archive (package treearchive) of kernel source, and patches it.
type Source struct {
	// Archive is a compressed tar with one directory at its top, Files an unpacked tree, and Tree and TreeKconfig what an
	// earlier Source has written as Out and Kconfig. One of the three is set.
	Archive           string
	Files             sourcetree.Files
	Tree, TreeKconfig string
	// Label is the target that messages name, Out the tree to write. Kconfig is a tree to write with the files that a
	// configuration may depend on.
	Label, Out, Kconfig string
	// Patches are applied in order. One that does not fit exactly is an error.
	Patches []string
}

// Run unpacks and patches.
func (o *Source) Run(ctx context.Context) error {
	return inWorkspace(o.Out, func(dir string) error {
		tree := &kmake.Tree{Dir: filepath.Join(dir, "linux")}
		if err := os.Mkdir(tree.Dir, 0o755); err != nil {
			return err
		}
		write := o.writePatched
		if o.Tree == "" {
			write = o.writeWhole
		}
		r := &results{}
		return r.finish(ctx, r.createAll(ctx, []string{o.Out, o.Kconfig}, func(writers []io.Writer) error {
			return write(ctx, tree, writers[0], writers[1])
		}))
	})
}

// writeWhole writes all files, and at the same time what configurations may depend on.
func (o *Source) writeWhole(ctx context.Context, tree *kmake.Tree, out, kconfig io.Writer) error {
	source, err := o.prepare(ctx, tree)
	if err != nil {
		return err
	}
	return treearchive.Create(kconfig, func(part *treearchive.Writer) error {
		return treearchive.Write(out, source.Copied(kmake.Configures, part))
	})
}

// prepare returns the patched tree.
func (o *Source) prepare(ctx context.Context, tree *kmake.Tree) (treearchive.Tree, error) {
	if o.Archive != "" {
		return treearchive.Directory(tree.Dir), o.unpack(ctx, tree)
	}
	source, err := o.Files.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: attribute srcs: %w", o.Label, err)
	}
	if len(o.Patches) == 0 {
		return source, nil
	}
	changes, err := o.patch(ctx, tree, func(map[string]bool) treearchive.Tree { return source })
	if err != nil {
		return nil, err
	}
	return changes.Apply(source), nil
}

// unpack unpacks and patches the archive.
func (o *Source) unpack(ctx context.Context, tree *kmake.Tree) error {
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
	return o.applyPatches(ctx, tree)
}

// writePatched writes the tree archives with the files that patches change, and copies the rest of them.
func (o *Source) writePatched(ctx context.Context, tree *kmake.Tree, out, kconfig io.Writer) error {
	var changes *treearchive.Changes
	err := withArchive(o.Tree, func(archive *treearchive.Archive) (err error) {
		if changes, err = o.patch(ctx, tree, archive.Near); err != nil {
			return err
		}
		return archive.WriteChanged(out, changes)
	})
	if err != nil {
		return err
	}
	return withArchive(o.TreeKconfig, func(archive *treearchive.Archive) error {
		return archive.WriteChanged(kconfig, changes.Within(kmake.Configures))
	})
}

// withArchive calls use with a tree archive.
func withArchive(name string, use func(*treearchive.Archive) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	archive, err := treearchive.Open(file, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return use(archive)
}

// patch applies the patches to the files that they name, which are unpacked from a tree, and returns what has changed.
func (o *Source) patch(ctx context.Context, tree *kmake.Tree, near func(map[string]bool) treearchive.Tree) (*treearchive.Changes, error) {
	extracted, err := sourcetree.Extract(near, tree.Dir, o.Patches)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Label, err)
	}
	if err := o.applyPatches(ctx, tree); err != nil {
		return nil, err
	}
	return treearchive.ReadChanges(tree.Dir, extracted)
}

func (o *Source) applyPatches(ctx context.Context, tree *kmake.Tree) error {
	for _, patch := range o.Patches {
		if err := applyPatch(ctx, tree, patch); err != nil {
			return fmt.Errorf("%s: patch %s does not apply to %s exactly: %w\nNext: refresh the patch against this source, or remove it from the attribute patches",
				o.Label, patch, o.origin(), err)
		}
	}
	return nil
}

// origin is what messages call the source.
func (o *Source) origin() string {
	if o.Archive != "" || o.Tree != "" {
		return o.Archive + o.Tree
	}
	return "srcs"
}

func applyPatch(ctx context.Context, tree *kmake.Tree, patch string) error {
	path, err := filepath.Abs(patch)
	if err != nil {
		return err
	}
	return tree.Run(ctx, "patch", "--strip=1", "--fuzz=0", "--no-backup-if-mismatch", "--batch", "--forward", "--input="+path)
}

// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"errors"
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
	// Archive is a compressed tar with one directory at its top, Tree what an earlier Source has written, and Files an
	// unpacked tree. One of them is set.
	Archive, Tree string
	Files         sourcetree.Files
	// Label is the target that messages name, Out the tree to write. Kconfig is a tree to write with the files that a
	// configuration may depend on, or empty.
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
		source, err := o.prepare(ctx, tree)
		if err != nil {
			return err
		}
		r := &results{}
		return r.finish(ctx, o.write(ctx, r, source))
	})
}

// write stages the tree, and at the same time what configurations may depend on.
func (o *Source) write(ctx context.Context, r *results, source treearchive.Tree) error {
	if o.Kconfig == "" {
		return r.set.CreateFile(o.Out, func(w io.Writer) error { return treearchive.Write(writer{ctx, w}, source) })
	}
	return r.createAll(ctx, []string{o.Out, o.Kconfig}, func(writers []io.Writer) error {
		part, err := treearchive.NewWriter(writers[1])
		if err != nil {
			return err
		}
		return errors.Join(treearchive.Write(writers[0], source.Copied(kmake.Configures, part)), part.Close())
	})
}

// prepare returns the patched tree.
func (o *Source) prepare(ctx context.Context, tree *kmake.Tree) (treearchive.Tree, error) {
	if o.Archive != "" {
		return treearchive.Directory(tree.Dir), o.unpack(ctx, tree)
	}
	source, err := o.source(ctx)
	if err == nil && len(o.Patches) > 0 {
		source, err = o.overlay(ctx, tree, source)
	}
	return source, err
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

// source is the tree before patches.
func (o *Source) source(ctx context.Context) (treearchive.Tree, error) {
	if o.Tree == "" {
		source, err := o.Files.Read()
		if err != nil {
			return nil, fmt.Errorf("%s: attribute srcs: %w", o.Label, err)
		}
		return source, nil
	}
	return func(wanted func(treearchive.Entry) bool, visit func(treearchive.Entry, io.Reader) error) error {
		file, err := os.Open(o.Tree)
		if err != nil {
			return err
		}
		defer file.Close()
		return treearchive.Read(reader{ctx, file}, wanted, visit)
	}, nil
}

// overlay applies the patches to the files that they name, and returns the source with these.
func (o *Source) overlay(ctx context.Context, tree *kmake.Tree, source treearchive.Tree) (treearchive.Tree, error) {
	extracted, err := sourcetree.Extract(source, tree.Dir, o.Patches)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Label, err)
	}
	if err := o.applyPatches(ctx, tree); err != nil {
		return nil, err
	}
	return treearchive.Overlay(source, tree.Dir, func(path string) bool { return extracted[path] }), nil
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

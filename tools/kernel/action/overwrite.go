// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/merkle/root/object"
)

// Overwrite is the action that writes the root of its modules into a linked kernel, and makes the rest of it again.
type Overwrite struct {
	Link
	// Blank is what Kbuild linked with the blank root, as Build or Blank wrote it: Outputs.VmlinuxUnstripped.
	Blank string
}

// Run writes all outputs or none.
func (o *Overwrite) Run(ctx context.Context) error {
	return o.inTree(ctx, func(tree *kmake.Tree) error {
		// Prepare has done so for a kernel in shards.
		if !o.Shards {
			if err := tree.Record(ctx); err != nil {
				return err
			}
		}
		linked, err := linkedVmlinux(tree.Dir)
		if err != nil {
			return err
		}
		if err := o.writeRoot(filepath.Join(tree.Dir, linked)); err != nil {
			return err
		}
		if linked == kmake.Unstripped {
			if err := strip(ctx, tree); err != nil {
				return err
			}
		}
		return tree.MakeImage(ctx)
	})
}

// strip makes vmlinux of what was linked. That is as old as all else that was made of the one with the blank root:
// nothing but vmlinux depends on the root.
func strip(ctx context.Context, tree *kmake.Tree) error {
	if err := os.Chtimes(filepath.Join(tree.Dir, kmake.Unstripped), tree.Stamp, tree.Stamp); err != nil {
		return err
	}
	return tree.StripVmlinux(ctx)
}

// writeRoot writes the linked kernel, with the root.
func (o *Overwrite) writeRoot(name string) error {
	root, err := readRootObject(o.RootObject)
	if err != nil {
		return err
	}
	if err := copyInto(filepath.Dir(name), map[string]string{o.Blank: filepath.Base(name)}); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(object.Overwrite(file, root), file.Close()); err != nil {
		return fmt.Errorf("%s: %w", o.Blank, err)
	}
	return nil
}

// readRootObject returns the root that a root object has.
func readRootObject(name string) (object.Found, error) {
	file, err := os.Open(name)
	if err != nil {
		return object.Found{}, err
	}
	defer file.Close()
	found, err := object.Read(file)
	if err == nil && found.Format != object.FormatObject {
		err = fmt.Errorf("is a %s, want a root object", found.Format)
	}
	if err != nil {
		return object.Found{}, fmt.Errorf("%s: %w", name, err)
	}
	return found, nil
}

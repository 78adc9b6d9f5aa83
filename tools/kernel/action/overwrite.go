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
	// Blank is the vmlinux.unstripped with the blank root that Build or Blank wrote.
	Blank string
}

// Run writes all outputs or none.
func (o *Overwrite) Run(ctx context.Context) error {
	return o.inTree(ctx, func(tree *kmake.Tree) error {
		if err := o.writeRoot(tree); err != nil {
			return err
		}
		// Prepare has done so for a kernel in shards.
		if !o.Shards {
			if err := tree.Record(ctx); err != nil {
				return err
			}
		}
		return tree.StripVmlinux(ctx)
	})
}

// writeRoot puts vmlinux.unstripped into the tree, with the root. It is as old as all that was made of the one with the
// blank root: nothing but vmlinux depends on the root.
func (o *Overwrite) writeRoot(tree *kmake.Tree) error {
	root, err := readRootObject(o.RootObject)
	if err != nil {
		return err
	}
	if err := copyInto(tree.Dir, map[string]string{o.Blank: kmake.Unstripped}); err != nil {
		return err
	}
	name := filepath.Join(tree.Dir, kmake.Unstripped)
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(object.Overwrite(file, root), file.Close()); err != nil {
		return fmt.Errorf("%s: %w", o.Blank, err)
	}
	return os.Chtimes(name, tree.Stamp, tree.Stamp)
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

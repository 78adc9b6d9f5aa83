// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"rules_modhash/tools/kernel/kmake"
)

// Link is the action that links a kernel with the root of its modules.
type Link struct {
	Common
	// Trees are archives that are unpacked one over the other: what Source and Build wrote or, of a kernel that is built in
	// shards, what Prepare, Config, Split for the link, Compile of what is built in, and Blank wrote. RootObject is the object that carries the root.
	Trees      []string
	RootObject string
	// Shards is set for a kernel that is built in shards.
	Shards bool
	// Vmlinux, VmlinuxUnstripped and Image, the boot image, are files to write. The second may be empty.
	Vmlinux, VmlinuxUnstripped, Image string
}

// Run links, and writes all outputs or none.
func (o *Link) Run(ctx context.Context) error {
	return o.inTree(ctx, func(tree *kmake.Tree) error {
		root, err := filepath.Abs(o.RootObject)
		if err != nil {
			return err
		}
		word := "MODULE_HASHES_ROOT_OBJ=" + root
		if o.Shards {
			return tree.LinkVmlinux(ctx, word)
		}
		target, _ := o.Target.Image()
		return tree.Make(ctx, word, "vmlinux", target)
	})
}

// inTree unpacks the trees, calls make with the result, and writes what it has made.
func (o *Link) inTree(ctx context.Context, make func(*kmake.Tree) error) error {
	return inWorkspace(o.Vmlinux, func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.Trees...)
		if err != nil {
			return err
		}
		if err := make(tree); err != nil {
			return fmt.Errorf("%s: %w", o.Label, err)
		}
		_, image := o.Target.Image()
		r := &results{dir: tree.Dir}
		err = r.copyVmlinux(o.Vmlinux, o.VmlinuxUnstripped)
		return r.finish(ctx, errors.Join(err, r.copyAll(map[string]string{image: o.Image})))
	})
}

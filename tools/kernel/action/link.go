// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
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
	return inWorkspace(o.Vmlinux, func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.Trees...)
		if err != nil {
			return err
		}
		root, err := filepath.Abs(o.RootObject)
		if err != nil {
			return err
		}
		target, image := o.Target.Image()
		word := "MODULE_HASHES_ROOT_OBJ=" + root
		if o.Shards {
			err = tree.LinkVmlinux(ctx, word)
		} else {
			err = tree.Make(ctx, word, "vmlinux", target)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", o.Label, err)
		}
		r := &results{dir: tree.Dir}
		err = r.copyVmlinux(o.Vmlinux, o.VmlinuxUnstripped)
		return r.finish(ctx, errors.Join(err, r.copyAll(map[string]string{image: o.Image})))
	})
}

// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"fmt"
	"path/filepath"
)

// Link is the action that links a kernel with the root of its modules.
type Link struct {
	Common
	// Source and Objects are the trees that Source and Build wrote, RootObject the object that carries the root.
	Source, Objects, RootObject string
	// Vmlinux, VmlinuxUnstripped and Image, the boot image, are files to write. The second may be empty.
	Vmlinux, VmlinuxUnstripped, Image string
}

// Run links, and writes all outputs or none.
func (o *Link) Run(ctx context.Context) error {
	return inWorkspace(o.Vmlinux, func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.Source, o.Objects)
		if err != nil {
			return err
		}
		root, err := filepath.Abs(o.RootObject)
		if err != nil {
			return err
		}
		target, image := o.Target.Image()
		if err := tree.Make(ctx, "MODULE_HASHES_ROOT_OBJ="+root, "vmlinux", target); err != nil {
			return fmt.Errorf("%s: %w", o.Label, err)
		}
		r := &results{dir: tree.Dir}
		return r.finish(ctx, r.copyAll(map[string]string{
			"vmlinux": o.Vmlinux, "vmlinux.unstripped": o.VmlinuxUnstripped, image: o.Image,
		}))
	})
}

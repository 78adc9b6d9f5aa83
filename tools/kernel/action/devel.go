// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"fmt"
)

// Devel is the action that packs the files for building out-of-tree modules, of a kernel that is built in shards.
type Devel struct {
	Common
	// Source is what Split wrote for Prepare, Prepared what Prepare wrote, Configuration what Config wrote.
	Source, Prepared, Configuration string
	// Symvers and Vmlinux are files of the kernel. Without CONFIG_DEBUG_INFO_BTF_MODULES, Vmlinux is not read.
	Symvers, Vmlinux string
	// Out is the archive to write.
	Out string
}

// Run writes the archive, or nothing.
func (o *Devel) Run(ctx context.Context) error {
	return inWorkspace(o.Out, func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.Source, o.Configuration, o.Prepared)
		if err != nil {
			return err
		}
		files := map[string]string{o.Symvers: "Module.symvers"}
		enabled, err := optionEnabled(tree.Dir, "CONFIG_DEBUG_INFO_BTF_MODULES")
		if err != nil {
			return err
		}
		if enabled {
			files[o.Vmlinux] = "vmlinux"
		}
		if err := copyInto(tree.Dir, files); err != nil {
			return err
		}
		r := &results{dir: tree.Dir}
		if err := r.finish(ctx, o.packDevel(ctx, r, tree, o.Out)); err != nil {
			return fmt.Errorf("%s: %w", o.Label, err)
		}
		return nil
	})
}

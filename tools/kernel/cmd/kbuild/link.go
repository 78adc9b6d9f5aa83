// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
)

type linkOptions struct {
	common
	source, objects, rootObject       string
	vmlinux, vmlinuxUnstripped, image string
}

func newLink() *cobra.Command {
	o := &linkOptions{}
	cmd := &cobra.Command{
		Use:   "link --source FILE --objects FILE --root-object FILE --vmlinux FILE --image FILE",
		Short: "Link a kernel with the root of its modules",
		Long: `Link vmlinux again, with a root object in place of the blank one, and make the boot image of it.
Nothing is compiled but what depends on vmlinux: parts of the boot image.`,
		Example: `  kbuild link --source source.tar.zst --objects objects.tar.zst --root-object root.o \
    --vmlinux vmlinux --image bzImage`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.source, "source", "", "source tree of the build")
	flags.StringVar(&o.objects, "objects", "", "object tree that kbuild build wrote")
	flags.StringVar(&o.rootObject, "root-object", "", "root object that modhash tree wrote")
	flags.StringVar(&o.vmlinux, "vmlinux", "", "write vmlinux")
	flags.StringVar(&o.vmlinuxUnstripped, "vmlinux-unstripped", "", "write vmlinux.unstripped")
	flags.StringVar(&o.image, "image", "", "write the boot image")
	o.register(cmd)
	require(cmd, "source", "objects", "root-object", "vmlinux", "image")
	return cmd
}

func (o *linkOptions) run(ctx context.Context) error {
	return inWorkspace(o.vmlinux, func(dir string) error {
		tree, err := o.unpackTree(ctx, dir, o.source, o.objects)
		if err != nil {
			return err
		}
		root, err := filepath.Abs(o.rootObject)
		if err != nil {
			return err
		}
		target, image := o.target.Image()
		if err := tree.Make(ctx, "MODULE_HASHES_ROOT_OBJ="+root, "vmlinux", target); err != nil {
			return fmt.Errorf("%s: %w", o.label, err)
		}
		r := &results{dir: tree.Dir}
		return r.finish(ctx, r.copyAll(map[string]string{
			"vmlinux": o.vmlinux, "vmlinux.unstripped": o.vmlinuxUnstripped, image: o.image,
		}))
	})
}

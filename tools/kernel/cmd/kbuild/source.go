// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/treearchive"
)

type sourceOptions struct {
	archive, label, out string
	patches             []string
}

func newSource() *cobra.Command {
	o := &sourceOptions{}
	cmd := &cobra.Command{
		Use:   "source --archive FILE --out FILE [--patch FILE]...",
		Short: "Unpack and patch a kernel source archive",
		Long: `Unpack a source archive as kernel.org and distributions publish it, apply patches in order
(patch -p1), and pack it again as other subcommands take it. A patch that does not fit exactly is an
error.`,
		Example: `  kbuild source --archive linux-7.2.12.tar.xz --patch 0001.patch --out source.tar.zst`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.archive, "archive", "", "tar, compressed by xz, gzip or zstd, with one folder at its top")
	flags.StringArrayVar(&o.patches, "patch", nil, "patch to apply")
	flags.StringVar(&o.out, "out", "", "file to write")
	registerLabel(cmd, &o.label)
	require(cmd, "archive", "out")
	return cmd
}

func (o *sourceOptions) run(ctx context.Context) error {
	return inWorkspace(o.out, func(dir string) error {
		tree := &kmake.Tree{Dir: filepath.Join(dir, "linux")}
		if err := o.prepare(ctx, tree); err != nil {
			return err
		}
		r := &results{}
		return r.finish(ctx, r.set.CreateFile(o.out, func(w io.Writer) error {
			return treearchive.Pack(writer{ctx, w}, tree.Dir, func(string, fs.FileInfo) bool { return true })
		}))
	})
}

func (o *sourceOptions) prepare(ctx context.Context, tree *kmake.Tree) error {
	if err := os.Mkdir(tree.Dir, 0o755); err != nil {
		return err
	}
	archive, err := filepath.Abs(o.archive)
	if err != nil {
		return err
	}
	if err := tree.Run(ctx, "tar", "--extract", "--file", archive, "--strip-components=1", "--no-same-owner"); err != nil {
		return fmt.Errorf("%s: unpacking %s: %w", o.label, o.archive, err)
	}
	if _, err := os.Stat(filepath.Join(tree.Dir, "Kbuild")); err != nil {
		return fmt.Errorf("%s: %s: got no linux-*/Kbuild in it, want the source of a Linux kernel", o.label, o.archive)
	}
	for _, patch := range o.patches {
		if err := applyPatch(ctx, tree, patch); err != nil {
			return fmt.Errorf("%s: patch %s does not fit %s exactly: %w\nNext: refresh the patch against this source, or take it out of the attribute patches",
				o.label, patch, o.archive, err)
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

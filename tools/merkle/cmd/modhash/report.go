// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/root"
	"rules_modhash/tools/system/report"
)

func newReport(dir directory) *cobra.Command {
	out := ""
	cmd := &cobra.Command{
		Use:   "report --out FILE TREE [KERNEL]",
		Short: "Write a web page that shows a tree and verifies modules in the browser",
		Long: `Write a page about a tree.pb: root, subsystems by size, all modules with search, and a
drawing of each proof from leaf to root. The browser verifies modules, sealed or not, that
you drag onto the page. The page is one file and uses no network. KERNEL, a vmlinux or
bzImage, must carry the tree's root; the page then names it.` + exitCodesHelp,
		Example: `  modhash tree --out tree.pb /lib/modules/$(uname -r)
  modhash report --out report.html tree.pb`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return errors.New("--out is required")
			}
			for i, path := range args {
				args[i] = dir.resolve(path)
			}
			return runReport(out, args)
		},
	}
	cmd.Flags().VarP(&pathFlag{dir, &out}, "out", "o", "file for the page (required)")
	return cmd
}

func runReport(out string, args []string) error {
	tree, err := readTree(args[0])
	if err != nil {
		return err
	}
	r := report.Report{Tree: tree}
	if len(args) > 1 {
		if r.Kernel, err = reportKernel(args[1], tree.Root()); err != nil {
			return err
		}
	}
	return writeOne(out, func(w io.Writer) error { return report.Write(w, r) })
}

// reportKernel reads a kernel that must carry root.
func reportKernel(file string, want merkle.Root) (*report.Kernel, error) {
	found, err := root.ReadKernel(file, want)
	if err != nil {
		return nil, err
	}
	return &report.Kernel{Name: filepath.Base(file), Format: found.Format, Machine: machineName(found.Target)}, nil
}

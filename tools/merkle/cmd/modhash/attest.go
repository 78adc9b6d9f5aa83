// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"rules_modhash/tools/cli/output"
	"rules_modhash/tools/cli/progress"
	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/root"
	"rules_modhash/tools/merkle/tree"
	"rules_modhash/tools/system/attest"
)

// formatAttestation names a statement as package root names other files.
const formatAttestation = "attestation"

// attestOptions are the arguments of modhash attest.
type attestOptions struct {
	tree, out, spdx string
	vmlinux, image  string
	sealed          string
	toolchain       string
	sources         []string
	sourceEpoch     int64
}

func newAttest(dir directory) *cobra.Command {
	o := &attestOptions{}
	cmd := &cobra.Command{
		Use:   "attest --tree FILE [--out FILE] [--spdx FILE] [--vmlinux FILE] [--image FILE] [--sealed DIR]",
		Short: "State what was built: an in-toto statement, an SPDX document",
		Long: `Write an unsigned description of a build: with --out an in-toto Statement, with --spdx an
SPDX 2.3 document, both as JSON. The subjects of the statement are the modules of the tree,
each by the SHA-256 of its bytes before any trailer; the vmlinux and the boot image, which
must carry the tree's root (modhash reads it in a bzImage; it does not check images of other
kinds, and the statement records this); and with --sealed the sealed modules, by the SHA-256
of the file: all modules of the tree. The predicate has the root, the leaves, from which
anyone can compute the root, and the digests of --toolchain and --source.

The same files give the same bytes. The SPDX document must have a creation time: the value
of --source-date-epoch, by default 1970.` + exitCodesHelp,
		Example: `  modhash tree --out tree.pb --seal sealed /lib/modules/$(uname -r)
  modhash attest --tree tree.pb --sealed sealed --out modules.intoto.json --spdx modules.spdx.json
  modhash verify --attestation modules.intoto.json --complete /lib/modules/$(uname -r)`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return runAttest(cmd, o)
		},
	}
	flags := cmd.Flags()
	dir.pathVar(flags, &o.tree, "tree", "file written by modhash tree --out (required)")
	dir.pathVar(flags, &o.out, "out", "file for the in-toto Statement")
	dir.pathVar(flags, &o.spdx, "spdx", "file for the SPDX document")
	dir.pathVar(flags, &o.vmlinux, "vmlinux", "vmlinux that was linked with the tree's root")
	dir.pathVar(flags, &o.image, "image", "boot image that was made from the vmlinux")
	dir.pathVar(flags, &o.sealed, "sealed", "directory with the sealed modules")
	dir.pathVar(flags, &o.toolchain, "toolchain", "file that lists the programs that the build ran")
	dir.pathArrayVar(flags, &o.sources, "source", "file that the build was made from (repeatable)")
	flags.Int64Var(&o.sourceEpoch, "source-date-epoch", 0,
		"time of creation in the SPDX document, in seconds since 1970")
	return cmd
}

// lastSecond is the last one that SPDX can tell: its years have four digits.
var lastSecond = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC).Unix()

func (o *attestOptions) check() error {
	switch {
	case o.tree == "":
		return errors.New("--tree is required")
	case o.out == "" && o.spdx == "":
		return errors.New("one of --out and --spdx is required: nothing would be written")
	case o.sourceEpoch < 0 || o.sourceEpoch > lastSecond:
		return fmt.Errorf("--source-date-epoch is %d, want 0 to %d", o.sourceEpoch, lastSecond)
	}
	return nil
}

func runAttest(cmd *cobra.Command, o *attestOptions) error {
	a, err := o.read(cmd)
	if err != nil {
		return err
	}
	return withOutputs(func(outputs *output.Set) error {
		err := writeAsked(outputs, o.out, func() ([]byte, error) { return attest.EncodeStatement(a) })
		if err != nil {
			return err
		}
		return writeAsked(outputs, o.spdx, func() ([]byte, error) {
			return attest.EncodeSPDX(a, time.Unix(o.sourceEpoch, 0))
		})
	})
}

// writeAsked writes a file unless path is empty.
func writeAsked(outputs *output.Set, path string, encode func() ([]byte, error)) error {
	if path == "" {
		return nil
	}
	data, err := encode()
	if err != nil {
		return err
	}
	return outputs.WriteFile(path, data)
}

// read reads all that is attested.
func (o *attestOptions) read(cmd *cobra.Command) (*attest.Attestation, error) {
	tree, err := readTree(o.tree)
	if err != nil {
		return nil, err
	}
	a := &attest.Attestation{Tree: tree}
	if a.Kernels, err = o.readKernels(tree.Root()); err != nil {
		return nil, err
	}
	if a.Sealed, err = o.readSealed(cmd, tree); err != nil {
		return nil, err
	}
	if o.toolchain != "" {
		f, err := attest.ReadFile(o.toolchain)
		if err != nil {
			return nil, err
		}
		a.Toolchain = &f
	}
	for _, path := range o.sources {
		f, err := attest.ReadFile(path)
		if err != nil {
			return nil, err
		}
		a.Sources = append(a.Sources, f)
	}
	return a, nil
}

func (o *attestOptions) readKernels(root merkle.Root) ([]attest.Kernel, error) {
	var kernels []attest.Kernel
	for _, file := range []struct {
		path string
		read func(string, merkle.Root) (attest.Kernel, error)
	}{
		{o.vmlinux, attest.ReadVmlinux},
		{o.image, attest.ReadImage},
	} {
		if file.path == "" {
			continue
		}
		k, err := file.read(file.path, root)
		if err != nil {
			return nil, err
		}
		kernels = append(kernels, k)
	}
	return kernels, nil
}

func (o *attestOptions) readSealed(cmd *cobra.Command, tree *tree.Tree) ([]merkle.Hash, error) {
	if o.sealed == "" {
		return nil, nil
	}
	modules, err := collect(cmd, []modules.Source{{Path: o.sealed}})
	if err != nil {
		return nil, err
	}
	bar := progress.New(cmd.ErrOrStderr(), "hashing", len(modules))
	defer bar.Clear()
	return batch.SealedDigests(cmd.Context(), tree, modules, bar.Tick())
}

// readAttestation reads the tree in a statement. Errors name the file.
func readAttestation(file string) (root.Found, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return root.Found{}, err
	}
	tree, err := attest.DecodeTree(data)
	if err != nil {
		return root.Found{}, fmt.Errorf("%s: %w", file, err)
	}
	return root.Found{Root: tree.Root(), Format: formatAttestation, Tree: tree}, nil
}

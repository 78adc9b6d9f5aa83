// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"context"
	"fmt"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/tree"
)

// SealedDigests returns the SHA-256 of each sealed module as the kernel reads it,
// decompressed and with its trailer, by position in the tree. The modules must be all of
// the tree's, sealed, each at its install path.
func SealedDigests(
	ctx context.Context, tree *tree.Tree, modules []modules.Module, progress func(),
) ([]merkle.Hash, error) {
	report, err := Verify(ctx, modules, Reference{Root: tree.Root(), Tree: tree}, nil)
	if err == nil {
		err = report.complete(tree.Len())
	}
	if err != nil {
		return nil, err
	}
	sums := make([]merkle.Hash, tree.Len())
	err = Each(ctx, len(modules), progress, func(s *module.Scanner, i int) error {
		sum, err := wholeDigest(s, modules[i].File)
		if err != nil {
			return wrap(modules[i], err)
		}
		l, _ := tree.Find(modules[i].InstallPath) // there, or it would not have passed
		sums[l.Position] = sum
		return nil
	})
	return sums, err
}

// complete returns an error unless all modules of the tree passed, and nothing else was
// there.
func (r Report) complete(want int) error {
	if len(r.Failures) > 0 {
		f := r.Failures[0]
		return wrap(f.Module, fmt.Errorf("%w (%d of %d sealed modules do not belong to the tree)",
			f.Reason, len(r.Failures), r.Checked))
	}
	if len(r.Missing) > 0 {
		l := r.Missing[0]
		return fmt.Errorf("%s (position %d) is not among the sealed modules: %d of %d are missing",
			l.InstallPath, l.Position, len(r.Missing), want)
	}
	return nil
}

// wholeDigest returns the SHA-256 of a module file, decompressed, trailer and all.
func wholeDigest(s *module.Scanner, file string) (merkle.Hash, error) {
	nothing := func([]byte, int64) (int, error) { return 0, nil }
	d, err := s.ScanFile(file, module.Options{Cut: nothing, Raw: true})
	return d.SHA256, err
}

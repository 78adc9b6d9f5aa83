// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"context"
	"fmt"
	"io"
	"os"

	"rules_modhash/tools/cli/output"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/trailer"
	"rules_modhash/tools/merkle/tree"
)

// ProofSuffix follows the install path in the name of a proof file.
const ProofSuffix = ".proof.pb"

// WriteProofs writes the proof of each leaf to `<install path>.proof.pb` in dir.
func WriteProofs(ctx context.Context, t *tree.Tree, leaves []tree.Leaf, dir *output.Dir) error {
	return Each(ctx, len(leaves), nil, func(_ *module.Scanner, i int) error {
		p, err := t.ProofOf(leaves[i].Position)
		if err != nil {
			return err
		}
		b, err := tree.EncodeProof(p)
		if err != nil {
			return err
		}
		return dir.Create(leaves[i].InstallPath+ProofSuffix, func(w io.Writer) error {
			_, err := w.Write(b)
			return err
		})
	})
}

// AppendProofs appends its trailer to each leaf's module, which Leaves copied to
// dir.
func AppendProofs(ctx context.Context, t *tree.Tree, dir *output.Dir) error {
	return Each(ctx, t.Len(), nil, func(_ *module.Scanner, i int) error {
		p, err := t.Proof(uint32(i))
		if err != nil {
			return err
		}
		return dir.Append(t.Leaves[i].InstallPath, trailer.Append(nil, p))
	})
}

// Seal copies modules to dir, at their install paths, and appends their proofs. Each
// must be in the tree, with exactly the bytes it has.
func Seal(ctx context.Context, t *tree.Tree, modules []modules.Module, r Reading, dir *output.Dir) error {
	return Each(ctx, len(modules), r.Progress, func(s *module.Scanner, i int) error {
		m := modules[i]
		l, ok := t.Find(m.InstallPath)
		if !ok {
			return wrap(m, fmt.Errorf("the tree has no module with the install path %q", m.InstallPath))
		}
		p, err := t.ProofOf(l.Position)
		if err != nil {
			return wrap(m, err)
		}
		return dir.Create(m.InstallPath, func(w io.Writer) error {
			return SealOne(s, m, p, r, w)
		})
	})
}

// SealOne copies a module to w and appends the proof. The module must hash to the
// proof's leaf: if not, what was written is to be thrown away.
func SealOne(s *module.Scanner, m modules.Module, p tree.Proof, r Reading, w io.Writer) error {
	o := module.Options{Position: p.Position, Cut: m.Existing.Cut, Raw: r.Raw, LeafOnly: true}
	d, err := copyModule(s, m, o, w)
	if err != nil {
		return wrap(m, err)
	}
	if d.Leaf != p.Leaf {
		return wrap(m, fmt.Errorf("hashes to leaf %s at position %d, the proof of %s is for %s",
			d.Leaf, p.Position, p.InstallPath, p.Leaf))
	}
	_, err = w.Write(trailer.Append(nil, p.Proof))
	return err
}

// copyModule copies a module to w and scans what it copies. A file that is no longer than the
// module, but for a trailer, goes to another one without passing through our memory, or shares its blocks where
// the file system can (copy_file_range(2), by way of os.File.ReadFrom).
func copyModule(s *module.Scanner, m modules.Module, o module.Options, w io.Writer) (module.Digest, error) {
	copied, ok := w.(*os.File)
	if !ok || module.TrimCompression(m.File) != m.File {
		o.Copy = w
		return s.ScanFile(m.File, o)
	}
	source, err := os.Open(m.File)
	if err != nil {
		return module.Digest{}, err
	}
	defer source.Close()
	if _, err := copied.ReadFrom(source); err != nil {
		return module.Digest{}, err
	}
	// What is scanned is the copy: whatever becomes of the source meanwhile, what is sealed has
	// been hashed.
	d, err := s.ScanFile(copied.Name(), o)
	if err != nil {
		return module.Digest{}, err
	}
	if err := copied.Truncate(d.Size); err != nil {
		return module.Digest{}, err
	}
	_, err = copied.Seek(d.Size, io.SeekStart)
	return d, err
}

// Unseal copies modules to dir, at their install paths, without their trailers: the
// outermost one, or all of them. A module without one is an error. It returns the
// modules that still carry one.
func Unseal(
	ctx context.Context, sealed []modules.Module, all bool, progress func(), dir *output.Dir,
) ([]modules.Module, error) {
	left := make([]bool, len(sealed))
	err := Each(ctx, len(sealed), progress, func(s *module.Scanner, i int) error {
		return dir.Create(sealed[i].InstallPath, func(w io.Writer) (err error) {
			left[i], err = UnsealOne(s, sealed[i], all, w)
			return err
		})
	})
	var carry []modules.Module
	for i, m := range sealed {
		if left[i] {
			carry = append(carry, m)
		}
	}
	return carry, err
}

// UnsealOne copies a module to w without its outermost trailer, or without all of
// them. A module without one is an error. It reports whether what it wrote still
// carries one.
func UnsealOne(s *module.Scanner, m modules.Module, all bool, w io.Writer) (left bool, err error) {
	cut := func(tail []byte, size int64) (n int, err error) {
		if all {
			n, err = trailer.Strip.Cut(tail, size)
		} else {
			n, left, err = trailer.CutOutermost(tail, size)
		}
		if err == nil && n == 0 {
			err = fmt.Errorf("carries no trailer to drop")
		}
		return n, err
	}
	if _, err := s.ScanFile(m.File, module.Options{Cut: cut, Raw: true, LeafOnly: true, Copy: w}); err != nil {
		return false, wrap(m, err)
	}
	return left, nil
}

// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/cli/output"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/tree"
)

// Reading states how modules are read.
type Reading struct {
	// Raw takes any file for a module.
	Raw bool
	// Target is the ELF target that all modules must have; if zero, that of the
	// first one. Mixed accepts modules of several targets.
	Target arch.Target
	Mixed  bool
	// Progress, if not nil, is called after each module, by several goroutines.
	Progress func()
}

// Leaves hashes modules; positions[i] is that of modules[i]. If copies is not nil,
// the bytes that were hashed are written there, at the install path.
func Leaves(
	ctx context.Context, modules []modules.Module, positions []uint32, r Reading, copies *output.Dir,
) ([]tree.Leaf, error) {
	leaves := make([]tree.Leaf, len(modules))
	err := Each(ctx, len(modules), r.Progress, func(s *module.Scanner, i int) error {
		m := modules[i]
		o := module.Options{Position: positions[i], Cut: m.Existing.Cut, Raw: r.Raw}
		d, err := scan(s, m, o, copies)
		if err != nil {
			return wrap(m, err)
		}
		leaves[i] = tree.Leaf{
			InstallPath: m.InstallPath, Label: m.Label, Position: positions[i],
			Hash: d.Leaf, SHA256: d.SHA256, Size: d.Size, Target: d.Target,
		}
		return nil
	})
	if err != nil || r.Raw || r.Mixed {
		return leaves, err
	}
	return leaves, CheckTargets(leaves, r.Target, func(i int) string { return modules[i].String() })
}

// scan reads one module, and writes what it reads to copies if that is not nil.
func scan(
	s *module.Scanner, m modules.Module, o module.Options, copies *output.Dir,
) (d module.Digest, err error) {
	if copies == nil {
		return s.ScanFile(m.File, o)
	}
	err = copies.Create(m.InstallPath, func(w io.Writer) error {
		o.Copy = w
		d, err = s.ScanFile(m.File, o)
		return err
	})
	return d, err
}

// wrap names the module ahead of an error about it, once.
func wrap(m modules.Module, err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) && pathError.Path == m.File {
		err = fmt.Errorf("%s: %w", pathError.Op, pathError.Err)
	}
	return fmt.Errorf("%s: %w", m, err)
}

// CheckTargets returns an error unless all leaves have the target want, or, if that
// is zero, the target of the first leaf that has one. Leaves without a target are
// left alone: they were read as raw files. Name returns what to call leaf i.
func CheckTargets(leaves []tree.Leaf, want arch.Target, name func(i int) string) error {
	given, first := want != arch.Target{}, 0
	for i, l := range leaves {
		switch {
		case l.Target == arch.Target{} || l.Target == want:
		case given:
			return fmt.Errorf("%s: is built for %s, want %s", name(i), l.Target, want)
		case want == arch.Target{}:
			want, first = l.Target, i
		default:
			return fmt.Errorf("%s: is built for %s, but %s for %s: the modules of a tree have one target",
				name(i), l.Target, name(first), want)
		}
	}
	return nil
}

// SPDX-License-Identifier: Apache-2.0

package diff

import (
	"context"
	"errors"
	"fmt"
	"os"

	"rules_modhash/tools/merkle/batch"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/system/diff/elfdiff"
)

// examine looks into the modules that changed.
func examine(ctx context.Context, a, b *Input, changed []pair, step func()) ([]ChangedModule, error) {
	out := make([]ChangedModule, len(changed))
	err := batch.Each(ctx, len(changed), step, func(s *module.Scanner, i int) error {
		p := changed[i]
		out[i] = ChangedModule{A: entryOf(p.a), B: entryOf(p.b)}
		fileA, okA := a.file(p.a)
		fileB, okB := b.file(p.b)
		if !okA || !okB {
			out[i].Note = noteOf(okA, okB)
			return nil
		}
		diff, err := elfDiff(s, a, b, fileA, fileB)
		var unsound unsoundError
		if errors.As(err, &unsound) {
			out[i].Note = unsound.Error()
			return nil
		}
		out[i].Diff = &diff
		return err
	})
	return out, err
}

func noteOf(okA, okB bool) string {
	switch {
	case okA:
		return "B is a tree, which contains only hashes: to see what differs, compare with its modules"
	case okB:
		return "A is a tree, which contains only hashes: to see what differs, compare with its modules"
	}
	return "A and B are trees, which contain only hashes: to see what differs, compare their modules"
}

// unsoundError reports that a module cannot be read as ELF: that is a difference to report, not a failure.
type unsoundError struct{ error }

// elfDiff compares two modules, of which it makes plain copies.
func elfDiff(s *module.Scanner, a, b *Input, fileA, fileB modules.Module) (elfdiff.Diff, error) {
	plainA, err := plain(s, fileA, a.scratch)
	if err != nil {
		return elfdiff.Diff{}, a.wrap(err)
	}
	defer discard(plainA)
	plainB, err := plain(s, fileB, b.scratch)
	if err != nil {
		return elfdiff.Diff{}, b.wrap(err)
	}
	defer discard(plainB)
	diff, err := elfdiff.Compare(plainA, plainB)
	if err != nil {
		return diff, unsoundError{err}
	}
	return diff, nil
}

// plain copies a module without compression and trailer to a new file in dir: modules may be larger than
// memory, and ELF files are not read from front to back.
func plain(s *module.Scanner, m modules.Module, dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "plain")
	if err != nil {
		return nil, err
	}
	_, err = s.ScanFile(m.File, module.Options{Cut: m.Existing.Cut, LeafOnly: true, Copy: f})
	if err != nil {
		discard(f)
		return nil, fmt.Errorf("%s: %w", m, err)
	}
	return f, nil
}

func discard(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name())
}

// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/moduleset"
	"rules_modhash/tools/merkle/treefile"
)

// Reference is what modules are verified against.
type Reference struct {
	Root merkle.Root
	// Tree is the whole tree if it is known, else nil.
	Tree *treefile.Tree
}

// Failure is a module that the kernel would not take for one of the tree.
type Failure struct {
	Module moduleset.Module
	// Reason says what is wrong with it.
	Reason error
}

// Report is the outcome of Verify.
type Report struct {
	// Checked is the number of modules read, those that failed among them.
	Checked int
	// Failures in the order of the modules.
	Failures []Failure
	// Missing are the leaves of the tree, in its order, that no module which passed
	// stands for. Nil if the tree is not known.
	Missing []treefile.Leaf
}

// Verify checks that modules are sealed and belong to the tree with ref's root. A
// module that cannot be read at all is an error, one that should not load is a
// Failure.
func Verify(ctx context.Context, modules []moduleset.Module, ref Reference, progress func()) (Report, error) {
	v := &verification{Reference: ref, reasons: make([]error, len(modules))}
	if ref.Tree != nil {
		v.seen = make([]bool, ref.Tree.Len())
	}
	err := Each(ctx, len(modules), progress, func(s *module.Scanner, i int) error {
		err := v.check(s, modules[i], i)
		if unreadable(err) {
			return wrap(modules[i], err)
		}
		v.reasons[i] = err
		return nil
	})
	if err != nil {
		return Report{}, err
	}
	return v.report(modules), nil
}

// unreadable tells errors of the operating system from those about contents.
func unreadable(err error) bool {
	var pathError *fs.PathError
	return errors.As(err, &pathError)
}

// verification is one call of Verify.
type verification struct {
	Reference
	reasons []error
	mu      sync.Mutex
	seen    []bool
}

// check returns why a module fails, or nil. Index is its place among the modules: a
// guess at its position.
func (v *verification) check(s *module.Scanner, m moduleset.Module, index int) error {
	o := module.Options{Position: v.guess(m, index), Raw: true, LeafOnly: true}
	found, err := s.Examine(m.File, o)
	switch {
	case err != nil:
		return err
	case !found.Signed:
		return errors.New("is not sealed: it carries no proof")
	case !found.Sealed():
		return fmt.Errorf("is not sealed: it carries a %s", found.Type)
	}
	if err := found.Proof.Verify(found.Leaf, v.Root); err != nil {
		return fmt.Errorf("%w%s", err, v.expected(found.Proof.Position))
	}
	return v.checkPlace(m, found.Proof.Position)
}

func (v *verification) guess(m moduleset.Module, index int) uint32 {
	if v.Tree != nil {
		if l, ok := v.Tree.Find(m.InstallPath); ok {
			return l.Position
		}
	}
	return uint32(index)
}

// expected says which module the tree has at a position.
func (v *verification) expected(position uint32) string {
	if v.Tree == nil || uint64(position) >= uint64(v.Tree.Len()) {
		return ""
	}
	return fmt.Sprintf("; the tree has %s at position %d", v.Tree.Leaves[position].InstallPath, position)
}

// checkPlace compares the path of a module that passed with the one in the tree: the
// kernel would load it, but under the name of another.
func (v *verification) checkPlace(m moduleset.Module, position uint32) error {
	if v.Tree == nil {
		return nil
	}
	want := v.Tree.Leaves[position].InstallPath
	if want != m.InstallPath && !(m.Guessed && path.Base(want) == m.InstallPath) {
		return fmt.Errorf("is %s in the tree (position %d), but stands at %s", want, position, m.InstallPath)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen[position] = true
	return nil
}

func (v *verification) report(modules []moduleset.Module) Report {
	r := Report{Checked: len(modules)}
	for i, reason := range v.reasons {
		if reason != nil {
			r.Failures = append(r.Failures, Failure{modules[i], reason})
		}
	}
	for position, seen := range v.seen {
		if !seen {
			r.Missing = append(r.Missing, v.Tree.Leaves[position])
		}
	}
	return r
}

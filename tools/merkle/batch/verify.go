// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sync"

	"rules_modhash/tools/archive/rootfs"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/tree"
)

// Reference is what modules are verified against.
type Reference struct {
	Root merkle.Root
	// Tree is the whole tree if it is known, else nil.
	Tree *tree.Tree
	// Unsealed also accepts modules that carry no proof, if they are at the path that Tree,
	// which must be known, has for them, and have the contents that it states.
	Unsealed bool
}

// Failure is a module that the kernel would not accept as one of the tree.
type Failure struct {
	Module modules.Module
	// Reason states what is wrong with it.
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
	Missing []tree.Leaf
}

// Verify checks that modules are sealed and belong to the tree with ref's root. A
// module that should not load, or that cannot be read, is a Failure.
func Verify(ctx context.Context, modules []modules.Module, ref Reference, progress func()) (Report, error) {
	v := &verification{Reference: ref, reasons: make([]error, len(modules))}
	if ref.Tree != nil {
		v.seen = make([]bool, ref.Tree.Len())
	}
	err := Each(ctx, len(modules), progress, func(s *module.Scanner, i int) error {
		v.reasons[i] = rootfs.Reason(v.check(s, modules[i], i))
		return nil
	})
	if err != nil {
		return Report{}, err
	}
	return v.report(modules), nil
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
func (v *verification) check(s *module.Scanner, m modules.Module, index int) error {
	o := module.Options{Position: v.guess(m, index), Raw: true, LeafOnly: !v.Unsealed}
	found, err := s.Examine(m.File, o)
	switch {
	case err != nil:
		return err
	case v.Unsealed && !found.Sealed():
		return v.checkUnsealed(s, m, found)
	case !found.Signed:
		return errors.New("is not sealed: it carries no proof")
	case !found.Sealed():
		return fmt.Errorf("is not sealed: it carries %s", found.Type.WithArticle())
	}
	if err := found.Proof.Verify(found.Leaf, v.Root); err != nil {
		return fmt.Errorf("%w%s", err, v.expected(found.Proof.Position))
	}
	return v.checkPlace(m, found.Proof.Position)
}

// checkUnsealed compares a module without a proof with the tree's of the same place. What it
// carries instead, such as a PKCS#7 signature, may have been hashed with it or not.
func (v *verification) checkUnsealed(s *module.Scanner, m modules.Module, found module.Finding) error {
	l, err := v.leafOf(m)
	if err != nil {
		return err
	}
	sum := found.SHA256
	if found.Signed && sum != l.SHA256 {
		if sum, err = wholeDigest(s, m.File); err != nil {
			return err
		}
	}
	if sum != l.SHA256 {
		return fmt.Errorf("has other contents than %s of the tree (position %d): SHA-256 is %s, want %s",
			l.InstallPath, l.Position, found.SHA256, l.SHA256)
	}
	return v.checkPlace(m, l.Position)
}

// leafOf returns the tree's module at a module's place: its path, or, of a module given as
// a file, its name.
func (v *verification) leafOf(m modules.Module) (tree.Leaf, error) {
	if l, ok := v.Tree.Find(m.InstallPath); ok {
		return l, nil
	}
	if m.Guessed {
		return v.leafNamed(m.InstallPath)
	}
	return tree.Leaf{}, fmt.Errorf("is at %s, where the tree has no module", m.InstallPath)
}

func (v *verification) leafNamed(name string) (tree.Leaf, error) {
	var found []tree.Leaf
	for _, l := range v.Tree.Leaves {
		if path.Base(l.InstallPath) == name {
			found = append(found, l)
		}
	}
	switch len(found) {
	case 0:
		return tree.Leaf{}, fmt.Errorf("is called %s, but no module of the tree has this name", name)
	case 1:
		return found[0], nil
	}
	return tree.Leaf{}, fmt.Errorf("is called %s, as %s and %s of the tree are: identify it with --install-path",
		name, found[0].InstallPath, found[1].InstallPath)
}

func (v *verification) guess(m modules.Module, index int) uint32 {
	if v.Tree != nil {
		if l, ok := v.Tree.Find(m.InstallPath); ok {
			return l.Position
		}
	}
	return uint32(index)
}

// expected states which module the tree has at a position.
func (v *verification) expected(position uint32) string {
	if v.Tree == nil || uint64(position) >= uint64(v.Tree.Len()) {
		return ""
	}
	return fmt.Sprintf("; the tree has %s at position %d", v.Tree.Leaves[position].InstallPath, position)
}

// checkPlace compares the path of a module that passed with the one in the tree: the
// kernel would load it, but under the name of another.
func (v *verification) checkPlace(m modules.Module, position uint32) error {
	if v.Tree == nil {
		return nil
	}
	want := v.Tree.Leaves[position].InstallPath
	if want != m.InstallPath && !(m.Guessed && path.Base(want) == m.InstallPath) {
		return fmt.Errorf("is %s in the tree (position %d), but is at %s", want, position, m.InstallPath)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen[position] = true
	return nil
}

func (v *verification) report(modules []modules.Module) Report {
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

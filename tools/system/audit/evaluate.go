// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"

	"rules_modhash/tools/archive/rootfs"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/trailer"
)

// evaluate gives each module its status, and fills in the report.
func (a *audit) evaluate() {
	releases := map[string]*release{}
	of := func(name string) *release {
		if releases[name] == nil {
			releases[name] = a.release(name)
		}
		return releases[name]
	}
	slices.SortStableFunc(a.kernels, func(k, l foundKernel) int { return cmp.Compare(k.Path, l.Path) })
	a.checkKernels()
	for _, p := range a.places {
		for i := range p.read {
			m := &p.read[i]
			m.release = cmp.Or(m.release, p.Release)
			of(m.release).addVerified(p, *m)
		}
	}
	otherRoots := a.countOtherRoots(releases)
	for _, p := range a.places {
		for _, m := range p.read {
			status, reason := of(m.release).evaluate(p, m)
			if status == OtherBuild {
				reason = a.nameOtherBuild(m, otherRoots)
			}
			p.Modules.Modules = append(p.Modules.Modules, Module{m.path, status, reason, m.Further, m.after})
		}
		if p.installed {
			a.report.Installed = append(a.report.Installed, p.Modules)
		} else {
			a.report.Initramfs = append(a.report.Initramfs, Initramfs{p.Modules, p.archives})
		}
	}
	slices.SortStableFunc(a.report.Initramfs, func(i, j Initramfs) int { return cmp.Compare(i.Path, j.Path) })
	for _, k := range a.kernels {
		a.report.Kernels = append(a.report.Kernels, k.Kernel)
	}
}

// checkKernels reports kernels of one release with different roots: only one of them can load its modules.
func (a *audit) checkKernels() {
	first := map[string]foundKernel{}
	for _, k := range a.kernels {
		if k.Problem != "" {
			continue
		}
		other, ok := first[k.Release]
		if !ok {
			first[k.Release] = k
		} else if other.root != k.root {
			a.report.Problems = append(a.report.Problems, Problem{k.Path,
				fmt.Sprintf("has another root than %s, of the same release %q", other.Path, k.Release)})
		}
	}
}

// release is what is known of the modules of one kernel release.
type release struct {
	// roots of its kernels, each once.
	roots []merkle.Root
	// nodes of the trees of these roots, as far as verified modules show them.
	nodes map[node]merkle.Hash
	// byBytes and byInstall are the verified modules, by the bytes that were hashed and by install path; holders
	// are the installed ones by position.
	byBytes   map[merkle.Hash]string
	byInstall map[string]string
	holders   map[position]string
	system    *rootfs.FS
}

// node is a place in the tree of a root: level 0 are the leaves.
type node struct {
	root  merkle.Root
	level int
	index uint32
}

type position struct {
	root  merkle.Root
	index uint32
}

func (a *audit) release(name string) *release {
	r := &release{
		nodes: map[node]merkle.Hash{}, byBytes: map[merkle.Hash]string{}, byInstall: map[string]string{},
		holders: map[position]string{}, system: a.system,
	}
	for _, k := range a.kernels {
		if k.Problem == "" && k.Release == name && !slices.Contains(r.roots, k.root) {
			r.roots = append(r.roots, k.root)
		}
	}
	return r
}

// verifies reports whether a module belongs to the tree of every root. A release without one verifies nothing.
func (r *release) verifies(m readModule) bool {
	if m.err != nil || !m.Sealed() {
		return false
	}
	for _, root := range r.roots {
		if m.Proof.Verify(m.Leaf, root) != nil {
			return false
		}
	}
	return len(r.roots) > 0
}

// addVerified enters what a verified module shows of the tree: its leaf and the siblings on its way to the root.
func (r *release) addVerified(p *place, m readModule) {
	if !r.verifies(m) {
		return
	}
	where := path.Join(p.Path, m.path)
	if !p.installed {
		where = m.path + " in " + p.Path
	}
	r.byBytes[m.SHA256] = where
	if p.installed {
		r.byInstall[m.install] = where
	}
	for _, root := range r.roots {
		index := m.Proof.Position
		at := position{root, index}
		if _, ok := r.holders[at]; p.installed && !ok {
			r.holders[at] = m.path
		}
		r.nodes[node{root, 0, index}] = m.Leaf
		for level, sibling := range m.Proof.Siblings {
			r.nodes[node{root, level, index ^ 1}] = sibling
			index >>= 1
		}
	}
}

// evaluate returns the status of a module, and the reason unless that is Verified.
func (r *release) evaluate(p *place, m readModule) (Status, string) {
	switch {
	case m.err != nil:
		return r.evaluateError(m)
	case m.Sealed():
		return r.evaluateSealed(p, m)
	case m.Signed:
		return Signed, fmt.Sprintf("carries %s of %d bytes in place of a proof%s", m.Type.WithArticle(), m.SignatureSize, beneath(m))
	}
	return r.evaluateUnsealed(p, m)
}

// beneath lists the trailers that a signature lies on: a proof may be one of them.
func beneath(m readModule) (text string) {
	for _, t := range m.Beneath {
		text += fmt.Sprintf(", on %s of %d bytes", t.Type.WithArticle(), t.SignatureSize)
	}
	if m.FurtherErr != nil {
		text += fmt.Sprintf(", on what is not a trailer: %v", m.FurtherErr)
	}
	return text
}

func (r *release) evaluateError(m readModule) (Status, string) {
	if isMalformed(m.err) {
		return Malformed, m.err.Error()
	}
	return Unreadable, m.err.Error()
}

func (r *release) evaluateSealed(p *place, m readModule) (Status, string) {
	if len(r.roots) == 0 {
		return Unchecked, fmt.Sprintf("is sealed, but there is no kernel of release %q with a root", m.release)
	}
	if r.verifies(m) {
		return r.evaluatePlace(p, m)
	}
	if r.isOfThisBuild(m.Proof) {
		return Altered, fmt.Sprintf("has other bytes than the sealed module: its proof is of this build (position %d)",
			m.Proof.Position)
	}
	return OtherBuild, ""
}

// evaluatePlace compares the place of a verified module with others: the kernel would take it under any name.
func (r *release) evaluatePlace(p *place, m readModule) (Status, string) {
	if p.installed {
		for _, root := range r.roots {
			if holder := r.holders[position{root, m.Proof.Position}]; holder != m.path {
				return Misplaced, fmt.Sprintf("is the same module as %s (position %d)", holder, m.Proof.Position)
			}
		}
	}
	return Verified, ""
}

// isOfThisBuild reports whether a proof that does not verify has siblings of this tree: then it is the module that
// differs.
func (r *release) isOfThisBuild(proof merkle.Proof) bool {
	for _, root := range r.roots {
		if uint32(len(proof.Siblings)) != root.Levels {
			continue
		}
		index := proof.Position
		for level, sibling := range proof.Siblings {
			if known, ok := r.nodes[node{root, level, index ^ 1}]; ok && known == sibling {
				return true
			}
			index >>= 1
		}
	}
	return false
}

// evaluateUnsealed distinguishes a module that lost its trailer from one that never had one.
func (r *release) evaluateUnsealed(p *place, m readModule) (Status, string) {
	if sealed, ok := r.byBytes[m.SHA256]; ok {
		return Stripped, fmt.Sprintf("carries no proof: its bytes are those of %s, which is sealed", sealed)
	}
	if p.installed {
		if at, ok := r.findLeaf(p, m); ok {
			return Stripped, fmt.Sprintf("carries no proof: its bytes are those of position %d of this build", at)
		}
	}
	if sealed, ok := r.byInstall[m.install]; ok {
		return Stripped, fmt.Sprintf("carries no proof, and has other bytes than %s, which is sealed: "+
			"strip rewrites a module", sealed)
	}
	return Unsigned, "carries neither a proof nor a signature"
}

// maxCandidates is at how many positions a module without a trailer is tried.
const maxCandidates = 64

// findLeaf looks for an installed module among the leaves that no module claims but that the proofs of their
// neighbours show.
func (r *release) findLeaf(p *place, m readModule) (uint32, bool) {
	rank := slices.IndexFunc(p.read, func(other readModule) bool { return other.path == m.path })
	var scanner module.Scanner
	for _, at := range r.unclaimed(rank) {
		f, _, err := r.system.OpenFile(m.file)
		if err != nil {
			return 0, false
		}
		d, err := scanner.Scan(f, m.path, module.Options{
			Position: at.index, Raw: true, LeafOnly: true, Cut: func([]byte, int64) (int, error) { return 0, nil },
		})
		f.Close()
		if err == nil && d.Leaf == r.nodes[node{at.root, 0, at.index}] {
			return at.index, true
		}
	}
	return 0, false
}

// unclaimed returns the positions of such leaves, the nearest to rank first: by default, modules are hashed in the
// order of their paths.
func (r *release) unclaimed(rank int) []position {
	var found []position
	for n := range r.nodes {
		at := position{n.root, n.index}
		if _, claimed := r.holders[at]; n.level == 0 && !claimed {
			found = append(found, at)
		}
	}
	slices.SortFunc(found, func(a, b position) int {
		return cmp.Or(
			cmp.Compare(distance(a.index, rank), distance(b.index, rank)), cmp.Compare(a.index, b.index),
			slices.Compare(a.root.Hash[:], b.root.Hash[:]),
		)
	})
	return found[:min(len(found), maxCandidates)]
}

func distance(index uint32, rank int) int64 {
	if d := int64(index) - int64(rank); d >= 0 {
		return d
	} else {
		return -d
	}
}

// countOtherRoots counts where the proofs of modules lead that belong to another build.
func (a *audit) countOtherRoots(releases map[string]*release) map[merkle.Root]int {
	counts := map[merkle.Root]int{}
	for _, p := range a.places {
		for _, m := range p.read {
			r := releases[m.release]
			if m.err != nil || !m.Sealed() || r.verifies(m) {
				continue
			}
			if root, err := m.Proof.RootFrom(m.Leaf); err == nil {
				counts[root]++
			}
		}
	}
	return counts
}

// nameOtherBuild states as much as is known of the build that a module belongs to.
func (a *audit) nameOtherBuild(m readModule, counts map[merkle.Root]int) string {
	root, err := m.Proof.RootFrom(m.Leaf)
	if err != nil {
		return err.Error()
	}
	for _, k := range a.kernels {
		if k.Problem == "" && k.root == root {
			return fmt.Sprintf("belongs to the build of %s", k.Path)
		}
	}
	reason := fmt.Sprintf("belongs to a build with the root %s", root)
	if n := counts[root]; n > 1 {
		return fmt.Sprintf("%s, as do %d others here", reason, n-1)
	}
	return reason + ", or its bytes were altered"
}

// isMalformed reports whether an error is about a trailer that no kernel accepts, not about a file that cannot be read.
func isMalformed(err error) bool { return errors.Is(err, trailer.ErrMalformed) }

// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"github.com/bazelbuild/bazel-gazelle/config"
	"github.com/bazelbuild/bazel-gazelle/rule"
	"github.com/bazelbuild/buildtools/build"

	"rules_modhash/tools/kernel/kbuild"
)

// kernelBuilds brings the modules of the kernel_build here up to date.
func (g *generation) kernelBuilds() {
	if g.s.source == "" {
		return
	}
	r := g.kernelBuild()
	if r == nil || r.ShouldKeep() {
		return
	}
	expression := r.Attr("modules")
	if _, ok := expression.(*build.ListExpr); expression != nil && !ok {
		g.x.say("%s: modules of %s is not a list of strings: it stays unchanged", g.buildFile(), r.Name())
		return
	}
	k := g.x.kernel(g.Config, g.s)
	if k == nil {
		return
	}
	updated := rule.NewRule(kernelBuild, r.Name())
	updated.SetAttr("modules", ordered(k.merge(r.AttrStrings("modules"))))
	g.add(updated, nil)
}

// kernelBuild returns the rule that the configuration is for: the only one here, or the one
// that modhash_kernel names.
func (g *generation) kernelBuild() *rule.Rule {
	all := g.existing(kernelBuild)
	for _, r := range all {
		if k := g.s.kernel; k != nil && len(all) > 1 && k.Repo == "" && k.Pkg == g.Rel && k.Name == r.Name() {
			return r
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	default:
		g.x.say("%s: got %d kernel_builds, want one in a package with # gazelle:%s, or # gazelle:%s to select the one that "+
			"# gazelle:%s is for: their modules stay unchanged",
			g.buildFile(), len(all), kernelSourceDirective, kernelDirective, configDirective)
		return nil
	}
}

func (g *generation) buildFile() string {
	return path.Join(g.Rel, filepath.Base(g.File.Path))
}

// A kernelTree is what Kbuild makes of a kernel source tree.
type kernelTree struct {
	// modules are paths of .ko files in the order of modules.order.
	modules []string
	tree    *tree
}

// kernel reads the modules of a kernel, nil, and a report, if that is impossible.
func (x *extension) kernel(c *config.Config, s *settings) *kernelTree {
	key := treeKey{config: s.config, source: s.source}
	k, ok := x.kernels[key]
	if !ok {
		var err error
		if k, err = x.readKernel(c, s); err != nil {
			x.say("%v: modules stay unchanged", err)
		}
		x.kernels[key] = k
	}
	return k
}

func (x *extension) readKernel(c *config.Config, s *settings) (*kernelTree, error) {
	target, err := x.target(s)
	switch {
	case err != nil:
		return nil, err
	case target.Config == nil:
		return nil, fmt.Errorf("%s: %s: got no %s, want it for the list of modules",
			s.sourceAt, kernelSourceDirective, configDirective)
	case target.Config["CONFIG_MODULES"] != "y":
		return nil, fmt.Errorf("%s: %s: got no CONFIG_MODULES=y, want the whole .config of a kernel with modules",
			s.configAt, configDirective)
	case target.SrcArch == "":
		return nil, fmt.Errorf("%s: %s: got no architecture, want one that the file sets, such as CONFIG_X86=y",
			s.configAt, configDirective)
	}
	source := openKernelSource(c.RepoRoot, s.source)
	result, err := kbuild.ReadKernel(source, target)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %s", s.sourceAt, kernelSourceDirective, source.display(err.Error()))
	}
	top, err := filepath.Rel(c.RepoRoot, s.source)
	if err != nil || !filepath.IsLocal(top) {
		top = ""
	}
	k := &kernelTree{tree: newTree(filepath.ToSlash(top), source, result)}
	for _, p := range k.tree.problems {
		x.say("%s", p.text)
	}
	for _, m := range result.Modules {
		k.modules = append(k.modules, m.File())
	}
	return k, nil
}

// merge returns the modules, and of those that are declared the ones that something
// undecided may be about.
func (k *kernelTree) merge(declared []string) []string {
	built := make(map[string]bool, len(k.modules))
	for _, name := range k.modules {
		built[name] = true
	}
	modules := slices.Clone(k.modules)
	for i, name := range declared {
		if built[name] || !k.tree.isUndecided(path.Join(k.tree.top, path.Dir(name))) {
			continue
		}
		modules = slices.Insert(modules, k.after(modules, declared[:i]), name)
	}
	return modules
}

// after returns the index after the last of some names that modules has.
func (k *kernelTree) after(modules, names []string) int {
	for _, name := range slices.Backward(names) {
		if i := slices.Index(modules, name); i >= 0 {
			return i + 1
		}
	}
	return 0
}

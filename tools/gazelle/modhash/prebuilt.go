// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bazelbuild/bazel-gazelle/config"
	"github.com/bazelbuild/bazel-gazelle/label"
	"github.com/bazelbuild/bazel-gazelle/rule"

	"rules_modhash/tools/archive/codec"
)

// moduleSuffixes end the names of modules, compressed or not.
var moduleSuffixes = codec.ModuleSuffixes()

// importName is the name of a kernel_modules_import.
const importName = "modules"

// cutModuleSuffix returns a module's path without its suffix, and the suffix.
func cutModuleSuffix(name string) (stem, suffix string, ok bool) {
	for _, suffix := range moduleSuffixes {
		if stem, ok := strings.CutSuffix(name, suffix); ok && path.Base(stem) != "" && !strings.HasSuffix(stem, "/") {
			return stem, suffix, stem != ""
		}
	}
	return "", "", false
}

// prebuilt imports the modules that lie here.
func (g *generation) prebuilt() {
	var files []string
	whole := g.s.granularity != nil && g.s.granularity.value == byDirectory
	for _, name := range g.RegularFiles {
		if stem, _, ok := cutModuleSuffix(name); ok && !whole && !g.built[path.Base(stem)] {
			files = append(files, name)
		}
	}
	g.importEach(files, whole)
	if whole && g.s.granularity.rel == g.Rel {
		g.importAll()
	} else {
		g.removeImportAll()
	}
}

// importEach writes a kernel_module_import for each file, and removes those of files that are
// gone or belong to a whole directory.
func (g *generation) importEach(files []string, whole bool) {
	slices.Sort(files)
	taken := make(map[string]string)
	for _, name := range files {
		stem, _, _ := cutModuleSuffix(name)
		old := g.importRule(name)
		module := path.Base(stem)
		target := g.freeName(kernelModuleImport, module, module+"_import")
		if old != nil {
			target = old.Name()
		}
		if other := taken[target]; other != "" {
			g.x.say("%s: has the same name as %s: want only one of them, or a # keep import with another name",
				path.Join(g.Rel, name), path.Join(g.Rel, other))
			continue
		}
		taken[target] = name
		r := g.newRule(kernelModuleImport, target, old)
		r.SetAttr("module", name)
		if given := g.s.installPrefix; given != nil {
			r.SetAttr("install_path", path.Join(given.value, g.relativeTo(given.rel), stem+".ko"))
		} else if old != nil && old.Attr("install_path") != nil {
			r.SetAttr("install_path", old.Attr("install_path"))
		}
		g.add(r, nil)
	}
	for _, r := range g.existing(kernelModuleImport) {
		if name := g.localFile(r); name != "" && (whole || !g.hasFile(name)) && taken[r.Name()] == "" {
			g.remove(r)
		}
	}
}

// importRule returns the rule that imports a file already.
func (g *generation) importRule(name string) *rule.Rule {
	for _, r := range g.existing(kernelModuleImport) {
		if g.localFile(r) == name {
			return r
		}
	}
	return nil
}

// localFile returns the name of the file of this package that a rule imports; "" if it is
// another package's, or made by a rule.
func (g *generation) localFile(r *rule.Rule) string {
	l, err := label.Parse(r.AttrString("module"))
	if err != nil || l.Repo != "" || l.Pkg != "" && l.Pkg != g.Rel || slices.Contains(g.GenFiles, l.Name) {
		return ""
	}
	if _, _, ok := cutModuleSuffix(l.Name); !ok {
		return ""
	}
	return l.Name
}

// relativeTo returns the path of this directory below one above it.
func (g *generation) relativeTo(dir string) string {
	return strings.TrimPrefix(strings.TrimPrefix(g.Rel, dir), "/")
}

// importAll writes one kernel_modules_import for all modules here and below.
func (g *generation) importAll() {
	globs := g.modulesBelow()
	if len(globs) == 0 {
		g.removeImportAll()
		return
	}
	old := g.namedImport()
	r := g.newRule(kernelModulesImport, importName, old)
	if old != nil {
		if _, ok := rule.ParseGlobExpr(old.Attr("srcs")); !ok {
			g.x.say("%s: srcs of %s is not a glob: it stays unchanged", g.buildFile(), importName)
			return
		}
		if value := old.Attr("install_prefix"); value != nil && g.s.installPrefix == nil {
			r.SetAttr("install_prefix", value)
		}
	}
	r.SetAttr("srcs", patterns(globs))
	if given := g.s.installPrefix; given != nil {
		if prefix := path.Join(given.value, g.relativeTo(given.rel)); prefix != "" {
			r.SetAttr("install_prefix", prefix)
		}
	}
	g.add(r, nil)
}

// namedImport returns the kernel_modules_import that importAll writes, nil if there is none.
func (g *generation) namedImport() *rule.Rule {
	for _, r := range g.existing(kernelModulesImport) {
		if r.Name() == importName {
			return r
		}
	}
	return nil
}

// modulesBelow returns the globs that match the modules of this package. Those of packages
// below, which a glob does not see, are reported.
func (g *generation) modulesBelow() []string {
	var globs []string
	err := filepath.WalkDir(g.Dir, func(name string, entry fs.DirEntry, err error) error {
		switch _, suffix, ok := cutModuleSuffix(filepath.ToSlash(name)); {
		case err != nil:
			return err
		case entry.IsDir() && name != g.Dir && hasBuildFile(g.Config, name):
			rel, _ := filepath.Rel(g.Config.RepoRoot, name)
			g.x.say("%s: is a separate package: its modules are not among those of //%s:%s. Want no BUILD file there",
				filepath.ToSlash(rel), g.Rel, importName)
			return fs.SkipDir
		case ok && !entry.IsDir():
			globs = union(globs, []string{"**/*" + suffix})
		}
		return nil
	})
	if err != nil {
		g.x.say("%s: looking for modules: %v", g.Rel, withoutPath(err))
	}
	slices.Sort(globs)
	return globs
}

func hasBuildFile(c *config.Config, dir string) bool {
	return slices.ContainsFunc(c.ValidBuildFileNames, func(name string) bool {
		return exists(filepath.Join(dir, name))
	})
}

// removeImportAll removes what importAll wrote. Gazelle's own way cannot empty a glob.
func (g *generation) removeImportAll() {
	for _, r := range g.existing(kernelModulesImport) {
		glob, ok := rule.ParseGlobExpr(r.Attr("srcs"))
		ours := ok && r.Name() == importName && len(glob.Patterns) > 0 && len(glob.Excludes) == 0
		for _, p := range glob.Patterns {
			ours = ours && slices.Contains(moduleSuffixes, strings.TrimPrefix(p, "**/*"))
		}
		if ours && !r.ShouldKeep() {
			r.Delete()
		}
	}
}

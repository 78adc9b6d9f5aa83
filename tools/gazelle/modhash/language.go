// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"fmt"
	"log"

	"github.com/bazelbuild/bazel-gazelle/config"
	"github.com/bazelbuild/bazel-gazelle/label"
	"github.com/bazelbuild/bazel-gazelle/language"
	"github.com/bazelbuild/bazel-gazelle/rule"

	"rules_modhash/tools/kernel/kbuild/gnumake"
)

// languageName is what "# gazelle:resolve" calls the language.
const languageName = "modhash"

// The rules of rules/defs.bzl that are generated or updated.
const (
	kernelBuild         = "kernel_build"
	kernelModule        = "kernel_module"
	kernelModuleImport  = "kernel_module_import"
	kernelModulesImport = "kernel_modules_import"
)

// An extension is one run of Gazelle, which is sequential.
type extension struct {
	language.BaseLang
	// flags are the settings of the command line.
	flags settings
	// repository lists the files of the repository. See files.
	repository *gnumake.Files
	// sources, configurations, trees and kernels hold what was read, by path.
	sources        sourceFiles
	configurations map[string]configuration
	trees          map[treeKey]*tree
	kernels        map[treeKey]*kernelTree
	// modules holds what is known of each kernel_module in the index.
	modules map[label.Label]moduleInfo
	// packages are directories that have or get a BUILD file, as far as they were visited.
	packages map[string]bool
	// uses holds what those that are written use.
	uses     map[label.Label]*uses
	reported map[string]bool
}

// NewLanguage is what a gazelle_binary calls.
func NewLanguage() language.Language {
	return &extension{
		sources:        make(sourceFiles),
		configurations: make(map[string]configuration),
		trees:          make(map[treeKey]*tree),
		kernels:        make(map[treeKey]*kernelTree),
		modules:        make(map[label.Label]moduleInfo),
		packages:       make(map[string]bool),
		uses:           make(map[label.Label]*uses),
		reported:       make(map[string]bool),
	}
}

// say logs a message once.
func (x *extension) say(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !x.reported[text] {
		x.reported[text] = true
		log.Print(text)
	}
}

// Name implements [language.Language].
func (x *extension) Name() string { return languageName }

// Kinds implements [language.Language]. The attribute kbuild is left alone once it is
// there: your own Kbuild file answers what this extension cannot.
func (x *extension) Kinds() map[string]rule.KindInfo {
	return map[string]rule.KindInfo{
		kernelBuild: {
			NonEmptyAttrs:  map[string]bool{"config": true, "modules": true},
			MergeableAttrs: map[string]bool{"modules": true},
		},
		kernelModule: {
			MatchAttrs:    []string{"module_name"},
			NonEmptyAttrs: map[string]bool{"srcs": true},
			MergeableAttrs: map[string]bool{
				"copts": true, "hdrs": true, "install_dir": true, "kernel": true, "module_name": true, "srcs": true,
				"textual_hdrs": true,
			},
			// Files of other packages, as far as no dependency has them: known when deps are.
			ResolveAttrs: map[string]bool{"deps": true, "srcs": true, "textual_hdrs": true},
		},
		kernelModuleImport: {
			MatchAttrs:     []string{"module"},
			NonEmptyAttrs:  map[string]bool{"module": true},
			MergeableAttrs: map[string]bool{"install_path": true, "module": true},
		},
		kernelModulesImport: {
			NonEmptyAttrs:  map[string]bool{"srcs": true},
			MergeableAttrs: map[string]bool{"install_prefix": true, "srcs": true},
		},
	}
}

// Loads implements [language.Language].
func (x *extension) Loads() []rule.LoadInfo {
	return x.ApparentLoads(func(string) string { return "" })
}

// ApparentLoads implements [language.ModuleAwareLanguage].
func (x *extension) ApparentLoads(moduleToApparentName func(string) string) []rule.LoadInfo {
	repository := moduleToApparentName("rules_modhash")
	if repository == "" {
		repository = "rules_modhash"
	}
	return []rule.LoadInfo{{
		Name:    "@" + repository + "//rules:defs.bzl",
		Symbols: []string{kernelBuild, kernelModule, kernelModuleImport, kernelModulesImport},
	}}
}

// GenerateRules implements [language.Language].
func (x *extension) GenerateRules(args language.GenerateArgs) language.GenerateResult {
	s := settingsOf(args.Config)
	g := &generation{GenerateArgs: args, x: x, s: s, built: make(map[string]bool)}
	if !s.insideKernel {
		g.external()
		g.kernelBuilds()
		g.prebuilt()
	}
	x.packages[g.Rel] = g.File != nil || len(g.OtherGen)+len(g.result.Gen) > 0
	return g.result
}

// A generation is the work on one directory.
type generation struct {
	language.GenerateArgs
	x      *extension
	s      *settings
	result language.GenerateResult
	// built holds the names of modules that Kbuild makes here.
	built map[string]bool
}

func (g *generation) add(r *rule.Rule, imports any) {
	g.result.Gen = append(g.result.Gen, r)
	g.result.Imports = append(g.result.Imports, imports)
}

// newRule returns a rule to be merged with the old one, if there is one. Otherwise others may
// use it, as a module_tree or another module does.
func (g *generation) newRule(kind, name string, old *rule.Rule) *rule.Rule {
	r := rule.NewRule(kind, name)
	if old == nil && (g.File == nil || !g.File.HasDefaultVisibility()) {
		r.SetAttr("visibility", []string{"//visibility:public"})
	}
	return r
}

func (g *generation) remove(r *rule.Rule) {
	g.result.Empty = append(g.result.Empty, rule.NewRule(kindOf(g.Config, r), r.Name()))
}

// existing returns the rules of a kind that the BUILD file has.
func (g *generation) existing(kind string) []*rule.Rule {
	var rules []*rule.Rule
	if g.File == nil {
		return nil
	}
	for _, r := range g.File.Rules {
		if kindOf(g.Config, r) == kind {
			rules = append(rules, r)
		}
	}
	return rules
}

// freeName returns the name for a new rule: one that no rule of another kind has.
func (g *generation) freeName(kind, name, alternative string) string {
	rules := g.OtherGen
	if g.File != nil {
		rules = append(rules[:len(rules):len(rules)], g.File.Rules...)
	}
	for _, r := range append(rules[:len(rules):len(rules)], g.result.Gen...) {
		if r.Name() == name && kindOf(g.Config, r) != kind {
			return alternative
		}
	}
	return name
}

// kindOf returns the kind of a rule before map_kind and alias_kind.
func kindOf(c *config.Config, r *rule.Rule) string {
	kind := r.Kind()
	if original, ok := c.AliasMap[kind]; ok {
		kind = original
	}
	for original, mapped := range c.KindMap {
		if mapped.KindName == kind {
			return original
		}
	}
	return kind
}

// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bazelbuild/bazel-gazelle/config"
	"github.com/bazelbuild/bazel-gazelle/label"
	"github.com/bazelbuild/bazel-gazelle/language"
	"github.com/bazelbuild/bazel-gazelle/merger"
	"github.com/bazelbuild/bazel-gazelle/resolve"
	"github.com/bazelbuild/bazel-gazelle/rule"
	"github.com/bazelbuild/bazel-gazelle/walk"
)

// A run is what the command gazelle does with this extension alone, but for map_kind.
type run struct {
	x      *extension
	index  *resolve.RuleIndex
	visits []visit
	// generating is the time that [extension.GenerateRules] took, of all that walking did.
	walking, generating, resolving time.Duration
}

// A visit is a directory that has or gets a BUILD file.
type visit struct {
	config *config.Config
	rel    string
	file   *rule.File
	result language.GenerateResult
}

// gazelle runs over a repository, and leaves what would be written in the visits.
func gazelle(tb testing.TB, root string, flags ...string) *run {
	tb.Helper()
	r := &run{x: NewLanguage().(*extension)}
	r.index = resolve.NewRuleIndex(r.resolver, r.x)
	c, extensions := r.configure(tb, root, flags)
	start := time.Now()
	err := walk.Walk2(c, extensions, []string{root}, walk.VisitAllUpdateSubdirsMode, r.visit)
	if err != nil {
		tb.Fatal(err)
	}
	r.walking = time.Since(start) - r.generating
	start = time.Now()
	r.index.Finish()
	for _, v := range r.visits {
		r.resolve(v)
	}
	r.resolving = time.Since(start)
	return r
}

func (r *run) resolver(x *rule.Rule, _ string) resolve.Resolver {
	if _, ok := r.x.Kinds()[x.Kind()]; ok {
		return r.x
	}
	return nil
}

func (r *run) configure(tb testing.TB, root string, flags []string) (*config.Config, []config.Configurer) {
	tb.Helper()
	extensions := []config.Configurer{&config.CommonConfigurer{}, &walk.Configurer{}, &resolve.Configurer{}, r.x}
	c, set := config.New(), flag.NewFlagSet("gazelle", flag.ContinueOnError)
	for _, e := range extensions {
		e.RegisterFlags(set, "update", c)
	}
	if err := set.Parse(append([]string{"-repo_root", root}, flags...)); err != nil {
		tb.Fatal(err)
	}
	for _, e := range extensions {
		if err := e.CheckFlags(set, c); err != nil {
			tb.Fatal(err)
		}
	}
	return c, extensions
}

func (r *run) visit(args walk.Walk2FuncArgs) walk.Walk2FuncResult {
	start := time.Now()
	result := r.x.GenerateRules(language.GenerateArgs{
		Config: args.Config, Dir: args.Dir, Rel: args.Rel, File: args.File,
		Subdirs: args.Subdirs, RegularFiles: args.RegularFiles, GenFiles: args.GenFiles,
	})
	r.generating += time.Since(start)
	f := args.File
	if f == nil && len(result.Gen) == 0 {
		return walk.Walk2FuncResult{RelsToVisit: result.RelsToIndex}
	}
	if f == nil {
		f = rule.EmptyFile(filepath.Join(args.Dir, args.Config.DefaultBuildFileName()), args.Rel)
	}
	merger.MergeFile(f, result.Empty, result.Gen, merger.PreResolve, r.x.Kinds(), args.Config.AliasMap)
	for _, x := range f.Rules {
		r.index.AddRule(args.Config, x, f)
	}
	r.visits = append(r.visits, visit{args.Config, args.Rel, f, result})
	return walk.Walk2FuncResult{RelsToVisit: result.RelsToIndex}
}

func (r *run) resolve(v visit) {
	for i, x := range v.result.Gen {
		r.x.Resolve(v.config, r.index, nil, x, v.result.Imports[i], label.New(v.config.RepoName, v.rel, x.Name()))
	}
	merger.MergeFile(v.file, v.result.Empty, v.result.Gen, merger.PostResolve, r.x.Kinds(), v.config.AliasMap)
	merger.FixLoads(v.file, r.x.Loads())
}

// write writes the BUILD files, and returns all that they hold.
func (r *run) write(tb testing.TB) string {
	tb.Helper()
	all := ""
	for _, v := range r.visits {
		text := v.file.Format()
		if err := os.WriteFile(v.file.Path, text, 0o644); err != nil {
			tb.Fatal(err)
		}
		all += "-- " + v.rel + " --\n" + string(text)
	}
	return all
}

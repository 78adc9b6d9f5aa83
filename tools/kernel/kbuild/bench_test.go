// SPDX-License-Identifier: Apache-2.0

package kbuild

import (
	"flag"
	"io/fs"
	"os"
	"path"
	"testing"

	"rules_modhash/tools/kernel/kbuild/gnumake"
)

var (
	benchTree   = flag.String("tree", "", "kernel source tree to read in benchmarks")
	benchConfig = flag.String("config", "", ".config to read it with")
	benchArch   = flag.String("arch", "x86", "architecture to read it for, the name of a directory of arch/")
)

// BenchmarkKernel measures the parts of a run on a real tree:
//
//	go test ./tools/kernel/kbuild -run - -bench Kernel -tree DIR -config FILE
//
// "files" reads every Makefile that the configuration reaches and lists its directory,
// "parse" also parses the Makefiles, "all" makes the list. What "all" has on top of
// "parse" is evaluation.
func BenchmarkKernel(b *testing.B) {
	if *benchTree == "" || *benchConfig == "" {
		b.Skip("needs -tree and -config")
	}
	f, err := os.Open(*benchConfig)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	config, err := ReadConfig(*benchConfig, f)
	if err != nil {
		b.Fatal(err)
	}
	tree, target := os.DirFS(*benchTree), Target{SrcArch: *benchArch, Config: config}
	r, err := ReadKernel(tree, target)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("files", func(b *testing.B) { benchmarkFiles(b, tree, r) })
	b.Run("parse", func(b *testing.B) { benchmarkParse(b, tree, r) })
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			if _, err := ReadKernel(tree, target); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(r.Modules)), "modules")
		b.ReportMetric(float64(len(r.Directories)), "directories")
	})
}

func benchmarkFiles(b *testing.B, tree fs.FS, r *Result) {
	for b.Loop() {
		for _, d := range r.Directories {
			if _, err := fs.ReadFile(tree, d.Makefile); err != nil {
				b.Fatal(err)
			}
			if _, err := fs.ReadDir(tree, path.Clean(d.Path)); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func benchmarkParse(b *testing.B, tree fs.FS, r *Result) {
	for b.Loop() {
		files := gnumake.NewFiles(KernelRoot, gnumake.Mount{Root: KernelRoot, FS: tree})
		for _, d := range r.Directories {
			if _, err := files.Makefile(d.Makefile); err != nil {
				b.Fatal(err)
			}
			files.Exists(d.Makefile)
		}
	}
}

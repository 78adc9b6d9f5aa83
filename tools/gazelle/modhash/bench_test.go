// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"flag"
	"path/filepath"
	"testing"
	"time"
)

var (
	benchRepository = flag.String("repository", "", "repository to run over in the benchmark")
	benchSource     = flag.String("source", "", "kernel source tree, as the flag of Gazelle")
	benchConfig     = flag.String("config", "", ".config, as the flag of Gazelle")
)

// BenchmarkGazelle tells where the time of a whole run goes: to walking through the repository, which is
// Gazelle's own work but for directives, to generating rules, and to resolving deps. bench/gazelle.sh calls it.
func BenchmarkGazelle(b *testing.B) {
	if *benchRepository == "" {
		b.Skip("needs -repository")
	}
	root, err := filepath.Abs(*benchRepository)
	if err != nil {
		b.Fatal(err)
	}
	var walking, generating, resolving time.Duration
	var rules int
	for b.Loop() {
		r := gazelle(b, root, "-modhash_kernel_source", *benchSource, "-modhash_config", *benchConfig)
		walking += r.walking
		generating += r.generating
		resolving += r.resolving
		rules = 0
		for _, v := range r.visits {
			rules += len(v.result.Gen)
		}
	}
	for _, stage := range []struct {
		name string
		time time.Duration
	}{{"walk", walking}, {"generate", generating}, {"resolve", resolving}} {
		b.ReportMetric(stage.time.Seconds()/float64(b.N), stage.name+"-s/op")
	}
	b.ReportMetric(float64(rules), "rules")
}

// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"flag"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

var (
	benchRepository = flag.String("repository", "", "repository to run over in the benchmark")
	benchSource     = flag.String("source", "", "kernel source tree, as the flag of Gazelle")
	benchConfig     = flag.String("config", "", ".config, as the flag of Gazelle")
)

// BenchmarkGazelle measures the parts of a whole run: to walking through the repository, which is
// Gazelle's own work but for directives, to generating rules, and to resolving deps. The time of processors is
// what counts where other work runs too. bench/gazelle.sh calls it.
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
	before := processorTime(b)
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
	}{{"walk", walking}, {"generate", generating}, {"resolve", resolving}, {"cpu", processorTime(b) - before}} {
		b.ReportMetric(stage.time.Seconds()/float64(b.N), stage.name+"-s/op")
	}
	b.ReportMetric(float64(rules), "rules")
}

// processorTime returns what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

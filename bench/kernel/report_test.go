// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func exampleResults() *results {
	return &results{
		Config: "example",
		Results: []result{
			{Case: "shards", Step: "cold, shards", Times: []time.Duration{110 * time.Second}, Ran: map[string]int{kernelCompile: 20, moduleTree: 1}},
			{Case: "shards", Step: "disk", Note: "1 GB"},
			{Case: "null", Step: "null build", Times: []time.Duration{3 * time.Second, time.Second, 2 * time.Second}, Hits: 1},
			{Case: "make", Step: "cold, plain `make`", Times: []time.Duration{80 * time.Second}, Without: true},
			{Case: "one", Step: "cold, one action", Times: []time.Duration{100 * time.Second}, Ran: map[string]int{kernelBuild: 1}},
		},
	}
}

func TestPrintTable(t *testing.T) {
	var got strings.Builder
	if err := exampleResults().printTable(&got); err != nil {
		t.Fatal(err)
	}
	const want = "| case | step | time | ÷ one action | ÷ plain make | what ran | notes |\n" +
		"| --- | --- | --- | --- | --- | --- | --- |\n" +
		"| make | cold, plain `make` | 80.00 s | 0.800 | 1.000 | | |\n" +
		"| one | cold, one action | 100.00 s | 1.000 | 1.250 | Build 1 | |\n" +
		"| shards | cold, shards | 110.00 s | 1.100 | 1.375 | Compile 20, Tree 1 | |\n" +
		"| shards | disk | | | | | 1 GB |\n" +
		"| null | null build | 2.00 s ±50 % | 0.020 | 0.025 | nothing; 1 from a cache | |\n"
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

func TestPlot(t *testing.T) {
	r := exampleResults()
	svg := r.plotSVG()
	var parsed struct {
		Rects []struct{} `xml:"rect"`
	}
	if err := xml.Unmarshal(svg, &parsed); err != nil {
		t.Fatalf("%v\n%s", err, svg)
	}
	// The background, and a bar for each step with a time.
	if len(parsed.Rects) != 5 || !strings.Contains(string(svg), ">1.100</text>") {
		t.Errorf("got %d rectangles, want 5, and the ratio 1.100 in\n%s", len(parsed.Rects), svg)
	}
	r.forget("one")
	if svg := string(r.plotSVG()); !strings.Contains(svg, "(example)") || !strings.Contains(svg, ">110.000</text>") {
		t.Errorf("got no seconds in\n%s", svg)
	}
}

func TestResultsContinue(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.json")
	r, err := loadResults(file, "example")
	if err != nil || len(r.Results) != 0 {
		t.Fatalf("got %v, %v, want no results", r, err)
	}
	r.Results, r.Compile["mm"], r.Digests["one"] = exampleResults().Results, time.Second, "x"
	if err := r.save(file); err != nil {
		t.Fatal(err)
	}
	again, err := loadResults(file, "example")
	if err != nil {
		t.Fatal(err)
	}
	again.forget("null")
	if len(again.Results) != 4 || again.time("one") != 100*time.Second || again.time("null") != 0 || again.Compile["mm"] != time.Second {
		t.Errorf("got %+v", again)
	}
	if _, err := loadResults(file, "cloud-amd64"); err == nil || !strings.Contains(err.Error(), "want cloud-amd64") {
		t.Errorf("got %v, want an error about another --config", err)
	}
}

func TestActionMemory(t *testing.T) {
	all := []process{
		{1, 0, 1, []string{"init"}},
		{10, 1, 1000, []string{"bazel"}},
		{11, 10, 1, []string{"linux-sandbox", "--", "kbuild_/kbuild", "compile"}},
		{12, 11, 20, []string{"/x/kbuild_/kbuild", "compile", "--jobs=2", "@bin/shards/graph/objects/drivers/net.builtin.tar.zst-0.params"}},
		{13, 12, 300, []string{"cc1"}},
		{14, 10, 50, []string{"kbuild", "blank", "@bin/shards/logs/vmlinux.log-0.params"}},
		{20, 1, 7000, []string{"kbuild", "compile"}}, // of another server
	}
	want := map[string]int64{"compile drivers/net": 320, "blank": 50}
	got := actionMemory(all, 10)
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	got["compile fs"] = 500 << 20
	if text := peaksText(got); text != "blank 0 MB, compile fs 500 MB" {
		t.Errorf("got %s", text)
	}
	if text := peaksText(nil); text != "n/a" {
		t.Errorf("got %s, want n/a", text)
	}
}

func TestParseProcess(t *testing.T) {
	const stat = "42 (a) b) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 100 10000000 25 18446744073709551615 1 1"
	p, err := parseProcess(stat, "a b\x00-c\x00", 4096)
	if err != nil || p.id != 42 || p.parent != 7 || p.resident != 25*4096 || !slices.Equal(p.args, []string{"a b", "-c"}) {
		t.Errorf("got %+v, %v", p, err)
	}
	if _, err := parseProcess("42 (a", "", 4096); err == nil {
		t.Error("got no error for a part of a line")
	}
}

func TestReleasesOf(t *testing.T) {
	const manifest = "note\tsuite\tforky\n" +
		"archive\tlinux-source-7.2\t7.2.13-1\t/a/13.tar.xz\tx\tsid\n" +
		"archive\tlinux-config-7.2/cloud-amd64\t7.2.9-1\t/a/9.config\tx\tforky\n" +
		"archive\tlinux-source-7.2\t7.2.9-1\t/a/9.tar.xz\tx\tforky\n" +
		"archive\tlinux-source-7.3\t7.3.4-1\t/a/7.3.tar.xz\tx\tsid\n"
	want := []release{{"7.2.9", "/a/9.tar.xz", "/a/9.config"}, {"7.2.13", "/a/13.tar.xz", ""}}
	if got := releasesOf(parseManifest(manifest)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestOptions(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--cases=make,none"}, `--cases: got "none", want names among make, one, shards`},
		{[]string{"--repetitions=0"}, "--repetitions, --files and --jobs: got a number below 1"},
	} {
		cmd := newCommand()
		cmd.SetArgs(test.args)
		if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: got %v, want %s", test.args, err, test.want)
		}
	}
	if _, err := configNamed("none"); err == nil || !strings.Contains(err.Error(), "want one of cloud-amd64, example") {
		t.Errorf("got %v", err)
	}
	help := newCommand().Long
	for _, name := range caseNames() {
		if !strings.Contains(help, "\n  "+name+" ") {
			t.Errorf("the help does not list the case %s", name)
		}
	}
	if got := defaultJobs(7); got != 6 {
		t.Errorf("got %d jobs for 7 processors, want 6", got)
	}
}

// TestCheckSame compares what several cases build.
func TestCheckSame(t *testing.T) {
	b := &bench{results: &results{Digests: map[string]string{}}}
	for _, name := range []string{"make", "one", "one"} {
		if err := b.checkSame("root of ", name, "1"); err != nil {
			t.Error(err)
		}
	}
	if err := b.checkSame("root of ", "shards", "2"); err == nil {
		t.Error("got no error for another root")
	}
	if err := b.checkSame("digest of ", "shards", "2"); err != nil {
		t.Error(err)
	}
}

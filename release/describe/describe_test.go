// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	spdxjson "github.com/spdx/tools-golang/json"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

const module = `module(name = "rules_modhash", version = "1.2.3")
bazel_dep(name = "rules_go", version = "0.60.0")
bazel_dep(name = "stardoc", version = "0.8.0", dev_dependency = True)
go_deps.module(path = "example.org/m", sum = "h1:x", version = "v1.0.0")
`

// write writes a file of a directory.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// describeOne describes a release of one artifact, and returns the directory of what was written.
func describeOne(t *testing.T, status string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	args := []string{
		"--module=" + write(t, dir, "MODULE.bazel", module),
		"--sums=" + dir + "/SHA256SUMS", "--spdx=" + dir + "/spdx.json", "--provenance=" + dir + "/provenance.json",
	}
	if status != "" {
		args = append(args, "--status="+write(t, dir, "status", status))
	}
	return dir, run(append(args, write(t, dir, "modhash", "a")))
}

// read returns a file of a directory.
func read(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestDescribe(t *testing.T) {
	dir, err := describeOne(t, "STABLE_COMMIT "+commit+"\nSTABLE_COMMIT_TIME 1700000000\n")
	if err != nil {
		t.Fatal(err)
	}
	const sum = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
	if got, want := read(t, dir, "SHA256SUMS"), sum+"  modhash\n"; !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 3 {
		t.Errorf("got the sums\n%s\nwant three, the first one\n%s", got, want)
	}
	document, err := spdxjson.Read(strings.NewReader(read(t, dir, "spdx.json")))
	if err != nil {
		t.Fatal(err)
	}
	if got := document.CreationInfo.Created; got != "2023-11-14T22:13:20Z" {
		t.Errorf("got the document created at %s, want the commit's time", got)
	}
	if got := len(document.Packages); got != 4 {
		t.Errorf("got %d packages, want the rules, the artifact, rules_go and the Go module", got)
	}
	checkProvenance(t, read(t, dir, "provenance.json"), sum)
}

// checkProvenance checks the statement's subject, and what it was built of.
func checkProvenance(t *testing.T, text, sum string) {
	t.Helper()
	type descriptor struct {
		Name, URI string
		Digest    map[string]string
	}
	var statement struct {
		PredicateType string
		Subject       []descriptor
		Predicate     struct {
			BuildDefinition struct{ ResolvedDependencies []descriptor }
		}
	}
	if err := json.Unmarshal([]byte(text), &statement); err != nil {
		t.Fatal(err)
	}
	if statement.PredicateType != predicateType || len(statement.Subject) != 1 || statement.Subject[0].Digest["sha256"] != sum {
		t.Errorf("got %+v, want the predicate type %s and the subject %s", statement, predicateType, sum)
	}
	resolved := statement.Predicate.BuildDefinition.ResolvedDependencies
	if len(resolved) != 3 || resolved[0].Digest["gitCommit"] != commit || resolved[2].URI != "pkg:golang/example.org/m@v1.0.0" {
		t.Errorf("got %+v, want commit %s, rules_go and the Go module", resolved, commit)
	}
}

func TestDescribeTwiceGivesTheSameBytes(t *testing.T) {
	first, err := describeOne(t, "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := describeOne(t, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"SHA256SUMS", "spdx.json", "provenance.json"} {
		if !bytes.Equal([]byte(read(t, first, name)), []byte(read(t, second, name))) {
			t.Errorf("%s: got other bytes the second time", name)
		}
	}
	if got := read(t, first, "provenance.json"); strings.Contains(got, "gitCommit") {
		t.Errorf("got a commit in\n%s\nwant none without a workspace status", got)
	}
}

func TestDescribeRefusesAChangedCheckout(t *testing.T) {
	dir, err := describeOne(t, "STABLE_COMMIT "+commit+"-changed\nSTABLE_COMMIT_TIME 1\n")
	if err == nil || !strings.Contains(err.Error(), `want 40 hex digits. Next: build with --config=release, in a checkout without changes`) {
		t.Errorf("got error %v, want one about the commit", err)
	}
	if _, err := os.Stat(dir + "/SHA256SUMS"); err == nil {
		t.Error("checksums are written after an error")
	}
}

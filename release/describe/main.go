// SPDX-License-Identifier: Apache-2.0

// Command describe writes what a release is described by: checksums, an SPDX document and a provenance statement.
//
// Usage:
//
//	describe --module=MODULE.bazel [--status=FILE] --sums=FILE --spdx=FILE --provenance=FILE ARTIFACT...
//
// With --status, a file of Bazel's workspace status (lines KEY VALUE), the commit and its time are recorded:
// STABLE_COMMIT, 40 hex digits, and STABLE_COMMIT_TIME, seconds since 1970. Nothing else depends on time or machine.
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rules_modhash/tools/cli/output"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "describe:", err)
		os.Exit(1)
	}
}

// artifact is a file of the release: its name, and its SHA-256 digest in hexadecimal digits.
type artifact struct{ name, sha256 string }

// paths are where the files lie that are read and written.
type paths struct{ module, status, sums, spdx, provenance string }

func run(args []string) error {
	var p paths
	flags := flag.NewFlagSet("describe", flag.ContinueOnError)
	flags.StringVar(&p.module, "module", "", "MODULE.bazel of the rules")
	flags.StringVar(&p.status, "status", "", "file of Bazel's workspace status with the commit; empty: no commit is recorded")
	flags.StringVar(&p.sums, "sums", "", "list of checksums to write, for sha256sum --check")
	flags.StringVar(&p.spdx, "spdx", "", "SPDX 2.3 document to write, JSON")
	flags.StringVar(&p.provenance, "provenance", "", "in-toto statement to write, JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if p.module == "" || p.sums == "" || p.spdx == "" || p.provenance == "" || flags.NArg() == 0 {
		return fmt.Errorf("want --module, --sums, --spdx, --provenance and at least one artifact, got %q", args)
	}
	return describe(p, flags.Args())
}

func describe(p paths, files []string) error {
	artifacts, err := digest(files)
	if err != nil {
		return err
	}
	r, err := readRelease(p.module, p.status)
	if err != nil {
		return err
	}
	bill, err := r.spdx(artifacts)
	if err != nil {
		return err
	}
	statement, err := r.provenance(artifacts)
	if err != nil {
		return err
	}
	all := append(artifacts, newArtifact(p.spdx, bill), newArtifact(p.provenance, statement))
	var outputs output.Set
	err = errors.Join(
		outputs.WriteFile(p.spdx, bill),
		outputs.WriteFile(p.provenance, statement),
		outputs.WriteFile(p.sums, sums(all)),
	)
	if err != nil {
		return errors.Join(err, outputs.Discard())
	}
	return outputs.Commit()
}

// digest reads the artifacts, and sorts them by name.
func digest(files []string) ([]artifact, error) {
	var artifacts []artifact
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		artifacts = append(artifacts, newArtifact(path, data))
	}
	slices.SortFunc(artifacts, byName)
	return artifacts, nil
}

func newArtifact(path string, data []byte) artifact {
	return artifact{filepath.Base(path), fmt.Sprintf("%x", sha256.Sum256(data))}
}

func byName(a, b artifact) int { return strings.Compare(a.name, b.name) }

// sums lists digests as sha256sum does.
func sums(artifacts []artifact) []byte {
	var text strings.Builder
	for _, a := range slices.SortedFunc(slices.Values(artifacts), byName) {
		fmt.Fprintf(&text, "%s  %s\n", a.sha256, a.name)
	}
	return []byte(text.String())
}

// SPDX-License-Identifier: Apache-2.0

package tarball

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var files = []File{{"bazelw", []byte("#!/bin/sh\n")}, {"MODULE.bazel", []byte("module()\n")}, {"rules/defs.bzl", nil}}

func create(t *testing.T, files []File) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.tar.gz")
	if err := Create(path, "rules-1", files); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCreate(t *testing.T) {
	uncompressed, err := gzip.NewReader(bytes.NewReader(create(t, files)))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name string
		mode int64
	}{{"rules-1/MODULE.bazel", 0o644}, {"rules-1/bazelw", 0o755}, {"rules-1/rules/defs.bzl", 0o644}}
	archive := tar.NewReader(uncompressed)
	for _, w := range want {
		header, err := archive.Next()
		if err != nil {
			t.Fatal(err)
		}
		if header.Name != w.name || header.Mode != w.mode || !header.ModTime.IsZero() && header.ModTime.Unix() != 0 {
			t.Errorf("got %s, mode %o, time %v, want %s, mode %o, no time", header.Name, header.Mode, header.ModTime, w.name, w.mode)
		}
	}
	if _, err := archive.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("got a further file or error %v, want the end", err)
	}
}

func TestOrderOfFilesDoesNotMatter(t *testing.T) {
	reversed := slices.Clone(files)
	slices.Reverse(reversed)
	if !bytes.Equal(create(t, files), create(t, reversed)) {
		t.Error("got another archive of the same files in another order")
	}
}

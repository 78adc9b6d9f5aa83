// SPDX-License-Identifier: Apache-2.0

// Package ipe_test checks what the root hash of a module image changes in a kernel.
package ipe_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_modhash/tests/private/runfile"
	"rules_modhash/tools/moduleimage"
)

// linked is the file of a kernel that has all that Kbuild links.
const linked = "vmlinux.unstripped"

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestOnlyRootHash checks that the kernel is the one of the kernel_build, but for the root hash of the image in place of zeros.
func TestOnlyRootHash(t *testing.T) {
	blank := read(t, filepath.Join(runfile.Path(t, "BLANK"), linked))
	got := read(t, filepath.Join(runfile.Path(t, "KERNEL"), linked))
	image, err := moduleimage.Open(runfile.Path(t, "IMAGE"))
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	if err := image.Verify(); err != nil {
		t.Error(err)
	}
	const property = "dmverity_roothash=sha256:"
	old := []byte(property + strings.Repeat("0", len(image.RootHash.Hex)))
	if n := bytes.Count(blank, old); n != 1 {
		t.Errorf("got %d policies with zeros in the blank kernel, want 1", n)
	}
	want := bytes.Replace(blank, old, []byte(property+image.RootHash.Hex), 1)
	if !bytes.Equal(got, want) {
		t.Error("got a kernel that differs from the blank one in more than the root hash, or not in it")
	}
}

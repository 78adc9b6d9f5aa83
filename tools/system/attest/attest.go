// SPDX-License-Identifier: Apache-2.0

// Package attest states what a build made, for others to sign and to check: as an
// in-toto Statement (https://github.com/in-toto/attestation, spec/v1) and as an SPDX
// 2.3 document. docs/howto/attest.md describes both.
//
// The same build gives the same bytes: nothing comes from the clock, the machine or a
// random number, and nothing is signed here.
package attest

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/root"
	"rules_modhash/tools/merkle/tree"
)

// Attestation is what is stated about a build.
type Attestation struct {
	// Tree over the modules: each is a subject, by the SHA-256 of the module as it is in
	// the tree, in front of any trailer.
	Tree *tree.Tree
	// Sealed holds the SHA-256 of each sealed module, trailer and all, by position; nil
	// if they are not subjects.
	Sealed []merkle.Hash
	// Kernels are the vmlinux and boot images that carry the root.
	Kernels []Kernel
	// Toolchain is the file that lists the programs the build ran, nil if not known.
	Toolchain *File
	// Sources are the files the build was made from.
	Sources []File
}

// File is a file by its contents.
type File struct {
	// Name for the reader: the file's, without the directory.
	Name string
	// SHA256 of its contents.
	SHA256 merkle.Hash
}

// Kernel is a kernel file.
type Kernel struct {
	File
	// RootRead reports that the root was read in the file, and is the tree's. It cannot be
	// read in an arm64 Image, which has no table that states where it is.
	RootRead bool
}

// ReadFile returns the digest of a file.
func ReadFile(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return File{}, err
	}
	return File{Name: filepath.Base(path), SHA256: merkle.Hash(h.Sum(nil))}, nil
}

// ReadVmlinux returns the digest of a vmlinux. One that does not carry the wanted root is an error.
func ReadVmlinux(path string, want merkle.Root) (Kernel, error) {
	if _, err := root.ReadKernel(path, want); err != nil {
		return Kernel{}, err
	}
	file, err := ReadFile(path)
	return Kernel{File: file, RootRead: true}, err
}

// ReadImage returns the digest of a boot image. One whose root can be read, and is not
// the wanted one, is an error; others, such as an arm64 Image, are taken as they are.
func ReadImage(path string, want merkle.Root) (Kernel, error) {
	k, err := ReadVmlinux(path, want)
	if errors.Is(err, root.ErrFormat) {
		k.File, err = ReadFile(path)
	}
	return k, err
}

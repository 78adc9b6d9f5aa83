// SPDX-License-Identifier: Apache-2.0

// Package root reads the root of a module tree out of any file that carries
// one, whatever its format: tree.pb, root object, vmlinux, or a boot image with a
// kernel that was linked with one.
package root

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/root/image"
	"rules_modhash/tools/merkle/tree"
)

// Names of formats, apart from those of package object and the kinds of package image.
const (
	// FormatTree is a ModuleTree file.
	FormatTree = "module tree"
	// FormatBootImage is an x86 boot image.
	FormatBootImage = string(image.KindBzImage)
	// FormatImage is an arm64, riscv64 or loongarch64 boot image: Image, compressed or not, or vmlinuz.efi.
	FormatImage = string(image.KindImage)
	// FormatUKI is a unified kernel image, which holds a kernel of another format.
	FormatUKI = string(image.KindUKI)
)

// ErrFormat is what errors about a file of an unknown format wrap, and of one that does not state where its root is.
var ErrFormat = errors.New("carries no root")

// Found is a root and where it comes from.
type Found struct {
	Root merkle.Root
	// Format names the kind of file: FormatTree, one of object's formats, or the name of one of image's kinds. What
	// is compressed as a whole, and in a vmlinuz.efi, has the format of its contents.
	Format string
	// Target is the ELF target, zero for FormatTree.
	Target arch.Target
	// Tree is set for FormatTree.
	Tree *tree.Tree
	// Release is the kernel release that the image itself names, "" if it names none.
	Release string
	// SymbolFile is the name of the candidate that led to the root, "" if none was needed.
	SymbolFile string
}

// IsKernel reports whether the root is that of a linked kernel.
func (f Found) IsKernel() bool { return image.Kind(f.Format).IsKernel() }

// WithArticle returns Format for use in a sentence: "an Image", "a root object".
func (f Found) WithArticle() string { return image.Kind(f.Format).WithArticle() }

// File is an open file, or a part of one.
type File interface {
	io.ReaderAt
	io.Seeker
}

// SymbolFile is an open System.map or vmlinux.
type SymbolFile interface {
	io.ReaderAt
	io.ReadCloser
}

// Candidate is a file that may have the addresses of a kernel's symbols: its System.map, or its vmlinux with symbols.
type Candidate struct {
	// Name is for messages.
	Name string
	// Open opens it. It is closed after use.
	Open func() (SymbolFile, error)
}

// Options state how a file is read. The zero value reads all formats that state where the root is.
type Options struct {
	// SymbolFiles returns, in order, what may have the address of the root in a kernel of a release, which is "" if the
	// kernel does not name it. It may be nil. What turns out not to be of the kernel's build is skipped.
	SymbolFiles func(release string) []Candidate
}

// FileCandidate is the candidate with a path.
func FileCandidate(path string) Candidate {
	return Candidate{path, func() (SymbolFile, error) { return os.Open(path) }}
}

// Read finds the root in the file called name. SystemMap is the name of the System.map, or of the vmlinux, of its build,
// "" if there is none. Errors name the file.
func Read(name, systemMap string) (Found, error) {
	f, err := os.Open(name)
	if err != nil {
		return Found{}, err
	}
	defer f.Close()
	// What seeking in a directory states depends on its file system.
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return Found{}, fmt.Errorf("%s: %w", name, &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR})
	}
	var o Options
	if systemMap != "" {
		symbols, err := os.Open(systemMap) // whether there is need for it, or none
		if err != nil {
			return Found{}, err
		}
		defer symbols.Close()
		o.SymbolFiles = func(string) []Candidate { return []Candidate{FileCandidate(systemMap)} }
	}
	found, err := ReadFrom(f, o)
	if err != nil {
		return found, fmt.Errorf("%s: %w", name, err)
	}
	return found, nil
}

// ReadKernel reads a kernel, which must carry the root want.
func ReadKernel(name string, want merkle.Root) (Found, error) {
	found, err := Read(name, "")
	if err != nil {
		return Found{}, err
	}
	if !found.IsKernel() {
		return Found{}, fmt.Errorf("%s is %s, want a kernel: a vmlinux or a boot image", name, found.WithArticle())
	}
	if found.Root != want {
		return Found{}, fmt.Errorf("%s carries the root %s, the tree has %s: it was made with another tree",
			name, found.Root, want)
	}
	return found, nil
}

// ReadFrom finds the root in an open file. Errors do not name it; what is known of the file comes with them.
func ReadFrom(f File, o Options) (Found, error) {
	file, err := whole(f)
	if err != nil {
		return Found{}, err
	}
	if isTree(file) {
		return readTree(file)
	}
	return readKernel(file, o, "tree.pb, root object, "+kernelNames)
}

// kernelNames are for errors about files that are none of these.
const kernelNames = "vmlinux, bzImage, Image, unified kernel image"

// ReadKernelFrom finds the root in an open file that must be a kernel. Errors do not name it; what is known of the file,
// Format and Release, comes with them.
func ReadKernelFrom(f File, o Options) (Found, error) {
	file, err := whole(f)
	if err != nil {
		return Found{}, err
	}
	found, err := readKernel(file, o, kernelNames)
	if err == nil && !found.IsKernel() {
		err = fmt.Errorf("is %s, want a kernel", found.WithArticle())
	}
	return found, err
}

// whole returns all of a file.
func whole(f File) (*io.SectionReader, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	return io.NewSectionReader(f, 0, size), err
}

// inMemory returns a file of bytes.
func inMemory(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// readHead returns the first bytes of a file: fewer than image.HeadSize if it has no more.
func readHead(f io.ReaderAt) ([]byte, error) {
	head := make([]byte, image.HeadSize)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return head[:n], nil
}

// isTree knows the first field of a ModuleTree: format_version, a varint.
func isTree(f *io.SectionReader) bool {
	var first [1]byte
	_, err := f.ReadAt(first[:], 0)
	return err == nil && first[0] == 0x08 && image.KindOf(f, f.Size()) == image.KindNone
}

func readTree(f *io.SectionReader) (Found, error) {
	data, err := io.ReadAll(f)
	if err != nil {
		return Found{}, err
	}
	tree, err := tree.DecodeTree(data)
	if err != nil {
		return Found{}, err
	}
	return Found{Root: tree.Root(), Format: FormatTree, Tree: tree}, nil
}

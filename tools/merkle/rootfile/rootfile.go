// SPDX-License-Identifier: Apache-2.0

// Package rootfile reads the root of a module tree out of any file that carries
// one, whatever its format: tree.pb, root object, vmlinux, bzImage.
package rootfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"rules_modhash/tools/merkle/bootimage"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/rootobj"
	"rules_modhash/tools/merkle/treefile"
)

// Names of formats, beside those of rootobj.
const (
	// FormatTree is a ModuleTree file.
	FormatTree = "module tree"
	// FormatBootImage is an x86 boot image.
	FormatBootImage = "bzImage"
)

// ErrFormat is what errors about a file of an unknown format wrap.
var ErrFormat = errors.New("carries no root")

// Found is a root and where it comes from.
type Found struct {
	Root merkle.Root
	// Format names the kind of file: FormatTree, FormatBootImage, or one of rootobj's formats.
	Format string
	// Target is the ELF target, zero for FormatTree.
	Target module.Target
	// Tree is set for FormatTree.
	Tree *treefile.Tree
}

// IsKernel reports whether the root is that of a linked kernel.
func (f Found) IsKernel() bool {
	return f.Format == FormatBootImage || f.Format == string(rootobj.FormatVmlinux)
}

// sniffSize is how many of a file's first bytes tell its format.
const sniffSize = bootimage.HeadSize

// format is one kind of file that may carry a root.
type format struct {
	// is reports whether a file that begins with head is of this kind.
	is   func(head []byte) bool
	read func(f *os.File) (Found, error)
}

// formats are tried in this order.
var formats = []format{
	{isELF, readELF},
	{bootimage.Is, readBootImage},
	{isTree, readTree},
}

// Read finds the root in the file called name. Errors name the file.
func Read(name string) (Found, error) {
	f, err := os.Open(name)
	if err != nil {
		return Found{}, err
	}
	defer f.Close()
	found, err := ReadFrom(f)
	if err != nil {
		return Found{}, fmt.Errorf("%s: %w", name, err)
	}
	return found, nil
}

// ReadKernel reads a kernel, which must carry the root want.
func ReadKernel(name string, want merkle.Root) (Found, error) {
	found, err := Read(name)
	if err != nil {
		return Found{}, err
	}
	if !found.IsKernel() {
		return Found{}, fmt.Errorf("%s is a %s, want a kernel: a vmlinux or a bzImage", name, found.Format)
	}
	if found.Root != want {
		return Found{}, fmt.Errorf("%s carries the root %s, the tree has %s: it was linked with another tree",
			name, found.Root, want)
	}
	return found, nil
}

// ReadFrom finds the root in an open file. Errors do not name it.
func ReadFrom(f *os.File) (Found, error) {
	head := make([]byte, sniffSize)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return Found{}, err
	}
	if n == 0 {
		return Found{}, errors.New("carries no root: it is empty")
	}
	head = head[:n]
	for _, format := range formats {
		if format.is(head) {
			return format.read(f)
		}
	}
	return Found{}, fmt.Errorf("%w: it starts with %x and is none of tree.pb, root object, vmlinux, bzImage",
		ErrFormat, head[:min(n, 6)])
}

func isELF(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\x7fELF"))
}

func readELF(f *os.File) (Found, error) {
	found, err := rootobj.Read(f)
	return Found{Root: found.Root, Format: string(found.Format), Target: found.Target}, err
}

// readBootImage reads the root of the kernel in a bzImage.
func readBootImage(f *os.File) (Found, error) {
	kernel, err := bootimage.Kernel(f)
	if err != nil {
		return Found{}, err
	}
	found, err := rootobj.Read(bytes.NewReader(kernel))
	if err != nil {
		return Found{}, fmt.Errorf("the kernel in the boot image %w", err)
	}
	return Found{Root: found.Root, Format: FormatBootImage, Target: found.Target}, nil
}

// ReadKernelFrom finds the root in an open file that must be a kernel: a bzImage or a vmlinux. Errors do not name it.
func ReadKernelFrom(f *os.File) (Found, error) {
	head := make([]byte, sniffSize)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return Found{}, err
	}
	var found Found
	switch head = head[:n]; {
	case isELF(head):
		found, err = readELF(f)
	case bootimage.Is(head):
		found, err = readBootImage(f)
	default:
		return Found{}, fmt.Errorf("is no vmlinux and no bzImage: it starts with %x", head[:min(n, 6)])
	}
	if err == nil && !found.IsKernel() {
		err = fmt.Errorf("is a %s, want a kernel", found.Format)
	}
	return found, err
}

// isTree knows the first field of a ModuleTree: format_version, a varint.
func isTree(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0x08})
}

func readTree(f *os.File) (Found, error) {
	data, err := io.ReadAll(f)
	if err != nil {
		return Found{}, err
	}
	tree, err := treefile.DecodeTree(data)
	if err != nil {
		return Found{}, err
	}
	return Found{Root: tree.Root(), Format: FormatTree, Tree: tree}, nil
}

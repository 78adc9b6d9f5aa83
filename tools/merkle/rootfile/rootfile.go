// SPDX-License-Identifier: Apache-2.0

// Package rootfile reads the root of a module tree out of any file that carries
// one, whatever its format: tree.pb, root object, vmlinux, bzImage, arm64 Image,
// unified kernel image.
package rootfile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"rules_modhash/tools/merkle/bootimage"
	"rules_modhash/tools/merkle/decompress"
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
	// FormatImage is an arm64 boot image: Image, compressed or not, or vmlinuz.efi.
	FormatImage = "Image"
	// FormatUKI is a unified kernel image, which holds a kernel of another format.
	FormatUKI = "unified kernel image"
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
	return slices.Contains([]string{FormatBootImage, FormatImage, FormatUKI, string(rootobj.FormatVmlinux)}, f.Format)
}

// File is an open file, or a part of one.
type File interface {
	io.Reader
	io.ReaderAt
}

// Options say how a file is read. The zero value reads all formats but FormatImage.
type Options struct {
	// SystemMap is the System.map of the kernel's build, which an Image cannot be read without.
	SystemMap io.Reader
}

// sniffSize is how many of a file's first bytes tell its format.
const sniffSize = bootimage.HeadSize

// format is one kind of file that may carry a root.
type format struct {
	// is reports whether a file that begins with head is of this kind.
	is   func(head []byte) bool
	read func(f File, o Options) (Found, error)
	// isKernel tells that nothing but a kernel is of this kind, or a vmlinux.
	isKernel bool
}

// formats returns what is tried, in this order. A function, as it holds functions that come back to it.
func formats() []format {
	return []format{
		{isELF, readELF, true},
		{bootimage.Is, readBootImage, true},
		{bootimage.IsImage, readImage, true},
		{bootimage.IsZboot, readZboot, true},
		{bootimage.IsPE, readUKI, true},
		{isCompressed, readCompressed, true},
		{isTree, readTree, false},
	}
}

// Read finds the root in the file called name. SystemMap is the name of the System.map of its build, "" if there
// is none. Errors name the file.
func Read(name, systemMap string) (Found, error) {
	f, err := os.Open(name)
	if err != nil {
		return Found{}, err
	}
	defer f.Close()
	var o Options
	if systemMap != "" {
		symbols, err := os.Open(systemMap)
		if err != nil {
			return Found{}, err
		}
		defer symbols.Close()
		o.SystemMap = symbols
	}
	found, err := ReadFrom(f, o)
	if err != nil {
		return Found{}, fmt.Errorf("%s: %w", name, err)
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
		return Found{}, fmt.Errorf("%s is a %s, want a kernel: a vmlinux or a boot image", name, found.Format)
	}
	if found.Root != want {
		return Found{}, fmt.Errorf("%s carries the root %s, the tree has %s: it was linked with another tree",
			name, found.Root, want)
	}
	return found, nil
}

// ReadFrom finds the root in an open file. Errors do not name it.
func ReadFrom(f File, o Options) (Found, error) {
	return readAs(f, o, formats(), "tree.pb, root object, vmlinux, bzImage, Image, unified kernel image")
}

// ReadKernelFrom finds the root in an open file that must be a kernel. Errors do not name it.
func ReadKernelFrom(f File, o Options) (Found, error) {
	kernels := slices.DeleteFunc(formats(), func(f format) bool { return !f.isKernel })
	found, err := readAs(f, o, kernels, "vmlinux, bzImage, Image, unified kernel image")
	if err == nil && !found.IsKernel() {
		err = fmt.Errorf("is a %s, want a kernel", found.Format)
	}
	return found, err
}

// readAs reads a file of one of some formats, whose names are for the error.
func readAs(f File, o Options, formats []format, names string) (Found, error) {
	head, err := readHead(f)
	if err != nil {
		return Found{}, err
	}
	if len(head) == 0 {
		return Found{}, errors.New("carries no root: it is empty")
	}
	for _, format := range formats {
		if format.is(head) {
			return format.read(f, o)
		}
	}
	return Found{}, fmt.Errorf("%w: it starts with %x and is none of %s", ErrFormat, head[:min(len(head), 6)], names)
}

// readHead returns the first bytes of a file, which tell its format: fewer than sniffSize if it has no more.
func readHead(f File) ([]byte, error) {
	head := make([]byte, sniffSize)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return head[:n], nil
}

func isELF(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\x7fELF"))
}

func readELF(f File, _ Options) (Found, error) {
	found, err := rootobj.Read(f)
	return Found{Root: found.Root, Format: string(found.Format), Target: found.Target}, err
}

// readBootImage reads the root of the kernel in a bzImage.
func readBootImage(f File, _ Options) (Found, error) {
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

// readImage reads the root of an arm64 Image.
func readImage(f File, o Options) (Found, error) {
	if o.SystemMap == nil {
		return Found{}, fmt.Errorf("%w that can be found: an Image does not tell where it is. Next: give the System.map of the same build, or read the vmlinux",
			ErrFormat)
	}
	head, err := readHead(f)
	if err != nil {
		return Found{}, err
	}
	b, err := bootimage.ImageSymbol(f, o.SystemMap, rootobj.SymbolName, rootobj.Size)
	if err != nil {
		return Found{}, err
	}
	order, target := bootimage.ImageByteOrder(head), module.Target{Class: elf.ELFCLASS64, Machine: elf.EM_AARCH64}
	target.Data = elf.ELFDATA2LSB
	if order == binary.BigEndian {
		target.Data = elf.ELFDATA2MSB
	}
	root := merkle.Root{Levels: order.Uint32(b), Hash: merkle.Hash(b[4:])}
	if err := root.Check(); err != nil {
		return Found{}, fmt.Errorf("%w. Is this the System.map of the same build?", err)
	}
	return Found{Root: root, Format: FormatImage, Target: target}, nil
}

// readZboot reads an Image that an EFI program decompresses.
func readZboot(f File, o Options) (Found, error) {
	kernel, err := bootimage.ZbootKernel(f)
	if err != nil {
		return Found{}, err
	}
	return readKernelIn(bytes.NewReader(kernel), o)
}

func isCompressed(head []byte) bool {
	_, ok := decompress.Of(head)
	return ok
}

// readCompressed reads an Image that is compressed as a whole.
func readCompressed(f File, o Options) (Found, error) {
	kernel, err := bootimage.Decompressed(f)
	if err != nil {
		return Found{}, err
	}
	return readKernelIn(bytes.NewReader(kernel), o)
}

// readKernelIn reads a kernel that was compressed: it is not compressed again.
func readKernelIn(f File, o Options) (Found, error) {
	head, err := readHead(f)
	if err != nil {
		return Found{}, err
	}
	switch {
	case isELF(head):
		return readELF(f, o)
	case bootimage.IsImage(head):
		return readImage(f, o)
	}
	return Found{}, fmt.Errorf("%w: what is compressed in it starts with %x and is neither vmlinux nor Image",
		ErrFormat, head[:min(len(head), 6)])
}

// readUKI reads the kernel in a unified kernel image.
func readUKI(f File, o Options) (Found, error) {
	kernel, err := bootimage.Section(f, bootimage.SectionKernel)
	if err != nil {
		return Found{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	// No further one in it.
	inner := slices.DeleteFunc(formats(), func(f format) bool { return !f.isKernel || f.is([]byte("MZ")) })
	found, err := readAs(kernel, o, inner, "vmlinux, bzImage, Image")
	if err != nil {
		return Found{}, fmt.Errorf("the kernel in the unified kernel image %w", err)
	}
	found.Format = FormatUKI
	return found, nil
}

// isTree knows the first field of a ModuleTree: format_version, a varint.
func isTree(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0x08})
}

func readTree(f File, _ Options) (Found, error) {
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

// SPDX-License-Identifier: Apache-2.0

// Package moduleimage writes and checks module images: an EROFS file system with the modules of a kernel, and after it, in the
// same file, a dm-verity hash tree over it. The root hash of the tree stands for all modules, and for each byte of the image.
//
//	offset 0            EROFS, a multiple of 4,096 bytes
//	DataSize            the superblock of dm-verity, in a block of 4,096 bytes
//	DataSize + 4096     the hash tree, the root's block first
//
// The root of the file system is the directory lib/modules/RELEASE. An image depends on the names and contents of its files
// alone: they belong to root, have the mode 0644, directories 0755, and all times are 0. There is no salt: it would keep an
// attacker from preparing collisions for many images at once, which SHA-256 does not need, and nobody could tell it from a value
// chosen at will.
//
// Formats: fs/erofs/erofs_fs.h and Documentation/admin-guide/device-mapper/verity.rst of Linux; the superblock is that of
// veritysetup(8).
package moduleimage

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/containerd/go-dmverity/pkg/verity"
	"github.com/erofs/go-erofs"

	"rules_modhash/tools/ipe"
)

const (
	// BlockSize is the size of the blocks of data and hash tree, in bytes.
	BlockSize = 4096
	// algorithm is the hash of the tree, by its kernel name.
	algorithm = "sha256"
)

// Image describes a module image.
type Image struct {
	// DataSize is the size of the file system, and the offset of the superblock of dm-verity, in bytes.
	DataSize int64
	// Size is the size of the file, in bytes.
	Size int64
	// RootHash is the root hash of dm-verity.
	RootHash ipe.Digest
}

// DataBlocks is the number of blocks of the file system: a parameter of the dm-verity device.
func (i Image) DataBlocks() int64 { return i.DataSize / BlockSize }

// HashStart is the number of the first block of the hash tree: a parameter of the dm-verity device.
func (i Image) HashStart() int64 { return i.DataBlocks() + 1 }

// Table is the line by which the device mapper sets the volume up on a device with the image, as dmsetup(8) and the kernel's
// parameter dm-mod.create take it.
func (i Image) Table(device string) string {
	const sector = 512
	return fmt.Sprintf("0 %d verity 1 %s %s %d %d %d %d %s %s -", i.DataSize/sector, device, device, BlockSize, BlockSize,
		i.DataBlocks(), i.HashStart(), i.RootHash.Algorithm, i.RootHash.Hex)
}

// Command is the command that sets the volume up, as /dev/mapper/modules, on a device with the image.
func (i Image) Command(device string) string {
	return fmt.Sprintf("veritysetup open %s modules %s %s --hash-offset=%d", device, device, i.RootHash.Hex, i.DataSize)
}

// Write writes the files below the directory dir as a module image to an empty file. It follows symbolic links to files; links to
// directories, and files that are not regular, are errors.
func Write(ctx context.Context, out *os.File, dir string) (Image, error) {
	if err := writeFiles(ctx, out, dir); err != nil {
		return Image{}, err
	}
	size, err := pad(out)
	if err != nil {
		return Image{}, err
	}
	return addTree(out.Name(), size)
}

// writeFiles writes the file system.
func writeFiles(ctx context.Context, out *os.File, dir string) error {
	w := erofs.Create(out, erofs.WithBlockSize(BlockSize), erofs.WithBuildTime(0, 0), erofs.WithTempDir(filepath.Dir(out.Name())))
	// WalkDir is in lexical order, so nothing depends on the order in the directory.
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return w.Mkdir(name, 0o755)
		}
		return addFile(w, name, path)
	})
	return errors.Join(err, w.Close())
}

func addFile(w *erofs.Writer, name, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: got neither a regular file nor a directory, want a module image to have only these. "+
			"Links to directories are none of them", path)
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	file, err := w.Create(name)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	_, err = io.Copy(file, in)
	return errors.Join(err, file.Close())
}

// pad makes the size of a file a multiple of the block size.
func pad(out *os.File) (int64, error) {
	info, err := out.Stat()
	if err != nil {
		return 0, err
	}
	size := (info.Size() + BlockSize - 1) / BlockSize * BlockSize
	return size, out.Truncate(size)
}

// addTree adds superblock and hash tree to a file system.
func addTree(path string, size int64) (Image, error) {
	params := parameters(size)
	root, err := verity.Create(&params, path, path)
	if err != nil {
		return Image{}, err
	}
	image := Image{DataSize: size, RootHash: ipe.Digest{Algorithm: algorithm, Hex: hex.EncodeToString(root)}}
	if err := image.writeSuperblock(path, root); err != nil {
		return Image{}, err
	}
	info, err := os.Stat(path)
	if err == nil {
		image.Size = info.Size()
	}
	return image, err
}

// parameters are those of dm-verity for a file system of some size.
func parameters(size int64) verity.Params {
	return verity.Params{
		HashName: algorithm, HashType: 1, DataBlockSize: BlockSize, HashBlockSize: BlockSize,
		DataBlocks: uint64(size / BlockSize), HashAreaOffset: uint64(size),
	}
}

// superblock returns the superblock of dm-verity. Its UUID is the last 16 bytes of the root hash, as the Discoverable Partitions
// Specification has it for the partition with a hash tree.
func (i Image) superblock(root []byte) *verity.Superblock {
	s := verity.DefaultSuperblock()
	s.DataBlocks = uint64(i.DataBlocks())
	copy(s.UUID[:], root[len(root)-len(s.UUID):])
	return &s
}

func (i Image) writeSuperblock(path string, root []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(i.superblock(root).WriteSuperblock(file, uint64(i.DataSize)), file.Close())
}

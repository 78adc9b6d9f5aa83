// SPDX-License-Identifier: Apache-2.0

package moduleimage

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/containerd/go-dmverity/pkg/verity"
	"github.com/erofs/go-erofs"

	"rules_modhash/tools/ipe"
)

// Reader is an open module image.
type Reader struct {
	Image
	file *os.File
}

// Open opens a module image, and reads its root hash from the hash tree. It does not check the tree: Verify does.
func Open(path string) (*Reader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{file: file}
	if err := r.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return r, nil
}

// Name is the name with which the image was opened.
func (r *Reader) Name() string { return r.file.Name() }

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

func (r *Reader) read() error {
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	r.Size = info.Size()
	if r.DataSize, err = fileSystemSize(r.file); err != nil {
		return err
	}
	if err := r.readSuperblock(); err != nil {
		return err
	}
	return r.readRootHash()
}

// Places in the superblock of EROFS (struct erofs_super_block of Linux).
const (
	erofsOffset    = 1024
	erofsMagic     = 0xe0f5e1e2
	erofsBlockBits = 12
	erofsBlocks    = 36
)

// fileSystemSize is the size of the file system at the start of a file, rounded up to whole blocks of dm-verity.
func fileSystemSize(file io.ReaderAt) (int64, error) {
	var head [128]byte
	if _, err := file.ReadAt(head[:], erofsOffset); err != nil || binary.LittleEndian.Uint32(head[:]) != erofsMagic {
		return 0, errors.New("got no EROFS file system at its start, want a module image")
	}
	bits := head[erofsBlockBits]
	if bits < 9 || bits > 16 {
		return 0, fmt.Errorf("got an EROFS file system with blocks of 2^%d bytes, want 2^9 to 2^16", bits)
	}
	size := int64(binary.LittleEndian.Uint32(head[erofsBlocks:])) << bits
	return (size + BlockSize - 1) / BlockSize * BlockSize, nil
}

// readSuperblock checks that the superblock of dm-verity is there, and has the parameters of module images.
func (r *Reader) readSuperblock() error {
	block := make([]byte, verity.SuperblockSize)
	if _, err := r.file.ReadAt(block, r.DataSize); err != nil || string(block[:len(verity.VeritySignature)]) != verity.VeritySignature {
		return fmt.Errorf("got no superblock of dm-verity at offset %d, after the file system, want one", r.DataSize)
	}
	superblock, err := verity.DeserializeSuperblock(block)
	if err != nil {
		return err
	}
	name := string(bytes.TrimRight(superblock.Algorithm[:], "\x00"))
	for _, field := range []struct {
		name      string
		got, want any
	}{
		{"hash type", superblock.HashType, uint32(1)},
		{"algorithm", name, algorithm},
		{"data block size", superblock.DataBlockSize, uint32(BlockSize)},
		{"hash block size", superblock.HashBlockSize, uint32(BlockSize)},
		{"number of data blocks", superblock.DataBlocks, uint64(r.DataBlocks())},
		{"salt size", superblock.SaltSize, uint16(0)},
	} {
		if field.got != field.want {
			return fmt.Errorf("superblock of dm-verity: got the %s %v, want %v", field.name, field.got, field.want)
		}
	}
	return nil
}

// readRootHash computes the root hash from the block that it is the hash of: the first one of the hash tree, or, in a file
// system of one block, that block.
func (r *Reader) readRootHash() error {
	offset := r.HashStart() * BlockSize
	if r.DataBlocks() == 1 {
		offset = 0
	}
	var block [BlockSize]byte
	if _, err := r.file.ReadAt(block[:], offset); err != nil {
		return fmt.Errorf("reading the hash tree at offset %d: %w", offset, noEOF(err))
	}
	sum := sha256.Sum256(block[:])
	r.RootHash = ipe.Digest{Algorithm: algorithm, Hex: hex.EncodeToString(sum[:])}
	return nil
}

// noEOF returns the error for the end of a file within what is read.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Verify checks each byte of the image: all blocks against the hash tree, the tree against the root hash, the superblock of
// dm-verity, and that nothing follows the tree.
func (r *Reader) Verify() error {
	root, err := hex.DecodeString(r.RootHash.Hex)
	if err == nil {
		err = r.verify(root)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.file.Name(), err)
	}
	return nil
}

func (r *Reader) verify(root []byte) error {
	want, err := r.superblock(root).Serialize()
	if err != nil {
		return err
	}
	got := make([]byte, BlockSize)
	if _, err := r.file.ReadAt(got, r.DataSize); err != nil {
		return noEOF(err)
	}
	if !bytes.Equal(got, append(want, make([]byte, BlockSize-len(want))...)) {
		return errors.New("superblock of dm-verity: got other bytes than the root hash, and the size of the file system, require")
	}
	params := parameters(r.DataSize)
	size, err := verity.GetHashTreeSize(&params)
	if err != nil {
		return err
	}
	if want := r.HashStart()*BlockSize + int64(size); r.Size != want {
		return fmt.Errorf("got %d bytes, want %d: file system, superblock and hash tree", r.Size, want)
	}
	if err := verity.Verify(&params, r.file.Name(), r.file.Name(), root); err != nil {
		return fmt.Errorf("hash tree: %w", err)
	}
	return nil
}

// Files returns the file system of the image.
func (r *Reader) Files() (fs.FS, error) {
	files, err := erofs.Open(io.NewSectionReader(r.file, 0, r.DataSize))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.file.Name(), err)
	}
	return files, nil
}

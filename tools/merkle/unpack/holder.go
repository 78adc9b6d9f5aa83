// SPDX-License-Identifier: Apache-2.0

package unpack

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"rules_modhash/tools/merkle/decompress"
	"rules_modhash/tools/merkle/module"
)

const (
	// peekSize is how much of a file is read: the superblock of btrfs is the one that comes last.
	peekSize = 0x10048
	// maxLayers is how many compressions around one another are undone.
	maxLayers = 3
)

// holders are archives and images, which may hold modules, by bytes at their beginning.
var holders = []struct {
	offset int
	magic  string
	name   string
}{
	{0, "070701", "a cpio archive"}, {0, "070702", "a cpio archive"}, {0, "070707", "a cpio archive"},
	{0, arMagic, "an ar archive"}, {0, "\xed\xab\xee\xdb", "an RPM package"}, {0, "PK\x03\x04", "a zip archive"},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive"}, {0, "Rar!\x1a\x07", "a RAR archive"}, {0, "MSCF\x00\x00\x00\x00", "a cabinet archive"},
	{0, "hsqs", "a squashfs image"}, {0, "sqsh", "a squashfs image"}, {0x400, "\xe2\xe1\xf5\xe0", "an EROFS image"},
	{0, "XFSB", "an XFS image"}, {0x10040, "_BHRfS_M", "a btrfs image"}, {0x400, "\x10\x20\xf5\xf2", "an F2FS image"},
	{0x8001, "CD001", "an ISO 9660 image"}, {0, "\x45\x3d\xcd\x28", "a cramfs image"}, {0, "-rom1fs-", "a romfs image"},
	{0, "UBI#", "a UBI image"}, {0, "\x31\x18\x10\x06", "a UBIFS image"}, {0, "LUKS\xba\xbe", "a LUKS image"},
	{0, "QFI\xfb", "a qcow2 image"}, {0, "KDMV", "a VMDK image"}, {0, "vhdxfile", "a VHDX image"}, {0, "conectix", "a VHD image"},
	{0x200, "EFI PART", "a disk image"}, {0x1000, "EFI PART", "a disk image"}, {0x200, "LABELONE", "an LVM image"},
	{0x36, "FAT1", "a FAT image"}, {0x52, "FAT32", "a FAT image"},
	{0, "ANDROID!", "an Android boot image"}, {0, "VNDRBOOT", "an Android boot image"},
}

// Holds says why a file of that name, which r reads, may hold modules, as the rest of a sentence about it, "" if it
// does not. A module under a compression that the kernel does not load is one that may.
func Holds(name string, r io.Reader) string {
	head, err := peek(r)
	if err != nil {
		return fmt.Sprintf("cannot be read: %v", err)
	}
	format, compressed := decompress.Of(head)
	if compressed && strings.Contains(path.Base(name), module.Suffix+".") {
		return fmt.Sprintf("has the name of a module, but is %s data, which is not among what the kernel loads", format.Name)
	}
	return holds(head, r, maxLayers)
}

// peek returns the beginning of what r reads.
func peek(r io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, peekSize))
}

// holds looks at data that begin with head and go on with rest.
func holds(head []byte, rest io.Reader, layers int) string {
	if name := holderOf(head); name != "" {
		return "is " + name
	}
	format, ok := decompress.Of(head)
	if !ok {
		return ""
	}
	if layers == 0 {
		return fmt.Sprintf("is compressed more than %d times", maxLayers)
	}
	contents, err := format.Open(io.MultiReader(bytes.NewReader(head), rest))
	if err == nil {
		head, err = peek(contents)
	}
	switch {
	case err != nil && format.Name == "lzma":
		return "" // it begins with few and usual bytes
	case err != nil:
		return fmt.Sprintf("is %s data that cannot be read: %v", format.Name, noEOF(err))
	}
	inner := holds(head, contents, layers-1)
	if inner == "" {
		return ""
	}
	return fmt.Sprintf("is %s data that %s", format.Name, inner)
}

// holderOf returns which archive or image data begin with, "" for none.
func holderOf(head []byte) string {
	for _, h := range holders {
		if len(head) > h.offset && bytes.HasPrefix(head[h.offset:], []byte(h.magic)) {
			return h.name
		}
	}
	switch {
	case isTarHeader(head):
		return "a tar archive"
	case isExt(head):
		return "an ext4 image"
	case isPartitioned(head):
		return "a disk image"
	case isUBoot(head):
		return "a U-Boot image with an initramfs"
	case isUnified(head):
		return "a unified kernel image"
	}
	return ""
}

// isTarHeader checks the checksum, which old archives have though no magic (tar(5)).
func isTarHeader(head []byte) bool {
	const size, at, length = 512, 148, 8
	if len(head) < size || head[0] == 0 {
		return false
	}
	want, err := strconv.ParseUint(strings.Trim(string(head[at:at+length]), " \x00"), 8, 32)
	sum := uint64(length * ' ')
	for i, b := range head[:size] {
		if i < at || i >= at+length {
			sum += uint64(b)
		}
	}
	return err == nil && sum == want
}

// isExt checks the superblock of ext2, ext3 and ext4: its magic has two bytes alone (fs/ext4/ext4.h).
func isExt(head []byte) bool {
	const superblock, magicAt, blockSizeAt, revisionAt = 0x400, 0x38, 0x18, 0x4c
	if len(head) < superblock+0x80 {
		return false
	}
	b, le := head[superblock:], binary.LittleEndian
	return le.Uint16(b[magicAt:]) == 0xef53 && le.Uint32(b[blockSizeAt:]) <= 6 && le.Uint32(b[revisionAt:]) <= 1
}

// isPartitioned checks the partition table of a master boot record. Kernels for x86 end their first sector alike.
func isPartitioned(head []byte) bool {
	const table, entry, end = 446, 16, 510
	if len(head) < end+6 || head[end] != 0x55 || head[end+1] != 0xaa || bytes.HasPrefix(head, []byte("MZ")) ||
		string(head[end+4:min(end+8, len(head))]) == "HdrS" {
		return false
	}
	used := false
	for at := table; at < end; at += entry {
		if head[at]&0x7f != 0 {
			return false
		}
		used = used || head[at+4] != 0
	}
	return used
}

// isUBoot finds an initramfs in a legacy image (its type, RAMDISK or MULTI), and any FIT image, which is a device
// tree with a node "images" (include/image.h and doc/usage/fit in U-Boot).
func isUBoot(head []byte) bool {
	const typeAt, ramdisk, multi = 30, 3, 4
	switch {
	case len(head) > typeAt && bytes.HasPrefix(head, []byte("\x27\x05\x19\x56")):
		return head[typeAt] == ramdisk || head[typeAt] == multi
	case bytes.HasPrefix(head, []byte("\xd0\x0d\xfe\xed")):
		return bytes.Contains(head, []byte("\x00\x00\x00\x01images\x00"))
	}
	return false
}

// isUnified finds an EFI program with an initramfs among its sections (systemd-stub(7)).
func isUnified(head []byte) bool {
	if !bytes.HasPrefix(head, []byte("MZ")) {
		return false
	}
	const headerAt, headerSize, entrySize, most = 0x3c, 24, 40, 96
	if len(head) < headerAt+4 {
		return false
	}
	start := int(binary.LittleEndian.Uint32(head[headerAt:]))
	if start < 0 || start > len(head)-headerSize || !bytes.HasPrefix(head[start:], []byte("PE\x00\x00")) {
		return false
	}
	var h pe.FileHeader
	if _, err := binary.Decode(head[start+4:], binary.LittleEndian, &h); err != nil {
		return false
	}
	at := start + headerSize + int(h.SizeOfOptionalHeader)
	for range min(int(h.NumberOfSections), most) {
		if at+entrySize > len(head) {
			return false
		}
		switch string(bytes.TrimRight(head[at:at+8], "\x00")) {
		case ".initrd", ".ucode", ".linux":
			return true
		}
		at += entrySize
	}
	return false
}

// SPDX-License-Identifier: Apache-2.0

// Package container knows archives, packages, and images of file systems and disks by their first bytes. Any of them may
// hold kernel modules.
package container

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
)

// HeadSize is how many of a file's first bytes Of reads: the superblock of Btrfs is the one that comes last.
const HeadSize = 0x10048

// Kind is a kind of container. Its text is a noun phrase for people: "a tar archive".
type Kind string

// The kinds that there are readers for, and None for what is not a container.
const (
	None Kind = ""
	Cpio Kind = "a cpio archive"
	Tar  Kind = "a tar archive"
	Zip  Kind = "a zip archive"
)

// magics are bytes at a place in the first HeadSize.
var magics = []struct {
	offset int
	magic  string
	kind   Kind
}{
	{0, "070701", Cpio}, {0, "070702", Cpio}, {0, "070707", "a cpio archive of the old portable format"},
	{0, "\xc7\x71", "a cpio archive of the old binary format"}, {0, "\x71\xc7", "a cpio archive of the old binary format"},
	{0, "!<arch>\n", "an ar archive"}, {0, "\xed\xab\xee\xdb", "an RPM package"}, {0, "PK\x03\x04", Zip},
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive"}, {0, "Rar!\x1a\x07", "a RAR archive"}, {0, "MSCF\x00\x00\x00\x00", "a cabinet archive"},
	{0, "hsqs", "a squashfs image"}, {0, "sqsh", "a squashfs image"}, {0x400, "\xe2\xe1\xf5\xe0", "an EROFS image"},
	{0, "XFSB", "an XFS image"}, {0x10040, "_BHRfS_M", "a Btrfs image"}, {0x400, "\x10\x20\xf5\xf2", "an F2FS image"},
	{0x1018, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca", "a bcachefs image"},
	{0x8001, "CD001", "an ISO 9660 image"}, {0x8001, "BEA01", "a UDF image"},
	{0, "\x45\x3d\xcd\x28", "a cramfs image"}, {0, "\x28\xcd\x3d\x45", "a cramfs image"}, {0, "-rom1fs-", "a romfs image"},
	{0, "UBI#", "a UBI image"}, {0, "\x31\x18\x10\x06", "a UBIFS image"}, {0, "LUKS\xba\xbe", "a LUKS volume"},
	{0, "QFI\xfb", "a QCOW2 image"}, {0, "KDMV", "a VMDK image"}, {0, "vhdxfile", "a VHDX image"}, {0, "conectix", "a VHD image"},
	{0x200, "EFI PART", "a disk image with partitions"}, {0x1000, "EFI PART", "a disk image with partitions"},
	{0x200, "LABELONE", "an LVM volume"},
	{0x36, "FAT1", "a FAT image"}, {0x52, "FAT32", "a FAT image"}, {3, "NTFS    ", "an NTFS image"}, {3, "EXFAT   ", "an exFAT image"},
}

// Of returns the kind of a file that begins with head.
func Of(head []byte) Kind {
	for _, m := range magics {
		if len(head) > m.offset && bytes.HasPrefix(head[m.offset:], []byte(m.magic)) {
			return m.kind
		}
	}
	switch {
	case isTarHeader(head):
		return Tar
	case isExt(head):
		return "an ext2, ext3 or ext4 image"
	case isPartitioned(head):
		return "a disk image with partitions"
	}
	return None
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

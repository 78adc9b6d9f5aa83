// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/binary"
	"fmt"
	"io"
)

// What GRUB carries in its section "mods" (include/grub/kernel.h in its source): a header with the offset of the first
// object and the size of all, and objects, each with a type and a size that includes both.
const (
	grubMagic      = "mimg"
	grubHeaderSize = 24
	grubObjectSize = 8
	grubMemdisk    = 1
)

func isGRUB(head []byte) bool {
	return len(head) >= grubHeaderSize && string(head[:len(grubMagic)]) == grubMagic
}

// grub examines the objects that GRUB carries. Modules of GRUB and its configuration hold nothing; a memory disk is an
// archive or an image, from which it can load a kernel.
func (a *audit) grub(p *place, c contents) verdict {
	header := make([]byte, grubHeaderSize)
	if _, err := c.r.ReadAt(header, 0); err != nil {
		return notExaminedError(err)
	}
	at, end := binary.LittleEndian.Uint64(header[8:]), binary.LittleEndian.Uint64(header[16:])
	if at > end || end > uint64(c.size) {
		return notExamined(fmt.Sprintf("has objects of GRUB at %d to %d, but has %d bytes", at, end, c.size))
	}
	for at+grubObjectSize <= end {
		object := make([]byte, grubObjectSize)
		if _, err := c.r.ReadAt(object, int64(at)); err != nil {
			return notExaminedError(err)
		}
		kind, size := binary.LittleEndian.Uint32(object), uint64(binary.LittleEndian.Uint32(object[4:]))
		if size < grubObjectSize || at+size > end {
			return notExamined(fmt.Sprintf("has an object of GRUB at %d with %d bytes, of %d", at, size, end))
		}
		data := io.NewSectionReader(c.r, int64(at+grubObjectSize), int64(size-grubObjectSize))
		a.grubObject(p, c, kind, data)
		at += size
	}
	return of(ClassContainer)
}

func (a *audit) grubObject(p *place, c contents, kind uint32, data *io.SectionReader) {
	name := fmt.Sprintf("object %d", kind)
	if kind == grubMemdisk {
		name = "memdisk"
	}
	inside := c.inner(name, data, data.Size())
	a.account.entry(inside.path, func() verdict {
		if kind != grubMemdisk {
			return of(ClassOther)
		}
		return a.contents(p, inside)
	})
}

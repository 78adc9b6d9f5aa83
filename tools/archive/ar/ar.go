// SPDX-License-Identifier: Apache-2.0

// Package ar reads ar archives (deb(5)). They are not trusted: nothing is read but what their headers state, and nothing is
// allocated by it.
package ar

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Magic begins an archive.
const Magic = "!<arch>\n"

const (
	// headerSize is the size of a member's header: name, time, user, group and mode, the size, and headerEnd.
	headerSize = 60
	headerEnd  = "`\n"
	// The offsets of name and size in it, and where they end.
	nameEnd, sizeStart, sizeEnd = 16, 48, 58
)

// Member is a file in an archive.
type Member struct {
	// Name is the file's name, without the slash that GNU ar puts after it.
	Name string
	// Data is its contents. They end early if the archive does.
	Data *io.SectionReader
}

// Reader reads the members of an archive one after another.
type Reader struct {
	archive io.ReaderAt
	offset  int64
}

// NewReader returns a reader of the archive, which begins with Magic.
func NewReader(archive io.ReaderAt) *Reader {
	return &Reader{archive, int64(len(Magic))}
}

// Next returns the next member, and io.EOF after the last one. Fewer bytes than a header has are the end, as for dpkg.
func (r *Reader) Next() (Member, error) {
	header := make([]byte, headerSize)
	n, err := r.archive.ReadAt(header, r.offset)
	if n < headerSize {
		if errors.Is(err, io.EOF) {
			return Member{}, io.EOF
		}
		return Member{}, err
	}
	name := strings.TrimSuffix(strings.TrimSpace(string(header[:nameEnd])), "/")
	if string(header[sizeEnd:]) != headerEnd {
		return Member{}, fmt.Errorf("the header of member %q ends with %q, want %q", name, header[sizeEnd:], headerEnd)
	}
	text := strings.TrimSpace(string(header[sizeStart:sizeEnd]))
	size, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return Member{}, fmt.Errorf("member %q has the size %q, want a decimal number", name, text)
	}
	start := r.offset + headerSize
	r.offset = start + int64(size+size%2)
	return Member{name, io.NewSectionReader(r.archive, start, int64(size))}, nil
}

// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// framing passes on one member of a file and ends where the member ends, as the sizes in its headers state:
// decoders read on after the end, or take what follows for more of it.
type framing struct {
	r *bufio.Reader
	// next returns the size of the part that comes next, at which it may peek, and io.EOF after the last one.
	next func() (int64, error)
	// left is what is left of the current part, passed what was passed on of all parts.
	left, passed int64
	// err is what there is instead of more data, io.EOF at the end of the member.
	err error
}

// Read passes data on.
func (f *framing) Read(p []byte) (int, error) {
	for f.left == 0 && f.err == nil {
		f.left, f.err = f.next()
	}
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.r.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	f.passed += int64(n)
	if n == 0 && len(p) > 0 {
		f.err = noEOF(err)
	}
	return n, f.err
}

// framed is the contents of a member. A decoder may take an end that comes too early for the end of its data, and may
// end before its data does: both are errors.
type framed struct {
	io.Reader
	data *framing
}

// Read reads contents.
func (f *framed) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != io.EOF {
		return n, err
	}
	if left, err := io.Copy(io.Discard, f.data); err != nil {
		return n, err
	} else if left > 0 {
		return n, fmt.Errorf("its last %d bytes are unused", left)
	}
	return n, io.EOF
}

// peek returns the next n bytes without reading them.
func peek(r *bufio.Reader, n int) ([]byte, error) {
	b, err := r.Peek(n)
	if len(b) < n {
		return nil, noEOF(err)
	}
	return b, nil
}

// starts reports whether the data goes on with magic.
func starts(r *bufio.Reader, magic string) (bool, error) {
	b, err := r.Peek(len(magic))
	if err != nil && err != io.EOF {
		return false, err
	}
	return string(b) == magic, nil
}

// checkMagic checks that a member begins with magic.
func checkMagic(r *bufio.Reader, magic string) error {
	b, err := peek(r, len(magic))
	if err != nil {
		return err
	}
	if string(b) != magic {
		return fmt.Errorf("it starts with %x, want %x", b, magic)
	}
	return nil
}

// moreOf is Format.more of a format whose members follow each other directly.
func moreOf(magic string) func(*bufio.Reader) (bool, error) {
	return func(r *bufio.Reader) (bool, error) { return starts(r, magic) }
}

// moreFrames is Format.more of a format that has skippable frames too.
func moreFrames(magic string) func(*bufio.Reader) (bool, error) {
	return func(r *bufio.Reader) (bool, error) {
		if err := skipFrames(r); err != nil {
			return false, err
		}
		return starts(r, magic)
	}
}

// skipFrames skips skippable frames, which zstd and lz4 share (RFC 8878, 3.1.2): one of 16 magic numbers, the size
// in 4 bytes, and as many bytes.
func skipFrames(r *bufio.Reader) error {
	const header, magicTail = 8, "\x2a\x4d\x18"
	for {
		b, err := r.Peek(4)
		if err != nil && err != io.EOF {
			return err
		}
		if len(b) < 4 || b[0]&0xf0 != 0x50 || !strings.HasPrefix(string(b[1:]), magicTail) {
			return nil
		}
		if b, err = peek(r, header); err != nil {
			return err
		}
		size := int64(binary.LittleEndian.Uint32(b[4:]))
		if _, err := io.CopyN(io.Discard, r, header+size); err != nil {
			return noEOF(err)
		}
	}
}

// SPDX-License-Identifier: Apache-2.0

package initramfs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// The boot configuration at the end of an initramfs, as get_boot_config_from_initrd in init/main.c of the kernel's
// source finds it: text that is padded by NUL, its size and the sum of its bytes as 4 bytes each, and a magic text.
const (
	bootConfigMagic  = "#BOOTCONFIG\n"
	bootConfigHeader = 8
	// bootConfigPadding is how many bytes a boot loader may add at the end.
	bootConfigPadding = 3
	// maxBootConfig is XBC_DATA_MAX.
	maxBootConfig = 32<<10 - 1
)

// findBootConfig returns the boot configuration of the initramfs of size bytes in r, nil if there is none. With an
// error the segment is where it should be.
func findBootConfig(r io.ReaderAt, size int64) (*Segment, error) {
	tail := make([]byte, min(size, int64(bootConfigHeader+len(bootConfigMagic)+bootConfigPadding)))
	start := size - int64(len(tail))
	if _, err := r.ReadAt(tail, start); err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading at byte %d of %d: %w", start, size, err)
	}
	at := bytes.LastIndex(tail, []byte(bootConfigMagic))
	if at < bootConfigHeader || len(tail)-at-len(bootConfigMagic) > bootConfigPadding {
		return nil, nil
	}
	end := start + int64(at) - bootConfigHeader
	header := tail[at-bootConfigHeader:]
	length, sum := binary.LittleEndian.Uint32(header), binary.LittleEndian.Uint32(header[4:])
	s := &Segment{Kind: KindBootConfig, Offset: end, Compression: "none", Size: size - end}
	if length > maxBootConfig || int64(length) > end {
		return s, fmt.Errorf("boot configuration at byte %d: it has %d bytes according to its header, want at most %d",
			end, length, min(maxBootConfig, end))
	}
	s.Offset, s.Size = end-int64(length), size-end+int64(length)
	return s, checkBootConfig(r, s.Offset, length, sum)
}

// checkBootConfig checks the sum of a boot configuration.
func checkBootConfig(r io.ReaderAt, offset int64, length, want uint32) error {
	text := make([]byte, length)
	if _, err := r.ReadAt(text, offset); err != nil && err != io.EOF {
		return fmt.Errorf("boot configuration at byte %d: %w", offset, err)
	}
	var got uint32
	for _, b := range text {
		got += uint32(b)
	}
	if got != want {
		return fmt.Errorf("boot configuration at byte %d: the sum of its bytes is %#x, want %#x: the kernel ignores it "+
			"(add it again with bootconfig -a)", offset, got, want)
	}
	return nil
}

// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseTable(t *testing.T) {
	// Parameters with each number of bytes in their last multiple of eight.
	for length := range 9 {
		parameters := "1 /dev/loop0 " + strings.Repeat("x", length)
		data, err := parseTable("0 800 verity " + parameters)
		if err != nil {
			t.Fatal(err)
		}
		spec := unix.DmTargetSpec{}
		n, err := binary.Decode(data, binary.NativeEndian, &spec)
		if err != nil || n != unix.SizeofDmTargetSpec || spec.Sector_start != 0 || spec.Length != 800 {
			t.Errorf("got %+v in %d bytes, %v, want sectors 0 to 800 in %d bytes", spec, n, err, unix.SizeofDmTargetSpec)
		}
		if got := unix.ByteSliceToString(spec.Target_type[:]); got != "verity" {
			t.Errorf("got the target %q, want verity", got)
		}
		if got := unix.ByteSliceToString(data[n:]); got != parameters || len(data)%8 != 0 || data[len(data)-1] != 0 {
			t.Errorf("got the parameters %q and %d bytes, want %q, a NUL, and a multiple of 8", got, len(data), parameters)
		}
	}
}

func TestParseTableErrors(t *testing.T) {
	for table, want := range map[string]string{
		"":             `reading the table "": got less than four fields, want start, length, target and parameters`,
		"0 x verity 1": `reading the table "0 x verity 1": strconv.ParseUint: parsing "x": invalid syntax`,
	} {
		if _, err := parseTable(table); err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

// TestHeader checks that package binary writes the header as the kernel reads it.
func TestHeader(t *testing.T) {
	if got := binary.Size(unix.DmIoctl{}); got != unix.SizeofDmIoctl {
		t.Errorf("got a header of %d bytes, want %d", got, unix.SizeofDmIoctl)
	}
}

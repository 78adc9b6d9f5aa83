// SPDX-License-Identifier: Apache-2.0

package trailer

import "fmt"

// errStackTooLong reports trailers that take more than maxStack bytes together.
var errStackTooLong = fmt.Errorf("exceeds the %d bytes that are read for all trailers together: "+
	"modhash unseal drops them one by one", maxStack)

// SplitAll reads all trailers at the end of a file, the outermost first. A
// module that was signed or sealed several times carries one on the other. Tail and
// size are those of Split. An error is about the first trailer that cannot be
// read; the trailers outside of it are returned with the error.
func SplitAll(tail []byte, size int64) ([]*Trailer, error) {
	var found []*Trailer
	for room := maxStack; ; {
		t, err := splitWithin(tail, size, room)
		if err != nil {
			return found, nth(len(found), err)
		}
		if t == nil {
			return found, nil
		}
		found = append(found, t)
		tail = tail[:len(tail)-t.Size()]
		size -= int64(t.Size())
		room -= t.Size()
	}
}

// nth names the trailer that an error is about, unless it is the outermost one.
func nth(index int, err error) error {
	if index == 0 {
		return err
	}
	return fmt.Errorf("trailer %d, counted from the end of the file: %w", index+1, err)
}

// trailers returns "1 trailer" or "N trailers".
func trailers(n int) string {
	if n == 1 {
		return "1 trailer"
	}
	return fmt.Sprintf("%d trailers", n)
}

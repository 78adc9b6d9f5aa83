// SPDX-License-Identifier: Apache-2.0

package trailer_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"rules_modhash/tools/merkle/trailer"
)

// appended returns a trailer with the given struct module_signature, its sig_len being
// that of signature.
func appended(signature []byte, idType trailer.IDType) []byte {
	return appendedWith(signature, [8]byte{2: byte(idType)}, uint32(len(signature)))
}

// appendedWith also chooses the first eight bytes of struct module_signature and sig_len.
func appendedWith(signature []byte, info [8]byte, length uint32) []byte {
	b := append(bytes.Clone(signature), info[:]...)
	b = binary.BigEndian.AppendUint32(b, length)
	return append(b, trailer.Marker...)
}

// join concatenates.
func join(parts ...[]byte) []byte {
	return bytes.Join(parts, nil)
}

// wantError fails the test unless err has a text that contains want.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want one with %q", err, want)
	}
}

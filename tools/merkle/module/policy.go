// SPDX-License-Identifier: Apache-2.0

package module

import (
	"errors"
	"fmt"
)

// Policy says what becomes of a trailer that a module already carries.
type Policy int

const (
	// Strip hashes the module without the trailer: right for prebuilt modules.
	Strip Policy = iota
	// Keep hashes the trailer as part of the module, but refuses a Merkle proof.
	Keep
	// Refuse makes any trailer an error: right for modules just built.
	Refuse
)

// policyNames are the words used on command lines, in the order of the constants.
var policyNames = [...]string{"strip", "keep", "error"}

// ParsePolicy returns the policy called "strip", "keep" or "error".
func ParsePolicy(name string) (Policy, error) {
	for i, n := range policyNames {
		if n == name {
			return Policy(i), nil
		}
	}
	return 0, fmt.Errorf("unknown policy %q for existing signatures, want strip, keep or error", name)
}

// String returns the policy's name.
func (p Policy) String() string {
	return policyNames[p]
}

// errTwoTrailers reports a trailer in front of the one that was stripped.
var errTwoTrailers = errors.New("carries a second trailer in front of the one that was stripped; " +
	"strip that one first (modhash unseal)")

// Cut returns how many bytes at the end of a file are not hashed. Tail and size
// are those of SplitTrailer, whose errors it returns whatever the policy.
func (p Policy) Cut(tail []byte, size int64) (int, error) {
	t, err := SplitTrailer(tail, size)
	if err != nil || t == nil {
		return 0, err
	}
	switch {
	case p == Refuse:
		return 0, fmt.Errorf("carries a %s of %d bytes already, and existing signatures are refused",
			t.Type, len(t.Signature))
	case p == Keep && t.Type == IDTypeMerkle:
		return 0, fmt.Errorf("is sealed already: it carries a %s of %d bytes, which only stripping takes away",
			t.Type, len(t.Signature))
	case p == Keep:
		return 0, nil
	}
	return t.cut(tail)
}

// cut returns the trailer's size if the trailer can be stripped from tail.
func (t *Trailer) cut(tail []byte) (int, error) {
	if t.Type != IDTypePKCS7 && t.Type != IDTypeMerkle {
		return 0, fmt.Errorf("carries a %s, which cannot be stripped: want PKCS#7 (id_type 2) or Merkle (id_type 3)", t.Type)
	}
	if endsWithMarker(tail[:len(tail)-t.Size()]) {
		return 0, errTwoTrailers
	}
	return t.Size(), nil
}

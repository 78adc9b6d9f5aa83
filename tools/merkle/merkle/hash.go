// SPDX-License-Identifier: Apache-2.0

// Package merkle builds the SHA-256 hash tree over kernel modules and the
// proofs that a module belongs to it.
//
// It is pure: byte strings and positions go in, hashes come out. The hashes are
// those of the kernel series "module: Introduce hash-based integrity checking"
// (CONFIG_MODULE_HASHES): leaves and inner nodes differ by a prefix
// byte, the leaf hash binds the module's position, and the last node of a level
// with an odd count is paired with itself.
package merkle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// HashSize is the length of a hash in bytes.
const HashSize = sha256.Size

// LeafPrefixSize is the number of bytes hashed ahead of a module's own.
const LeafPrefixSize = 5

// Domain separation: the first byte of what is hashed. A leaf can therefore
// never be passed off as an inner node (the second-preimage attack that RFC 6962
// section 2.1 describes).
const (
	leafTag = 0x01
	nodeTag = 0x02
)

// Hash is the SHA-256 hash of a leaf, an inner node or a module.
type Hash [HashSize]byte

// String returns the hash as 64 lower-case hexadecimal digits.
func (h Hash) String() string {
	return hex.EncodeToString(h[:])
}

// HashFromBytes returns b as a hash. It fails unless b has HashSize bytes.
func HashFromBytes(b []byte) (Hash, error) {
	if len(b) != HashSize {
		return Hash{}, fmt.Errorf("hash has %d bytes, want %d", len(b), HashSize)
	}
	return Hash(b), nil
}

// LeafPrefix returns what is hashed ahead of the module at position:
// 0x01 || be32(position).
func LeafPrefix(position uint32) [LeafPrefixSize]byte {
	p := [LeafPrefixSize]byte{leafTag}
	binary.BigEndian.PutUint32(p[1:], position)
	return p
}

// LeafHash returns SHA256(0x01 || be32(position) || module).
func LeafHash(position uint32, module []byte) Hash {
	prefix := LeafPrefix(position)
	h := sha256.New()
	h.Write(prefix[:])
	h.Write(module)
	return Hash(h.Sum(nil))
}

// NodeHash returns SHA256(0x02 || left || right).
func NodeHash(left, right Hash) Hash {
	var b [1 + 2*HashSize]byte
	b[0] = nodeTag
	copy(b[1:], left[:])
	copy(b[1+HashSize:], right[:])
	return sha256.Sum256(b[:])
}

// SPDX-License-Identifier: Apache-2.0

// Package trailer reads and writes what stands at the end of a kernel module: a signature or a proof, struct
// module_signature and a marker. A module may carry several such trailers, one after the other.
package trailer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"rules_modhash/tools/merkle/merkle"
)

// Marker ends a module that carries a signature or a proof
// (MODULE_SIGNATURE_MARKER, include/uapi/linux/module_signature.h).
const Marker = "~Module signature appended~\n"

const (
	// infoSize is the size of struct module_signature.
	infoSize = 12
	// fixedSize is the part of a trailer after the signature.
	fixedSize = infoSize + len(Marker)
	// positionSize is the size of the position that starts a proof.
	positionSize = 4
	// maxSignature is the longest signature taken. PKCS#7 ones have under 10 KiB
	// even with post-quantum algorithms, proofs at most 1028 bytes.
	maxSignature = 64 << 10
	// maxStack is how many bytes all trailers of a module may have together: more
	// is an error, never a guess.
	maxStack = maxSignature + fixedSize
	// Window is how much of a module's end, in bytes, shows all trailers that are read, and whether there is another
	// one in front of them.
	Window = maxStack + fixedSize
)

// ErrMalformed is what errors about a trailer with a marker but absurd contents
// wrap. If it is the outermost one, the kernel rejects such a module (EBADMSG)
// under every policy.
var ErrMalformed = errors.New("malformed trailer")

// IDType states what an appended signature is (enum module_signature_type).
type IDType uint8

// The values of id_type. PGP and X.509 are those of old kernels.
const (
	IDTypePGP    IDType = 0
	IDTypeX509   IDType = 1
	IDTypePKCS7  IDType = 2
	IDTypeMerkle IDType = 3
)

// String returns the usual name of the signature type.
func (t IDType) String() string {
	switch t {
	case IDTypePGP:
		return "PGP signature"
	case IDTypeX509:
		return "X.509 signature"
	case IDTypePKCS7:
		return "PKCS#7 signature"
	case IDTypeMerkle:
		return "Merkle proof"
	}
	return fmt.Sprintf("signature of unknown id_type %d", uint8(t))
}

// WithArticle returns the name for use in a sentence: "an X.509 signature".
func (t IDType) WithArticle() string {
	if t == IDTypeX509 {
		return "an " + t.String()
	}
	return "a " + t.String()
}

// Trailer is what is appended to a module: signature, struct module_signature,
// Marker.
type Trailer struct {
	// Type is the kind of signature.
	Type IDType
	// Signature holds the sig_len bytes in front of struct module_signature.
	Signature []byte
	// Proof is the parsed signature if Type is IDTypeMerkle.
	Proof merkle.Proof
	// names is the length of the signer's name and the key identifier, which PGP
	// and X.509 signatures have in front of the signature.
	names int
}

// Size returns the length of the whole trailer in bytes.
func (t *Trailer) Size() int {
	return t.names + len(t.Signature) + fixedSize
}

// info is struct module_signature (include/uapi/linux/module_signature.h).
type info struct {
	algo, hash        uint8
	idType            IDType
	signerLen, keyLen uint8
	pad               [3]uint8
	signatureLen      uint32
	// available is the number of bytes in front of struct module_signature.
	available int64
}

// Split reads the outermost trailer at the end of a file, the only one that
// the kernel splits off: what is below it counts as bytes of the module. Tail
// holds the last bytes of the file, size is the file's length; tail must be the
// whole file or have at least Window bytes.
// It returns nil if there is no marker, and an error that wraps ErrMalformed if
// there is one but the rest makes no sense, by the rules of mod_check_sig
// (kernel/module_signature.c).
func Split(tail []byte, size int64) (*Trailer, error) {
	return splitWithin(tail, size, maxStack)
}

// splitWithin reads a trailer of at most room bytes.
func splitWithin(tail []byte, size int64, room int) (*Trailer, error) {
	if !endsWithMarker(tail) {
		return nil, nil
	}
	if len(tail) < fixedSize {
		return nil, fmt.Errorf("%w: the file has %d bytes, too few for a trailer", ErrMalformed, size)
	}
	head := tail[:len(tail)-fixedSize]
	in := parseInfo(tail[len(head):], size)
	if err := in.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if in.names()+int(in.signatureLen)+fixedSize > room {
		return nil, errStackTooLong
	}
	t := &Trailer{Type: in.idType, names: in.names(), Signature: head[len(head)-int(in.signatureLen):]}
	if t.Type == IDTypeMerkle {
		proof, err := parseProof(t.Signature)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		t.Proof = proof
	}
	return t, nil
}

func endsWithMarker(tail []byte) bool {
	return len(tail) >= len(Marker) && string(tail[len(tail)-len(Marker):]) == Marker
}

func parseInfo(b []byte, size int64) info {
	return info{
		algo: b[0], hash: b[1], idType: IDType(b[2]),
		signerLen: b[3], keyLen: b[4], pad: [3]uint8(b[5:8]),
		signatureLen: binary.BigEndian.Uint32(b[8:infoSize]),
		available:    size - int64(fixedSize),
	}
}

// names returns the length of what PGP and X.509 signatures have in front of the
// signature (mod_verify_sig in kernel/module_signing.c of Linux 3.7 to 4.2).
func (in info) names() int {
	if in.idType == IDTypePGP || in.idType == IDTypeX509 {
		return int(in.signerLen) + int(in.keyLen)
	}
	return 0
}

// check applies mod_check_sig's rules, and for PGP and X.509 those of the kernels
// that knew them. Unknown types use the other fields in other ways.
func (in info) check() error {
	n, what := int64(in.signatureLen)+int64(in.names()), "sig_len is"
	if in.names() > 0 {
		what = "signer_len, key_id_len and sig_len add up to"
	}
	if n >= in.available {
		return fmt.Errorf("%s %d, but only %d bytes precede it, including the module",
			what, n, in.available)
	}
	if n > maxSignature {
		return fmt.Errorf("%s %d, want at most %d", what, n, maxSignature)
	}
	if in.idType != IDTypePKCS7 && in.idType != IDTypeMerkle {
		return nil
	}
	if in.algo != 0 || in.hash != 0 || in.signerLen != 0 || in.keyLen != 0 || in.pad != [3]uint8{} {
		return fmt.Errorf("%s with algo %d, hash %d, signer_len %d, key_id_len %d, pad %x, want all zero",
			in.idType, in.algo, in.hash, in.signerLen, in.keyLen, in.pad)
	}
	return nil
}

// parseProof reads be32(position) || siblings.
func parseProof(b []byte) (merkle.Proof, error) {
	siblings := len(b) - positionSize
	levels := siblings / merkle.HashSize
	if siblings < 0 || siblings%merkle.HashSize != 0 || levels > merkle.MaxLevels {
		return merkle.Proof{}, fmt.Errorf("proof has %d bytes, want 4 + 32 × levels, levels at most %d",
			len(b), merkle.MaxLevels)
	}
	p := merkle.Proof{Position: binary.BigEndian.Uint32(b), Siblings: make([]merkle.Hash, levels)}
	for i := range p.Siblings {
		p.Siblings[i] = merkle.Hash(b[positionSize+i*merkle.HashSize:][:merkle.HashSize])
	}
	return p, nil
}

// Append appends to dst what a sealed module carries after its own
// bytes: be32(position), the siblings, struct module_signature, Marker.
func Append(dst []byte, p merkle.Proof) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, p.Position)
	for _, s := range p.Siblings {
		dst = append(dst, s[:]...)
	}
	n := len(dst) - start
	dst = append(dst, 0, 0, byte(IDTypeMerkle), 0, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(n))
	return append(dst, Marker...)
}

// PeekPosition reads the position out of the Merkle proof at the end of a file of size bytes that is not compressed. It
// is only a guess, without a report of what is wrong: Split has that.
func PeekPosition(f io.ReaderAt, size int64) (uint32, bool) {
	var fixed [fixedSize]byte
	end := size - int64(fixedSize)
	if _, err := f.ReadAt(fixed[:], end); err != nil || !endsWithMarker(fixed[:]) {
		return 0, false
	}
	in := parseInfo(fixed[:], size)
	if in.idType != IDTypeMerkle || in.check() != nil {
		return 0, false
	}
	var position [positionSize]byte
	if _, err := f.ReadAt(position[:], end-int64(in.signatureLen)); err != nil {
		return 0, false
	}
	return binary.BigEndian.Uint32(position[:]), true
}

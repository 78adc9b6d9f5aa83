// SPDX-License-Identifier: Apache-2.0

package module

import (
	"io"
	"os"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/trailer"
)

// Finding is what a module file carries.
type Finding struct {
	// Digest of the module in front of its outermost trailer, the whole file if there
	// is none. Its Leaf is for the position in the proof if there is one, else for
	// the position guessed.
	Digest
	// Signed reports that there is a trailer.
	Signed bool
	// Type and SignatureSize are the trailer's id_type and sig_len.
	Type          trailer.IDType
	SignatureSize int
	// Proof is set if Type is trailer.IDTypeMerkle.
	Proof merkle.Proof
	// Further is the number of trailers below the outermost one, to which the fields
	// above belong. The kernel does not split them off: they are bytes of the module,
	// hashed in Digest. Beneath has them, the outermost first.
	Further int
	Beneath []Appended
	// FurtherErr states why bytes below all these, which end with trailer.Marker, are not one
	// more trailer: it wraps trailer.ErrMalformed, or the trailers take more bytes than are read.
	FurtherErr error
}

// Appended is what is known of a trailer below the outermost one.
type Appended struct {
	// Type and SignatureSize are the trailer's id_type and sig_len.
	Type          trailer.IDType
	SignatureSize int
	// Proof is set if Type is trailer.IDTypeMerkle.
	Proof merkle.Proof
}

// Sealed reports whether the module carries a Merkle proof.
func (f *Finding) Sealed() bool {
	return f.Signed && f.Type == trailer.IDTypeMerkle
}

// Examine reads a module file with whatever trailer it has. The leaf hash begins
// with the position, which stands at the end of the file: where it cannot be
// looked up there, that of a compressed file, it is guessed, and the file read
// again if the guess was wrong. Options.Position is the guess; Options.Cut is not
// used.
func (s *Scanner) Examine(name string, o Options) (Finding, error) {
	f, err := os.Open(name)
	if err != nil {
		return Finding{}, err
	}
	defer f.Close()
	return s.ExamineFile(f, name, o)
}

// ExamineFile is Examine of a file that is open. Its name states whether it is compressed.
func (s *Scanner) ExamineFile(f *os.File, name string, o Options) (Finding, error) {
	info, err := f.Stat()
	if err != nil {
		return Finding{}, err
	}
	if position, ok := trailer.PeekPosition(f, info.Size()); ok {
		o.Position = position
	}
	found, err := s.examine(f, name, o)
	if err != nil || !found.Sealed() || found.Proof.Position == o.Position {
		return found, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Finding{}, err
	}
	o.Position = found.Proof.Position
	return s.examine(f, name, o)
}

func (s *Scanner) examine(r io.Reader, name string, o Options) (Finding, error) {
	var found Finding
	o.Cut = func(tail []byte, size int64) (int, error) {
		stack, err := trailer.SplitAll(tail, size)
		if len(stack) == 0 {
			return 0, err
		}
		found = findingOf(stack)
		found.FurtherErr = err
		return stack[0].Size(), nil
	}
	d, err := s.Scan(r, name, o)
	found.Digest = d
	return found, err
}

// findingOf keeps what is known of trailers but for the signatures, which lie in a
// buffer that is used again.
func findingOf(stack []*trailer.Trailer) Finding {
	f := Finding{Signed: true, Type: stack[0].Type, SignatureSize: len(stack[0].Signature), Proof: stack[0].Proof}
	for _, t := range stack[1:] {
		f.Beneath = append(f.Beneath, Appended{Type: t.Type, SignatureSize: len(t.Signature), Proof: t.Proof})
	}
	f.Further = len(f.Beneath)
	return f
}

// SPDX-License-Identifier: Apache-2.0

package trailer

import "fmt"

// Policy states what becomes of the trailers that a module already carries. A module
// may carry several, one on the other. The kernel splits only the outermost one off
// and takes the others for bytes of the module, so that each policy decides about
// all of them: none is hashed unseen. Trailers that are malformed, or that together
// are larger than what is read at once, are an error under each policy, at any depth.
type Policy int

const (
	// Strip hashes the module without any trailer, the bare module: right for
	// prebuilt modules.
	Strip Policy = iota
	// Keep hashes all trailers as part of the module, but rejects a Merkle proof at
	// any depth: it proves other bytes than those that would be sealed.
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

// Cut returns how many bytes at the end of a file are not hashed. Tail and size
// are those of SplitAll, whose errors it returns whatever the policy.
func (p Policy) Cut(tail []byte, size int64) (int, error) {
	stack, err := SplitAll(tail, size)
	if err != nil || len(stack) == 0 {
		return 0, err
	}
	switch p {
	case Refuse:
		return 0, fmt.Errorf("carries %s of %d bytes already%s, and existing signatures are rejected",
			stack[0].Type.WithArticle(), len(stack[0].Signature), further(stack))
	case Keep:
		return 0, checkKept(stack)
	}
	return cut(stack)
}

// further states how many trailers there are below the outermost one.
func further(stack []*Trailer) string {
	if len(stack) == 1 {
		return ""
	}
	return " (the outermost of " + trailers(len(stack)) + ")"
}

// checkKept rejects a proof among trailers that are to be hashed.
func checkKept(stack []*Trailer) error {
	for i, t := range stack {
		if t.Type == IDTypeMerkle {
			return nth(i, fmt.Errorf("is sealed already: it carries %s of %d bytes, which only the policy strip drops",
				t.Type.WithArticle(), len(t.Signature)))
		}
	}
	return nil
}

// cut returns the size of trailers that are to be stripped.
func cut(stack []*Trailer) (int, error) {
	size := 0
	for i, t := range stack {
		if t.Type != IDTypePKCS7 && t.Type != IDTypeMerkle {
			return 0, nth(i, fmt.Errorf("carries %s, which cannot be dropped: "+
				"want PKCS#7 (id_type 2) or Merkle (id_type 3)", t.Type.WithArticle()))
		}
		size += t.Size()
	}
	return size, nil
}

// CutOutermost returns the size of the outermost trailer alone, 0 if there is none,
// and whether bytes that end like a trailer are left then. Tail and size are those of
// Split.
func CutOutermost(tail []byte, size int64) (n int, left bool, err error) {
	t, err := Split(tail, size)
	if err != nil || t == nil {
		return 0, false, err
	}
	n, err = cut([]*Trailer{t})
	return n, endsWithMarker(tail[:len(tail)-n]), err
}

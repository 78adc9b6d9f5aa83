// SPDX-License-Identifier: Apache-2.0

package module_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/trailer"
)

// maxStack is how many bytes all trailers may have together.
const maxStack = 64<<10 + 40

// TestStacksAreStripped reads modules with several trailers, of all sizes around that of the buffer.
func TestStacksAreStripped(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var s module.Scanner
	for range 100 {
		body := pattern(1 + random.IntN(700_000))
		file := body
		for range random.IntN(9) {
			proof := merkle.Proof{Position: random.Uint32(), Siblings: make([]merkle.Hash, random.IntN(33))}
			file = join(trailer.Append(bytes.Clone(file), proof), appended(pattern(random.IntN(6000)), trailer.IDTypePKCS7))
		}
		checkScan(t, &s, file, body)
	}
}

// TestLargeStack checks that trailers of more bytes than are read together are an error, one byte above the limit,
// whatever the size of the module, and that the outermost can still be taken off.
func TestLargeStack(t *testing.T) {
	inner := appended(pattern(30_000), trailer.IDTypePKCS7)
	for _, size := range []int{1, 300_000, 512<<10 - 60_000, 700_000} {
		body := pattern(size)
		fits := join(body, inner, appended(pattern(maxStack-len(inner)-40), trailer.IDTypePKCS7))
		checkScan(t, new(module.Scanner), fits, body)
		tooLong := join(body, inner, appended(pattern(maxStack-len(inner)-39), trailer.IDTypePKCS7))
		const want = "trailer 2, counted from the end of the file: exceeds the 65576 bytes that are read for all " +
			"trailers together: modhash unseal drops them one by one"
		for _, policy := range []trailer.Policy{trailer.Strip, trailer.Keep, trailer.Refuse} {
			_, err := new(module.Scanner).Scan(bytes.NewReader(tooLong), "m.ko", module.Options{Cut: policy.Cut, Raw: true})
			wantError(t, err, want)
			if errors.Is(err, trailer.ErrMalformed) {
				t.Errorf("%v is ErrMalformed", err)
			}
		}
		found := examined(t, tooLong)
		if found.Further != 0 || found.Size != int64(size+len(inner)) {
			t.Errorf("found %+v", found)
		}
		wantError(t, found.FurtherErr, want)
	}
}

func examined(t *testing.T, file []byte) module.Finding {
	t.Helper()
	name := filepath.Join(t.TempDir(), "m.ko")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := new(module.Scanner).Examine(name, module.Options{Raw: true})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestExamineDoubleTrailer checks that what is below the outermost trailer is reported: what the kernel hashes is
// the module with the others.
func TestExamineDoubleTrailer(t *testing.T) {
	sealed := trailer.Append(pattern(1000), merkle.Proof{Position: 6, Siblings: make([]merkle.Hash, 2)})
	signed := join(sealed, appended([]byte("signature"), trailer.IDTypePKCS7))
	found := examined(t, join(signed, appended([]byte("again"), trailer.IDTypePKCS7)))
	if found.Sealed() || found.Further != 2 || found.FurtherErr != nil || found.Size != int64(len(signed)) {
		t.Errorf("found %+v", found)
	}
	if b := found.Beneath[0]; b.Type != trailer.IDTypePKCS7 || b.SignatureSize != 9 {
		t.Errorf("second is %+v", b)
	}
	if b := found.Beneath[1]; b.Type != trailer.IDTypeMerkle || b.SignatureSize != 68 || b.Proof.Position != 6 {
		t.Errorf("third is %+v", b)
	}
	broken := join(pattern(1000), appendedWith(nil, [8]byte{2: 2}, 5000))
	found = examined(t, join(broken, appended([]byte("again"), trailer.IDTypePKCS7)))
	wantError(t, found.FurtherErr, "trailer 2, counted from the end of the file: malformed trailer: sig_len is 5000")
	if found.Further != 0 || !errors.Is(found.FurtherErr, trailer.ErrMalformed) || found.Size != int64(len(broken)) {
		t.Errorf("found %+v", found)
	}
}

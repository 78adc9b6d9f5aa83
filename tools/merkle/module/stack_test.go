// SPDX-License-Identifier: Apache-2.0

package module_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
)

// maxStack is how many bytes all trailers may have together.
const maxStack = 64<<10 + 40

func splitAll(file []byte) ([]*module.Trailer, error) {
	return module.SplitTrailers(file[max(0, len(file)-maxStack-40):], int64(len(file)))
}

// randomTrailer returns a trailer and its name. Sizes are those of RSA, of ML-DSA and of proofs.
func randomTrailer(random *rand.Rand, strippable bool) ([]byte, string) {
	kinds := 4
	if strippable {
		kinds = 2
	}
	signature := bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(6000))
	switch random.IntN(kinds) {
	case 0:
		proof := merkle.Proof{Position: random.Uint32(), Siblings: make([]merkle.Hash, random.IntN(33))}
		return module.AppendTrailer(nil, proof), fmt.Sprintf("Merkle proof %d", 4+32*len(proof.Siblings))
	case 1:
		return trailer(signature, module.IDTypePKCS7), fmt.Sprintf("PKCS#7 signature %d", len(signature))
	case 2:
		signature = signature[:max(0, len(signature)-300)]
		old := join([]byte("signer"), []byte("key id!"), signature)
		return trailerWith(old, [8]byte{1, 4, 1, 6, 7}, uint32(len(signature))), fmt.Sprintf("X.509 signature %d", len(signature))
	}
	return trailer(signature, 9), fmt.Sprintf("signature of unknown id_type 9 %d", len(signature))
}

// randomStack appends some trailers to a module and returns the files after each, the module first, and the
// trailers' names, the outermost first.
func randomStack(random *rand.Rand, body []byte, strippable bool) (files [][]byte, names []string) {
	files = [][]byte{body}
	for range random.IntN(9) {
		b, name := randomTrailer(random, strippable)
		files = append(files, join(files[len(files)-1], b))
		names = slices.Insert(names, 0, name)
	}
	return files, names
}

// TestRandomStacks appends random trailers of all kinds: each is found, the outermost first, and taking them off one
// at a time leads through the same files back to the module.
func TestRandomStacks(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		files, want := randomStack(random, pattern(1+random.IntN(200_000)), false)
		file := files[len(files)-1]
		stack, err := splitAll(file)
		var got []string
		for i, trailer := range stack {
			got = append(got, fmt.Sprintf("%s %d", trailer.Type, len(trailer.Signature)))
			file = file[:len(file)-trailer.Size()]
			if !bytes.Equal(file, files[len(files)-2-i]) {
				t.Fatalf("%q: beneath trailer %d there are %d bytes, want %d", want, i+1, len(file), len(files[len(files)-2-i]))
			}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
}

// TestRandomStacksAreStripped reads modules with random trailers: all are stripped at once, or one at a time.
func TestRandomStacksAreStripped(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var s module.Scanner
	for range 100 {
		body := pattern(1 + random.IntN(700_000))
		files, names := randomStack(random, body, true)
		checkScan(t, &s, files[len(files)-1], body)
		for i := len(files) - 1; i > 0; i-- {
			n, left, err := module.CutOutermost(files[i][max(0, len(files[i])-maxStack-40):], int64(len(files[i])))
			if err != nil || left != (i > 1) || !bytes.Equal(files[i][:len(files[i])-n], files[i-1]) {
				t.Fatalf("%q: taking off trailer %d: got %d bytes, left %v, %v", names, i, n, left, err)
			}
		}
	}
}

// TestLargeStack checks that trailers of more bytes than are read together are an error, one byte above the limit,
// whatever the size of the module, and that the outermost can still be taken off.
func TestLargeStack(t *testing.T) {
	inner := trailer(pattern(30_000), module.IDTypePKCS7)
	for _, size := range []int{1, 300_000, 512<<10 - 60_000, 700_000} {
		body := pattern(size)
		fits := join(body, inner, trailer(pattern(maxStack-len(inner)-40), module.IDTypePKCS7))
		checkScan(t, new(module.Scanner), fits, body)
		tooLong := join(body, inner, trailer(pattern(maxStack-len(inner)-39), module.IDTypePKCS7))
		const want = "trailer 2, counted from the end of the file: reaches beyond the 65576 bytes that are read for all " +
			"trailers together: modhash unseal takes them off one at a time"
		for _, policy := range []module.Policy{module.Strip, module.Keep, module.Refuse} {
			_, err := new(module.Scanner).Scan(bytes.NewReader(tooLong), "m.ko", module.Options{Cut: policy.Cut, Raw: true})
			wantError(t, err, want)
			if errors.Is(err, module.ErrMalformed) {
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

// TestExamineDoubleTrailer checks that what is beneath the outermost trailer is reported: what the kernel hashes is
// the module with the others.
func TestExamineDoubleTrailer(t *testing.T) {
	sealed := module.AppendTrailer(pattern(1000), merkle.Proof{Position: 6, Siblings: make([]merkle.Hash, 2)})
	signed := join(sealed, trailer([]byte("signature"), module.IDTypePKCS7))
	found := examined(t, join(signed, trailer([]byte("again"), module.IDTypePKCS7)))
	if found.Sealed() || found.Further != 2 || found.FurtherErr != nil || found.Size != int64(len(signed)) {
		t.Errorf("found %+v", found)
	}
	if b := found.Beneath[0]; b.Type != module.IDTypePKCS7 || b.SignatureSize != 9 {
		t.Errorf("second is %+v", b)
	}
	if b := found.Beneath[1]; b.Type != module.IDTypeMerkle || b.SignatureSize != 68 || b.Proof.Position != 6 {
		t.Errorf("third is %+v", b)
	}
	broken := join(pattern(1000), trailerWith(nil, [8]byte{2: 2}, 5000))
	found = examined(t, join(broken, trailer([]byte("again"), module.IDTypePKCS7)))
	wantError(t, found.FurtherErr, "trailer 2, counted from the end of the file: malformed trailer: sig_len is 5000")
	if found.Further != 0 || !errors.Is(found.FurtherErr, module.ErrMalformed) || found.Size != int64(len(broken)) {
		t.Errorf("found %+v", found)
	}
}

// FuzzSplitTrailers checks that trailers, their error and what is left account for all bytes of a file.
func FuzzSplitTrailers(f *testing.F) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 5 {
		files, _ := randomStack(random, []byte("module"), false)
		f.Add(files[len(files)-1])
	}
	f.Add(join([]byte("module"), trailerWith(nil, [8]byte{2: 2}, 500), trailer(nil, module.IDTypePKCS7)))
	f.Fuzz(func(t *testing.T, file []byte) {
		stack, err := splitAll(file)
		body := file
		for _, trailer := range stack {
			if trailer.Size() >= len(body) {
				t.Fatalf("trailer has %d bytes of %d", trailer.Size(), len(body))
			}
			body = body[:len(body)-trailer.Size()]
		}
		if marked := bytes.HasSuffix(body, []byte(module.Marker)); marked != (err != nil) {
			t.Fatalf("%d trailers, error %v, but the rest ends with the marker: %v", len(stack), err, marked)
		}
		if len(file)-len(body) > maxStack {
			t.Fatalf("trailers have %d bytes", len(file)-len(body))
		}
		for _, policy := range []module.Policy{module.Strip, module.Keep, module.Refuse} {
			n, cutErr := policy.Cut(file[max(0, len(file)-maxStack-40):], int64(len(file)))
			if cutErr == nil && n != 0 && n != len(file)-len(body) {
				t.Fatalf("%s cuts %d bytes, the trailers have %d", policy, n, len(file)-len(body))
			}
			if err != nil && cutErr == nil {
				t.Fatalf("%s takes %v", policy, err)
			}
		}
	})
}

// SPDX-License-Identifier: Apache-2.0

package trailer_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/trailer"
)

// maxStack is how many bytes all trailers may have together.
const maxStack = 64<<10 + 40

func splitAll(file []byte) ([]*trailer.Trailer, error) {
	return trailer.SplitAll(file[max(0, len(file)-trailer.Window):], int64(len(file)))
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
		return trailer.Append(nil, proof), fmt.Sprintf("Merkle proof %d", 4+32*len(proof.Siblings))
	case 1:
		return appended(signature, trailer.IDTypePKCS7), fmt.Sprintf("PKCS#7 signature %d", len(signature))
	case 2:
		signature = signature[:max(0, len(signature)-300)]
		old := join([]byte("signer"), []byte("key id!"), signature)
		return appendedWith(old, [8]byte{1, 4, 1, 6, 7}, uint32(len(signature))), fmt.Sprintf("X.509 signature %d", len(signature))
	}
	return appended(signature, 9), fmt.Sprintf("signature of unknown id_type 9 %d", len(signature))
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
		files, want := randomStack(random, bytes.Repeat([]byte("m"), 1+random.IntN(200_000)), false)
		file := files[len(files)-1]
		stack, err := splitAll(file)
		var got []string
		for i, found := range stack {
			got = append(got, fmt.Sprintf("%s %d", found.Type, len(found.Signature)))
			file = file[:len(file)-found.Size()]
			if !bytes.Equal(file, files[len(files)-2-i]) {
				t.Fatalf("%q: beneath trailer %d there are %d bytes, want %d", want, i+1, len(file), len(files[len(files)-2-i]))
			}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
}

// TestCutOutermost takes off random trailers one at a time.
func TestCutOutermost(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		files, names := randomStack(random, bytes.Repeat([]byte("m"), 1+random.IntN(200_000)), true)
		for i := len(files) - 1; i > 0; i-- {
			n, left, err := trailer.CutOutermost(files[i][max(0, len(files[i])-trailer.Window):], int64(len(files[i])))
			if err != nil || left != (i > 1) || !bytes.Equal(files[i][:len(files[i])-n], files[i-1]) {
				t.Fatalf("%q: taking off trailer %d: got %d bytes, left %v, %v", names, i, n, left, err)
			}
		}
	}
}

// FuzzSplitAll checks that trailers, their error and what is left account for all bytes of a file.
func FuzzSplitAll(f *testing.F) {
	random := rand.New(rand.NewPCG(7, 8))
	for range 5 {
		files, _ := randomStack(random, []byte("module"), false)
		f.Add(files[len(files)-1])
	}
	f.Add(join([]byte("module"), appendedWith(nil, [8]byte{2: 2}, 500), appended(nil, trailer.IDTypePKCS7)))
	f.Fuzz(func(t *testing.T, file []byte) {
		stack, err := splitAll(file)
		body := file
		for _, found := range stack {
			if found.Size() >= len(body) {
				t.Fatalf("trailer has %d bytes of %d", found.Size(), len(body))
			}
			body = body[:len(body)-found.Size()]
		}
		if marked := bytes.HasSuffix(body, []byte(trailer.Marker)); marked != (err != nil) {
			t.Fatalf("%d trailers, error %v, but the rest ends with the marker: %v", len(stack), err, marked)
		}
		if len(file)-len(body) > maxStack {
			t.Fatalf("trailers have %d bytes", len(file)-len(body))
		}
		for _, policy := range []trailer.Policy{trailer.Strip, trailer.Keep, trailer.Refuse} {
			n, cutErr := policy.Cut(file[max(0, len(file)-trailer.Window):], int64(len(file)))
			if cutErr == nil && n != 0 && n != len(file)-len(body) {
				t.Fatalf("%s cuts %d bytes, the trailers have %d", policy, n, len(file)-len(body))
			}
			if err != nil && cutErr == nil {
				t.Fatalf("%s takes %v", policy, err)
			}
		}
	})
}

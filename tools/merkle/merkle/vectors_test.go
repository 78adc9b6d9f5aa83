// SPDX-License-Identifier: Apache-2.0

package merkle_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/trailer"
)

// vector is one tree of testdata/merkle-vectors.json: outputs of the reference
// implementation of the kernel series, none of ours.
type vector struct {
	Modules  int
	Levels   uint32
	Root     string
	Trailers []string
}

// vectorModule is module i of every vector: i*37+1 bytes, byte j being i*31+j*7.
func vectorModule(i int) []byte {
	b := make([]byte, i*37+1)
	for j := range b {
		b[j] = byte(i*31 + j*7)
	}
	return b
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/merkle-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 10 {
		t.Fatalf("%d vectors, want at least 10", len(file.Vectors))
	}
	return file.Vectors
}

func TestVectors(t *testing.T) {
	for _, v := range readVectors(t) {
		t.Run(fmt.Sprint(v.Modules), func(t *testing.T) { v.check(t) })
	}
}

func (v vector) check(t *testing.T) {
	leaves := make([]merkle.Hash, v.Modules)
	for i := range leaves {
		leaves[i] = merkle.LeafHash(uint32(i), vectorModule(i))
	}
	tree, err := merkle.New(leaves)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tree.Root().String(), fmt.Sprintf("%d %s", v.Levels, v.Root); got != want {
		t.Errorf("root is %s, want %s", got, want)
	}
	if len(v.Trailers) != v.Modules {
		t.Fatalf("vector has %d trailers, want %d", len(v.Trailers), v.Modules)
	}
	for i, want := range v.Trailers {
		p, err := tree.Proof(uint32(i))
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(trailer.Append(nil, p)); got != want {
			t.Errorf("trailer of module %d is %s, want %s", i, got, want)
		}
		checkForeignTrailer(t, i, want, tree.Root())
	}
}

// checkForeignTrailer verifies the module sealed by the reference implementation.
func checkForeignTrailer(t *testing.T, i int, reference string, root merkle.Root) {
	t.Helper()
	b, err := hex.DecodeString(reference)
	if err != nil {
		t.Fatal(err)
	}
	sealed := append(vectorModule(i), b...)
	found, err := trailer.Split(sealed, int64(len(sealed)))
	if err != nil || found == nil || found.Type != trailer.IDTypeMerkle {
		t.Fatalf("trailer of module %d: found %+v, %v", i, found, err)
	}
	body := sealed[:len(sealed)-found.Size()]
	if err := found.Proof.Verify(merkle.LeafHash(found.Proof.Position, body), root); err != nil {
		t.Errorf("module %d of the reference implementation: %v", i, err)
	}
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/trailer"
)

// sealedProgram seals an ELF file with code, this very test, as a module of a tree with three leaves,
// and returns the tree's root too.
func sealedProgram(t *testing.T) ([]byte, merkle.Root) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := merkle.New([]merkle.Hash{merkle.LeafHash(0, []byte("a")), merkle.LeafHash(1, body), merkle.LeafHash(2, []byte("b"))})
	if err != nil {
		t.Fatal(err)
	}
	proof, err := tree.Proof(1)
	if err != nil {
		t.Fatal(err)
	}
	return join(body, proof), tree.Root()
}

// refusal states why the verifier of this project rejects a module, or "" if it does not.
func refusal(data []byte, root merkle.Root) string {
	found, err := trailer.Split(data, int64(len(data)))
	switch {
	case err != nil:
		return "malformed"
	case found == nil:
		return "unsigned"
	case found.Type != trailer.IDTypeMerkle:
		return "other type"
	}
	err = found.Proof.Verify(merkle.LeafHash(found.Proof.Position, data[:len(data)-found.Size()]), root)
	var levels *merkle.LevelsError
	var mismatch *merkle.RootMismatchError
	switch {
	case errors.As(err, &levels):
		return "levels"
	case errors.As(err, &mismatch):
		return "mismatch"
	case err != nil:
		return "position"
	}
	return ""
}

func TestKinds(t *testing.T) {
	want := map[string]string{
		"code": "mismatch", "first_sibling": "mismatch", "last_sibling": "mismatch", "position": "mismatch",
		"position_high": "position", "proof_lost": "position", "twice": "mismatch",
		"proof_short": "levels", "proof_long": "levels", "proof_empty": "levels",
		"length_huge": "malformed", "length_file": "malformed", "reserved": "malformed", "info_cut": "malformed",
		"unknown_type": "other type",
		"end_lost":     "unsigned", "unsealed": "unsigned",
	}
	data, root := sealedProgram(t)
	if got := refusal(data, root); got != "" {
		t.Fatalf("the sealed module is refused: %s", got)
	}
	for kind, tamper := range kinds {
		t.Run(kind, func(t *testing.T) {
			m, err := takeApart(data)
			if err != nil {
				t.Fatal(err)
			}
			tampered, err := tamper(m)
			if err != nil {
				t.Fatal(err)
			}
			// What stands in front of the marker is the end of the ELF file: any refusal will do.
			if got := refusal(tampered, root); kind == "marker_only" && got == "" || kind != "marker_only" && got != want[kind] {
				t.Errorf("got the refusal %q, want %q", got, want[kind])
			}
		})
	}
	if len(kinds) != len(want)+1 {
		t.Errorf("got %d kinds, want %d", len(kinds), len(want)+1)
	}
}

func TestFlipCode(t *testing.T) {
	data, _ := sealedProgram(t)
	m, err := takeApart(data)
	if err != nil {
		t.Fatal(err)
	}
	tampered, err := flipCode(m)
	if err != nil {
		t.Fatal(err)
	}
	differing := 0
	for i := range data {
		if data[i] != tampered[i] {
			differing++
		}
	}
	if differing != 1 || len(data) != len(tampered) {
		t.Errorf("got %d other bytes and %d bytes, want 1 and %d", differing, len(tampered), len(data))
	}
}

func TestRunErrors(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	one := filepath.Join(dir, "one")
	sealedText := join([]byte("text"), merkle.Proof{Siblings: make([]merkle.Hash, 1)})
	if err := os.WriteFile(one, sealedText, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"kind", []string{"--kind=x"}, `--kind: got "x", want one of code, end_lost, `},
		{"file", []string{"--kind=code", "--in=" + filepath.Join(dir, "no")}, "open " + filepath.Join(dir, "no") + ": no such file"},
		{"not sealed", []string{"--kind=code", "--in=" + text},
			"reading " + text + ": got a module without a Merkle proof, want a sealed one"},
		{"no code", []string{"--kind=code", "--in=" + one}, "tampering with " + one + ": looking for code: EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := run(append(test.args, "--out="+filepath.Join(dir, "out")))
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got error %v, want %s", err, test.want)
			}
			if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
				t.Error("an output is there")
			}
		})
	}
}

func TestTakeApart(t *testing.T) {
	data, _ := sealedProgram(t)
	m, err := takeApart(data)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(join(m.body, m.proof), data) {
		t.Error("taken apart and joined, the module is another one")
	}
}

// SPDX-License-Identifier: Apache-2.0

package trailer_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/trailer"
)

func split(file []byte) (*trailer.Trailer, error) {
	return trailer.Split(file, int64(len(file)))
}

func TestSplit(t *testing.T) {
	proof := merkle.Proof{Position: 7, Siblings: []merkle.Hash{{1}, {2}, {3}}}
	for _, c := range []struct {
		name     string
		file     []byte
		wantType trailer.IDType
		wantSize int
	}{
		{"Merkle proof", trailer.Append([]byte("module"), proof), trailer.IDTypeMerkle, 4 + 3*32 + 40},
		{"Merkle proof without siblings", trailer.Append([]byte("module"), merkle.Proof{}), trailer.IDTypeMerkle, 44},
		{"PKCS#7 signature", join([]byte("module"), appended([]byte("signature"), trailer.IDTypePKCS7)), trailer.IDTypePKCS7, 49},
		{"one byte of module", join([]byte("m"), appended([]byte("signature"), trailer.IDTypePKCS7)), trailer.IDTypePKCS7, 49},
		{"old X.509 signature", join([]byte("module"), appendedWith([]byte("abc"), [8]byte{1, 4, 1, 1, 1}, 1)), trailer.IDTypeX509, 43},
		{"unknown type", join([]byte("module"), appended([]byte("abc"), 9)), 9, 43},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := split(c.file)
			if err != nil || got == nil {
				t.Fatalf("got %v, %v", got, err)
			}
			if got.Type != c.wantType || got.Size() != c.wantSize {
				t.Errorf("got %s of %d bytes, want %s of %d", got.Type, got.Size(), c.wantType, c.wantSize)
			}
		})
	}
}

func TestSplitFindsNone(t *testing.T) {
	for _, file := range []string{"", "module", "~Module signature appended~", "~Module signature appended~\n\n"} {
		if got, err := split([]byte(file)); got != nil || err != nil {
			t.Errorf("%q: got %v, %v, want none", file, got, err)
		}
	}
}

func TestSplitErrors(t *testing.T) {
	body := bytes.Repeat([]byte("m"), 200_000)
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"marker alone", []byte(trailer.Marker), "the file has 28 bytes, too few for a trailer"},
		{"no module", appended([]byte("signature"), trailer.IDTypePKCS7),
			"sig_len is 9, but only 9 bytes precede it, including the module"},
		{"sig_len beyond the file", join([]byte("module"), appendedWith([]byte("abc"), [8]byte{2: 2}, 10)),
			"sig_len is 10, but only 9 bytes precede it, including the module"},
		{"sig_len huge", join([]byte("module"), appendedWith(nil, [8]byte{2: 2}, 0xffffffff)), "sig_len is 4294967295, but only 6 bytes"},
		{"sig_len absurd", join(body, appendedWith(nil, [8]byte{2: 2}, 65537)), "sig_len is 65537, want at most 65536"},
		{"algo set", join(body, appendedWith([]byte("abc"), [8]byte{0: 1, 2: 2}, 3)),
			"PKCS#7 signature with algo 1, hash 0, signer_len 0, key_id_len 0, pad 000000, want all zero"},
		{"hash set", join(body, appendedWith([]byte("abc"), [8]byte{1: 1, 2: 2}, 3)), "algo 0, hash 1,"},
		{"signer_len set", join(body, appendedWith([]byte("abc"), [8]byte{2: 2, 3: 1}, 3)), "signer_len 1, key_id_len 0"},
		{"key_id_len set", join(body, appendedWith(make([]byte, 36), [8]byte{2: 3, 4: 1}, 36)), "Merkle proof with algo 0, hash 0, signer_len 0, key_id_len 1"},
		{"old signature with names beyond the file", join([]byte("module"), appendedWith([]byte("abc"), [8]byte{1, 4, 1, 4, 4}, 3)),
			"signer_len, key_id_len and sig_len add up to 11, but only 9 bytes precede it, including the module"},
		{"pad set", join(body, appendedWith(make([]byte, 36), [8]byte{2: 3, 7: 1}, 36)), "pad 000001, want all zero"},
		{"proof without position", join(body, appended(nil, trailer.IDTypeMerkle)), "proof has 0 bytes, want 4 + 32 × levels, levels at most 32"},
		{"proof one byte short", join(body, appended(make([]byte, 35), trailer.IDTypeMerkle)), "proof has 35 bytes"},
		{"proof one byte long", join(body, appended(make([]byte, 37), trailer.IDTypeMerkle)), "proof has 37 bytes"},
		{"proof of 33 levels", join(body, appended(make([]byte, 4+33*32), trailer.IDTypeMerkle)), "proof has 1060 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := split(c.file)
			wantError(t, err, c.want)
			if !errors.Is(err, trailer.ErrMalformed) {
				t.Errorf("%v is not ErrMalformed", err)
			}
		})
	}
}

func TestPolicyCut(t *testing.T) {
	plain := []byte("module")
	signed := join(plain, appended([]byte("signature"), trailer.IDTypePKCS7))
	sealed := trailer.Append([]byte("module"), merkle.Proof{Siblings: make([]merkle.Hash, 1)})
	old := join(plain, appended([]byte("abc"), trailer.IDTypePGP))
	twice := join(signed, appended([]byte("again"), trailer.IDTypePKCS7))
	broken := join(plain, appendedWith(nil, [8]byte{2: 2}, 1000))
	again := appended([]byte("again"), trailer.IDTypePKCS7)
	signedProof, signedOld, signedBroken := join(sealed, again), join(old, again), join(broken, again)
	for _, c := range []struct {
		name    string
		file    []byte
		policy  trailer.Policy
		want    int
		wantErr string
	}{
		{"plain", plain, trailer.Strip, 0, ""},
		{"plain", plain, trailer.Keep, 0, ""},
		{"plain", plain, trailer.Refuse, 0, ""},
		{"signed", signed, trailer.Strip, 49, ""},
		{"signed", signed, trailer.Keep, 0, ""},
		{"signed", signed, trailer.Refuse, 0, "carries a PKCS#7 signature of 9 bytes already, and existing signatures are rejected"},
		{"sealed", sealed, trailer.Strip, 76, ""},
		{"sealed", sealed, trailer.Keep, 0, "is sealed already: it carries a Merkle proof of 36 bytes, which only the policy strip drops"},
		{"sealed", sealed, trailer.Refuse, 0, "carries a Merkle proof of 36 bytes already, and existing signatures are rejected"},
		{"old", old, trailer.Strip, 0, "carries a PGP signature, which cannot be dropped: want PKCS#7 (id_type 2) or Merkle (id_type 3)"},
		{"old", old, trailer.Keep, 0, ""},
		{"twice", twice, trailer.Strip, 49 + 45, ""},
		{"twice", twice, trailer.Keep, 0, ""},
		{"twice", twice, trailer.Refuse, 0, "carries a PKCS#7 signature of 5 bytes already (the outermost of 2 trailers), and existing signatures are rejected"},
		{"signed on a proof", signedProof, trailer.Strip, 76 + 45, ""},
		{"signed on a proof", signedProof, trailer.Keep, 0,
			"trailer 2, counted from the end of the file: is sealed already: it carries a Merkle proof of 36 bytes, which only the policy strip drops"},
		{"signed on an old one", signedOld, trailer.Strip, 0,
			"trailer 2, counted from the end of the file: carries a PGP signature, which cannot be dropped"},
		{"signed on an old one", signedOld, trailer.Keep, 0, ""},
		{"signed on a broken one", signedBroken, trailer.Strip, 0,
			"trailer 2, counted from the end of the file: malformed trailer: sig_len is 1000"},
		{"signed on a broken one", signedBroken, trailer.Keep, 0, "trailer 2, counted from the end of the file: malformed trailer"},
		{"signed on a broken one", signedBroken, trailer.Refuse, 0, "trailer 2, counted from the end of the file: malformed trailer"},
		{"broken", broken, trailer.Strip, 0, "malformed trailer: sig_len is 1000"},
		{"broken", broken, trailer.Keep, 0, "malformed trailer: sig_len is 1000"},
		{"broken", broken, trailer.Refuse, 0, "malformed trailer: sig_len is 1000"},
	} {
		t.Run(c.name+" "+c.policy.String(), func(t *testing.T) {
			got, err := c.policy.Cut(c.file, int64(len(c.file)))
			if c.wantErr != "" {
				wantError(t, err, c.wantErr)
			} else if err != nil || got != c.want {
				t.Errorf("got %d, %v, want %d", got, err, c.want)
			}
		})
	}
}

func TestParsePolicy(t *testing.T) {
	for _, want := range []trailer.Policy{trailer.Strip, trailer.Keep, trailer.Refuse} {
		if got, err := trailer.ParsePolicy(want.String()); err != nil || got != want {
			t.Errorf("%s: got %v, %v", want, got, err)
		}
	}
	_, err := trailer.ParsePolicy("remove")
	wantError(t, err, `unknown policy "remove" for existing signatures, want strip, keep or error`)
}

// FuzzSplit checks that whatever is taken for a Merkle proof is written back to
// the same bytes, and that errors and trailers are never absurd.
func FuzzSplit(f *testing.F) {
	f.Add(trailer.Append([]byte("module"), merkle.Proof{Position: 5, Siblings: make([]merkle.Hash, 3)}))
	f.Add(join([]byte("module"), appended([]byte("signature"), trailer.IDTypePKCS7)))
	f.Add(join([]byte("module"), appendedWith(nil, [8]byte{2: 3}, 0xffffffff)))
	f.Add([]byte(trailer.Marker))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := split(file)
		marked := strings.HasSuffix(string(file), trailer.Marker)
		if marked != (got != nil || err != nil) {
			t.Fatalf("marker at the end: %v, got %v, %v", marked, got, err)
		}
		if err != nil || got == nil {
			return
		}
		if got.Size() >= len(file) {
			t.Fatalf("trailer has %d bytes, the file %d", got.Size(), len(file))
		}
		body := file[:len(file)-got.Size()]
		if got.Type != trailer.IDTypeMerkle {
			return
		}
		if again := trailer.Append(bytes.Clone(body), got.Proof); !bytes.Equal(again, file) {
			t.Fatalf("read and written again: %x, want %x", again, file)
		}
	})
}

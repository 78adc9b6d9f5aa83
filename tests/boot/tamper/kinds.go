// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/trailer"
)

// Sizes of what follows the proof, and where struct module_signature has its fields
// (include/uapi/linux/module_signature.h).
const (
	infoSize  = 12
	fixedSize = infoSize + len(trailer.Marker)

	idTypeField = 2
	padField    = 5
	lengthField = 8
)

// sealed is a sealed module taken apart.
type sealed struct {
	// body is what was hashed.
	body  []byte
	proof merkle.Proof
}

func takeApart(data []byte) (*sealed, error) {
	found, err := trailer.Split(data, int64(len(data)))
	if err != nil {
		return nil, err
	}
	if found == nil || found.Type != trailer.IDTypeMerkle {
		return nil, errors.New("got a module without a Merkle proof, want a sealed one")
	}
	if len(found.Proof.Siblings) == 0 {
		return nil, errors.New("got a proof without siblings, want at least one to tamper with")
	}
	return &sealed{body: data[:len(data)-found.Size()], proof: found.Proof}, nil
}

// join puts body and proof together.
func join(body []byte, proof merkle.Proof) []byte {
	return trailer.Append(slices.Clone(body), proof)
}

// withInfo returns the sealed module with struct module_signature changed.
func (s *sealed) withInfo(change func(info []byte)) []byte {
	data := join(s.body, s.proof)
	change(data[len(data)-fixedSize : len(data)-len(trailer.Marker)])
	return data
}

// withProof returns the module with its proof changed, which stays well-formed.
func (s *sealed) withProof(change func(*merkle.Proof)) []byte {
	proof := merkle.Proof{Position: s.proof.Position, Siblings: slices.Clone(s.proof.Siblings)}
	change(&proof)
	return join(s.body, proof)
}

// proofSize is sig_len.
func (s *sealed) proofSize() int {
	return 4 + len(s.proof.Siblings)*merkle.HashSize
}

// plain makes a kind of what cannot fail.
func plain(tamper func(*sealed) []byte) func(*sealed) ([]byte, error) {
	return func(s *sealed) ([]byte, error) { return tamper(s), nil }
}

// proofChange makes a kind of a change of the proof.
func proofChange(change func(*merkle.Proof)) func(*sealed) ([]byte, error) {
	return plain(func(s *sealed) []byte { return s.withProof(change) })
}

// infoChange makes a kind of a change of struct module_signature.
func infoChange(change func(info []byte)) func(*sealed) ([]byte, error) {
	return plain(func(s *sealed) []byte { return s.withInfo(change) })
}

// kinds are the ways to tamper with a module.
var kinds = map[string]func(*sealed) ([]byte, error){
	// One bit of the module's code.
	"code": flipCode,
	// One bit of each part of the proof.
	"first_sibling": proofChange(func(p *merkle.Proof) { p.Siblings[0][0] ^= 1 }),
	"last_sibling":  proofChange(func(p *merkle.Proof) { p.Siblings[len(p.Siblings)-1][merkle.HashSize-1] ^= 0x80 }),
	"position":      proofChange(func(p *merkle.Proof) { p.Position ^= 1 }),
	// A position that no tree has: only its low bits say where siblings go, the hash binds all.
	"position_high": proofChange(func(p *merkle.Proof) { p.Position ^= 1 << 30 }),
	// Proofs of another length than the tree's.
	"proof_short": proofChange(func(p *merkle.Proof) { p.Siblings = p.Siblings[:len(p.Siblings)-1] }),
	"proof_long":  proofChange(func(p *merkle.Proof) { p.Siblings = append(p.Siblings, merkle.Hash{}) }),
	"proof_empty": proofChange(func(p *merkle.Proof) { p.Siblings = nil }),
	// Trailers that make no sense.
	"length_huge": infoChange(func(info []byte) { binary.BigEndian.PutUint32(info[lengthField:], math.MaxUint32) }),
	"length_file": plain(func(s *sealed) []byte {
		return s.withInfo(func(info []byte) {
			binary.BigEndian.PutUint32(info[lengthField:], uint32(len(s.body)+s.proofSize()))
		})
	}),
	"reserved": infoChange(func(info []byte) { info[padField] = 1 }),
	// A type that no kernel knows.
	"unknown_type": infoChange(func(info []byte) { info[idTypeField] = 9 }),
	// The module with only the marker, and a file that holds less than a trailer.
	"marker_only": plain(func(s *sealed) []byte { return append(slices.Clone(s.body), trailer.Marker...) }),
	"info_cut":    plain(func(*sealed) []byte { return append(make([]byte, infoSize-4), trailer.Marker...) }),
	// Bytes are lost: at the end, so that the marker is damaged, and in the proof.
	"end_lost":   plain(func(s *sealed) []byte { data := join(s.body, s.proof); return data[:len(data)-10] }),
	"proof_lost": plain(proofLost),
	// The bare module, and the sealed one sealed once more with the same proof.
	"unsealed": plain(func(s *sealed) []byte { return s.body }),
	"twice":    plain(func(s *sealed) []byte { return join(join(s.body, s.proof), s.proof) }),
}

// proofLost takes bytes out of the middle of the proof; sig_len stays.
func proofLost(s *sealed) []byte {
	data := join(s.body, s.proof)
	at := len(s.body) + s.proofSize()/2
	return slices.Delete(data, at, at+16)
}

func flipCode(s *sealed) ([]byte, error) {
	offset, err := codeOffset(s.body)
	if err != nil {
		return nil, fmt.Errorf("looking for code: %w", err)
	}
	return s.withBody(func(body []byte) { body[offset] ^= 1 }), nil
}

// withBody returns the module with its own bytes changed.
func (s *sealed) withBody(change func(body []byte)) []byte {
	body := slices.Clone(s.body)
	change(body)
	return join(body, s.proof)
}

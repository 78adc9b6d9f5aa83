// SPDX-License-Identifier: Apache-2.0

package ipe

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Source is an origin of files that a description names.
type Source string

// The sources.
const (
	// Image is the module image: the dm-verity volume with the modules.
	Image Source = "image"
	// Initramfs is the initramfs that the kernel unpacked.
	Initramfs Source = "initramfs"
)

// Description is a policy in terms of sources.
type Description struct {
	Name    string
	Version Version
	// RootHash is that of the module image.
	RootHash Digest
	// Allow lists the sources of each operation that is restricted. An empty list denies the operation. The kernel allows the
	// operations that are not here from anywhere. KernelModule must be here.
	Allow map[Operation][]Source
}

// Policy returns the policy for a description.
func (d Description) Policy() (*Policy, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	p := &Policy{Name: d.Name, Version: d.Version, Rules: []Rule{{Default: true, Action: Allow}}}
	for _, o := range Operations {
		sources, restricted := d.Allow[o]
		if !restricted {
			continue
		}
		p.Rules = append(p.Rules, Rule{Default: true, Operation: o, Action: Deny})
		if slices.Contains(sources, Image) {
			p.Rules = append(p.Rules, Rule{Operation: o, Properties: []Property{{Name: verityRootHash, Digest: d.RootHash}}, Action: Allow})
		}
		if slices.Contains(sources, Initramfs) {
			p.Rules = append(p.Rules, Rule{Operation: o, Properties: []Property{{Name: bootVerified, Want: true}}, Action: Allow})
		}
	}
	// The lines are those of the text.
	return Parse(p.Text())
}

func (d Description) check() error {
	if d.Name == "" || strings.ContainsFunc(d.Name, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' || r == '/' }) {
		return fmt.Errorf("got the name %q, want printable ASCII characters without space, # and /: the name becomes a directory", d.Name)
	}
	if size := digestSizes[d.RootHash.Algorithm]; size == 0 || len(d.RootHash.Hex) != size {
		return fmt.Errorf("got the root hash %q, want one such as sha256: with 64 hexadecimal digits", d.RootHash)
	}
	if _, ok := d.Allow[KernelModule]; !ok {
		return errors.New("got no sources of KMODULE, want image, initramfs or both: without them, modules may come from anywhere")
	}
	for o, sources := range d.Allow {
		if !slices.Contains(Operations, o) {
			return fmt.Errorf("got the operation %q, want one of %s", o, operationsText())
		}
		for _, s := range sources {
			if s != Image && s != Initramfs {
				return fmt.Errorf("%s: got the source %q, want %s or %s", o, s, Image, Initramfs)
			}
		}
	}
	return nil
}

// BlankRootHash is what stands for the root hash of the module image in a policy before it is known: no volume has it.
func BlankRootHash() Digest {
	return Digest{Algorithm: "sha256", Hex: strings.Repeat("0", digestSizes["sha256"])}
}

// Fill returns the text of a policy with the root hash of the module image in place of zeros. All else of the text stays, and its
// length too.
func Fill(text []byte, rootHash Digest) ([]byte, error) {
	policy, err := Parse(text)
	if err != nil {
		return nil, err
	}
	if rootHash.Algorithm != "sha256" || len(rootHash.Hex) != digestSizes["sha256"] {
		return nil, fmt.Errorf("got the root hash %q, want one such as sha256: with 64 hexadecimal digits", rootHash)
	}
	blank := verityRootHash + "=" + BlankRootHash().String()
	if !slices.Contains(policy.RootHashes(), BlankRootHash()) {
		return nil, fmt.Errorf("got no rule with %s, want one for the module image", blank)
	}
	filled := bytes.ReplaceAll(text, []byte(blank), []byte(verityRootHash+"="+rootHash.String()))
	if _, err := Parse(filled); err != nil {
		return nil, err
	}
	return filled, nil
}

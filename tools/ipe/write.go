// SPDX-License-Identifier: Apache-2.0

package ipe

import (
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

// Blank returns the policy with zeros for all digests: same length, and no file has them.
func (p *Policy) Blank() *Policy {
	blank := &Policy{Name: p.Name, Version: p.Version}
	for _, r := range p.Rules {
		r.Properties = slices.Clone(r.Properties)
		for i := range r.Properties {
			d := &r.Properties[i].Digest
			d.Hex = strings.Repeat("0", len(d.Hex))
		}
		blank.Rules = append(blank.Rules, r)
	}
	return blank
}

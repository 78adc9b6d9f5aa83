// SPDX-License-Identifier: Apache-2.0

// Package ipe reads, writes and evaluates policies of Integrity Policy Enforcement, the part of Linux (since 6.12) that decides
// from where the kernel may take modules, firmware, programs and kernels.
//
// The grammar and its evaluation are those of security/ipe/policy_parser.c and security/ipe/eval.c.
package ipe

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Operation is what a rule is about. The text is the one of the grammar, after `op=`.
type Operation string

// The operations of Linux 6.12 to 7.3, in the kernel's order.
const (
	Execute        Operation = "EXECUTE"
	Firmware       Operation = "FIRMWARE"
	KernelModule   Operation = "KMODULE"
	KexecImage     Operation = "KEXEC_IMAGE"
	KexecInitramfs Operation = "KEXEC_INITRAMFS"
	PolicyFile     Operation = "POLICY"
	X509           Operation = "X509_CERT"
)

// Operations are all operations, in the kernel's order.
var Operations = []Operation{Execute, Firmware, KernelModule, KexecImage, KexecInitramfs, PolicyFile, X509}

// Action is what a rule decides. The text is the one of the grammar, after `action=`.
type Action string

// The two actions.
const (
	Allow Action = "ALLOW"
	Deny  Action = "DENY"
)

// Digest is a digest in a policy: the root hash of a dm-verity volume, or the digest of an fs-verity file.
type Digest struct {
	// Algorithm is the kernel's name, such as sha256.
	Algorithm string
	// Hex is the digest in lower-case hexadecimal digits.
	Hex string
}

// String returns the form of the grammar: ALGORITHM:HEX.
func (d Digest) String() string { return d.Algorithm + ":" + d.Hex }

// IsBlank is whether all digits are zero: a placeholder, which no volume has.
func (d Digest) IsBlank() bool { return strings.Trim(d.Hex, "0") == "" }

// Property is a property that a file must have for a rule to match.
type Property struct {
	// Name is one of the names of the grammar, such as dmverity_roothash.
	Name string
	// Want is the value of properties that are true or false.
	Want bool
	// Digest is the value of dmverity_roothash and fsverity_digest.
	Digest Digest
}

// Names of properties.
const (
	bootVerified    = "boot_verified"
	verityRootHash  = "dmverity_roothash"
	veritySignature = "dmverity_signature"
	fileDigest      = "fsverity_digest"
	fileSignature   = "fsverity_signature"
)

// String returns the form of the grammar.
func (p Property) String() string {
	switch {
	case p.hasDigest():
		return p.Name + "=" + p.Digest.String()
	case p.Want:
		return p.Name + "=TRUE"
	}
	return p.Name + "=FALSE"
}

func (p Property) hasDigest() bool { return p.Name == verityRootHash || p.Name == fileDigest }

// Rule is one line of a policy after its header.
type Rule struct {
	// Default is whether the rule applies if no other rule of the operation matches. Such a rule has no properties.
	Default bool
	// Operation is empty in a default for all operations without their own.
	Operation Operation
	// Properties must all be those of the file. A rule without properties matches every file, and every buffer.
	Properties []Property
	Action     Action
	// Line is the number of the line in the text, or 0.
	Line int
}

// String returns the form of the grammar.
func (r Rule) String() string {
	var words []string
	if r.Default {
		words = append(words, "DEFAULT")
	}
	if r.Operation != "" {
		words = append(words, "op="+string(r.Operation))
	}
	for _, p := range r.Properties {
		words = append(words, p.String())
	}
	return strings.Join(append(words, "action="+string(r.Action)), " ")
}

// Version is the version of a policy: the kernel replaces a policy only by one with a higher version.
type Version [3]uint16

// String returns the form of the grammar: MAJOR.MINOR.REVISION.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// ParseVersion reads three numbers below 65536 with dots between them.
func ParseVersion(text string) (Version, error) {
	var v Version
	parts := strings.Split(text, ".")
	if len(parts) != len(v) {
		return v, fmt.Errorf("got the version %q, want three numbers such as 1.0.0", text)
	}
	for i, part := range parts {
		// The kernel's kstrtou16 accepts one plus sign.
		n, err := strconv.ParseUint(strings.TrimPrefix(part, "+"), 10, 16)
		if err != nil {
			return v, fmt.Errorf("got the version %q, want three numbers from 0 to 65535 such as 1.0.0", text)
		}
		v[i] = uint16(n)
	}
	return v, nil
}

// Policy is a policy that the kernel accepts.
type Policy struct {
	Name    string
	Version Version
	// Rules are the rules, defaults included, in the order of the text.
	Rules []Rule
}

// Text returns the text of the policy, which Parse reads as the same policy.
func (p *Policy) Text() []byte {
	var text bytes.Buffer
	fmt.Fprintf(&text, "policy_name=%s policy_version=%s\n", p.Name, p.Version)
	for _, r := range p.Rules {
		fmt.Fprintln(&text, r)
	}
	return text.Bytes()
}

// RootHashes are the root hashes of dm-verity volumes that rules name, in the order of the rules, each once.
func (p *Policy) RootHashes() []Digest { return p.digests(verityRootHash) }

func (p *Policy) digests(name string) []Digest {
	var found []Digest
	seen := map[Digest]bool{}
	for _, r := range p.Rules {
		for _, property := range r.Properties {
			if property.Name == name && !seen[property.Digest] {
				seen[property.Digest] = true
				found = append(found, property.Digest)
			}
		}
	}
	return found
}

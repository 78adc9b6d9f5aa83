// SPDX-License-Identifier: Apache-2.0

package ipe

import (
	"fmt"
	"slices"
	"strings"
)

// File is what the kernel knows of a file when it evaluates a policy. The zero value is a file without any integrity property,
// and also a buffer, such as that of init_module(2): the kernel knows no file for it.
type File struct {
	// Initramfs is whether the file is in the initramfs that the kernel unpacked.
	Initramfs bool
	// RootHash is that of the dm-verity volume with the file, or nil. Signed is whether it has a signature that the kernel verified.
	RootHash *Digest
	Signed   bool
	// FileDigest is the fs-verity digest of the file, or nil. FileSigned is whether it has a signature that the kernel verified.
	FileDigest *Digest
	FileSigned bool
}

// has is whether a file has a property (evaluate_property in security/ipe/eval.c).
func (f File) has(p Property) bool {
	switch p.Name {
	case bootVerified:
		return f.Initramfs == p.Want
	case verityRootHash:
		return f.RootHash != nil && *f.RootHash == p.Digest
	case veritySignature:
		return (f.RootHash != nil && f.Signed) == p.Want
	case fileDigest:
		return f.FileDigest != nil && *f.FileDigest == p.Digest
	case fileSignature:
		return (f.FileDigest != nil && f.FileSigned) == p.Want
	}
	return false
}

// String describes the file.
func (f File) String() string {
	var words []string
	if f.Initramfs {
		words = append(words, "the initramfs")
	}
	if f.RootHash != nil {
		words = append(words, "a "+signedText(f.Signed)+"dm-verity volume with "+digestText(*f.RootHash, "root hash"))
	}
	if f.FileDigest != nil {
		words = append(words, "a "+signedText(f.FileSigned)+"fs-verity file with "+digestText(*f.FileDigest, "digest"))
	}
	if len(words) == 0 {
		return "any other file, or a buffer"
	}
	return strings.Join(words, ", on ")
}

func signedText(signed bool) string {
	if signed {
		return "signed "
	}
	return ""
}

func digestText(d Digest, kind string) string {
	if d == other {
		return "any other " + kind
	}
	return "the " + kind + " " + d.String()
}

// Decide returns the rule that decides about a file: the first one that matches, else the default of the operation, else the
// default of all operations.
func (p *Policy) Decide(o Operation, f File) Rule { return p.Rules[p.decide(o, f)] }

// decide returns the index of the rule. Each policy has a default for each operation.
func (p *Policy) decide(o Operation, f File) int {
	fallback := -1
	for i, r := range p.Rules {
		switch {
		case r.Default && r.Operation == o, r.Default && r.Operation == "" && fallback < 0:
			fallback = i
		case r.Default || r.Operation != o:
		case !slices.ContainsFunc(r.Properties, func(q Property) bool { return !f.has(q) }):
			return i
		}
	}
	return fallback
}

// other stands for all digests that a policy does not name. No digest in a policy has a colon in the name of its algorithm.
var other = Digest{Algorithm: ":"}

// files are representatives of all files among which the rules of a policy can distinguish, from the plainest on. Each of the
// volumes also appears with all digests of files that the policy names. For other volumes, those digests are enough that share
// a rule with the volume: no rule can require that a digest is not a certain one, so any other digest matches the rules that a
// named one matches, but for the rules that name it.
func (p *Policy) files(volumes ...Digest) []File {
	var files []File
	add := func(volume, file *Digest) {
		for _, signed := range signatures(volume) {
			for _, fileSigned := range signatures(file) {
				files = append(files, File{false, volume, signed, file, fileSigned}, File{true, volume, signed, file, fileSigned})
			}
		}
	}
	add(nil, nil)
	for _, d := range append(p.digests(fileDigest), other) {
		add(nil, &d)
	}
	for _, volume := range append(volumes, append(p.RootHashes(), other)...) {
		add(&volume, nil)
		for _, d := range append(p.digestsWith(volume, volumes), other) {
			add(&volume, &d)
		}
	}
	return files
}

func signatures(d *Digest) []bool {
	if d == nil {
		return []bool{false}
	}
	return []bool{false, true}
}

// digestsWith are the digests of files that share a rule with a volume, or all if it is one of these volumes, or another one.
func (p *Policy) digestsWith(volume Digest, volumes []Digest) []Digest {
	if volume == other || slices.Contains(volumes, volume) {
		return p.digests(fileDigest)
	}
	shared := Policy{}
	for _, r := range p.Rules {
		if slices.ContainsFunc(r.Properties, func(q Property) bool { return q.Name == verityRootHash && q.Digest == volume }) {
			shared.Rules = append(shared.Rules, r)
		}
	}
	return shared.digests(fileDigest)
}

// Decision is a rule, and a file about which it decides.
type Decision struct {
	File File
	Rule Rule
}

// Explain returns the decisions about an operation: for each rule that decides about some file, the plainest one.
func (p *Policy) Explain(o Operation) []Decision {
	var decisions []Decision
	seen := map[int]bool{}
	for _, f := range p.files() {
		if i := p.decide(o, f); !seen[i] {
			seen[i] = true
			decisions = append(decisions, Decision{f, p.Rules[i]})
		}
	}
	return decisions
}

// Finding is something in a policy that its reader may not expect.
type Finding struct {
	// Line is the line of the rule, or 0.
	Line int
	Text string
}

// String returns `line N: TEXT`.
func (f Finding) String() string {
	if f.Line == 0 {
		return f.Text
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.Text)
}

// Sources are the origins from which a policy for modules may allow modules.
type Sources struct {
	// RootHash is that of the volume with the modules.
	RootHash Digest
	// Initramfs is whether modules from the initramfs are allowed.
	Initramfs bool
}

// includes is whether a file is from one of the sources.
func (s Sources) includes(f File) bool {
	return f.RootHash != nil && *f.RootHash == s.RootHash || s.Initramfs && f.Initramfs
}

// Check returns what a policy for modules gets wrong: files outside the sources that it allows as modules, files from the sources
// that it denies, digests that no file can have, and rules that never decide.
func (p *Policy) Check(want Sources) []Finding {
	findings := append(p.checkDigests(), p.checkUnused()...)
	seen := map[string]bool{}
	for _, f := range p.files(want.RootHash) {
		i, included := p.decide(KernelModule, f), want.includes(f)
		if (p.Rules[i].Action == Allow) == included {
			continue
		}
		// One finding for each rule, with the plainest file.
		if key := fmt.Sprint(i, included); !seen[key] {
			seen[key] = true
			findings = append(findings, Finding{p.Rules[i].Line, unexpected(f, p.Rules[i])})
		}
	}
	slices.SortStableFunc(findings, func(a, b Finding) int { return a.Line - b.Line })
	return findings
}

func unexpected(f File, r Rule) string {
	verb := "allows"
	if r.Action == Deny {
		verb = "denies"
	}
	return fmt.Sprintf("%q %s modules from %s", r, verb, f)
}

// digestSizes are the numbers of hexadecimal digits of the algorithms that the kernel's dm-verity and fs-verity use.
var digestSizes = map[string]int{"sha1": 40, "sha256": 64, "sha384": 96, "sha512": 128}

func (p *Policy) checkDigests() []Finding {
	var findings []Finding
	for _, r := range p.Rules {
		for _, property := range r.Properties {
			d := property.Digest
			switch size, known := digestSizes[d.Algorithm]; {
			case !property.hasDigest():
			case !known:
				findings = append(findings, Finding{r.Line, fmt.Sprintf("got the algorithm %q, want one of sha1, sha256, sha384, sha512", d.Algorithm)})
			case len(d.Hex) != size:
				findings = append(findings, Finding{r.Line, fmt.Sprintf("got %d digits of %s, want %d: no file has this digest", len(d.Hex), d.Algorithm, size)})
			case d.IsBlank():
				findings = append(findings, Finding{r.Line, "the digest is all zero, a placeholder: no file has it"})
			}
		}
	}
	return findings
}

// checkUnused finds rules that decide about no file, because rules before them match all that they match. A default may be there
// for operations that later kernels add.
func (p *Policy) checkUnused() []Finding {
	used := map[int]bool{}
	files := p.files()
	for _, o := range Operations {
		for _, f := range files {
			used[p.decide(o, f)] = true
		}
	}
	var findings []Finding
	for i, r := range p.Rules {
		if !r.Default && !used[i] {
			findings = append(findings, Finding{r.Line, fmt.Sprintf("%q never decides: rules before it match all that it matches", r)})
		}
	}
	return findings
}

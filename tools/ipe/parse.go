// SPDX-License-Identifier: Apache-2.0

package ipe

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxText bounds the text of a policy: many times what a policy for modules needs.
const maxText = 1 << 18

// Parse reads the text of a policy. It accepts what the kernel accepts, but for two things that the kernel reads in another way
// than they look: text after a NUL byte, which it ignores, and the bytes \v, \f and 0xa0, which it treats as space at the end of
// a line only.
func Parse(text []byte) (*Policy, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("got a policy of %d bytes, want at most %d", len(text), maxText)
	}
	p := &parser{defaults: map[Operation]int{}}
	for i, line := range strings.Split(string(text), "\n") {
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		p.number++
	}
	return p.end()
}

// parser is a policy of which some lines are read.
type parser struct {
	policy   Policy
	header   bool
	defaults map[Operation]int
	// number is that of the line, from 0.
	number int
}

// line reads a line. For the kernel, \r ends a line, too.
func (p *parser) line(text string) error {
	for _, b := range []byte(text) {
		if strings.IndexByte("\x00\v\f\xa0", b) >= 0 {
			return fmt.Errorf("got the byte %#02x, want none of 0x00, 0x0b, 0x0c and 0xa0", b)
		}
	}
	for part := range strings.SplitSeq(text, "\r") {
		part, _, _ = strings.Cut(part, "#")
		words := strings.FieldsFunc(part, func(r rune) bool { return r == ' ' || r == '\t' })
		if len(words) == 0 {
			continue
		}
		if err := p.words(words); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) words(words []string) error {
	if !p.header {
		p.header = true
		return p.readHeader(words)
	}
	r, err := parseRule(words)
	if err != nil {
		return err
	}
	r.Line = p.number + 1
	if r.Default {
		if first, ok := p.defaults[r.Operation]; ok {
			return fmt.Errorf("got a second default for %s, want the one of line %d alone", subject(r.Operation), first)
		}
		p.defaults[r.Operation] = r.Line
	}
	p.policy.Rules = append(p.policy.Rules, r)
	return nil
}

func subject(o Operation) string {
	if o == "" {
		return "all operations"
	}
	return "op=" + string(o)
}

func (p *parser) readHeader(words []string) error {
	const want = "want policy_name=NAME policy_version=MAJOR.MINOR.REVISION as the first line"
	if len(words) != 2 {
		return fmt.Errorf("got %q, %s", strings.Join(words, " "), want)
	}
	name, isName := strings.CutPrefix(words[0], "policy_name=")
	version, isVersion := strings.CutPrefix(words[1], "policy_version=")
	if !isName || !isVersion || name == "" {
		return fmt.Errorf("got %q, %s", strings.Join(words, " "), want)
	}
	p.policy.Name = name
	var err error
	p.policy.Version, err = ParseVersion(version)
	return err
}

// end checks that each operation has a default.
func (p *parser) end() (*Policy, error) {
	if !p.header {
		return nil, errors.New("got no line, want policy_name=NAME policy_version=MAJOR.MINOR.REVISION and rules")
	}
	if _, ok := p.defaults[""]; ok {
		return &p.policy, nil
	}
	for _, o := range Operations {
		if _, ok := p.defaults[o]; !ok {
			return nil, fmt.Errorf("got no default for op=%s, want one, or one for all operations: DEFAULT action=DENY", o)
		}
	}
	return &p.policy, nil
}

// parseRule reads a rule: [DEFAULT] [op=OPERATION] [PROPERTY]... action=ACTION.
func parseRule(words []string) (Rule, error) {
	var r Rule
	last := words[len(words)-1]
	switch last {
	case "action=ALLOW":
		r.Action = Allow
	case "action=DENY":
		r.Action = Deny
	default:
		return r, fmt.Errorf("got %q, want action=ALLOW or action=DENY as the last word", last)
	}
	words = words[:len(words)-1]
	if len(words) > 0 && words[0] == "DEFAULT" {
		r.Default, words = true, words[1:]
	}
	if len(words) == 0 {
		if !r.Default {
			return r, errors.New("got no operation, want DEFAULT or op=OPERATION as the first word")
		}
		return r, nil
	}
	name, _ := strings.CutPrefix(words[0], "op=")
	if r.Operation = Operation(name); "op="+name != words[0] || !slices.Contains(Operations, r.Operation) {
		return r, fmt.Errorf("got %q, want op= with one of %s", words[0], operationsText())
	}
	for _, word := range words[1:] {
		property, err := parseProperty(word)
		if err != nil {
			return r, err
		}
		r.Properties = append(r.Properties, property)
	}
	if r.Default && len(r.Properties) > 0 {
		return r, fmt.Errorf("got a default with the property %s, want none", r.Properties[0])
	}
	return r, nil
}

func operationsText() string {
	var words []string
	for _, o := range Operations {
		words = append(words, string(o))
	}
	return strings.Join(words, ", ")
}

func parseProperty(word string) (Property, error) {
	name, value, _ := strings.Cut(word, "=")
	p := Property{Name: name}
	switch name {
	case bootVerified, veritySignature, fileSignature:
		p.Want = value == "TRUE"
		if !p.Want && value != "FALSE" {
			return p, fmt.Errorf("got %q, want %s=TRUE or %s=FALSE", word, name, name)
		}
		return p, nil
	case verityRootHash, fileDigest:
		var err error
		if p.Digest, err = ParseDigest(value); err != nil {
			return p, fmt.Errorf("%s: %w", name, err)
		}
		return p, nil
	}
	return p, fmt.Errorf("got %q, want one of the properties %s", word,
		strings.Join([]string{bootVerified, verityRootHash, veritySignature, fileDigest, fileSignature}, ", "))
}

// ParseDigest reads ALGORITHM:HEX.
func ParseDigest(text string) (Digest, error) {
	algorithm, digits, found := strings.Cut(text, ":")
	if _, err := hex.DecodeString(digits); !found || err != nil {
		return Digest{}, fmt.Errorf("got the digest %q, want ALGORITHM:HEX such as sha256:0f1e…", text)
	}
	return Digest{Algorithm: algorithm, Hex: strings.ToLower(digits)}, nil
}

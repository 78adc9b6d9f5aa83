// SPDX-License-Identifier: Apache-2.0

package attest

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/tree"
)

// DecodeTree reads the tree out of a Statement that EncodeStatement wrote: all that is
// needed to verify modules. Signatures are not its business: data is what is left after
// they were checked.
//
// Fields that it does not know are left alone, as in-toto's parsing rules want; whatever
// decides about modules must be there and fit together, the root above all.
func DecodeTree(data []byte) (*tree.Tree, error) {
	statement, err := decodeStatement(data)
	if err != nil {
		return nil, err
	}
	p, err := decodePredicate(statement)
	if err != nil {
		return nil, err
	}
	leaves, err := p.leaves(statement.GetSubject())
	if err != nil {
		return nil, err
	}
	tree, err := tree.New(leaves)
	if err != nil {
		return nil, err
	}
	return tree, p.Root.check(tree.Root())
}

func decodeStatement(data []byte) (*intoto.Statement, error) {
	if err := refuseEnvelope(data); err != nil {
		return nil, err
	}
	statement := &intoto.Statement{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, statement); err != nil {
		return nil, fmt.Errorf("is not an in-toto Statement: %w", err)
	}
	if got := statement.GetType(); got != intoto.StatementTypeUri {
		return nil, fmt.Errorf("has the type %q, want %q", got, intoto.StatementTypeUri)
	}
	if err := statement.Validate(); err != nil {
		return nil, fmt.Errorf("is not a valid in-toto Statement: %w", err)
	}
	if got := statement.GetPredicateType(); got != PredicateType {
		return nil, fmt.Errorf("has the predicate type %q, want %q: it attests something else", got, PredicateType)
	}
	return statement, nil
}

// refuseEnvelope states what to do with a signed statement.
func refuseEnvelope(data []byte) error {
	var envelope struct {
		PayloadType string          `json:"payloadType"`
		Bundle      json.RawMessage `json:"dsseEnvelope"`
	}
	if json.Unmarshal(data, &envelope) == nil && (envelope.PayloadType != "" || envelope.Bundle != nil) {
		return errors.New("is a signed envelope: check its signature with the tool that made it, " +
			"and give the statement in it, its decoded payload")
	}
	return nil
}

func decodePredicate(statement *intoto.Statement) (predicate, error) {
	var p predicate
	text, err := protojson.Marshal(statement.GetPredicate())
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return predicate{}, fmt.Errorf("predicate: %w", err)
	}
	if p.Root.Algorithm != algorithm {
		return predicate{}, fmt.Errorf("predicate: root has the algorithm %q, want %q", p.Root.Algorithm, algorithm)
	}
	return p, nil
}

// leaves joins the predicate's modules with the digests of the subjects.
func (p predicate) leaves(subjects []*intoto.ResourceDescriptor) ([]tree.Leaf, error) {
	sums, err := moduleSums(subjects)
	if err != nil {
		return nil, err
	}
	if len(sums) != len(p.Modules) {
		return nil, fmt.Errorf("has %d subjects that are modules, and %d modules in the predicate",
			len(sums), len(p.Modules))
	}
	leaves := make([]tree.Leaf, len(p.Modules))
	for i, m := range p.Modules {
		if leaves[i], err = m.leaf(uint32(i), sums); err != nil {
			return nil, fmt.Errorf("predicate: module %d (%s): %w", i, m.Path, err)
		}
	}
	return leaves, nil
}

// moduleSums returns the SHA-256 of each subject that is a module, by name.
func moduleSums(subjects []*intoto.ResourceDescriptor) (map[string]merkle.Hash, error) {
	sums := map[string]merkle.Hash{}
	for _, s := range subjects {
		if s.GetAnnotations().GetFields()[formKey].GetStringValue() != formModule {
			continue
		}
		if _, ok := sums[s.GetName()]; ok {
			return nil, fmt.Errorf("has two subjects that are the module %s", s.GetName())
		}
		sum, err := parseHash(s.GetDigest()[algorithm])
		if err != nil {
			return nil, fmt.Errorf("subject %s: %s digest: %w", s.GetName(), algorithm, err)
		}
		sums[s.GetName()] = sum
	}
	return sums, nil
}

func (m moduleJSON) leaf(position uint32, sums map[string]merkle.Hash) (tree.Leaf, error) {
	sum, ok := sums[m.Path]
	if !ok {
		return tree.Leaf{}, errors.New("is not a subject")
	}
	if m.Size < 1 || m.Size > module.MaxSize {
		return tree.Leaf{}, fmt.Errorf("has size %d, want 1 to %d", m.Size, module.MaxSize)
	}
	if err := modules.CheckInstallPath(m.Path); err != nil {
		return tree.Leaf{}, err
	}
	leaf, err := parseHash(m.Leaf)
	if err != nil {
		return tree.Leaf{}, fmt.Errorf("leaf hash: %w", err)
	}
	return tree.Leaf{InstallPath: m.Path, Position: position, Hash: leaf, SHA256: sum, Size: m.Size}, nil
}

func (r rootJSON) check(want merkle.Root) error {
	hash, err := parseHash(r.Hash)
	if err != nil {
		return fmt.Errorf("predicate: root hash: %w", err)
	}
	if got := (merkle.Root{Levels: r.Levels, Hash: hash}); got != want {
		return fmt.Errorf("predicate: states the root %s, its leaves give %s", got, want)
	}
	return nil
}

func parseHash(text string) (merkle.Hash, error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return merkle.Hash{}, fmt.Errorf("is %q, want hexadecimal digits", text)
	}
	return merkle.HashFromBytes(b)
}

// SPDX-License-Identifier: Apache-2.0

package attest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"rules_modhash/tools/merkle/merkle"
)

// PredicateType names the predicate, in the words of docs/howto/attest.md: what
// docs/attestation.schema.json describes. A UUID of our own, since the project has no
// domain to name it in; the part after # is for the reader, and holds the version.
const PredicateType = "urn:uuid:5871fe2f-6fc8-42c1-b85d-6fe654a4d90b#kernel-module-tree-v1"

// The values of the annotation "form", which states what a subject is.
const (
	formKernel = "kernel"
	formModule = "module"
	formSealed = "sealed module"
)

const (
	algorithm = "sha256"
	formKey   = "form"
)

// predicate is the JSON form of what is stated in addition to the subjects.
type predicate struct {
	Root      rootJSON     `json:"root"`
	Modules   []moduleJSON `json:"modules"`
	Kernels   []kernelJSON `json:"kernels,omitempty"`
	Toolchain *fileJSON    `json:"toolchain,omitempty"`
	Sources   []fileJSON   `json:"sources,omitempty"`
}

type rootJSON struct {
	Algorithm string `json:"algorithm"`
	Levels    uint32 `json:"levels"`
	Hash      string `json:"hash"`
}

// moduleJSON is a leaf. Its place in the list is its position.
type moduleJSON struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	Leaf string `json:"leafHash"`
}

type kernelJSON struct {
	Name     string `json:"name"`
	RootRead bool   `json:"rootRead"`
}

// fileJSON is an in-toto ResourceDescriptor.
type fileJSON struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// EncodeStatement returns the in-toto Statement: indented JSON.
func EncodeStatement(a *Attestation) ([]byte, error) {
	p, err := a.predicate()
	if err != nil {
		return nil, err
	}
	statement := &intoto.Statement{
		Type: intoto.StatementTypeUri, Subject: a.subjects(), PredicateType: PredicateType, Predicate: p,
	}
	if err := statement.Validate(); errors.Is(err, intoto.ErrSubjectRequired) {
		return nil, errors.New("nothing to attest: the tree has no modules, and no kernel is given")
	} else if err != nil {
		return nil, fmt.Errorf("making the statement: %w", err)
	}
	text, err := protojson.Marshal(statement)
	if err != nil {
		return nil, fmt.Errorf("encoding the statement: %w", err)
	}
	return indent(text)
}

// indent sets all white space anew: protojson varies it on purpose.
func indent(text []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return nil, fmt.Errorf("indenting: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// subjects are kernels, modules and sealed modules, the latter two by position.
func (a *Attestation) subjects() []*intoto.ResourceDescriptor {
	var subjects []*intoto.ResourceDescriptor
	for _, k := range a.Kernels {
		subjects = append(subjects, subject(k.Name, formKernel, k.SHA256))
	}
	for _, l := range a.Tree.Leaves {
		subjects = append(subjects, subject(l.InstallPath, formModule, l.SHA256))
	}
	for i, sum := range a.Sealed {
		subjects = append(subjects, subject(a.Tree.Leaves[i].InstallPath, formSealed, sum))
	}
	return subjects
}

func subject(name, form string, sum merkle.Hash) *intoto.ResourceDescriptor {
	return &intoto.ResourceDescriptor{
		Name:   name,
		Digest: map[string]string{algorithm: sum.String()},
		Annotations: &structpb.Struct{Fields: map[string]*structpb.Value{
			formKey: structpb.NewStringValue(form),
		}},
	}
}

func (a *Attestation) predicate() (*structpb.Struct, error) {
	root := a.Tree.Root()
	p := predicate{
		Root:    rootJSON{Algorithm: algorithm, Levels: root.Levels, Hash: root.Hash.String()},
		Modules: []moduleJSON{},
	}
	for _, l := range a.Tree.Leaves {
		p.Modules = append(p.Modules, moduleJSON{Path: l.InstallPath, Size: l.Size, Leaf: l.Hash.String()})
	}
	for _, k := range a.Kernels {
		p.Kernels = append(p.Kernels, kernelJSON{Name: k.Name, RootRead: k.RootRead})
	}
	if a.Toolchain != nil {
		f := describe(*a.Toolchain)
		p.Toolchain = &f
	}
	for _, f := range a.Sources {
		p.Sources = append(p.Sources, describe(f))
	}
	return toStruct(p)
}

func describe(f File) fileJSON {
	return fileJSON{Name: f.Name, Digest: map[string]string{algorithm: f.SHA256.String()}}
}

// toStruct turns a value into what protobuf calls a Struct, by way of its JSON form.
func toStruct(v any) (*structpb.Struct, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	s := &structpb.Struct{}
	if err := protojson.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("encoding the predicate: %w", err)
	}
	return s, nil
}

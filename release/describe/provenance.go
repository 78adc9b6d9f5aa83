// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
)

const predicateType = "https://slsa.dev/provenance/v1"

// Identifiers of our own, since the project has no domain to name things in. The part behind # is for the reader.
const (
	buildType = "urn:uuid:4af433b5-cdc5-4fb7-b129-3589a814d295#bazel-build-release-v1"
	builderID = "urn:uuid:b9f89b51-a607-4781-a650-2d7f042c0fe1#bazel"
)

// provenance returns an in-toto statement with SLSA provenance: what was built, by which command, of which commit and
// modules. It is not signed: whoever publishes the release signs it.
func (r *release) provenance(artifacts []artifact) ([]byte, error) {
	predicate, err := r.predicate()
	if err != nil {
		return nil, err
	}
	statement := &intoto.Statement{Type: intoto.StatementTypeUri, PredicateType: predicateType, Predicate: predicate}
	for _, a := range artifacts {
		statement.Subject = append(statement.Subject, &intoto.ResourceDescriptor{
			Name: a.name, Digest: map[string]string{"sha256": a.sha256},
		})
	}
	if err := statement.Validate(); err != nil {
		return nil, fmt.Errorf("making the provenance statement: %w", err)
	}
	text, err := protojson.Marshal(statement)
	if err != nil {
		return nil, fmt.Errorf("encoding the provenance statement: %w", err)
	}
	// protojson puts spaces at random places.
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		return nil, err
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

// predicate is the SLSA provenance, by the names that its JSON form has.
func (r *release) predicate() (*structpb.Struct, error) {
	return structpb.NewStruct(map[string]any{
		"buildDefinition": map[string]any{
			"buildType":            buildType,
			"externalParameters":   map[string]any{"target": "//release", "version": r.version},
			"resolvedDependencies": r.resolved(),
		},
		"runDetails": map[string]any{"builder": map[string]any{"id": builderID}},
	})
}

// resolved lists the commit, where there is one, and the modules that the rules depend on: resource descriptors.
func (r *release) resolved() []any {
	var all []any
	if r.commit != "" {
		all = append(all, map[string]any{"name": "source", "digest": map[string]any{"gitCommit": r.commit}})
	}
	for _, d := range r.dependencies {
		all = append(all, map[string]any{"uri": d.purl()})
	}
	return all
}

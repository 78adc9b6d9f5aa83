// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"

	modhashpb "rules_modhash/proto"
	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/trailer"
)

const moduleUsage = "proto ModuleInput in JSON, for one module: for build systems (repeatable)"

// parseModules reads messages ModuleInput in protobuf's JSON, of which there is one for each module.
func parseModules(texts []string) ([]*modhashpb.ModuleInput, error) {
	var inputs []*modhashpb.ModuleInput
	for _, text := range texts {
		input := &modhashpb.ModuleInput{}
		if err := protojson.Unmarshal([]byte(text), input); err != nil {
			return nil, fmt.Errorf("--module: got %q, want a ModuleInput in JSON: %w", text, err)
		}
		inputs = append(inputs, input)
	}
	return inputs, nil
}

// manifestSources returns what --module names. existing is for those without a policy for trailers.
func (f *inputFlags) manifestSources(existing trailer.Policy) ([]modules.Source, error) {
	inputs, err := parseModules(f.modules)
	if err != nil {
		return nil, err
	}
	var sources []modules.Source
	for i, input := range inputs {
		if input.Path == "" {
			return nil, fmt.Errorf("--module: got %q, want one with a path", f.modules[i])
		}
		source := modules.Source{
			Path: f.dir.resolve(input.Path), InstallPath: input.InstallPath,
			StripPrefix: input.StripPrefix, Label: input.Label, Existing: existing,
		}
		if input.ExistingSignature != "" {
			if source.Existing, err = trailer.ParsePolicy(input.ExistingSignature); err != nil {
				return nil, fmt.Errorf("--module: %q: %w", f.modules[i], err)
			}
		}
		sources = append(sources, source)
	}
	return sources, nil
}

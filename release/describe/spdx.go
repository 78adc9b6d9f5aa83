// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

const rulesID = "Rules"

// spdx returns the SPDX document of the release: the rules, their artifacts, and what they depend on. The namespace is a
// UUID made of the contents (version 8 of RFC 9562).
func (r *release) spdx(artifacts []artifact) ([]byte, error) {
	document := &v2_3.Document{
		SPDXVersion: v2_3.Version, DataLicense: v2_3.DataLicense, SPDXIdentifier: "DOCUMENT",
		DocumentName: "rules_modhash-" + r.version,
		CreationInfo: &v2_3.CreationInfo{
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "rules_modhash"}},
			Created:  r.created.UTC().Format("2006-01-02T15:04:05Z"),
		},
	}
	r.addRules(document)
	for i, a := range artifacts {
		addArtifact(document, fmt.Sprintf("Artifact-%d", i), a)
	}
	for i, d := range r.dependencies {
		addDependency(document, fmt.Sprintf("Dependency-%d", i), d)
	}
	text, err := encode(document)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(text)
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	document.DocumentNamespace = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
	return encode(document)
}

func (r *release) addRules(document *v2_3.Document) {
	rules := newPackage(rulesID, "rules_modhash", "SOURCE")
	rules.PackageVersion = r.version
	rules.PackageLicenseDeclared = "Apache-2.0"
	if r.commit != "" {
		rules.PackageSourceInfo = "built from commit " + r.commit
	}
	add(document, rules, "DOCUMENT", common.TypeRelationshipDescribe, rulesID)
}

func addArtifact(document *v2_3.Document, id string, a artifact) {
	p := newPackage(id, a.name, "FILE")
	p.PackageFileName = a.name
	p.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: a.sha256}}
	add(document, p, id, common.TypeRelationshipGeneratedFrom, rulesID)
}

func addDependency(document *v2_3.Document, id string, d dependency) {
	p := newPackage(id, d.name, "LIBRARY")
	p.PackageVersion = d.version
	p.PackageExternalReferences = []*v2_3.PackageExternalReference{{
		Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: d.purl(),
	}}
	add(document, p, rulesID, common.TypeRelationshipDependsOn, id)
}

func newPackage(id, name, purpose string) *v2_3.Package {
	return &v2_3.Package{
		PackageSPDXIdentifier: common.ElementID(id), PackageName: name, PrimaryPackagePurpose: purpose,
		PackageDownloadLocation: "NOASSERTION",
	}
}

// add adds a package, and one relationship of it.
func add(document *v2_3.Document, p *v2_3.Package, from, relationship, to string) {
	document.Packages = append(document.Packages, p)
	document.Relationships = append(document.Relationships, &v2_3.Relationship{
		RefA: common.MakeDocElementID("", from), RefB: common.MakeDocElementID("", to), Relationship: relationship,
	})
}

func encode(document *v2_3.Document) ([]byte, error) {
	var text bytes.Buffer
	if err := json.Write(document, &text, json.Indent("  "), json.EscapeHTML(false)); err != nil {
		return nil, fmt.Errorf("encoding the SPDX document: %w", err)
	}
	return text.Bytes(), nil
}

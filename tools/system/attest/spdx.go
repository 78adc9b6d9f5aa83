// SPDX-License-Identifier: Apache-2.0

package attest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"rules_modhash/tools/merkle/merkle"
)

// Identifiers of the elements that there is one of.
const (
	documentID  = "DOCUMENT"
	modulesID   = "Modules"
	toolchainID = "Toolchain"
)

const noAssertion = "NOASSERTION"

// EncodeSPDX returns an SPDX 2.3 document (JSON) that lists modules, kernels, sources and
// toolchain. Created is the time it states as that of its creation: never the clock's, or
// two builds would differ. Its namespace is made of its contents.
//
// Each file is an SPDX package: an SPDX file would have to have a SHA-1 checksum.
func EncodeSPDX(a *Attestation, created time.Time) ([]byte, error) {
	document := &v2_3.Document{
		SPDXVersion: v2_3.Version, DataLicense: v2_3.DataLicense, SPDXIdentifier: documentID,
		DocumentName: "kernel-modules-" + a.Tree.Root().Hash.String()[:16],
		CreationInfo: &v2_3.CreationInfo{
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "modhash"}},
			Created:  created.UTC().Format("2006-01-02T15:04:05Z"),
		},
	}
	b := billOfMaterials{document}
	b.addModules(a)
	b.addRest(a)
	text, err := b.encode()
	if err != nil {
		return nil, err
	}
	document.DocumentNamespace = namespace(text)
	return b.encode()
}

// namespace returns a UUID (version 8 of RFC 9562: the contents decide) over a document
// whose namespace is still empty.
func namespace(text []byte) string {
	b := sha256.Sum256(text)
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// billOfMaterials is a document under construction.
type billOfMaterials struct {
	*v2_3.Document
}

// addModules adds the set of all modules, with the root in its comment, and the modules.
func (b billOfMaterials) addModules(a *Attestation) {
	set := newPackage(modulesID, "kernel modules", "OPERATING-SYSTEM")
	set.PackageComment = "Merkle tree (CONFIG_MODULE_HASHES): levels and root " + a.Tree.Root().String()
	b.add(set, documentID, common.TypeRelationshipDescribe)
	for i, l := range a.Tree.Leaves {
		id := fmt.Sprintf("Module-%d", l.Position)
		p := newPackage(id, l.InstallPath, "FILE")
		p.PackageFileName = l.InstallPath
		p.PackageChecksums = checksums(l.SHA256)
		p.PackageComment = fmt.Sprintf("leaf hash %s at position %d, %d bytes", l.Hash, l.Position, l.Size)
		if a.Sealed != nil {
			p.PackageComment += fmt.Sprintf("; SHA-256 with its proof appended %s", a.Sealed[i])
		}
		b.add(p, modulesID, common.TypeRelationshipContains)
	}
}

// addRest adds kernels, sources and toolchain.
func (b billOfMaterials) addRest(a *Attestation) {
	for i, k := range a.Kernels {
		b.addFile(fmt.Sprintf("Kernel-%d", i), "OPERATING-SYSTEM", k.File, documentID, common.TypeRelationshipDescribe)
	}
	for i, f := range a.Sources {
		b.addFile(fmt.Sprintf("Source-%d", i), "SOURCE", f, modulesID, common.TypeRelationshipGeneratedFrom)
	}
	if a.Toolchain == nil {
		return
	}
	b.addFile(toolchainID, "OTHER", *a.Toolchain, "", "")
	b.relate(toolchainID, common.TypeRelationshipBuildToolOf, modulesID)
}

func (b billOfMaterials) addFile(id, purpose string, f File, from, relationship string) {
	p := newPackage(id, f.Name, purpose)
	p.PackageFileName = f.Name
	p.PackageChecksums = checksums(f.SHA256)
	b.add(p, from, relationship)
}

// add adds a package, and its relationship to the element from, if there is one.
func (b billOfMaterials) add(p *v2_3.Package, from, relationship string) {
	b.Packages = append(b.Packages, p)
	if from != "" {
		b.relate(from, relationship, string(p.PackageSPDXIdentifier))
	}
}

func (b billOfMaterials) relate(from, relationship, to string) {
	b.Relationships = append(b.Relationships, &v2_3.Relationship{
		RefA: common.MakeDocElementID("", from), RefB: common.MakeDocElementID("", to), Relationship: relationship,
	})
}

func newPackage(id, name, purpose string) *v2_3.Package {
	return &v2_3.Package{
		PackageSPDXIdentifier: common.ElementID(id), PackageName: name, PrimaryPackagePurpose: purpose,
		PackageDownloadLocation: noAssertion,
	}
}

func checksums(sum merkle.Hash) []common.Checksum {
	return []common.Checksum{{Algorithm: common.SHA256, Value: sum.String()}}
}

func (b billOfMaterials) encode() ([]byte, error) {
	var out bytes.Buffer
	if err := json.Write(b.Document, &out, json.Indent("  "), json.EscapeHTML(false)); err != nil {
		return nil, fmt.Errorf("encoding the SPDX document: %w", err)
	}
	return out.Bytes(), nil
}

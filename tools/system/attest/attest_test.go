// SPDX-License-Identifier: Apache-2.0

package attest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/santhosh-tekuri/jsonschema/v6"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"google.golang.org/protobuf/encoding/protojson"

	"rules_modhash/tools/internal/imagetest"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/tree"
)

func testTree(t testing.TB, n int) *tree.Tree {
	t.Helper()
	leaves := make([]tree.Leaf, n)
	for i := range leaves {
		body := fmt.Appendf(nil, "module %d", i)
		leaves[i] = tree.Leaf{
			InstallPath: fmt.Sprintf("kernel/m%d.ko", i), Position: uint32(i),
			Hash: merkle.LeafHash(uint32(i), body), SHA256: sha256.Sum256(body), Size: int64(len(body)),
		}
	}
	tree, err := tree.New(leaves)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// testAttestation is one with everything.
func testAttestation(t testing.TB) *Attestation {
	return &Attestation{
		Tree:      testTree(t, 3),
		Sealed:    []merkle.Hash{{1}, {2}, {3}},
		Kernels:   []Kernel{{File{"vmlinux", merkle.Hash{4}}, true}, {File{"Image", merkle.Hash{5}}, false}},
		Toolchain: &File{"manifest.tsv", merkle.Hash{6}},
		Sources:   []File{{"linux.tar.zst", merkle.Hash{7}}, {".config", merkle.Hash{8}}},
	}
}

func statementOf(t testing.TB, a *Attestation) []byte {
	t.Helper()
	text, err := EncodeStatement(a)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestStatement reads a statement with in-toto's own library, which must find it valid.
func TestStatement(t *testing.T) {
	a := testAttestation(t)
	statement := &intoto.Statement{}
	if err := protojson.Unmarshal(statementOf(t, a), statement); err != nil {
		t.Fatal(err)
	}
	if err := statement.Validate(); err != nil {
		t.Error(err)
	}
	var got []string
	for _, s := range statement.GetSubject() {
		form := s.GetAnnotations().AsMap()["form"]
		got = append(got, fmt.Sprintf("%s %s %s", form, s.GetName(), s.GetDigest()["sha256"][:4]))
	}
	want := []string{"kernel vmlinux 0400", "kernel Image 0500"}
	for _, l := range a.Tree.Leaves {
		want = append(want, "module "+l.InstallPath+" "+l.SHA256.String()[:4])
	}
	want = append(want, "sealed module kernel/m0.ko 0100", "sealed module kernel/m1.ko 0200", "sealed module kernel/m2.ko 0300")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("subjects are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSchema checks that predicates are what the published schema states, and that the schema
// is not satisfied by everything.
func TestSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../../docs/attestation.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []*Attestation{
		testAttestation(t),
		{Tree: testTree(t, 1)},
		{Tree: testTree(t, 0), Kernels: []Kernel{{File{"vmlinux", merkle.Hash{1}}, true}}},
	} {
		if err := schema.Validate(predicateOf(t, statementOf(t, a))); err != nil {
			t.Error(err)
		}
	}
	p := predicateOf(t, statementOf(t, testAttestation(t)))
	for name, part := range p {
		delete(p, name)
		err := schema.Validate(p)
		if required := name == "root" || name == "modules"; (err != nil) != required {
			t.Errorf("without %s: error is %v", name, err)
		}
		p[name] = "text"
		if schema.Validate(p) == nil {
			t.Errorf("%s may be any text", name)
		}
		p[name] = part
	}
}

func predicateOf(t *testing.T, statement []byte) map[string]any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)["predicate"].(map[string]any)
}

func TestDecodeTree(t *testing.T) {
	for _, a := range []*Attestation{testAttestation(t), {Tree: testTree(t, 1)}, {Tree: testTree(t, 300)}} {
		got, err := DecodeTree(statementOf(t, a))
		if err != nil {
			t.Fatal(err)
		}
		if got.Root() != a.Tree.Root() || !reflect.DeepEqual(got.Leaves, a.Tree.Leaves) {
			t.Errorf("got the tree %v, want %v", got.Leaves, a.Tree.Leaves)
		}
	}
}

// TestUnknownFields checks that what later versions add does no harm.
func TestUnknownFields(t *testing.T) {
	text := statementOf(t, testAttestation(t))
	for _, field := range []string{`"_type"`, `"root"`, `"path"`, `"algorithm"`} {
		more := strings.Replace(string(text), field, `"later": {"x": [1]}, `+field, 1)
		if _, err := DecodeTree([]byte(more)); err != nil {
			t.Errorf("field ahead of %s: %v", field, err)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	a := testAttestation(t)
	text := string(statementOf(t, a))
	leaf := a.Tree.Leaves[1]
	for _, c := range []struct{ name, old, new, want string }{
		{"not JSON", "{", "", "is not an in-toto Statement: "},
		{"envelope", "{", `{"payloadType": "application/vnd.in-toto+json",`, "is a signed envelope: check its signature"},
		{"bundle", "{", `{"dsseEnvelope": {},`, "is a signed envelope: check its signature"},
		{"type", intoto.StatementTypeUri, "https://in-toto.io/Statement/v0.1",
			`has the type "https://in-toto.io/Statement/v0.1", want "https://in-toto.io/Statement/v1"`},
		{"predicate type", PredicateType, "https://slsa.dev/provenance/v1",
			`has the predicate type "https://slsa.dev/provenance/v1", want "` + PredicateType + `"`},
		{"algorithm", `"algorithm": "sha256"`, `"algorithm": "md5"`, `predicate: root has the algorithm "md5", want "sha256"`},
		{"root", `"hash": "` + a.Tree.Root().Hash.String()[:2], `"hash": "ff`, "predicate: states the root 2 ff"},
		{"short root", `"hash": "`, `"hash": "00`, "predicate: root hash: hash has 33 bytes, want 32"},
		{"levels", `"levels": 2`, `"levels": 3`, "predicate: states the root 3 "},
		{"levels of another kind", `"levels": 2`, `"levels": -1`, "predicate: json: cannot unmarshal number -1"},
		{"leaf", leaf.Hash.String(), merkle.Hash{}.String(), "predicate: states the root 2 "},
		{"leaf in words", leaf.Hash.String(), "words", `predicate: module 1 (kernel/m1.ko): leaf hash: is "words", want hexadecimal digits`},
		{"size", `"size": 8`, `"size": 0`, "predicate: module 0 (kernel/m0.ko): has size 0, want 1 to 2147483647"},
		{"path", `"path": "kernel/m1.ko"`, `"path": "kernel/m9.ko"`, "predicate: module 1 (kernel/m9.ko): is not a subject"},
		{"same path", `"path": "kernel/m1.ko"`, `"path": "kernel/m0.ko"`,
			`kernel/m0.ko (position 0) and kernel/m0.ko (position 1) have the same install path "kernel/m0.ko"`},
		{"subject twice", `"name": "kernel/m1.ko"`, `"name": "kernel/m0.ko"`, "has two subjects that are the module kernel/m0.ko"},
		{"other form", `"form": "module"`, `"form": "kernel"`,
			"has 2 subjects that are modules, and 3 modules in the predicate"},
		{"no digest", `"sha256": "` + leaf.SHA256.String() + `"`, `"sha512": "` + strings.Repeat("00", 64) + `"`,
			`subject kernel/m1.ko: sha256 digest: hash has 0 bytes, want 32`},
		{"short digest", leaf.SHA256.String(), "00", "is not a valid in-toto Statement: digest has incorrect length"},
	} {
		t.Run(c.name, func(t *testing.T) {
			edited := strings.Replace(text, c.old, c.new, 1)
			if edited == text {
				t.Fatalf("%q is not in the statement", c.old)
			}
			if _, err := DecodeTree([]byte(edited)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
	escaping := strings.ReplaceAll(text, "kernel/m1.ko", "../m1.ko")
	want := `install path "../m1.ko" leads out of lib/modules/RELEASE`
	if _, err := DecodeTree([]byte(escaping)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want one with %q", err, want)
	}
}

func TestNothingToAttest(t *testing.T) {
	want := "nothing to attest: the tree has no modules, and no kernel is given"
	if _, err := EncodeStatement(&Attestation{Tree: testTree(t, 0)}); err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// TestSPDX reads a document with SPDX's own library.
func TestSPDX(t *testing.T) {
	a := testAttestation(t)
	created := time.Date(2026, 5, 6, 9, 8, 9, 0, time.FixedZone("", 7200))
	text, err := EncodeSPDX(a, created)
	if err != nil {
		t.Fatal(err)
	}
	d, err := spdxjson.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if want := "2026-05-06T07:08:09Z"; d.CreationInfo.Created != want {
		t.Errorf("created %s, want %s", d.CreationInfo.Created, want)
	}
	uuid := regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if !uuid.MatchString(d.DocumentNamespace) {
		t.Errorf("namespace is %s, want a UUID of version 8", d.DocumentNamespace)
	}
	if got, want := packagesOf(d), []string{
		"Modules kernel modules ",
		"Module-0 kernel/m0.ko " + a.Tree.Leaves[0].SHA256.String()[:4],
		"Module-1 kernel/m1.ko " + a.Tree.Leaves[1].SHA256.String()[:4],
		"Module-2 kernel/m2.ko " + a.Tree.Leaves[2].SHA256.String()[:4],
		"Kernel-0 vmlinux 0400", "Kernel-1 Image 0500",
		"Source-0 linux.tar.zst 0700", "Source-1 .config 0800", "Toolchain manifest.tsv 0600",
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("packages are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got, want := relationshipsOf(d), []string{
		"DOCUMENT DESCRIBES Modules",
		"Modules CONTAINS Module-0", "Modules CONTAINS Module-1", "Modules CONTAINS Module-2",
		"DOCUMENT DESCRIBES Kernel-0", "DOCUMENT DESCRIBES Kernel-1",
		"Modules GENERATED_FROM Source-0", "Modules GENERATED_FROM Source-1",
		"Toolchain BUILD_TOOL_OF Modules",
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("relationships are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func packagesOf(d *spdx.Document) []string {
	var lines []string
	for _, p := range d.Packages {
		sum := ""
		for _, c := range p.PackageChecksums {
			sum = c.Value[:4]
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", p.PackageSPDXIdentifier, p.PackageName, sum))
	}
	return lines
}

func relationshipsOf(d *spdx.Document) []string {
	var lines []string
	for _, r := range d.Relationships {
		lines = append(lines, fmt.Sprintf("%s %s %s", r.RefA.ElementRefID, r.Relationship, r.RefB.ElementRefID))
	}
	return lines
}

// TestNamespaceFollowsContents checks that another document has another namespace, and the
// same one the same.
func TestNamespaceFollowsContents(t *testing.T) {
	changes := map[string]func(*Attestation){
		"nothing":   func(*Attestation) {},
		"tree":      func(a *Attestation) { a.Tree = testTree(t, 2); a.Sealed = a.Sealed[:2] },
		"sealed":    func(a *Attestation) { a.Sealed[2][5]++ },
		"kernel":    func(a *Attestation) { a.Kernels[0].SHA256[5]++ },
		"toolchain": func(a *Attestation) { a.Toolchain.SHA256[5]++ },
		"sources":   func(a *Attestation) { a.Sources = a.Sources[:1] },
	}
	seen := map[string]string{}
	for name, change := range changes {
		a := testAttestation(t)
		change(a)
		text, err := EncodeSPDX(a, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Namespace string `json:"documentNamespace"`
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[d.Namespace]; ok {
			t.Errorf("%s and %s changed: both have the namespace %s", name, other, d.Namespace)
		}
		seen[d.Namespace] = name
		again, err := EncodeSPDX(a, time.Unix(0, 0))
		if err != nil || !bytes.Equal(again, text) {
			t.Errorf("%s changed: a second document differs: %v", name, err)
		}
	}
}

// TestReadKernels reads kernels with this root, with another, and files of other kinds.
func TestReadKernels(t *testing.T) {
	dir := t.TempDir()
	root := testTree(t, 3).Root()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	linked := imagetest.Vmlinux(t, root)
	vmlinux := write("vmlinux", linked)
	arm64 := imagetest.ARM64Image(binary.LittleEndian, root)
	image := write("Image", arm64)
	objectPath := write("root.o", imagetest.Object(t, "x86_64", root))

	k, err := ReadVmlinux(vmlinux, root)
	if want := (Kernel{File{"vmlinux", sha256.Sum256(linked)}, true}); err != nil || k != want {
		t.Errorf("vmlinux: got %v, %v, want %v", k, err, want)
	}
	k, err = ReadImage(image, root)
	if want := (Kernel{File{"Image", sha256.Sum256(arm64)}, false}); err != nil || k != want {
		t.Errorf("Image: got %v, %v, want %v", k, err, want)
	}
	for _, c := range []struct {
		read func(string, merkle.Root) (Kernel, error)
		path string
		root merkle.Root
		want string
	}{
		{ReadVmlinux, vmlinux, testTree(t, 2).Root(), "vmlinux carries the root 2 "},
		{ReadVmlinux, vmlinux, testTree(t, 2).Root(), ": it was made with another tree"},
		{ReadVmlinux, image, root, "Image: carries no root that can be found: an Image does not contain its offset"},
		{ReadVmlinux, objectPath, root, "root.o is a root object, want a kernel: a vmlinux or a boot image"},
		{ReadImage, objectPath, root, "root.o is a root object, want a kernel: a vmlinux or a boot image"},
		{ReadImage, filepath.Join(dir, "none"), root, "no such file or directory"},
		{ReadVmlinux, filepath.Join(dir, "none"), root, "no such file or directory"},
	} {
		if _, err := c.read(c.path, c.root); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", c.path, err, c.want)
		}
	}
}

// FuzzDecodeTree checks that a tree that was read is stated the same way again.
func FuzzDecodeTree(f *testing.F) {
	f.Add(statementOf(f, testAttestation(f)))
	f.Add(statementOf(f, &Attestation{Tree: testTree(f, 1)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := DecodeTree(data)
		if err != nil || tree.Len() == 0 {
			return
		}
		again, err := DecodeTree(statementOf(t, &Attestation{Tree: tree}))
		if err != nil || !reflect.DeepEqual(again.Leaves, tree.Leaves) || again.Root() != tree.Root() {
			t.Errorf("written and read again: %v, %v, want %v", again, err, tree)
		}
	})
}

// SPDX-License-Identifier: Apache-2.0

package ipe

import (
	"bytes"
	"debug/elf"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rules_modhash/tools/internal/imagetest"
)

const digits = "4cb0aba1ae8b6f4a8f1b9c8d2c3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f50"

var image = Digest{"sha256", digits}

const minimal = "policy_name=modules policy_version=1.0.0\nDEFAULT action=DENY\n"

func TestParseRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty":                   {"", "got no line, want policy_name="},
		"comments only":           {"# policy_name=a policy_version=1.0.0\n \n", "got no line"},
		"rule first":              {"DEFAULT action=ALLOW\n", `line 1: got "DEFAULT action=ALLOW", want policy_name=NAME`},
		"no name":                 {"policy_name= policy_version=1.0.0\nDEFAULT action=DENY", "line 1: got"},
		"order of the header":     {"policy_version=1.0.0 policy_name=a\n", "line 1: got"},
		"third word":              {"policy_name=a policy_version=1.0.0 x\n", "line 1: got"},
		"version":                 {"policy_name=a policy_version=1.0\n", `got the version "1.0", want three numbers`},
		"large version":           {"policy_name=a policy_version=1.0.65536\n", "want three numbers from 0 to 65535"},
		"no default":              {"policy_name=a policy_version=1.0.0\n", "got no default for op=EXECUTE"},
		"one default":             {"policy_name=a policy_version=1.0.0\nDEFAULT op=EXECUTE action=DENY", "got no default for op=FIRMWARE"},
		"second default":          {minimal + "DEFAULT action=ALLOW", "line 3: got a second default for all operations, want the one of line 2"},
		"second default of op":    {minimal + "DEFAULT op=KMODULE action=DENY\n\nDEFAULT op=KMODULE action=DENY", "line 5: got a second default for op=KMODULE, want the one of line 3"},
		"default property":        {minimal + "DEFAULT op=KMODULE boot_verified=TRUE action=DENY", "line 3: got a default with the property boot_verified=TRUE"},
		"no operation":            {minimal + "boot_verified=TRUE action=ALLOW", `line 3: got "boot_verified=TRUE", want op= with one of EXECUTE,`},
		"action alone":            {minimal + "action=ALLOW", "line 3: got no operation"},
		"small letters":           {minimal + "op=kmodule action=ALLOW", `line 3: got "op=kmodule"`},
		"action first":            {minimal + "action=ALLOW op=KMODULE", `line 3: got "op=KMODULE", want action=ALLOW or action=DENY`},
		"unknown property":        {minimal + "op=KMODULE path=/lib action=ALLOW", `line 3: got "path=/lib", want one of the properties boot_verified,`},
		"property value":          {minimal + "op=KMODULE boot_verified=yes action=ALLOW", "want boot_verified=TRUE or boot_verified=FALSE"},
		"digest without name":     {minimal + "op=KMODULE dmverity_roothash=" + digits + " action=ALLOW", "dmverity_roothash: got the digest"},
		"odd digest":              {minimal + "op=KMODULE fsverity_digest=sha256:abc action=ALLOW", "fsverity_digest: got the digest"},
		"DEFAULT as a later word": {minimal + "op=KMODULE DEFAULT action=ALLOW", `got "DEFAULT"`},
		"NUL":                     {minimal + "# \x00\n", "line 3: got the byte 0x00"},
		"no-break space":          {minimal + "op=KMODULE action=ALLOW\xa0\n", "line 3: got the byte 0xa0"},
		"size":                    {minimal + strings.Repeat("#", maxText), "want at most"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got the error %v, want %q", err, test.want)
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	for name, text := range map[string]string{
		"comments":                  "# first\n" + minimal + "op=KMODULE action=ALLOW # all\n",
		"spaces and tabs":           "\t policy_name=a\tpolicy_version=1.0.0  \nDEFAULT\t action=DENY",
		"carriage returns":          "policy_name=a policy_version=1.0.0\r\nDEFAULT action=DENY\rop=KMODULE action=ALLOW",
		"plus sign":                 "policy_name=a policy_version=+1.0.0\nDEFAULT action=DENY",
		"capital digits":            minimal + "op=KMODULE dmverity_roothash=sha256:" + strings.ToUpper(digits) + " action=ALLOW",
		"all properties":            minimal + "op=KMODULE boot_verified=FALSE dmverity_signature=TRUE fsverity_signature=FALSE fsverity_digest=sha1:00 action=DENY",
		"properties more than once": minimal + "op=KMODULE boot_verified=TRUE boot_verified=FALSE action=DENY",
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			again, err := Parse(p.Text())
			if err != nil {
				t.Fatal(err)
			}
			for _, rules := range [][]Rule{p.Rules, again.Rules} {
				for i := range rules {
					rules[i].Line = 0
				}
			}
			if !reflect.DeepEqual(p, again) {
				t.Errorf("got %v from the text of the policy, want %v", again, p)
			}
		})
	}
}

func describe(allow map[Operation][]Source) Description {
	return Description{Name: "modules", Version: Version{1, 0, 0}, RootHash: image, Allow: allow}
}

func TestDescription(t *testing.T) {
	p, err := describe(map[Operation][]Source{KernelModule: {Initramfs, Image}, Firmware: {Image}, KexecImage: nil}).Policy()
	if err != nil {
		t.Fatal(err)
	}
	want := `policy_name=modules policy_version=1.0.0
DEFAULT action=ALLOW
DEFAULT op=FIRMWARE action=DENY
op=FIRMWARE dmverity_roothash=sha256:` + digits + ` action=ALLOW
DEFAULT op=KMODULE action=DENY
op=KMODULE dmverity_roothash=sha256:` + digits + ` action=ALLOW
op=KMODULE boot_verified=TRUE action=ALLOW
DEFAULT op=KEXEC_IMAGE action=DENY
`
	if got := string(p.Text()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if findings := p.Check(Sources{image, true}); len(findings) > 0 {
		t.Errorf("got the findings %v, want none", findings)
	}
}

func TestFill(t *testing.T) {
	blank := minimal + "op=KMODULE  dmverity_roothash=" + BlankRootHash().String() + " action=ALLOW # the image\n"
	filled, err := Fill([]byte(blank), image)
	if want := strings.ReplaceAll(blank, strings.Repeat("0", 64), digits); err != nil || string(filled) != want {
		t.Errorf("got\n%s, %v, want\n%s", filled, err, want)
	}
	for name, test := range map[string]struct {
		text     string
		rootHash Digest
		want     string
	}{
		"no rule":      {minimal, image, "got no rule with dmverity_roothash=sha256:0000"},
		"in a comment": {minimal + "# dmverity_roothash=" + BlankRootHash().String(), image, "got no rule with dmverity_roothash=sha256:0000"},
		"wrong policy": {"x", image, "line 1: got"},
		"short digest": {blank, Digest{"sha256", "00"}, "got the root hash"},
		"algorithm":    {blank, Digest{"sha512", strings.Repeat("1", 128)}, "got the root hash"},
	} {
		if _, err := Fill([]byte(test.text), test.rootHash); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got the error %v, want %q", name, err, test.want)
		}
	}
}

// vmlinux is a linked kernel whose sections have texts.
func vmlinux(t *testing.T, texts ...string) []byte {
	file := imagetest.ELF{Machine: "x86_64", Type: elf.ET_EXEC}
	for i, text := range texts {
		file.Sections = append(file.Sections, imagetest.ELFSection{Name: fmt.Sprint(".rodata", i), Address: uint64(i+1) << 20, Data: []byte(text)})
	}
	return file.Bytes(t)
}

// memory is a file in memory.
type memory []byte

func (m memory) ReadAt(p []byte, offset int64) (int, error) {
	return bytes.NewReader(m).ReadAt(p, offset)
}

func (m memory) WriteAt(p []byte, offset int64) (int, error) { return copy(m[offset:], p), nil }

func TestOverwrite(t *testing.T) {
	blank := minimal + "op=KMODULE dmverity_roothash=" + BlankRootHash().String() + " action=ALLOW\n"
	filled, err := Fill([]byte(blank), image)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		texts    []string
		compiled string
		want     string
	}{
		"once":           {[]string{"code", "text\x00" + blank + "\x00more"}, blank, ""},
		"missing":        {[]string{"code"}, blank, "has the policy that was to be compiled in 0 times, want once"},
		"twice":          {[]string{blank, "a" + blank}, blank, "has the policy that was to be compiled in 2 times, want once"},
		"another length": {[]string{blank}, blank + "\n", "overwriting the policy: got one of"},
	} {
		t.Run(name, func(t *testing.T) {
			file := vmlinux(t, test.texts...)
			before := bytes.Clone(file)
			err := Overwrite(memory(file), []byte(test.compiled), filled)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || !bytes.Equal(file, before) {
					t.Errorf("got the error %v, want %q, and the file as it was", err, test.want)
				}
				return
			}
			if want := bytes.ReplaceAll(before, []byte(blank), filled); err != nil || !bytes.Equal(file, want) {
				t.Errorf("got the error %v, and another file, want the root hash alone to change", err)
			}
		})
	}
	if err := Overwrite(memory("no ELF file"), filled, filled); err == nil {
		t.Error("got no error for a file that is not ELF, want one")
	}
}

func TestDescriptionRefuses(t *testing.T) {
	modules := map[Operation][]Source{KernelModule: {Image}}
	for name, test := range map[string]struct {
		description Description
		want        string
	}{
		"name":      {Description{Name: "a b", RootHash: image, Allow: modules}, `got the name "a b"`},
		"slash":     {Description{Name: "a/b", RootHash: image, Allow: modules}, `got the name "a/b"`},
		"root hash": {Description{Name: "a", RootHash: Digest{"sha256", "00"}, Allow: modules}, "got the root hash"},
		"modules":   {Description{Name: "a", RootHash: image}, "got no sources of KMODULE"},
		"operation": {Description{Name: "a", RootHash: image, Allow: map[Operation][]Source{KernelModule: nil, "X": nil}}, `got the operation "X"`},
		"source":    {Description{Name: "a", RootHash: image, Allow: map[Operation][]Source{KernelModule: {"disk"}}}, `KMODULE: got the source "disk"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := test.description.Policy(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got the error %v, want %q", err, test.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	rule := "op=KMODULE dmverity_roothash=" + image.String() + " action=ALLOW\n"
	for name, test := range map[string]struct {
		rules string
		want  []string
	}{
		"only the image":         {rule, nil},
		"default":                {"DEFAULT op=KMODULE action=ALLOW\n" + rule, []string{`line 3: "DEFAULT op=KMODULE action=ALLOW" allows modules from any other file, or a buffer`}},
		"no property":            {rule + "op=KMODULE action=ALLOW\n", []string{`line 4: "op=KMODULE action=ALLOW" allows modules from any other file, or a buffer`}},
		"not from the initramfs": {rule + "op=KMODULE boot_verified=FALSE action=ALLOW\n", []string{`line 4: "op=KMODULE boot_verified=FALSE action=ALLOW" allows modules from any other file, or a buffer`}},
		"not signed":             {rule + "op=KMODULE dmverity_signature=FALSE action=ALLOW\n", []string{`line 4: "op=KMODULE dmverity_signature=FALSE action=ALLOW" allows modules from any other file, or a buffer`}},
		"initramfs":              {rule + "op=KMODULE boot_verified=TRUE action=ALLOW\n", []string{`line 4: "op=KMODULE boot_verified=TRUE action=ALLOW" allows modules from the initramfs`}},
		"signed volume":          {rule + "op=KMODULE dmverity_signature=TRUE action=ALLOW\n", []string{`line 4: "op=KMODULE dmverity_signature=TRUE action=ALLOW" allows modules from a signed dm-verity volume with any other root hash`}},
		"signed file":            {rule + "op=KMODULE fsverity_signature=TRUE action=ALLOW\n", []string{`line 4: "op=KMODULE fsverity_signature=TRUE action=ALLOW" allows modules from a signed fs-verity file with any other digest`}},
		"another volume": {rule + "op=KMODULE dmverity_roothash=sha256:" + strings.Repeat("1", 64) + " action=ALLOW\n",
			[]string{`allows modules from a dm-verity volume with the root hash sha256:1111`}},
		"denied":          {"DEFAULT op=KMODULE action=DENY\n", []string{`line 3: "DEFAULT op=KMODULE action=DENY" denies modules from a dm-verity volume with the root hash sha256:4cb0`}},
		"denied before":   {"op=KMODULE action=DENY\n" + rule, []string{`line 3: "op=KMODULE action=DENY" denies modules from a dm-verity`, "line 4: ", "never decides"}},
		"denied for some": {"op=KMODULE fsverity_digest=sha1:" + strings.Repeat("1", 40) + " action=DENY\n" + rule, []string{"line 3: ", "denies modules from a dm-verity volume with the root hash sha256:4cb0"}},
		"short digest":    {rule + "op=KMODULE dmverity_roothash=sha256:00 action=ALLOW\n", []string{"line 4: got 2 digits of sha256, want 64"}},
		"algorithm":       {rule + "op=KMODULE dmverity_roothash=sha3:00 action=DENY\n", []string{`line 4: got the algorithm "sha3"`}},
		"placeholder":     {rule + "op=KMODULE dmverity_roothash=sha256:" + strings.Repeat("0", 64) + " action=DENY\n", []string{"line 4: the digest is all zero"}},
		"unused":          {rule + rule, []string{"line 4: ", "never decides"}},
		"sha384":          {"op=KMODULE fsverity_digest=sha384:" + strings.Repeat("1", 96) + " dmverity_roothash=" + image.String() + " action=ALLOW\n" + rule, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Parse([]byte(minimal + test.rules))
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(p.Check(Sources{RootHash: image}))
			if len(test.want) == 0 && got != "[]" {
				t.Errorf("got %s, want nothing", got)
			}
			for _, want := range test.want {
				if !strings.Contains(strings.ReplaceAll(got, `\"`, `"`), want) {
					t.Errorf("got %s, want %q", got, want)
				}
			}
		})
	}
}

// TestCheckFindsAll compares Check with the decision about each of many random files, for random policies: a policy without a
// finding allows the sources and nothing else, and each rule without a finding decides about some file.
func TestCheckFindsAll(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	clean := 0
	for range 3000 {
		p := randomPolicy(random)
		findings := p.Check(Sources{RootHash: image})
		wrong := false
		for range 300 {
			f := randomFile(random)
			if (p.Decide(KernelModule, f).Action == Allow) != (f.RootHash != nil && *f.RootHash == image) {
				wrong = true
				if !slices.ContainsFunc(findings, func(f Finding) bool {
					return strings.Contains(f.Text, "modules from")
				}) {
					t.Fatalf("got no finding, want one about %v in\n%s", f, p.Text())
				}
			}
		}
		if !wrong {
			clean++
			for _, f := range findings {
				if strings.Contains(f.Text, "modules from") {
					t.Fatalf("got the finding %v, want none: no random file of 300 shows it in\n%s", f, p.Text())
				}
			}
		}
	}
	if clean == 0 || clean == 3000 {
		t.Errorf("got %d of 3000 policies without a fault, want some with, some without", clean)
	}
}

var someDigests = []Digest{image, {"sha256", strings.Repeat("1", 64)}, {"sha1", strings.Repeat("2", 40)}}

func randomPolicy(random *rand.Rand) *Policy {
	p := &Policy{Name: "a", Rules: []Rule{{Default: true, Action: Deny, Line: 2}}}
	for i := range 1 + random.IntN(4) {
		r := Rule{Operation: KernelModule, Action: []Action{Allow, Allow, Deny}[random.IntN(3)], Line: 3 + i}
		for range 1 + random.IntN(3) {
			q := Property{Name: []string{bootVerified, verityRootHash, verityRootHash, veritySignature, fileDigest, fileSignature}[random.IntN(6)]}
			if q.hasDigest() {
				q.Digest = someDigests[random.IntN(len(someDigests))]
			} else {
				q.Want = random.IntN(2) == 0
			}
			r.Properties = append(r.Properties, q)
		}
		p.Rules = append(p.Rules, r)
	}
	return p
}

func randomFile(random *rand.Rand) File {
	digests := append(slices.Clone(someDigests), Digest{"sha256", strings.Repeat("9", 64)})
	f := File{Initramfs: random.IntN(2) == 0}
	if random.IntN(4) > 0 {
		f.RootHash, f.Signed = &digests[random.IntN(4)], random.IntN(2) == 0
	}
	if random.IntN(2) > 0 {
		f.FileDigest, f.FileSigned = &digests[random.IntN(4)], random.IntN(2) == 0
	}
	return f
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal + "op=KMODULE dmverity_roothash=" + image.String() + " action=ALLOW\r# comment"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(p.Text())
		if err != nil || string(again.Text()) != string(p.Text()) {
			t.Fatalf("got %v from the text of the policy, want the same policy", err)
		}
		p.Check(Sources{RootHash: image})
		for _, o := range Operations {
			p.Decide(o, File{})
		}
	})
}

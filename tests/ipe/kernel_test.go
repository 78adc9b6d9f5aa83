// SPDX-License-Identifier: Apache-2.0

// Package ipe_test compares package ipe with the kernel's own parser and evaluation of policies, which it compiles from the source
// of a kernel: a policy that the kernel refuses leaves a system without any enforcement.
package ipe_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rules_modhash/tests/private/runfile"
	"rules_modhash/tools/ipe"
	"rules_modhash/tools/kernel/treearchive"
)

// parts are the parts of the kernel's files that make up the program, in their order. A pattern matches what is taken of a file;
// without one, all of it is.
var parts = []struct{ path, pattern string }{
	{"include/linux/parser.h", `(?s)struct match_token \{.*?\nint match_token\(.*?\);\n`},
	{"security/ipe/policy.h", ""},
	{"security/ipe/digest.h", ""},
	{"security/ipe/eval.h", ""},
	{"lib/parser.c", `(?s)static int match_one\(.*?\n}\n`},
	{"lib/parser.c", `(?s)\nint match_token\(.*?\n}\n`},
	{"security/ipe/digest.c", ""},
	{"security/ipe/policy_parser.h", ""},
	{"security/ipe/policy_parser.c", ""},
	{"security/ipe/eval.c", `(?s)\nstruct ipe_policy __rcu \*ipe_active_policy;.*?\n#define`},
	{"security/ipe/eval.c", `(?s)\nstatic bool evaluate_boot_verified\(.*\nint ipe_evaluate_event\(.*?\n}\n`},
}

// between is our code ahead of a part.
var between = map[string]string{
	"security/ipe/digest.c": "static char *match_strdup(const substring_t *s) { return strndup(s->from, s->to - s->from); }\n",
}

var (
	include  = regexp.MustCompile(`(?m)^#\s*include .*$`)
	trailing = regexp.MustCompile(`\n#define$`)
)

// build compiles the program from the source of a kernel, and returns its path.
func build(t *testing.T) string {
	t.Helper()
	files := readSource(t, runfile.Path(t, "SOURCE"))
	var text bytes.Buffer
	for i, part := range parts {
		code, ok := files[part.path]
		if !ok {
			t.Fatalf("got no %s in the source, want it", part.path)
		}
		if part.pattern != "" {
			code = regexp.MustCompile(part.pattern).FindString(code)
		}
		if code == "" {
			t.Fatalf("%s: got nothing that matches %s, want a part of it", part.path, part.pattern)
		}
		if i == 0 || parts[i-1].path != part.path {
			text.WriteString(between[part.path])
		}
		text.WriteString(trailing.ReplaceAllString(include.ReplaceAllString(code, ""), "") + "\n")
	}
	dir := t.TempDir()
	header, mainFile := readFile(t, runfile.Path(t, "KERNEL_H")), readFile(t, runfile.Path(t, "MAIN_C"))
	source := filepath.Join(dir, "policy.c")
	if err := os.WriteFile(source, []byte(header+text.String()+mainFile), 0o644); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "policy")
	if output, err := exec.Command("gcc", "-O1", "-w", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, output)
	}
	return program
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// readSource returns the files of parts.
func readSource(t *testing.T, archive string) map[string]string {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	wanted := map[string]bool{}
	for _, part := range parts {
		wanted[part.path] = true
	}
	files := map[string]string{}
	err = treearchive.Read(bufio.NewReader(file),
		func(e treearchive.Entry) bool { return wanted[e.Path] },
		func(e treearchive.Entry, contents io.Reader) error {
			data, err := io.ReadAll(contents)
			files[e.Path] = string(data)
			return err
		})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// kernel is the program, which runs.
type kernel struct {
	in  io.Writer
	out *bufio.Reader
}

func start(t *testing.T) *kernel {
	t.Helper()
	cmd := exec.Command(build(t))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &kernel{in, bufio.NewReader(out)}
}

// parse returns what the kernel makes of a text.
func (k *kernel) parse(t *testing.T, text []byte) string {
	t.Helper()
	message := append(binary.NativeEndian.AppendUint32(nil, uint32(len(text))), text...)
	if _, err := k.in.Write(message); err != nil {
		t.Fatal(err)
	}
	line, err := k.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(line, "\n")
}

const refused = "refused"

// parse returns what package ipe makes of a text, in the form of main.c.
func parse(text []byte) string {
	p, err := ipe.Parse(text)
	if err != nil {
		return refused
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s default=%s", p.Name, p.Version, defaultOf(p, "", "-"))
	for _, o := range ipe.Operations {
		if action := defaultOf(p, o, ""); action != "" {
			fmt.Fprintf(&b, " [%s %s]", o, action)
		}
		for _, r := range p.Rules {
			if r.Default || r.Operation != o {
				continue
			}
			fmt.Fprintf(&b, " {%s", o)
			for _, q := range r.Properties {
				fmt.Fprintf(&b, " %s", q)
			}
			fmt.Fprintf(&b, " %s}", r.Action)
		}
	}
	b.WriteString(" " + decisions(p))
	return b.String()
}

func defaultOf(p *ipe.Policy, o ipe.Operation, missing string) string {
	for _, r := range p.Rules {
		if r.Default && r.Operation == o {
			return string(r.Action)
		}
	}
	return missing
}

// digestOf returns a digest of 32 equal bytes, those of main.c.
func digestOf(n int) ipe.Digest {
	return ipe.Digest{Algorithm: "sha256", Hex: strings.Repeat(fmt.Sprintf("%d%d", n, n), 32)}
}

// decisions has the order of files of main.c.
func decisions(p *ipe.Policy) string {
	var b strings.Builder
	for _, o := range ipe.Operations {
		for f := range 2 * 3 * 2 * 3 * 2 {
			file := ipe.File{Initramfs: f/36 == 1, Signed: f/6%2 == 1, FileSigned: f%2 == 1}
			if volume := f / 12 % 3; volume > 0 {
				d := digestOf(volume)
				file.RootHash = &d
			}
			if digest := f / 2 % 3; digest > 0 {
				d := digestOf(digest + 2)
				file.FileDigest = &d
			}
			b.WriteByte(p.Decide(o, file).Action[0])
		}
	}
	return b.String()
}

// Words of the grammar, and words that look like them.
var (
	operations = []string{"op=EXECUTE", "op=FIRMWARE", "op=KMODULE", "op=KEXEC_IMAGE", "op=KEXEC_INITRAMFS", "op=POLICY", "op=X509_CERT"}
	properties = []string{
		"boot_verified=TRUE", "boot_verified=FALSE", "dmverity_signature=TRUE", "dmverity_signature=FALSE", "fsverity_signature=TRUE",
		"fsverity_signature=FALSE", "dmverity_roothash=" + digestOf(1).String(), "dmverity_roothash=" + digestOf(2).String(),
		"fsverity_digest=" + digestOf(3).String(), "fsverity_digest=" + strings.ToUpper(digestOf(4).String()),
		"fsverity_digest=" + digestOf(4).String(), "dmverity_roothash=sha256:00aB",
	}
	others = []string{
		"policy_name=a", "policy_version=1.0.0", "policy_version=+1.02.65535", "policy_version=1.0.65536", "policy_version=-1.0.0",
		"DEFAULT", "op=", "op=X", "action=", "boot_verified=", "boot_verified=true", "dmverity_roothash=sha256:0", "dmverity_roothash=:",
		"dmverity_roothash=a:b:00", "dmverity_roothash=", "fsverity_digest=x:", "#", "x", "=",
	}
	actions    = []string{"action=ALLOW", "action=DENY"}
	separators = []string{" ", "  ", "\t", "\n", "\r", "\r\n", "\v", "\f", "\xa0", "\xc3\xa0", "", "#", "\x00"}
)

func pick(random *rand.Rand, words []string) string { return words[random.IntN(len(words))] }

// generate returns a policy that is right, nearly right, or neither.
func generate(random *rand.Rand) []byte {
	var text []byte
	add := func(words ...string) { text = append(text, strings.Join(words, "")...) }
	if random.IntN(10) > 0 {
		add("policy_name=n policy_version=1.2.3\n")
	}
	if random.IntN(4) > 0 {
		add("DEFAULT ", pick(random, actions), "\n")
	}
	for range random.IntN(5) {
		if random.IntN(4) == 0 {
			for range 1 + random.IntN(5) {
				add(pick(random, [][]string{operations, properties, others, actions}[random.IntN(4)]), pick(random, separators[:1+random.IntN(len(separators))]))
			}
		} else {
			if random.IntN(5) == 0 {
				add("DEFAULT ")
			}
			add(pick(random, operations), " ")
			for range random.IntN(3) {
				add(pick(random, properties), " ")
			}
			add(pick(random, actions))
		}
		add("\n")
	}
	if random.IntN(5) == 0 && len(text) > 0 {
		text[random.IntN(len(text))] ^= 1 << random.IntN(8)
	}
	return text
}

// toLatin1 returns the text with each byte as a character.
func toLatin1(text []byte) string {
	var b strings.Builder
	for _, c := range text {
		b.WriteRune(rune(c))
	}
	return b.String()
}

// TestSameAsKernel has the kernel and package ipe read the same texts, and decide about the same files. Package ipe may refuse
// what the kernel accepts only for the bytes that it documents.
func TestSameAsKernel(t *testing.T) {
	k := start(t)
	random := rand.New(rand.NewPCG(1, 2))
	counts := map[string]int{}
	for range 200_000 {
		text := generate(random)
		got, want := parse(text), k.parse(t, text)
		switch {
		case got == want && got == refused:
			counts["refused by both"]++
		case got == want:
			counts["accepted by both"]++
		case got == refused && strings.ContainsAny(toLatin1(text), "\x00\v\f\u00a0"):
			counts["only by the kernel"]++
		default:
			t.Fatalf("policy %q:\n got %s\nwant %s, as the kernel", text, got, want)
		}
	}
	t.Logf("accepted: %v", counts)
	if counts["accepted by both"] < 10_000 || counts["refused by both"] < 10_000 {
		t.Errorf("got %v, want 10,000 policies or more of each kind", counts)
	}
}

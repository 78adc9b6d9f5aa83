// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/cli"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/root/object"
	"rules_modhash/tools/merkle/trailer"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"modhash": main})
}

// TestScripts runs the cases in testdata/script: one file a topic, a text archive that
// begins with commands. Beside those of testscript there are
//
//	exits CODE COMMAND...      COMMAND must end with CODE
//	mkmodule MACHINE TEXT FILE an ELF object that holds TEXT
//	mkvmlinux ROOT_OBJECT FILE the object as if it were linked
//	mkimage KIND FILE          a boot image of a kernel, or a file that goes with it (image_test.go)
//	bzimage FILE KERNEL RELEASE  a bzImage that names its release
//	uki FILE NAME=FILE...      an EFI program with sections
//	sign FILE                  append a PKCS#7 trailer
//	trailer TYPE LENGTH FILE   append a trailer without signature, LENGTH being its sig_len
//	fill LENGTH FILE           append LENGTH bytes
//	compress FILE              write FILE.xz, FILE.zst and FILE.gz
//	archive FILE DIR [PREFIX]  make a tar, compressed by its name, or a .deb
//	initramfs FILE DIR[.gz]... make an initramfs of archives, compressed by their suffixes
//	newc FILE NAME SIZE        make an initramfs with an entry that states SIZE bytes
//	cut LENGTH FILE            cut FILE to LENGTH bytes
//	flip OFFSET FILE           flip a bit at OFFSET, from the end if negative
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     cmdExits,
			"mkmodule":  command(3, mkModule),
			"mkvmlinux": command(2, mkVmlinux),
			"mkimage":   command(2, mkImage),
			"sign":      command(1, signModule),
			"trailer":   command(3, appendTrailer),
			"fill":      command(2, fillFile),
			"compress":  command(1, compressFile),
			"flip":      command(2, flipBit),
			"cut":       command(2, cutFile),
			"archive":   cmdArchive,
			"initramfs": cmdInitramfs,
			"newc":      cmdNewc,
			"bzimage":   cmdBzImage,
			"uki":       cmdUKI(t),
		},
	})
}

// command makes a script command of a function of n arguments, the last of which is a path.
func command(n int, do func(args []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != n {
			ts.Fatalf("want %d arguments, got %q", n, args)
		}
		args[n-1] = ts.MkAbs(args[n-1])
		if n > 1 && strings.HasSuffix(args[n-2], ".o") {
			args[n-2] = ts.MkAbs(args[n-2])
		}
		ts.Check(do(args))
	}
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code is %d, want %s", got, args[0])
	}
}

func mkModule(args []string) error {
	m, err := arch.Named(args[0])
	if err != nil {
		return err
	}
	object, err := object.Write(m, merkle.Root{Levels: 1, Hash: merkle.Hash{1}})
	if err != nil {
		return err
	}
	return os.WriteFile(args[2], append(object, args[1]...), 0o644)
}

// mkVmlinux turns a little-endian root object into an executable.
func mkVmlinux(args []string) error {
	b, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	b[16] = 2 // ET_EXEC
	return os.WriteFile(args[1], b, 0o644)
}

func appendToFile(file string, b []byte) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(old, b...), 0o644)
}

func signModule(args []string) error {
	signature := bytes.Repeat([]byte("signature"), 20)
	b := append(signature, 0, 0, byte(trailer.IDTypePKCS7), 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(signature)))
	return appendToFile(args[0], append(b, trailer.Marker...))
}

func appendTrailer(args []string) error {
	idType, err := strconv.ParseUint(args[0], 10, 8)
	if err != nil {
		return err
	}
	length, err := strconv.ParseUint(args[1], 10, 32)
	if err != nil {
		return err
	}
	b := binary.BigEndian.AppendUint32([]byte{2: byte(idType), 7: 0}, uint32(length))
	return appendToFile(args[2], append(b, trailer.Marker...))
}

func fillFile(args []string) error {
	length, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	return appendToFile(args[1], bytes.Repeat([]byte{'-'}, length))
}

func compressFile(args []string) error {
	b, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	for suffix := range compressors {
		out, err := compressed(suffix, b)
		if err := errors.Join(err, os.WriteFile(args[0]+suffix, out, 0o644)); err != nil {
			return err
		}
	}
	return nil
}

func cutFile(args []string) error {
	length, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return err
	}
	return os.Truncate(args[1], length)
}

func flipBit(args []string) error {
	b, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	offset, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	if offset < 0 {
		offset += len(b)
	}
	b[offset] ^= 1
	return os.WriteFile(args[1], b, 0o644)
}

// TestInterrupted checks that a command that was interrupted leaves no files.
func TestInterrupted(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.ko", []byte("module"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := cli.Run(ctx, newRoot("", &stdout, &stderr), []string{"tree", "--raw", "--out", "tree.pb", "--seal", "sealed", "--proofs", "proofs", "a.ko"})
	if want := "modhash tree: interrupted\n"; code != cli.Error || stderr.String() != want || stdout.Len() > 0 {
		t.Errorf("exit code %d, stderr %q, stdout %q, want %d, %q, none",
			code, &stderr, &stdout, cli.Error, want)
	}
	entries, err := os.ReadDir(".")
	if err != nil || len(entries) != 1 {
		t.Errorf("files are %v, %v, want a.ko alone", entries, err)
	}
}

// TestExamples runs the example of each command as a shell would after pasting, on a small
// lib/modules/RELEASE.
func TestExamples(t *testing.T) {
	commands := newRoot("", io.Discard, io.Discard).Commands()
	if len(commands) != 15 {
		t.Errorf("%d commands, want 15", len(commands))
	}
	for _, c := range commands {
		t.Run(c.Name(), func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := mkSystem(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile("modules/modules.order", []byte("kernel/fs/ext4/ext4.ko\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			// Subcommands come after the command, whose files theirs may use.
			for _, c := range append([]*cobra.Command{c}, c.Commands()...) {
				runExample(t, c)
			}
		})
	}
}

// runExample runs the example in the help of a command, with files of the test in place of those of a system.
func runExample(t *testing.T, c *cobra.Command) {
	t.Helper()
	if c.Example == "" {
		t.Fatalf("%s: no example", c.CommandPath())
	}
	script := strings.NewReplacer(
		"/lib/modules/$(uname -r)", "modules", "--root-dir /", "--root-dir system", "'", "",
		"/sys/kernel/security/ipe/policies/NAME/policy", "policy.txt",
	).Replace(c.Example)
	for _, line := range strings.Split(script, "\n") {
		words := strings.Fields(line)
		var stderr bytes.Buffer
		if code := cli.Run(t.Context(), newRoot("", io.Discard, &stderr), words[1:]); words[0] != "modhash" || code != cli.Done {
			t.Errorf("%q: exit code %d, %s", line, code, &stderr)
		}
	}
}

// mkSystem makes a lib/modules/RELEASE in modules, and a system whose kernel knows its modules in system.
func mkSystem(ctx context.Context) error {
	err := errors.Join(
		os.MkdirAll("modules/kernel", 0o755), os.MkdirAll("system/lib/modules/1", 0o755), os.MkdirAll("system/boot", 0o755),
		mkModule([]string{"x86_64", "a", "modules/kernel/a.ko"}),
	)
	args := []string{"tree", "--quiet", "--root-object", "root.o", "--seal", "system/lib/modules/1", "modules"}
	if code := cli.Run(ctx, newRoot("", io.Discard, os.Stderr), args); err == nil && code != cli.Done {
		err = errors.New("modhash tree failed")
	}
	return errors.Join(err, mkVmlinux([]string{"root.o", "system/boot/vmlinuz-1"}), os.Remove("root.o"))
}

// TestHelp checks that the help of each command lists its exit codes.
func TestHelp(t *testing.T) {
	for _, c := range newRoot("", io.Discard, io.Discard).Commands() {
		for _, c := range append([]*cobra.Command{c}, c.Commands()...) {
			var stdout, stderr bytes.Buffer
			args := append(strings.Fields(c.CommandPath())[1:], "--help")
			code := cli.Run(t.Context(), newRoot("", &stdout, &stderr), args)
			for _, want := range []string{"Exit codes: 0 ", "Examples:\n  modhash ", c.Name()} {
				if !strings.Contains(stdout.String(), want) || code != cli.Done {
					t.Errorf("%s --help: exit code %d, want 0 and %q in\n%s", c.CommandPath(), code, want, &stdout)
				}
			}
		}
	}
}

// SPDX-License-Identifier: Apache-2.0

package initramfs

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	reference "github.com/u-root/u-root/pkg/cpio"

	"rules_modhash/tools/archive/codec"
)

// steps fill an archive; each works whatever comes before it.
func steps(host string) []func(*Archive) error {
	return []func(*Archive) error{
		func(a *Archive) error { return a.Add("/init", filepath.Join(host, "init")) },
		func(a *Archive) error { return a.Add("/", filepath.Join(host, "root")) },
		func(a *Archive) error { return a.Add("/lib/more", filepath.Join(host, "init")) },
		func(a *Archive) error { return a.AddSymlink("/bin/sh", "busybox") },
		func(a *Archive) error { return a.AddCharDevice("/dev/kmsg", 1, 11) },
		func(a *Archive) error { return a.AddDirectory("/proc") },
		func(a *Archive) error { return a.AddText("/plan", "{}", "test") },
	}
}

// hostTree makes files with a mode and a time that must not show.
func hostTree(t *testing.T, mode os.FileMode, when time.Time) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"init": "#!", "root/lib/b": "longer", "root/lib/a/x": "", "root/lib.txt": "1"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, when, when); err != nil {
			t.Fatal(err)
		}
	}
	// A link is the file: build systems show inputs as links.
	if err := os.Symlink("lib/b", filepath.Join(dir, "root", "link")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, a *Archive) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := a.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// list shows an archive as one line an entry.
func list(t *testing.T, data []byte) []string {
	t.Helper()
	records, err := reference.ReadAllRecords(reference.Newc.Reader(bytes.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range records {
		text, err := io.ReadAll(io.NewSectionReader(r, 0, int64(r.FileSize)))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s %o %d:%d %d %d,%d %q", r.Name, r.Mode, r.UID, r.GID, r.MTime, r.Rmajor, r.Rminor, text))
	}
	return lines
}

func TestWrite(t *testing.T) {
	host := hostTree(t, 0o600, time.Unix(1e9, 0))
	a := &Archive{}
	for _, step := range steps(host) {
		if err := step(a); err != nil {
			t.Fatal(err)
		}
	}
	data := write(t, a)
	want := []string{
		`bin 40755 0:0 0 0,0 ""`,
		`bin/sh 120777 0:0 0 0,0 "busybox"`,
		`dev 40755 0:0 0 0,0 ""`,
		`dev/kmsg 20600 0:0 0 1,11 ""`,
		`init 100755 0:0 0 0,0 "#!"`,
		`lib 40755 0:0 0 0,0 ""`,
		`lib.txt 100755 0:0 0 0,0 "1"`,
		`lib/a 40755 0:0 0 0,0 ""`,
		`lib/a/x 100755 0:0 0 0,0 ""`,
		`lib/b 100755 0:0 0 0,0 "longer"`,
		`lib/more 100755 0:0 0 0,0 "#!"`,
		`link 100755 0:0 0 0,0 "longer"`,
		`plan 100755 0:0 0 0,0 "{}"`,
		`proc 40755 0:0 0 0,0 ""`,
	}
	if got := list(t, data); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	const digest = "311e13976beb3eaf820ff7ce022bceb214f17ae3d3362bd697f452c26e1f104b"
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != digest {
		t.Errorf("got an archive with SHA-256 %x, want %s: its bytes have changed", sum, digest)
	}
}

// TestWriteCompressed checks that an archive in a compressor has the same bytes as one that is compressed as a whole:
// where files begin shows in no block.
func TestWriteCompressed(t *testing.T) {
	a := &Archive{}
	for i := range 3 {
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, bytes.Repeat([]byte("contents "), 10_000*i), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := a.Add(fmt.Sprintf("/f%d", i), file); err != nil {
			t.Fatal(err)
		}
	}
	whole := write(t, a)
	for _, name := range codec.Written() {
		compress := func(write func(io.Writer) error) []byte {
			var out bytes.Buffer
			w, err := codec.NewWriter(name, &out)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(write(w), w.Close()); err != nil {
				t.Fatal(err)
			}
			return out.Bytes()
		}
		got := compress(a.Write)
		want := compress(func(w io.Writer) error { _, err := w.Write(whole); return err })
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got %d bytes, want the %d of the archive compressed as a whole", name, len(got), len(want))
		}
	}
}

func TestWriteIsReproducible(t *testing.T) {
	var want []byte
	for i, mode := range []os.FileMode{0o400, 0o755} {
		host := hostTree(t, mode, time.Unix(int64(i)*1e9, 0))
		a := &Archive{}
		all := steps(host)
		for k := range all {
			if i == 1 {
				k = len(all) - 1 - k
			}
			if err := all[k](a); err != nil {
				t.Fatal(err)
			}
		}
		got := write(t, a)
		if i > 0 && !bytes.Equal(got, want) {
			t.Error("order of additions, modes, times or directory change the archive")
		}
		want = got
	}
}

func TestWriteErrors(t *testing.T) {
	host := hostTree(t, 0o600, time.Now())
	file := filepath.Join(host, "init")
	if err := os.Symlink("nowhere", filepath.Join(host, "dangling")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		fill func(*Archive) error
		want string
	}{
		{"relative path", func(a *Archive) error { return a.Add("init", file) },
			`adding FILE to the initramfs: got the path "init", want a clean absolute path, not / itself`},
		{"root", func(a *Archive) error { return a.AddText("/", "", "text") },
			`adding text to the initramfs: got the path "/", want a clean absolute path, not / itself`},
		{"needless parts", func(a *Archive) error { return a.AddSymlink("/a/../b", "c") },
			`adding symbolic link to c to the initramfs: got the path "/a/../b", want a clean absolute path, not / itself`},
		{"twice", func(a *Archive) error { _ = a.AddText("/a", "", "one"); return a.Add("/a", file) },
			`adding to the initramfs: got the path /a for both one and FILE, want two different paths`},
		{"file over directory", func(a *Archive) error { _ = a.AddDirectory("/a"); return a.Add("/a", file) },
			`adding to the initramfs: got the path /a for both directory and FILE, want two different paths`},
		{"file above file", func(a *Archive) error {
			_ = a.AddText("/a", "", "one")
			_ = a.Add("/a/b", file)
			return a.Write(io.Discard)
		},
			`adding to the initramfs: got the path /a for both one and directory of FILE, want two different paths`},
		{"no target", func(a *Archive) error { return a.AddSymlink("/a", "") },
			`adding the symbolic link /a to the initramfs: got an empty target, want a path`},
		{"device of the host", func(a *Archive) error { return a.Add("/null", "/dev/null") },
			`adding /dev/null to the initramfs: got a file of type Dc---------, want a regular file or directory`},
		{"not there", func(a *Archive) error { return a.Add("/a", filepath.Join(host, "dangling")) },
			`stat DIR/dangling: no such file or directory`},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.fill(&Archive{})
			want := strings.NewReplacer("FILE", file, "DIR", host).Replace(test.want)
			if err == nil || err.Error() != want {
				t.Errorf("got error %v, want %s", err, want)
			}
		})
	}
}

// A file that changes its size while it is read must not make an archive that is not one.
func TestWriteChangedFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &Archive{}
	if err := a.Add("/f", file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("123"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := a.Write(io.Discard)
	if err == nil || !strings.HasPrefix(err.Error(), "writing /f to the initramfs: ") {
		t.Errorf("got error %v, want one about /f", err)
	}
}

// dynamicProgram makes the smallest ELF file that names a loader.
func dynamicProgram(t *testing.T) string {
	t.Helper()
	const loader = "/lib64/ld-test.so.2\x00"
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
	}
	segment := elf.Prog64{Type: uint32(elf.PT_INTERP), Off: 64 + 56, Filesz: uint64(len(loader))}
	var out bytes.Buffer
	for _, part := range []any{header, segment, []byte(loader)} {
		if err := binary.Write(&out, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDynamicProgram(t *testing.T) {
	program := dynamicProgram(t)
	a := &Archive{}
	if err := a.Add("/init", program); err != nil {
		t.Fatal(err)
	}
	want := "adding " + program + " to the initramfs: got a program that needs /lib64/ld-test.so.2, which does not exist, " +
		"want a static one, or its loader and libraries too"
	if err := a.Write(io.Discard); err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	if err := a.AddText("/usr/lib64/ld-test.so.2", "", "test"); err != nil {
		t.Fatal(err)
	}
	if err := a.Write(io.Discard); err != nil {
		t.Errorf("with its loader: %v", err)
	}
}

// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/u-root/u-root/pkg/cpio"

	"rules_modhash/tools/internal/imagetest"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/trailer"
)

// build is a small kernel: the root of some modules, and each of them sealed.
type build struct {
	kernel []byte
	root   merkle.Root
	sealed [][]byte
}

// newBuild seals n modules, which differ by the name of the build and their number.
func newBuild(t testing.TB, name string, n int) build {
	t.Helper()
	object := asModule(imagetest.Object(t, "x86_64", merkle.Root{Levels: 1}))
	hashes, bodies := make([]merkle.Hash, n), make([][]byte, n)
	for i := range n {
		bodies[i] = fmt.Appendf(object[:len(object):len(object)], "%s %d", name, i)
		hashes[i] = merkle.LeafHash(uint32(i), bodies[i])
	}
	tree, err := merkle.New(hashes)
	if err != nil {
		t.Fatal(err)
	}
	b := build{root: tree.Root(), kernel: imagetest.Vmlinux(t, tree.Root())}
	for i := range n {
		proof, err := tree.Proof(uint32(i))
		if err != nil {
			t.Fatal(err)
		}
		b.sealed = append(b.sealed, trailer.Append(bodies[i], proof))
	}
	return b
}

// asModule returns an object with a section that kernel modules alone have.
func asModule(object []byte) []byte {
	return bytes.Replace(object, []byte(".module_hashes\x00"), []byte(".modinfo\x00\x00\x00\x00\x00\x00\x00"), 1)
}

// bareOf returns a module without its proof.
func bareOf(t testing.TB, sealed []byte) []byte {
	t.Helper()
	trailer, err := trailer.Split(sealed, int64(len(sealed)))
	if err != nil {
		t.Fatal(err)
	}
	return sealed[:len(sealed)-trailer.Size()]
}

// archive returns a cpio archive with one file.
func archive(t testing.TB, name string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := cpio.Newc.Writer(&b)
	if err := cpio.WriteRecords(w, []cpio.Record{cpio.StaticFile(name, string(data), 0o644)}); err != nil {
		t.Fatal(err)
	}
	if err := cpio.WriteTrailer(w); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// write writes a file below dir.
func write(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// install writes the kernel and the modules of a release.
func (b build) install(t testing.TB, dir, release string) {
	write(t, dir, "boot/vmlinuz-"+release, b.kernel)
	for i, sealed := range b.sealed {
		write(t, dir, fmt.Sprintf("lib/modules/%s/m%02d.ko", release, i), sealed)
	}
}

func run(t testing.TB, dir string) *Report {
	t.Helper()
	return runWith(t, dir, Options{})
}

func runWith(t testing.TB, dir string, o Options) *Report {
	t.Helper()
	report, err := Run(context.Background(), dir, o, Progress{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// statuses returns "PATH: STATUS: REASON" of modules that are not verified.
func statuses(m Modules) (lines []string) {
	for _, module := range m.Modules {
		if module.Status != Verified {
			lines = append(lines, fmt.Sprintf("%s: %s: %s", module.Path, module.Status, module.Reason))
		}
	}
	return lines
}

func TestClean(t *testing.T) {
	for _, n := range []int{1, 2, 3, 33} {
		dir := t.TempDir()
		newBuild(t, "one", n).install(t, dir, "1")
		if r := run(t, dir); !r.Clean || r.Counts[Verified] != n {
			t.Errorf("%d modules: %+v", n, r)
		}
	}
}

// TestLostTrailers strips every module in turn: the report must distinguish each from one that never belonged.
func TestLostTrailers(t *testing.T) {
	b := newBuild(t, "one", 9)
	for i, sealed := range b.sealed {
		dir := t.TempDir()
		b.install(t, dir, "1")
		bare := bareOf(t, sealed)
		write(t, dir, fmt.Sprintf("lib/modules/1/m%02d.ko", i), bare)
		write(t, dir, "lib/modules/1/never.ko", append(bare[:len(bare):len(bare)], "never"...))
		got := statuses(run(t, dir).Installed[0])
		want := []string{
			fmt.Sprintf("m%02d.ko: stripped: carries no proof: its bytes are those of position %d of this build", i, i),
			"never.ko: unsigned: carries neither a proof nor a signature",
		}
		// The last of an odd number of leaves is its own sibling: no other proof shows it.
		if i == len(b.sealed)-1 {
			want[0] = fmt.Sprintf("m%02d.ko: unsigned: carries neither a proof nor a signature", i)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

// TestOtherBuilds mixes three builds, of which two have a kernel.
func TestOtherBuilds(t *testing.T) {
	dir := t.TempDir()
	one, two, third := newBuild(t, "one", 4), newBuild(t, "two", 5), newBuild(t, "third", 4)
	one.install(t, dir, "1")
	two.install(t, dir, "2")
	write(t, dir, "lib/modules/1/two.ko", two.sealed[3])
	write(t, dir, "lib/modules/1/x.ko", third.sealed[0])
	write(t, dir, "lib/modules/1/y.ko", third.sealed[1])
	altered := append([]byte{}, one.sealed[2]...)
	altered[200] ^= 1
	write(t, dir, "lib/modules/1/z.ko", altered)
	got := strings.Join(statuses(run(t, dir).Installed[0]), "\n")
	for _, want := range []string{
		"two.ko: other build: belongs to the build of boot/vmlinuz-2",
		"x.ko: other build: belongs to a build with the root 2 ", ", as do 1 others here",
		"z.ko: altered: has other bytes than the sealed module: its proof is of this build (position 2)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %q", got, want)
		}
	}
}

// TestOtherImages has kernels that are not a vmlinux: a unified kernel image with modules inside, and an arm64 Image, whose
// root is found by its System.map.
func TestOtherImages(t *testing.T) {
	dir := t.TempDir()
	one, two := newBuild(t, "one", 3), newBuild(t, "two", 3)
	one.install(t, dir, "1")
	two.install(t, dir, "2")
	for _, name := range []string{"boot/vmlinuz-1", "boot/vmlinuz-2"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, "efi/EFI/Linux/system.efi", imagetest.UKI(t, map[string][]byte{
		".linux": one.kernel, ".uname": []byte("1\n"), ".initrd": archive(t, "lib/modules/1/m00.ko", two.sealed[0]),
	}, ".uname", ".linux", ".initrd"))
	write(t, dir, "boot/vmlinuz-2", imagetest.ARM64Image(binary.LittleEndian, two.root))
	if r := run(t, dir); r.Kernels[0].Problem == "" || r.Counts[Unchecked] != 3 {
		t.Errorf("without a System.map: got %+v", r)
	}
	write(t, dir, "boot/System.map-2", []byte(imagetest.SystemMap))
	r := run(t, dir)
	if r.Counts[Verified] != 6 || r.Counts[OtherBuild] != 1 || len(r.Problems) != 0 {
		t.Errorf("got %+v", r)
	}
	for i, want := range []string{"Image", "unified kernel image"} {
		if got := r.Kernels[i].Format; got != want {
			t.Errorf("%s: got the format %q, want %q", r.Kernels[i].Path, got, want)
		}
	}
	if got := r.Initramfs[0]; got.Path != "efi/EFI/Linux/system.efi" || got.Modules.Modules[0].Path != "lib/modules/1/m00.ko" {
		t.Errorf("got %+v", got)
	}
}

// TestHostileFiles has files in place of modules that must neither block nor lead out.
func TestHostileFiles(t *testing.T) {
	dir := t.TempDir()
	newBuild(t, "one", 2).install(t, dir, "1")
	directory := filepath.Join(dir, "lib/modules/1")
	for _, err := range []error{
		syscall.Mkfifo(filepath.Join(directory, "fifo.ko"), 0o644),
		os.Mkdir(filepath.Join(directory, "directory.ko"), 0o755),
		os.Symlink("loop.ko", filepath.Join(directory, "loop.ko")),
		os.Symlink("/etc/hostname", filepath.Join(directory, "absolute.ko")),
		os.Symlink("../../../../x.ko", filepath.Join(directory, "up.ko")),
		os.Symlink("m00.ko", filepath.Join(directory, "within.ko")),
		os.Symlink("/", filepath.Join(directory, "source")),
		syscall.Mkfifo(filepath.Join(dir, "boot/initrd.img-1"), 0o644),
		syscall.Mkfifo(filepath.Join(dir, "boot/vmlinuz-2"), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r := run(t, dir)
	got := strings.Join(statuses(r.Installed[0]), "\n")
	want := strings.Join([]string{
		`absolute.ko: unreadable: is a symbolic link to "/etc/hostname", which does not exist`,
		"fifo.ko: unreadable: is not a regular file (p---------)",
		"loop.ko: unreadable: cannot be read: too many levels of symbolic links",
		`up.ko: unreadable: is a symbolic link to "../../../../x.ko", which does not exist`,
		"within.ko: misplaced: is the same module as m00.ko (position 0)",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	want = "[{boot/initrd.img-1 is not a regular file (p---------)} {boot/vmlinuz-2 is not a regular file (p---------)}]"
	if got := fmt.Sprint(r.NotExamined); got != want {
		t.Errorf("not examined: got %s, want %s", got, want)
	}
}

func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	newBuild(t, "one", 2).install(t, dir, "1")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, dir, Options{}, Progress{}); err != context.Canceled {
		t.Errorf("error is %v, want %v", err, context.Canceled)
	}
}

func TestReleaseInPath(t *testing.T) {
	for path, want := range map[string]string{
		"boot/vmlinuz-7.2.12+deb14-amd64": "7.2.12+deb14-amd64", "boot/initrd.img-7.2.12": "7.2.12",
		"boot/initramfs-7.2.12.img": "7.2.12", "boot/initramfs-linux.img": "linux", "boot/vmlinuz": "",
		"lib/modules/7.2.12/vmlinuz": "7.2.12", "usr/lib/modules/7.2.12/initrd": "7.2.12",
		"boot/0123456789abcdef/7.2.12/linux": "7.2.12", "boot/efi/0123/7.2.12/initrd": "7.2.12",
		"boot/vmlinux-7.2.13.gz": "7.2.13", "boot/initramfs-genkernel-x86_64-6.1.0-x.img": "6.1.0-x", "boot/kernel-7.2.12.old": "7.2.12",
		"boot/vmlinuz-7.2.12-rt": "7.2.12-rt", "boot/efi/0123/7.2.12/linux-abc": "7.2.12", "boot/EFI/BOOT/BOOTX64.EFI": "",
	} {
		if got := releaseInPath(path, []string{"7.2.12", "6.1.0-x"}); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/u-root/u-root/pkg/cpio"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"rules_modhash/tools/internal/imagetest"
)

// placements is how many random placements are tried, unless placementsVariable states otherwise: 10,000 take minutes.
const placements, placementsVariable = 1000, "MODHASH_PLACEMENTS"

// TestPlanted puts one module at a random place that the kernel, kmod or a boot loader reaches. Sealed, it is verified
// and the report is clean, so it was found; unsealed, the report is never clean.
func TestPlanted(t *testing.T) {
	one := newBuild(t, "one", 3)
	n := placements
	if value, ok := os.LookupEnv(placementsVariable); ok {
		var err error
		if n, err = strconv.Atoi(value); err != nil {
			t.Fatal(err)
		}
	}
	for shard := range 4 {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			for seed := shard; seed < n; seed += 4 {
				one.plant(t, uint64(seed))
			}
		})
	}
}

// plant audits a system with one module planted, first sealed, then not.
func (b build) plant(t *testing.T, seed uint64) {
	t.Helper()
	for _, sealed := range []bool{true, false} {
		dir, err := os.MkdirTemp("", "planted")
		if err != nil {
			t.Fatal(err)
		}
		p := &planter{T: t, Rand: rand.New(rand.NewPCG(seed, 7)), dir: dir, build: b}
		p.module = b.sealed[2]
		if !sealed {
			p.module = bareOf(t, b.sealed[2])
		}
		p.system()
		where := p.place()
		r, err := Run(context.Background(), dir, Options{}, Progress{})
		if err != nil {
			t.Fatalf("seed %d, %s: %v", seed, where, err)
		}
		if r.Clean != sealed {
			t.Fatalf("seed %d, %s, sealed %v: clean is %v; problems %v, not examined %v, kernels %+v, installed %+v, initramfs %+v",
				seed, where, sealed, r.Clean, r.Problems, r.NotExamined, r.Kernels, r.Installed, r.Initramfs)
		}
		if sealed && r.Counts[Verified] < 3 {
			t.Fatalf("seed %d, %s: the planted module was not found: %v", seed, where, r.Counts)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// planter makes one system.
type planter struct {
	*testing.T
	*rand.Rand
	dir    string
	build  build
	module []byte
}

func (p *planter) oneOf(choices ...string) string { return choices[p.IntN(len(choices))] }

// name returns a random path of up to some elements.
func (p *planter) name(elements int) string {
	var parts []string
	for range 1 + p.IntN(elements) {
		parts = append(parts, p.oneOf("a", "b-c", "kernel", "updates", "extra", "x.y", "über", "with space", "0"))
	}
	return path.Join(parts...)
}

func (p *planter) link(name, target string) {
	p.Helper()
	file := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		p.Fatal(err)
	}
	if err := os.Symlink(target, file); err != nil {
		p.Fatal(err)
	}
}

// system writes a system that is clean: a kernel and two of its modules.
func (p *planter) system() {
	write(p.T, p.dir, p.oneOf("boot/vmlinuz-7.1", "usr/lib/modules/7.1/vmlinuz", "boot/EFI/nixos/abc.efi", "efi/x/7.1/linux"), p.build.kernel)
	for i, sealed := range p.build.sealed[:2] {
		write(p.T, p.dir, fmt.Sprintf("usr/lib/modules/7.1/kernel/m%02d.ko", i), sealed)
	}
	if p.IntN(2) == 0 {
		p.link("lib", "usr/lib")
	}
}

// place puts the module somewhere, and describes where.
func (p *planter) place() string {
	switch p.IntN(5) {
	case 0:
		return p.installed("usr/lib/modules/7.1")
	case 1:
		return p.linked()
	case 2:
		return p.named()
	}
	return p.booted()
}

// installed puts the module below a directory.
func (p *planter) installed(dir string) string {
	data, suffix := p.module, ""
	switch p.IntN(4) {
	case 0:
		data, suffix = p.gzip(data), ".gz"
	case 1:
		data, suffix = p.xz(data), ".xz"
	case 2:
		data, suffix = p.zstd(data), ".zst"
	}
	name := path.Join(dir, p.name(4), "planted.ko"+suffix)
	write(p.T, p.dir, name, data)
	return name
}

// linked reaches the module through links.
func (p *planter) linked() string {
	outside := "opt/" + p.name(3)
	target, depth := "/"+outside, 4
	where := p.installed(outside)
	for i := range p.IntN(3) {
		hop := fmt.Sprintf("srv/hop%d", i)
		p.link(hop, target)
		target = p.oneOf("/", "../../../../../../../../../") + hop
	}
	name := "usr/lib/modules/7.1/" + p.oneOf("updates", "kernel/linked", "zzz", "0/1/2")
	if p.IntN(4) == 0 { // a link to the file alone
		name = path.Join(path.Dir(name), path.Base(where))
		target = path.Join("/", where)
	}
	if p.IntN(3) == 0 && strings.HasPrefix(target, "/") {
		target = strings.Repeat("../", depth+strings.Count(name, "/")) + target[1:]
	}
	p.link(name, target)
	return name + " -> " + target + " -> " + where
}

// named puts the module where an index, an extension or another release has it.
func (p *planter) named() string {
	switch p.IntN(3) {
	case 0:
		where := p.installed("opt/" + p.name(2))
		write(p.T, p.dir, "usr/lib/modules/7.1/"+p.oneOf("modules.dep", "modules.dep.bin"),
			[]byte(p.oneOf("/"+where, "../../../../"+where)+": kernel/m00.ko\n"))
		return "modules.dep names " + where
	case 1:
		return p.installed(p.oneOf("var/lib", "etc", "run") + "/extensions/x/usr/lib/modules/7.1")
	}
	return p.installed("ostree/deploy/os/deploy/0123.0/usr/lib/modules/7.1")
}

// booted puts the module into an initramfs, wherever boot loaders find one.
func (p *planter) booted() string {
	image, what := p.initramfs()
	switch p.IntN(6) {
	case 0:
		name := "usr/lib/modules/7.1/" + p.oneOf("initrd", "initramfs.img", "fallback.bin")
		write(p.T, p.dir, name, image)
		return what + " in " + name
	case 1:
		return what + " in " + p.unified(image)
	case 2:
		name := "srv/tftp/image"
		write(p.T, p.dir, name, image)
		write(p.T, p.dir, p.oneOf("boot/loader/entries/a.conf", "efi/loader/entries/b.conf"), []byte("title x\ninitrd /srv/tftp/image\n"))
		return what + " in a boot entry"
	}
	name := p.oneOf("boot/", "efi/", "boot/efi/", "EFI/", "loader/", "usr/lib/ostree-boot/", "ostree/boot.1/") +
		p.oneOf("initrd.img-7.1", "weird", "kernels/abc-initrd", "ostree/x/initramfs-7.1.img", "firmware/initramfs8", "x.efi.extra.d/y.cpio")
	if p.IntN(9) == 0 {
		name = "initrd.img"
	}
	if p.IntN(5) == 0 { // in a U-Boot image
		header := make([]byte, 64)
		binary.BigEndian.PutUint32(header, 0x27051956)
		header[30] = 3
		image, what = append(header, image...), what+" behind a U-Boot header"
	}
	write(p.T, p.dir, name, image)
	return what + " in " + name
}

// unified puts an initramfs into a unified kernel image or an addon.
func (p *planter) unified(image []byte) string {
	section := p.oneOf(".initrd", ".ucode")
	if p.IntN(2) == 0 {
		name := p.oneOf("efi/EFI/Linux/a.efi.extra.d/b.addon.efi", "boot/loader/addons/c.addon.efi", "boot/EFI/Linux/foo.addon.efi")
		write(p.T, p.dir, name, imagetest.UKI(p.T, map[string][]byte{section: image, ".cmdline": []byte("quiet")}, ".cmdline", section))
		return section + " of " + name
	}
	sections := map[string][]byte{".linux": p.build.kernel, ".profile": []byte("ID=x"), section: image, ".uname": []byte("7.1")}
	names := [][]string{
		{".uname", ".linux", section}, {".linux", ".uname", ".profile", section}, {section, ".linux"},
		{".linux", ".profile", ".profile", section, ".profile"},
	}[p.IntN(4)]
	name := p.oneOf("efi/EFI/Linux/a.efi", "boot/EFI/BOOT/BOOTX64.EFI", "usr/lib/modules/7.1/uki.efi")
	write(p.T, p.dir, name, imagetest.UKI(p.T, sections, names...))
	return fmt.Sprintf("%s of %s %v", section, name, names)
}

// initramfs returns archives in a row, with the module in one of them.
func (p *planter) initramfs() ([]byte, string) {
	file, name, what := p.member()
	var image []byte
	for i, n := 0, p.IntN(3); i <= n; i++ {
		records := []cpio.Record{cpio.StaticFile("early/microcode.bin", "code", 0o644)}
		if i == n {
			records = p.linkedRecords(name, file)
		}
		archive := pack(p.T, records)
		if i == n || p.IntN(2) == 0 {
			archive = p.compressed(archive)
		}
		image = append(image, archive...)
		// lz4 has no mark for its end: what follows must not look like the size of a block.
		image = append(image, make([]byte, 4+4*p.IntN(3)+(4-len(image)%4)%4)...)
	}
	return image, what
}

// linkedRecords returns a file under several names, of which any may have the contents.
func (p *planter) linkedRecords(name string, data []byte) (records []cpio.Record) {
	names := []string{name, "zzz-blob", "0-blob"}[:1+p.IntN(3)]
	p.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	holder := p.IntN(len(names))
	for i, n := range names {
		r := cpio.StaticFile(n, "", 0o644)
		if i == holder {
			r = cpio.StaticFile(n, string(data), 0o644)
		}
		r.Ino, r.NLink = 77, uint64(len(names))
		records = append(records, r)
	}
	return records
}

// member returns a file with the module in it, its name in the archive, and what it is.
func (p *planter) member() (data []byte, name, what string) {
	dir := p.oneOf("lib/modules/7.1", "usr/lib/modules/7.1", "", "opt") + "/" + p.name(3)
	dir = strings.TrimPrefix(dir, "/")
	switch p.IntN(7) {
	case 0:
		return p.zstd(p.module), dir + "/planted.ko.zst", "a compressed module"
	case 1: // without the name of a module
		return p.module, dir + "/planted.bin", "a module of another name"
	case 2:
		return p.gzip(p.module), dir + "/blob", "a compressed module of another name"
	case 3:
		return p.compressed(pack(p.T, []cpio.Record{cpio.StaticFile("x/planted.ko", string(p.module), 0o644)})), "inner.img", "a nested archive"
	case 4:
		return p.compressed(p.tar()), "modules.bin", "a tar archive"
	case 5:
		return p.zip(), dir + "/modules.jar", "a zip archive"
	}
	return p.module, dir + "/planted.ko", "a module"
}

func (p *planter) tar() []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	h := &tar.Header{Name: p.oneOf("./", "") + "k/planted.ko", Mode: 0o644, Size: int64(len(p.module)), Typeflag: tar.TypeReg}
	if err := w.WriteHeader(h); err != nil {
		p.Fatal(err)
	}
	if _, err := w.Write(p.module); err != nil {
		p.Fatal(err)
	}
	if err := w.Close(); err != nil {
		p.Fatal(err)
	}
	return b.Bytes()
}

func (p *planter) zip() []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("k/planted.ko")
	if err != nil {
		p.Fatal(err)
	}
	if _, err := f.Write(p.module); err != nil {
		p.Fatal(err)
	}
	if err := w.Close(); err != nil {
		p.Fatal(err)
	}
	return b.Bytes()
}

// compressed returns data, compressed in a random way or not at all.
func (p *planter) compressed(data []byte) []byte {
	ways := []func([]byte) []byte{func(b []byte) []byte { return b }, p.gzip, p.xz, p.zstd, p.lz4, p.lzma}
	return ways[p.IntN(len(ways))](data)
}

// closer is what compresses.
type closer interface {
	Write([]byte) (int, error)
	Close() error
}

func (p *planter) through(data []byte, open func(b *bytes.Buffer) (closer, error)) []byte {
	p.Helper()
	var b bytes.Buffer
	w, err := open(&b)
	if err != nil {
		p.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		p.Fatal(err)
	}
	if err := w.Close(); err != nil {
		p.Fatal(err)
	}
	return b.Bytes()
}

func (p *planter) gzip(data []byte) []byte {
	return p.through(data, func(b *bytes.Buffer) (closer, error) { return gzip.NewWriter(b), nil })
}

func (p *planter) xz(data []byte) []byte {
	c := xz.WriterConfig{DictCap: 1 << 16, CheckSum: xz.CRC32}
	return p.through(data, func(b *bytes.Buffer) (closer, error) { return c.NewWriter(b) })
}

func (p *planter) zstd(data []byte) []byte {
	return p.through(data, func(b *bytes.Buffer) (closer, error) {
		return zstd.NewWriter(b, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<16))
	})
}

func (p *planter) lz4(data []byte) []byte {
	return p.through(data, func(b *bytes.Buffer) (closer, error) {
		w := lz4.NewWriter(b)
		return w, w.Apply(lz4.LegacyOption(true))
	})
}

func (p *planter) lzma(data []byte) []byte {
	c := lzma.WriterConfig{DictCap: 1 << 16, SizeInHeader: true, Size: int64(len(data))}
	return p.through(data, func(b *bytes.Buffer) (closer, error) { return c.NewWriter(b) })
}

// pack returns a cpio archive.
func pack(t testing.TB, records []cpio.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	w := cpio.Newc.Writer(&b)
	for _, r := range records {
		if err := w.WriteRecord(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := cpio.WriteTrailer(w); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

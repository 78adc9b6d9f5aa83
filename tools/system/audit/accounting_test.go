// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/u-root/u-root/pkg/cpio"

	"rules_modhash/tools/internal/imagetest"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/trailer"
)

// image writes a system whose modules are sealed, and returns their build: release 7.1, a kernel in boot.
func systemImage(t *testing.T) (string, build) {
	t.Helper()
	dir, b := t.TempDir(), newBuild(t, "one", 3)
	b.install(t, dir, "7.1")
	return dir, b
}

func symlink(t *testing.T, dir, name, target string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// findings returns what keeps a report from being clean, a line each.
func findings(r *Report) string {
	var lines []string
	for _, k := range r.Kernels {
		if k.Problem != "" {
			lines = append(lines, fmt.Sprintf("kernel %s: %s", k.Path, k.Problem))
		}
	}
	for _, m := range r.Installed {
		lines = append(lines, statuses(m)...)
	}
	for _, i := range r.Initramfs {
		for _, s := range statuses(i.Modules) {
			lines = append(lines, i.Path+": "+s)
		}
		for _, p := range i.Problems {
			lines = append(lines, p.Path+": "+p.Reason)
		}
	}
	for _, p := range append(r.Problems, r.NotExamined...) {
		lines = append(lines, p.Path+": "+p.Reason)
	}
	return strings.Join(lines, "\n")
}

const unsigned = ": unsigned: carries neither a proof nor a signature"

// bare returns a module that nobody sealed.
func bare(t testing.TB) []byte {
	return append(bareOf(t, newBuild(t, "bare", 1).sealed[0]), "bare"...)
}

// TestFound has modules that were not sealed, and other kernels, where audit has to find them.
func TestFound(t *testing.T) {
	unsealed := string(bare(t))
	other := newBuild(t, "other", 2)
	initrd := archive(t, "usr/lib/modules/7.1/kernel/x.ko", bare(t))
	hardLinks := []cpio.Record{
		{Info: cpio.Info{Ino: 5, Mode: cpio.S_IFREG | 0o644, NLink: 2, Name: "usr/lib/modules/7.1/kernel/x.ko"}},
		{Info: cpio.Info{Ino: 5, Mode: cpio.S_IFREG | 0o644, NLink: 2, FileSize: uint64(len(unsealed)), Name: "zzz-blob"}, ReaderAt: strings.NewReader(unsealed)},
	}
	object := string(imagetest.Object(t, "x86_64", newBuild(t, "object", 1).root))
	linkedAs := func(names ...string) (records []cpio.Record) { // of which the last has the contents
		for i, name := range names {
			r := cpio.StaticFile(name, object[:len(object)*((i+1)/len(names))], 0o644)
			r.Ino, r.NLink = 5, uint64(len(names))
			records = append(records, r)
		}
		return records
	}
	uki := func(sections map[string][]byte, names ...string) []byte { return imagetest.UKI(t, sections, names...) }
	for name, c := range map[string]struct {
		make func(dir string)
		want string
	}{
		"linked directory": {func(dir string) {
			write(t, dir, "opt/vendor/x.ko", []byte(unsealed))
			symlink(t, dir, "lib/modules/7.1/updates", "../../../opt/vendor")
		}, "updates/x.ko" + unsigned},
		"absolute link": {func(dir string) {
			write(t, dir, "opt/vendor/x.ko", []byte(unsealed))
			symlink(t, dir, "lib/modules/7.1/updates", "/opt/vendor")
		}, "updates/x.ko" + unsigned},
		"hard links in an initramfs": {func(dir string) {
			write(t, dir, "boot/initrd.img-7.1", pack(t, hardLinks))
		}, "boot/initrd.img-7.1: zzz-blob" + unsigned},
		"hard link to what is a module by one name alone": {func(dir string) {
			write(t, dir, "boot/initrd.img-7.1", pack(t, linkedAs("usr/lib/modules/7.1/kernel/x.ko", "zzz-blob")))
		}, "boot/initrd.img-7.1: usr/lib/modules/7.1/kernel/x.ko" + unsigned},
		"hard link whose first name states a compression": {func(dir string) {
			write(t, dir, "boot/initrd.img-7.1", pack(t, linkedAs("a/x.ko", "b", "y.ko.xz")))
		}, "boot/initrd.img-7.1: y.ko.xz: unreadable: decompressing xz data: it starts with 7f454c460201, want fd377a585a00\n" +
			"boot/initrd.img-7.1: a/x.ko" + unsigned},
		"hard link whose name states another compression": {func(dir string) {
			write(t, dir, "boot/initrd.img-7.1", pack(t, linkedAs("x.ko.gz", "b")))
		}, "boot/initrd.img-7.1: x.ko.gz: unreadable: is the same file as b, which is not a module with the compression that this name states"},
		"release that .uname has wrong": {func(dir string) {
			kernel := imagetest.BzImage(imagetest.Gzipped(t, other.kernel), "7.1")
			write(t, dir, "efi/EFI/Linux/a.efi", uki(map[string][]byte{".linux": kernel, ".uname": []byte("9.9")}, ".linux", ".uname"))
		}, `m00.ko: other build: belongs to the build of boot/vmlinuz-7.1
m01.ko: other build: belongs to the build of boot/vmlinuz-7.1
m02.ko: other build: belongs to the build of boot/vmlinuz-7.1
efi/EFI/Linux/a.efi: has another root than boot/vmlinuz-7.1, of the same release "7.1"`},
		"microcode of a unified kernel image": {func(dir string) {
			write(t, dir, "efi/EFI/Linux/a.efi", uki(map[string][]byte{".linux": newBuild(t, "one", 3).kernel, ".ucode": initrd}, ".linux", ".ucode"))
		}, "efi/EFI/Linux/a.efi: .ucode!/usr/lib/modules/7.1/kernel/x.ko" + unsigned},
		"addon": {func(dir string) {
			write(t, dir, "efi/EFI/Linux/a.efi.extra.d/x.addon.efi", uki(map[string][]byte{".initrd": initrd}, ".initrd"))
		}, "efi/EFI/Linux/a.efi.extra.d/x.addon.efi: usr/lib/modules/7.1/kernel/x.ko" + unsigned},
		"second profile": {func(dir string) {
			k := map[string][]byte{".linux": other.kernel, ".profile": []byte("ID=b"), ".uname": []byte("7.1")}
			write(t, dir, "efi/EFI/Linux/a.efi", uki(k, ".uname", ".profile", ".linux"))
		}, `m00.ko: other build: belongs to the build of boot/vmlinuz-7.1
m01.ko: other build: belongs to the build of boot/vmlinuz-7.1
m02.ko: other build: belongs to the build of boot/vmlinuz-7.1
efi/EFI/Linux/a.efi: has another root than boot/vmlinuz-7.1, of the same release "7.1"`},
		"squashfs in an initramfs": {func(dir string) {
			write(t, dir, "boot/initrd.img-7.1", archive(t, "squashfs-root.img", append([]byte("hsqs"), make([]byte, 96)...)))
		}, "boot/initrd.img-7.1!/squashfs-root.img: is a squashfs image"},
		"another kernel of ostree": {func(dir string) {
			write(t, dir, "boot/ostree/x/vmlinuz-7.1", other.kernel)
		}, `m00.ko: other build: belongs to the build of boot/vmlinuz-7.1
m01.ko: other build: belongs to the build of boot/vmlinuz-7.1
m02.ko: other build: belongs to the build of boot/vmlinuz-7.1
boot/vmlinuz-7.1: has another root than boot/ostree/x/vmlinuz-7.1, of the same release "7.1"`},
		"an initramfs of ostree": {func(dir string) { write(t, dir, "boot/ostree/x/initramfs-7.1.img", initrd) },
			"boot/ostree/x/initramfs-7.1.img: usr/lib/modules/7.1/kernel/x.ko" + unsigned},
		"unknown section": {func(dir string) {
			write(t, dir, "efi/EFI/Linux/a.efi", uki(map[string][]byte{".linux": newBuild(t, "one", 3).kernel, ".new": []byte("x")}, ".linux", ".new"))
		}, "efi/EFI/Linux/a.efi!/.new: is a section that the specification of unified kernel images does not define"},
		"boot entry that leads nowhere": {func(dir string) { write(t, dir, "boot/loader/entries/a.conf", []byte("linux /x/linux\n")) },
			"x/linux: is named by boot/loader/entries/a.conf, and does not exist"},
		"dangling link": {func(dir string) { symlink(t, dir, "lib/modules/7.1/updates", "/nowhere") },
			`lib/modules/7.1/updates: is a symbolic link to "/nowhere", which does not exist`},
		"thin stub": {func(dir string) {
			write(t, dir, "boot/EFI/Linux/n.efi", uki(map[string][]byte{".kernelp": []byte(`\EFI\nixos\gone.efi`)}, ".kernelp"))
		}, `boot/EFI/Linux/n.efi!/.kernelp: names "\\EFI\\nixos\\gone.efi", which does not exist`},
		"thin stub with paths in .linux and .initrd": {func(dir string) {
			write(t, dir, "boot/EFI/nixos/i.efi", initrd)
			paths := map[string][]byte{".linux": []byte(`\EFI\nixos\gone.efi`), ".initrd": []byte(`\EFI\nixos\i.efi`), ".linuxh": make([]byte, 32)}
			write(t, dir, "boot/EFI/Linux/n.efi", uki(paths, ".linux", ".initrd", ".linuxh"))
		}, "boot/EFI/nixos/i.efi: usr/lib/modules/7.1/kernel/x.ko" + unsigned + "\n" +
			`boot/EFI/Linux/n.efi!/.linux: names "\\EFI\\nixos\\gone.efi", which does not exist`},
		"payload of a U-Boot image": {func(dir string) {
			header := make([]byte, 64)
			binary.BigEndian.PutUint32(header, 0x27051956)
			header[30] = 3
			write(t, dir, "boot/uInitrd", append(header, initrd...))
		}, "boot/uInitrd: payload!/usr/lib/modules/7.1/kernel/x.ko" + unsigned},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := systemImage(t)
			c.make(dir)
			r := run(t, dir)
			if got := findings(r); r.Clean || got != c.want {
				t.Errorf("clean is %v, got\n%s\nwant\n%s", r.Clean, got, c.want)
			}
		})
	}
}

// TestKernelsAnywhere has the kernel under the names that distributions give it, whatever they are.
func TestKernelsAnywhere(t *testing.T) {
	for _, name := range []string{
		"boot/kernel-7.1", "boot/EFI/nixos/abc.efi", "boot/kernels/abc-linux-7.1-bzImage", "boot/efi/0123/7.1/linux-abcd",
		"boot/firmware/kernel8.img", "boot/firmware/vmlinuz", "boot/Image-7.1", "boot/zImage-7.1", "boot/image-7.1",
		"boot/EFI/BOOT/BOOTX64.EFI", "usr/lib/ostree-boot/vmlinuz-7.1-0123456789abcdef0123456789abcdef", "vmlinuz", "efi/loader/x", "boot/vmlinux-7.1.gz",
	} {
		dir, b := t.TempDir(), newBuild(t, "one", 2)
		b.install(t, dir, "7.1")
		if err := os.Remove(filepath.Join(dir, "boot/vmlinuz-7.1")); err != nil {
			t.Fatal(err)
		}
		kernel := b.kernel
		if strings.HasSuffix(name, ".gz") {
			kernel = imagetest.Gzipped(t, kernel)
		}
		write(t, dir, name, kernel)
		r := run(t, dir)
		if !r.Clean || r.Kernels[0].Path != name || r.Kernels[0].Release != "7.1" {
			t.Errorf("%s: got %+v, %s", name, r.Kernels, findings(r))
		}
	}
}

// TestNamed has a kernel and an initramfs that no boot loader would find, and that the user names.
func TestNamed(t *testing.T) {
	dir, b := systemImage(t)
	if err := os.Rename(filepath.Join(dir, "boot/vmlinuz-7.1"), filepath.Join(dir, "linux")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "srv/kernel", b.kernel)
	write(t, dir, "srv/initrd", archive(t, "lib/modules/7.1/x.ko", bare(t)))
	write(t, dir, "srv/text", []byte("text"))
	r := runWith(t, dir, Options{Kernels: []string{"srv/kernel", "srv/text"}, Initramfs: []string{"srv/initrd"}})
	want := "srv/initrd: lib/modules/7.1/x.ko" + unsigned +
		"\nsrv/text: is given with --kernel, but is neither a kernel nor an initramfs by its contents"
	if got := findings(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestIgnore has the user take what was not examined, and a module that nobody sealed, for harmless.
func TestIgnore(t *testing.T) {
	dir, _ := systemImage(t)
	write(t, dir, "boot/ipxe.iso", append([]byte("hsqs"), make([]byte, 96)...))
	write(t, dir, "lib/modules/7.1/extra/own.ko", bare(t))
	write(t, dir, "boot/initrd.img-7.1", archive(t, "a/b/x.squashfs", append([]byte("hsqs"), make([]byte, 96)...)))
	patterns := []string{"boot/*.iso", "lib/modules/*/extra/**", "boot/initrd*!/**/*.squashfs"}
	for i := range patterns {
		if r := runWith(t, dir, Options{Ignore: append(append([]string{}, patterns[:i]...), patterns[i+1:]...)}); r.Clean {
			t.Errorf("without %s: is clean", patterns[i])
		}
	}
	r := runWith(t, dir, Options{Ignore: patterns})
	if !r.Clean || len(r.Ignored) != 3 || r.Entries[ClassIgnored] != 3 {
		t.Errorf("got %+v, %s", r.Ignored, findings(r))
	}
	if _, err := Run(t.Context(), dir, Options{Ignore: []string{"["}}, Progress{}); err == nil || err.Error() != "the pattern [ is malformed" {
		t.Errorf("error is %v", err)
	}
}

// TestEntries checks that the number of entries is that of the files, links and members, each counted once.
func TestEntries(t *testing.T) {
	dir, _ := systemImage(t) // a kernel and three modules
	write(t, dir, "boot/initrd.img-7.1", archive(t, "etc/fstab", []byte("text")))
	write(t, dir, "boot/config-7.1", []byte("CONFIG_X=y\n"))
	write(t, dir, "lib/modules/7.1/modules.dep", nil)
	symlink(t, dir, "boot/vmlinuz", "vmlinuz-7.1")
	symlink(t, dir, "lib/modules/7.1/build", "/usr/src")
	symlink(t, dir, "efi", "boot")
	r := run(t, dir)
	got := fmt.Sprint(r.Entries)
	// Through efi, each of the five names in boot is a link.
	if want := "map[container:1 kernel:1 link:5 module:3 other:4]"; got != want || !r.Clean {
		t.Errorf("got %s, want %s; %s", got, want, findings(r))
	}
}

// TestZeroVerdict checks that an entry on which nothing was decided is not examined.
func TestZeroVerdict(t *testing.T) {
	a := &account{counts: map[Class]int{}}
	a.entry("x", func() verdict { return verdict{} })
	if a.counts[NotExamined] != 1 || fmt.Sprint(a.open) != "[{x was not examined}]" {
		t.Errorf("got %+v", a)
	}
}

// TestRelease has releases that only the images themselves name.
func TestRelease(t *testing.T) {
	dir, b := t.TempDir(), newBuild(t, "one", 2)
	b.install(t, dir, "7.1")
	if err := os.Remove(filepath.Join(dir, "boot/vmlinuz-7.1")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "lib/modules/7.2/x", nil) // else 7.1 is the only one that there is
	kernel := append(bytes.Clone(b.kernel), "\x00Linux version 7.1 (x) #1\x00"...)
	write(t, dir, "efi/EFI/Linux/system.efi", imagetest.UKI(t, map[string][]byte{".linux": kernel}, ".linux"))
	r := run(t, dir)
	if r.Kernels[0].Path != "efi/EFI/Linux/system.efi" || r.Counts[Verified] != 2 {
		t.Errorf("got %+v, %s", r.Kernels, findings(r))
	}
}

// TestFurtherTrailers has a proof under a signature, which the kernel does not see, and a signature under a proof.
func TestFurtherTrailers(t *testing.T) {
	dir, b := systemImage(t)
	signature := "sig\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x03" + trailer.Marker
	write(t, dir, "lib/modules/7.1/m00.ko", append(bytes.Clone(b.sealed[0]), signature...))
	r := run(t, dir)
	want := fmt.Sprintf("m00.ko: signed: carries a PKCS#7 signature of 3 bytes in place of a proof, on a Merkle proof of %d bytes", 4+2*32)
	if got := findings(r); got != want || r.Installed[0].Modules[0].Further != 1 {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestBehindCompressed has data after a compressed kernel: a device tree, which is harmless, and an initramfs.
func TestBehindCompressed(t *testing.T) {
	dir, b := systemImage(t)
	compressed := imagetest.Gzipped(t, b.kernel)
	write(t, dir, "boot/vmlinuz-7.1", append(bytes.Clone(compressed), "\xd0\x0d\xfe\xed a device tree"...))
	if r := run(t, dir); !r.Clean || r.Kernels[0].Problem != "" {
		t.Errorf("with a device tree: %s", findings(r))
	}
	write(t, dir, "boot/vmlinuz-7.1", append(compressed, archive(t, "lib/modules/7.1/x.ko", bare(t))...))
	want := "boot/vmlinuz-7.1: rest!/lib/modules/7.1/x.ko" + unsigned
	if got := findings(run(t, dir)); got != want {
		t.Errorf("with an initramfs: got %s, want %s", got, want)
	}
}

// TestGRUB has a GRUB that carries an archive with a module as its memory disk, and one that carries an image.
func TestGRUB(t *testing.T) {
	object := func(kind uint32, data []byte) []byte {
		b := binary.LittleEndian.AppendUint32(nil, kind)
		return append(binary.LittleEndian.AppendUint32(b, uint32(8+len(data))), data...)
	}
	grub := func(memdisk []byte) []byte {
		objects := append(object(0, []byte("module of GRUB")), object(1, memdisk)...)
		b := append([]byte("mimg\x00\x00\x00\x00"), 24, 0, 0, 0, 0, 0, 0, 0)
		b = binary.LittleEndian.AppendUint64(b, uint64(24+len(objects)))
		return append(b, objects...)
	}
	dir, _ := systemImage(t)
	name := "boot/efi/EFI/debian/grubx64.efi"
	for want, memdisk := range map[string][]byte{
		"": []byte("text"), name + "!/mods!/memdisk: is a squashfs image": append([]byte("hsqs"), make([]byte, 96)...),
		name + ": mods!/memdisk!/lib/modules/7.1/x.ko" + unsigned: archive(t, "lib/modules/7.1/x.ko", bare(t)),
	} {
		sections := map[string][]byte{".text": []byte("code"), "mods": grub(memdisk)}
		write(t, dir, name, imagetest.UKI(t, sections, ".text", "mods"))
		if got := findings(run(t, dir)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	write(t, dir, "boot/grub/x86_64-efi/kernel.img", imagetest.Object(t, "x86_64", merkle.Root{Levels: 1}))
	if r := run(t, dir); len(r.Kernels) != 1 {
		t.Errorf("GRUB's kernel.img is taken for a kernel: %+v", r.Kernels)
	}
}

// TestForgedHeader has a bzImage whose header names another release than the kernel in it: it counts for the kernel's.
func TestForgedHeader(t *testing.T) {
	dir, _ := systemImage(t)
	kernel := imagetest.VmlinuxOf(t, "x86_64", merkle.Root{Levels: 2, Hash: merkle.Hash{9}}, "7.1", false)
	write(t, dir, "boot/vmlinuz-9.9", imagetest.BzImage(imagetest.Gzipped(t, kernel), "9.9"))
	r := run(t, dir)
	if r.Clean || r.Kernels[1].Release != "7.1" {
		t.Errorf("clean is %v, got %+v", r.Clean, r.Kernels)
	}
}

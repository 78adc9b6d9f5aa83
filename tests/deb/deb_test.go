// SPDX-License-Identifier: Apache-2.0

// Package deb installs the example's kernel as a package into a Debian system, has the system make its
// initramfs, and boots that.
package deb

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rules_modhash/tests/private/runfile"
	"rules_modhash/tools/boot/qemu"
)

// install runs in a separate mount namespace: a copy of this system (an overlay over its root) gets the package,
// and loses it again. What was installed is copied to $OUT.
const install = `
set -eu
tmp=$OUT.tmp
mkdir -p "$tmp" "$OUT"
mount -t tmpfs tmpfs "$tmp"
mkdir "$tmp/upper" "$tmp/work" "$tmp/root"
root=$tmp/root
mount -t overlay -o "lowerdir=/,upperdir=$tmp/upper,workdir=$tmp/work" overlay "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"

cp "$DEB" "$root/tmp/linux-image.deb"
mkdir -p "$root/etc/initramfs-tools/hooks" "$root/etc/initramfs-tools/scripts/init-top"
echo ext4 >>"$root/etc/initramfs-tools/modules"
install -m 755 "$SCRIPTS/hook" "$root/etc/initramfs-tools/hooks/report"
install -m 755 "$SCRIPTS/report" "$root/etc/initramfs-tools/scripts/init-top/report"
dpkg-deb --fsys-tarfile "$DEB" | tar --extract --to-stdout --wildcards "*/dummy.ko" >"$root/tmp/sealed.ko"
"$MODHASH" unseal --out "$root/tmp/unsealed.ko" "$root/tmp/sealed.ko"

export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C
chroot "$root" dpkg --install /tmp/linux-image.deb
cp -a "$root/boot" "$OUT/boot"
mkdir -p "$OUT/usr/lib"
cp -a "$root/usr/lib/modules" "$OUT/usr/lib/modules"
chroot "$root" dpkg --purge "$(dpkg-deb --field "$DEB" Package)"
ls "$root/boot" >"$OUT/left"
`

// hook puts a module without its proof into the initramfs, report prints what the booted kernel does with
// modules. Both are scripts of initramfs-tools.
const (
	hook = `#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
cp /tmp/unsealed.ko "$DESTDIR/unsealed.ko"
`
	report = `#!/bin/sh
[ "$1" = prereqs ] && exit 0
modprobe ext4 && echo "report: ext4 is loaded"
insmod /unsealed.ko || echo "report: the module without its proof is refused"
echo "report: taint $(cat /proc/sys/kernel/tainted)"
reboot -f
`
)

func TestDeb(t *testing.T) {
	if _, err := os.Stat("/etc/rules_modhash/world"); err != nil {
		t.Skip("not inside a ./bazelw world: there is no system to install the package into")
	}
	installed := installPackage(t)
	images := glob(t, installed, "boot/vmlinuz-*")
	initramfs := glob(t, installed, "boot/initrd.img-*")
	modules := glob(t, installed, "usr/lib/modules/*")
	t.Run("installed modules are those of the installed kernel", func(t *testing.T) {
		output, err := exec.Command(runfile.Path(t, "MODHASH"), "verify", "--kernel", images, modules).CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, output)
		}
	})
	t.Run("the system's own initramfs boots", func(t *testing.T) { boots(t, images, initramfs) })
	t.Run("nothing is left when the package is purged", func(t *testing.T) {
		left, err := os.ReadFile(filepath.Join(installed, "left"))
		if err != nil || len(left) != 0 {
			t.Errorf("got %v and these files left in /boot:\n%s", err, left)
		}
	})
}

// glob returns the only file below dir that has the pattern.
func glob(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: got %v, %v, want one file", pattern, found, err)
	}
	return found[0]
}

func installPackage(t *testing.T) string {
	t.Helper()
	scripts, out := t.TempDir(), filepath.Join(t.TempDir(), "installed")
	for name, text := range map[string]string{"hook": hook, "report": report} {
		if err := os.WriteFile(filepath.Join(scripts, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("unshare", "--mount", "sh", "-c", install)
	cmd.Env = append(os.Environ(), "OUT="+out, "SCRIPTS="+scripts, "DEB="+runfile.Path(t, "DEB"), "MODHASH="+runfile.Path(t, "MODHASH"))
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("installing the package: %v\n%s", err, output)
	}
	t.Logf("%s", output)
	return out
}

func boots(t *testing.T, image, initramfs string) {
	emulator, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		t.Fatal(err)
	}
	vm := qemu.VM{
		Emulator: emulator, Machine: "x86_64", Memory: 512, Kernel: image, Initramfs: initramfs,
		Cmdline: "module.sig_enforce=1", Timeout: 2 * time.Minute,
	}
	var serial bytes.Buffer
	if err := vm.Run(context.Background(), &serial); err != nil {
		t.Fatalf("%v\n%s", err, serial.String())
	}
	for _, want := range []string{
		"report: ext4 is loaded",
		"Loading of unsigned module is rejected",
		"report: the module without its proof is refused",
		"report: taint 0",
	} {
		if !strings.Contains(serial.String(), want) {
			t.Errorf("got no line %q from the booted system", want)
		}
	}
	if t.Failed() {
		t.Log(serial.String())
	}
}

// SPDX-License-Identifier: Apache-2.0

// Package debian installs a kernel with Debian's configuration in a Debian system, boots the system, and reads what it
// reports of modules.
package debian

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rules_modhash/tests/private/runfile"
	"rules_modhash/tools/boot/qemu"
)

// reports are lines that the kernel's log of the booted system has: of the kernel, and of guest.sh.
var reports = []struct{ name, line string }{
	{"the kernel is locked down", `report: lockdown: none \[integrity\] confidentiality`},
	{"the kernel requires proofs", `report: sig_enforce: Y`},
	{"all services start", `report: failed units: 0`},
	{"udev loads the driver of the disk, from the initramfs", `report: loaded: virtio_blk`},
	{"udev loads the driver of a device", `report: loaded: virtio_rng`},
	{"modprobe loads a module and what it depends on", `report: modprobe: status 0`},
	{"insmod loads a module", `report: sealed: status 0`},
	{"a module without its proof is rejected", `report: unsealed: status 1: .*Key was rejected by service`},
	{"and the log says why", `Loading of unsigned module is rejected`},
	{"a changed module is rejected", `report: tampered: status 1: .*Key was rejected by service`},
	{"and the log says why", `Loading of module with unknown hash is rejected`},
	{"a module of another build, whose tree has other levels, is rejected", `report: other: status 1: .*Key was rejected by service`},
	{"and the log says why", `Loading of module with unsupported hash proof is rejected`},
	{"no module taints the kernel", `report: tainted: 0`},
	{"the audit of the running system finds nothing", `report: audit: status 0`},
	{"and examined everything", `report: audit: not examined: 0`},
}

// verified is what the audit reports of modules that are verified.
var verified = regexp.MustCompile(`report: audit: verified (\d+)`)

func TestDebian(t *testing.T) {
	system := makeSystem(t)
	log := boot(t, system)
	for _, report := range reports {
		t.Run(report.name, func(t *testing.T) {
			if !regexp.MustCompile(report.line).MatchString(log) {
				t.Errorf("got no line %q from the booted system", report.line)
			}
		})
	}
	t.Run("the audit verifies the modules on the disk and in the initramfs", func(t *testing.T) {
		var counts []int
		for _, match := range verified.FindAllStringSubmatch(log, -1) {
			count, _ := strconv.Atoi(match[1])
			counts = append(counts, count)
		}
		if len(counts) < 2 || counts[0] < 1000 || counts[1] < 50 {
			t.Errorf("got %d verified modules, want 1000 on the disk and 50 in the initramfs at least", counts)
		}
	})
	if t.Failed() {
		t.Logf("the log of the booted system:\n%s", log)
	}
}

// makeSystem returns a directory with what system.sh makes.
func makeSystem(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("/etc/rules_modhash/world"); err != nil {
		t.Fatal("not inside a ./bazelw world: its manifest names the archive of Debian's packages. Next: run ./bazelw test")
	}
	guest, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "system")
	cmd := exec.Command("unshare", "--mount", "sh", "system.sh")
	cmd.Env = append(os.Environ(), "OUT="+out, "GUEST="+guest, "DEB="+runfile.Path(t, "DEB"), "MODHASH="+runfile.Path(t, "MODHASH"))
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("making the system: %v\n%s", err, output)
	}
	return out
}

func boot(t *testing.T, system string) string {
	t.Helper()
	emulator, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		t.Fatal(err)
	}
	vm := qemu.VM{
		Emulator: emulator, Machine: "x86_64", Memory: 2048, Timeout: 15 * time.Minute,
		Kernel: filepath.Join(system, "kernel"), Initramfs: filepath.Join(system, "initramfs"), Disk: filepath.Join(system, "disk"),
		Devices: []string{"virtio-rng-pci"},
		Cmdline: "root=/dev/vda rw module.sig_enforce=1 lockdown=integrity",
	}
	var serial bytes.Buffer
	if err := vm.Run(context.Background(), &serial); err != nil {
		t.Fatalf("%v\n%s", err, serial.String())
	}
	return strings.ReplaceAll(serial.String(), "\r", "")
}

// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"rules_modhash/tools/boot/record"
)

// mounts are the file systems that attempts and modprobe need, in order.
var mounts = []struct{ kind, target string }{
	{"proc", "/proc"},
	{"sysfs", "/sys"},
	{"securityfs", "/sys/kernel/security"},
}

// Mount mounts what process 1 finds no one else to mount. A file system that the kernel lacks is left out, as
// is one whose mount point is not there: what needs it reports an error.
func Mount() error {
	for _, m := range mounts {
		err := unix.Mount(m.kind, m.target, m.kind, 0, "")
		if err != nil && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mounting %s: %w", m.target, err)
		}
	}
	return nil
}

// KernelLog writes records to the kernel's log.
type KernelLog struct {
	descriptor int
}

// OpenKernelLog opens /dev/kmsg, which must exist.
func OpenKernelLog() (*KernelLog, error) {
	descriptor, err := open("/dev/kmsg", unix.O_WRONLY)
	return &KernelLog{descriptor}, err
}

// Report writes one record, at the level KERN_NOTICE.
func (l *KernelLog) Report(r record.Record) error {
	line, err := r.Format()
	if err != nil {
		return err
	}
	if _, err = unix.Write(l.descriptor, []byte("<5>"+line)); err != nil {
		return fmt.Errorf("writing to the kernel's log: %w", err)
	}
	return nil
}

// consoleDelay is longer than the VT220 console of s390x takes for a line that follows another one (drivers/s390/char/sclp_vt220.c).
const consoleDelay = 200 * time.Millisecond

// flush has the console write all records. That of s390x keeps the last line until another one comes, and the restart is at once;
// those of other architectures are written at once.
func (l *KernelLog) flush() error {
	if runtime.GOARCH != "s390x" {
		return nil
	}
	_, err := unix.Write(l.descriptor, []byte("<5>init: restarting\n"))
	time.Sleep(consoleDelay)
	return err
}

// Restart restarts the machine at once. QEMU, started with -no-reboot, ends then; that works without ACPI,
// which a power-off needs.
func (l *KernelLog) Restart() error {
	unix.Sync()
	return errors.Join(l.flush(), unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART))
}

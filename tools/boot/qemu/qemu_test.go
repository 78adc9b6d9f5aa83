// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// emulator writes a program that stands for QEMU: what QEMU itself does with these arguments is what
// boot tests show.
func emulator(t *testing.T, script string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "qemu")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

func vm(emulator string) VM {
	return VM{
		Emulator: emulator, Machine: "x86_64", Memory: 256, Kernel: "bzImage", Initramfs: "initramfs",
		Cmdline: "module.sig_enforce=1", InitArgs: []string{"2"}, Timeout: time.Minute,
	}
}

func TestRunArguments(t *testing.T) {
	for machine, want := range map[string]string{
		"x86_64": "-machine q35 -cpu max -accel tcg -m 256 -nodefaults -no-user-config -no-reboot -nic none -display none " +
			"-monitor none -serial stdio -kernel bzImage -initrd initramfs -append console=ttyS0 loglevel=8 " +
			"printk.devkmsg=on oops=panic panic=-1 module.sig_enforce=1 -- 2\n",
		"arm64": "-machine virt -cpu cortex-a72 -accel tcg -m 256 -nodefaults -no-user-config -no-reboot -nic none -display none " +
			"-monitor none -serial stdio -kernel bzImage -initrd initramfs -append console=ttyAMA0 loglevel=8 " +
			"printk.devkmsg=on oops=panic panic=-1 module.sig_enforce=1 -- 2\n",
		"s390x": "-machine s390-ccw-virtio -cpu max -accel tcg -m 256 -nodefaults -no-user-config -no-reboot -nic none " +
			"-display none -monitor none -serial stdio -kernel bzImage -initrd initramfs -append console=ttysclp0 loglevel=8 " +
			"printk.devkmsg=on oops=panic panic=-1 module.sig_enforce=1 -- 2\n",
	} {
		v := vm(emulator(t, `echo "$@"`))
		v.Machine = machine
		var serial strings.Builder
		if err := v.Run(context.Background(), &serial); err != nil {
			t.Fatal(err)
		}
		if serial.String() != want {
			t.Errorf("%s: got\n%swant\n%s", machine, &serial, want)
		}
	}
}

func TestRunWithDisk(t *testing.T) {
	v := vm(emulator(t, `echo "$@"`))
	v.Disk, v.Devices = "a,b.img", []string{"virtio-rng-pci", "virtio-net-pci"}
	var serial strings.Builder
	if err := v.Run(context.Background(), &serial); err != nil {
		t.Fatal(err)
	}
	want := " -drive file=a,,b.img,format=raw,if=virtio,snapshot=on -device virtio-rng-pci -device virtio-net-pci\n"
	if !strings.HasSuffix(serial.String(), want) {
		t.Errorf("got %q, want %q at its end", &serial, want)
	}
}

func TestRunErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*VM)
		want   string
	}{
		{"machine", func(v *VM) { v.Machine = "arm" }, `machine: got "arm", want one of arm64, ppc64le, riscv64, s390x, x86_64`},
		{"no emulator", func(v *VM) { v.Emulator = "" },
			"got no QEMU for x86_64, want one. Next: install it (Debian: qemu-system-x86; in a world: ./bazelw --add-machines x86_64)"},
		{"emulator not there", func(v *VM) { v.Emulator = "/nowhere/qemu" }, "starting QEMU: fork/exec /nowhere/qemu: " +
			"no such file or directory. Next: install it (Debian: qemu-system-x86; in a world: ./bazelw --add-machines x86_64)"},
		{"emulator fails", func(v *VM) { v.Emulator = emulator(t, "echo could not load kernel >&2; exit 1") },
			"running QEMU: exit status 1: could not load kernel"},
		{"time is up", func(v *VM) { v.Emulator, v.Timeout = emulator(t, "exec sleep 60"), 50*time.Millisecond },
			"timed out: the machine still ran after 50ms"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := vm("")
			v.Emulator = "/nowhere"
			test.change(&v)
			err := v.Run(context.Background(), new(strings.Builder))
			if err == nil || err.Error() != test.want {
				t.Errorf("got error %v, want %s", err, test.want)
			}
			if errors.Is(err, ErrTimeout) != (test.name == "time is up") {
				t.Errorf("errors.Is(%v, ErrTimeout) is wrong", err)
			}
		})
	}
}

func TestRunInterrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := vm(emulator(t, "exec sleep 60")).Run(ctx, new(strings.Builder))
	const want = "stopped while the machine ran: context deadline exceeded"
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

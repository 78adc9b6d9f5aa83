// SPDX-License-Identifier: Apache-2.0

// Command mkinitramfs writes the initramfs of a virtual machine. See --help.
//
// Exit codes: 0 done, 2 the archive could not be written.
package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rules_modhash/tools/archive/codec"
	"rules_modhash/tools/archive/initramfs"
	"rules_modhash/tools/cli"
	"rules_modhash/tools/cli/output"
)

func main() {
	cli.Program{Command: newCommand}.Main()
}

// options are the command line.
type options struct {
	out, compression, plan string
	entries, symlinks      []string
}

func newCommand() *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "mkinitramfs --out FILE --entry PATH=FILE...",
		Short: "Write an initramfs whose bytes depend only on paths and contents",
		Long: `mkinitramfs writes a cpio archive in the newc format. In addition to the given entries, it has
the directories /dev, /proc, /sys and /tmp and the devices /dev/console, /dev/kmsg and
/dev/null. All files are executable and belong to root; there are no timestamps. @FILE stands
for the lines of FILE, one argument per line. A boot plan gets the dm-verity parameters of its volumes.`,
		Example: `  mkinitramfs --out initramfs --entry /init=init --entry /bin/busybox=/usr/bin/busybox \
    --entry /=installed --symlink /bin/sh=busybox`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(*cobra.Command, []string) error { return o.run() },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.out, "out", "", "file to write (required)")
	flags.StringVar(&o.compression, "compression", codec.None, "one of "+strings.Join(codec.Written(), ", "))
	flags.StringVar(&o.plan, "plan", "", "boot plan to include; all modules and images that it names must be in the archive")
	flags.StringArrayVar(&o.entries, "entry", nil, "`PATH=FILE`: a file, or everything below a directory")
	flags.StringArrayVar(&o.symlinks, "symlink", nil, "`PATH=TARGET`: a symbolic link")
	return cmd
}

func (o *options) run() (err error) {
	if o.out == "" {
		return errors.New("--out is required")
	}
	a, err := o.archive()
	if err != nil {
		return err
	}
	var outputs output.Set
	if err := outputs.CreateFile(o.out, func(w io.Writer) error { return o.write(a, w) }); err != nil {
		return errors.Join(err, outputs.Discard())
	}
	return outputs.Commit()
}

func (o *options) write(a *initramfs.Archive, w io.Writer) error {
	compressor, err := codec.NewWriter(o.compression, w)
	if err != nil {
		return err
	}
	return errors.Join(a.Write(compressor), compressor.Close())
}

func (o *options) archive() (*initramfs.Archive, error) {
	a := &initramfs.Archive{}
	if err := addSkeleton(a); err != nil {
		return nil, err
	}
	if err := addPairs("--entry", o.entries, a.Add); err != nil {
		return nil, err
	}
	if err := addPairs("--symlink", o.symlinks, a.AddSymlink); err != nil {
		return nil, err
	}
	if !a.IsFile("/init") {
		return nil, errors.New("got no /init, want one: the kernel starts it")
	}
	if o.plan == "" {
		return a, nil
	}
	return a, o.addPlan(a)
}

// addSkeleton puts in what any program expects. The kernel opens /dev/console for /init.
func addSkeleton(a *initramfs.Archive) error {
	var errs []error
	for _, path := range []string{"/dev", "/proc", "/sys", "/tmp"} {
		errs = append(errs, a.AddDirectory(path))
	}
	errs = append(errs, a.AddCharDevice("/dev/console", 5, 1), a.AddCharDevice("/dev/kmsg", 1, 11),
		a.AddCharDevice("/dev/null", 1, 3))
	return errors.Join(errs...)
}

func addPairs(flag string, pairs []string, add func(path, value string) error) error {
	for _, pair := range pairs {
		path, value, ok := strings.Cut(pair, "=")
		if !ok {
			return fmt.Errorf("%s: got %q, want PATH=... with an absolute path in the initramfs", flag, pair)
		}
		if err := add(path, value); err != nil {
			return err
		}
	}
	return nil
}

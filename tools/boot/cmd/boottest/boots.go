// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rules_modhash/tools/boot/plan"
	"rules_modhash/tools/boot/qemu"
	"rules_modhash/tools/boot/record"
	"rules_modhash/tools/boot/verdict"
	"rules_modhash/tools/cli"
	"rules_modhash/tools/merkle/root"
)

// result is what came of one boot.
type result struct {
	verdicts []verdict.Verdict
	// root is the root that the kernel logged, or empty.
	root string
	// ending states how the boot ended if it did not run to its end.
	ending string
	// log is the path of the serial log, tail its last lines.
	log  string
	tail []string
}

// bootAll makes all boots of the plan, one after the other.
func (o *options) bootAll(ctx context.Context, p *plan.Plan) ([]result, error) {
	var results []result
	for i, boot := range p.Boots() {
		r, err := o.boot(ctx, i, boot)
		if err != nil {
			return nil, fmt.Errorf("boot %d: %w", i+1, err)
		}
		results = append(results, *r)
	}
	return results, nil
}

// boot makes one boot. A kernel that does not run to its end is a result, not an error.
func (o *options) boot(ctx context.Context, index int, boot plan.Boot) (*result, error) {
	vm := o.vm
	vm.Cmdline = strings.TrimSpace(vm.Cmdline + " " + boot.Cmdline)
	vm.InitArgs = []string{strconv.Itoa(index)}
	r := &result{log: filepath.Join(o.logs, fmt.Sprintf("boot-%02d.serial.log", index+1))}
	text, err := runLogged(ctx, vm, r.log)
	if err != nil && !errors.Is(err, qemu.ErrTimeout) {
		return nil, err
	}
	serial, parseErr := record.ParseSerial(text)
	if parseErr != nil {
		return nil, fmt.Errorf("%w (%s)", parseErr, r.log)
	}
	r.verdicts, r.root = verdict.Boot(boot, serial), serial.Root
	if !serial.Done {
		r.ending, r.tail = ending(serial, err), tail(text)
	}
	return r, nil
}

// runLogged runs the machine and returns its serial log, which goes to the file at path meanwhile.
func runLogged(ctx context.Context, vm qemu.VM, path string) (string, error) {
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	err = vm.Run(ctx, io.MultiWriter(file, &text))
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return text.String(), err
}

// kernelNeeds is what a kernel must have for the program that makes the attempts.
const kernelNeeds = "the kernel needs CONFIG_BLK_DEV_INITRD, BINFMT_ELF, FUTEX, PRINTK, PROC_FS, PROC_SYSCTL (since Linux 7.3 SYSCTL) " +
	"and the console of the serial line"

// ending states why a boot did not run to its end.
func ending(serial *record.Serial, err error) string {
	switch {
	case serial.Error != "":
		return serial.Error
	case serial.Panic != "":
		return strings.TrimSpace(serial.Panic)
	case err != nil && serial.Started:
		return err.Error()
	case err != nil:
		return err.Error() + ", without output from /init: " + kernelNeeds
	case serial.Started:
		return "the machine restarted before its end"
	}
	return "the machine restarted without output from /init: " + kernelNeeds
}

const tailLines = 50

// tail returns the last lines of a log.
func tail(log string) []string {
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(log, "\r", ""), "\n"), "\n")
	return lines[max(0, len(lines)-tailLines):]
}

// show prints the table and what differs. It returns cli.ErrCheckFailed if something does.
func (o *options) show(w io.Writer, results []result) error {
	var all []verdict.Verdict
	for _, r := range results {
		all = append(all, r.verdicts...)
	}
	fmt.Fprintf(w, "%s: attempts: %d, boots: %d\n", o.title, len(all), len(results))
	if err := verdict.Table(w, all); err != nil {
		return err
	}
	for _, r := range results {
		r.showDetails(w)
	}
	rootErr := o.checkRoots(w, results)
	differing := slices.DeleteFunc(slices.Clone(all), verdict.Verdict.Passed)
	ended := !slices.ContainsFunc(results, func(r result) bool { return r.ending != "" })
	if len(differing) == 0 && ended {
		return rootErr
	}
	fmt.Fprintf(w, "\n%d of %d attempts differ; serial logs: %s\n", len(differing), len(all), o.logs)
	return cli.ErrCheckFailed
}

// checkRoots compares the roots that the kernel logged with the one in its image.
func (o *options) checkRoots(w io.Writer, results []result) error {
	i := slices.IndexFunc(results, func(r result) bool { return r.root != "" })
	if i < 0 {
		return nil
	}
	found, err := root.Read(o.vm.Kernel, o.systemMap)
	if errors.Is(err, root.ErrFormat) && o.systemMap == "" {
		fmt.Fprintf(w, "root in the log: %s; not compared with the boot image: %v\n", results[i].root, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("the kernel logged the root %s, and its image is not readable: %w", results[i].root, err)
	}
	for _, r := range results {
		if r.root != "" && r.root != found.Root.String() {
			fmt.Fprintf(w, "\nthe kernel logged the root %s, want that of its image: %s; serial log: %s\n", r.root, found.Root, r.log)
			return cli.ErrCheckFailed
		}
	}
	fmt.Fprintf(w, "root in log and image: %s\n", found.Root)
	return nil
}

func (r result) showDetails(w io.Writer) {
	for _, v := range r.verdicts {
		if v.Made && !v.Passed() {
			fmt.Fprintln(w)
			verdict.Details(w, v)
		}
	}
	if r.ending != "" {
		fmt.Fprintf(w, "\na boot did not run to its end: %s\n  %s ends with:\n%s\n", r.ending, r.log, verdict.Indent(r.tail))
	}
}

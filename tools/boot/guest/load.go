// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"rules_modhash/tools/boot/plan"
	"rules_modhash/tools/boot/record"
)

// Busybox is where the initramfs has the program that offers modprobe.
const Busybox = "/bin/busybox"

// prepareAndLoad makes the copies and the writes of an attempt, and loads the module. If a volume or a copy fails, there is no
// load; the writes are made nevertheless: the attempts after this one may need them.
func prepareAndLoad(a plan.Attempt, v volumes) (*record.Outcome, error) {
	err := v.check(a)
	if err == nil {
		err = copyFiles(a.Copy)
	}
	writes := writeFiles(a.Write)
	var outcome *record.Outcome
	if err != nil {
		outcome, err = unreadable(err)
	} else {
		outcome, err = load(a)
	}
	if err != nil {
		return nil, err
	}
	outcome.Writes = writes
	return outcome, nil
}

func copyFiles(copies []plan.FileCopy) error {
	for _, c := range copies {
		data, err := ReadFile(c.From)
		if err != nil {
			return err
		}
		if err := writeFile(c.To, data, unix.O_CREAT); err != nil {
			return err
		}
	}
	return nil
}

// writeFiles returns the result of each write.
func writeFiles(writes []plan.FileWrite) []string {
	var results []string
	for _, w := range writes {
		results = append(results, outcomeOf(writeFile(w.Path, []byte(w.Text), 0)).Result)
	}
	return results
}

// unreadable makes an outcome of the error with which a file was not readable: files of a volume whose data was changed are not.
// A file that does not exist is none: it is a mistake in the plan, and no test must pass by it.
func unreadable(err error) (*record.Outcome, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return outcomeOf(err), nil
}

// load makes the attempt and fills in Result and Output.
func load(a plan.Attempt) (*record.Outcome, error) {
	switch a.Via {
	case "", plan.FinitModule:
		return finitModule(a)
	case plan.InitModule:
		return initModule(a)
	case plan.Modprobe:
		return modprobe(a)
	}
	return nil, fmt.Errorf("loading via %q: not known", a.Via)
}

func finitModule(a plan.Attempt) (*record.Outcome, error) {
	flags := 0
	for _, flag := range a.Flags {
		flags |= plan.Flags[flag]
	}
	fd, err := open(a.Module, unix.O_RDONLY)
	if err != nil {
		return unreadable(err)
	}
	defer unix.Close(fd)
	return outcomeOf(unix.FinitModule(fd, a.Parameters, flags)), nil
}

func initModule(a plan.Attempt) (*record.Outcome, error) {
	image, err := ReadFile(a.Module)
	if err != nil {
		return unreadable(err)
	}
	return outcomeOf(unix.InitModule(image, a.Parameters)), nil
}

func outcomeOf(err error) *record.Outcome {
	if err == nil {
		return &record.Outcome{Result: plan.OK}
	}
	return &record.Outcome{Result: nameOf(err)}
}

// modprobe reports what went wrong in words only.
func modprobe(a plan.Attempt) (*record.Outcome, error) {
	args := append([]string{"modprobe", a.Module}, strings.Fields(a.Parameters)...)
	status, output, err := run(Busybox, args, outputFile)
	if err != nil {
		return nil, fmt.Errorf("running modprobe: %w", err)
	}
	outcome := &record.Outcome{Result: plan.OK, Output: strings.TrimSpace(output)}
	if status == 0 {
		return outcome, nil
	}
	outcome.Result = fmt.Sprintf("exit status %d", status)
	if errno, ok := plan.ErrnoOfMessage(outcome.Output); ok {
		outcome.Result = plan.ErrnoName(errno)
	}
	return outcome, nil
}

// outputFile is where modprobe prints to: a file needs less of the kernel than a pipe.
const outputFile = "/tmp/output"

// run starts a program, whose args begin with its name, and waits for it. It returns the exit status
// and what was printed, which goes to the file at outputFile.
func run(program string, args []string, outputFile string) (int, string, error) {
	out, err := open(outputFile, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC)
	if err != nil {
		return 0, "", err
	}
	defer unix.Close(out)
	descriptor := uintptr(out)
	pid, err := syscall.ForkExec(program, args, &syscall.ProcAttr{Files: []uintptr{descriptor, descriptor, descriptor}})
	if err != nil {
		return 0, "", &fs.PathError{Op: "exec", Path: program, Err: err}
	}
	status, err := wait(pid)
	if err != nil {
		return 0, "", err
	}
	printed, err := ReadFile(outputFile)
	return status, string(printed), err
}

// wait returns the exit status of a process; one that a signal ended has 128 and the signal's number,
// as in a shell.
func wait(pid int) (int, error) {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, fmt.Errorf("waiting for process %d: %w", pid, err)
		case status.Signaled():
			return 128 + int(status.Signal()), nil
		default:
			return status.ExitStatus(), nil
		}
	}
}

// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"rules_modhash/tools/boot/plan"
	"rules_modhash/tools/boot/record"
)

// Busybox is where the initramfs has the program that offers modprobe.
const Busybox = "/bin/busybox"

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
	f, err := os.Open(a.Module)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return outcomeOf(unix.FinitModule(int(f.Fd()), a.Parameters, flags)), nil
}

func initModule(a plan.Attempt) (*record.Outcome, error) {
	image, err := os.ReadFile(a.Module)
	if err != nil {
		return nil, err
	}
	return outcomeOf(unix.InitModule(image, a.Parameters)), nil
}

func outcomeOf(err error) *record.Outcome {
	if err == nil {
		return &record.Outcome{Result: plan.OK}
	}
	return &record.Outcome{Result: nameOf(err)}
}

// modprobe tells what went wrong in words only.
func modprobe(a plan.Attempt) (*record.Outcome, error) {
	args := append([]string{"modprobe", a.Module}, strings.Fields(a.Parameters)...)
	output, err := exec.Command(Busybox, args...).CombinedOutput()
	outcome := &record.Outcome{Result: plan.OK, Output: strings.TrimSpace(string(output))}
	var exit *exec.ExitError
	if err == nil {
		return outcome, nil
	}
	if !errors.As(err, &exit) {
		return nil, fmt.Errorf("running modprobe: %w", err)
	}
	outcome.Result = exit.String()
	if errno, ok := plan.ErrnoOfMessage(outcome.Output); ok {
		outcome.Result = plan.ErrnoName(errno)
	}
	return outcome, nil
}

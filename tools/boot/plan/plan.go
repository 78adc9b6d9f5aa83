// SPDX-License-Identifier: Apache-2.0

// Package plan holds what a boot test does: attempts to load kernel modules, each with the result
// that is expected of it. The same plan is read by the program that boots the kernel and by the one
// that runs in it.
package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode"
)

// GuestPath is where the plan lies in the initramfs.
const GuestPath = "/boot-test/plan.json"

// Ways to load a module.
const (
	// FinitModule hands an open file to the kernel, as kmod does (finit_module(2)).
	FinitModule = "finit_module"
	// InitModule hands the file's contents to the kernel (init_module(2)).
	InitModule = "init_module"
	// Modprobe has busybox's modprobe load a module with all that it needs.
	Modprobe = "modprobe"
)

// Plan is a list of attempts in the order in which they are made.
type Plan struct {
	// Attempts are the loads to try, at least one. No two have the same name.
	Attempts []Attempt `json:"attempts"`
	// Volumes are mounted before the first attempt of each boot, in this order.
	Volumes []Volume `json:"volumes,omitempty"`
}

// Attempt is one try to load a module.
type Attempt struct {
	// Name describes the attempt.
	Name string `json:"name"`
	// Cmdline is added to the kernel's command line. A boot has one command line: an attempt whose
	// Cmdline differs from that of the one before starts a new boot.
	Cmdline string `json:"cmdline,omitempty"`
	// Fresh starts a new boot in any case: for what the kernel does only once, such as log lines
	// that it prints for the first module of a kind.
	Fresh bool `json:"fresh,omitempty"`
	// Via is FinitModule, InitModule or Modprobe. Empty: FinitModule.
	Via string `json:"via,omitempty"`
	// Copy holds the files to copy before the load, in this order. If a file cannot be copied, that is the result of the attempt,
	// without a load.
	Copy []FileCopy `json:"copy,omitempty"`
	// Write holds what to write after the copies and before the load, in this order. Its effects stay until the end of the boot.
	Write []FileWrite `json:"write,omitempty"`
	// Module is an absolute path in the virtual machine: of a file in the initramfs, in a volume, or among the copies. With
	// Modprobe, it is the module's name.
	Module string `json:"module"`
	// Parameters are the module's, such as "numdummies=2".
	Parameters string `json:"parameters,omitempty"`
	// Flags of finit_module(2), by names as in Flags.
	Flags []string `json:"flags,omitempty"`
	// Expect is the expected result.
	Expect Expectation `json:"expect"`
}

// Expectation is what must come of an attempt.
type Expectation struct {
	// Result is OK or the name of an errno, such as EKEYREJECTED.
	Result string `json:"result"`
	// Taint holds the letters, in alphabetical order, of the taints that the loaded modules carry or
	// that the kernel took on during the attempt (Documentation/admin-guide/tainted-kernels.rst).
	Taint string `json:"taint,omitempty"`
	// Loaded holds the names of the modules that must be there after the attempt and were not before,
	// in any order. Nil: not checked.
	Loaded []string `json:"loaded,omitempty"`
	// Exists holds absolute paths that must be there while the module is loaded.
	Exists []string `json:"exists,omitempty"`
	// Log holds parts of lines that the kernel must log during the attempt.
	Log []string `json:"log,omitempty"`
	// NoLog holds parts of lines that the kernel must not log during the attempt.
	NoLog []string `json:"no_log,omitempty"`
}

// Boot is a run of attempts that one boot of the kernel makes.
type Boot struct {
	// Cmdline is added to the kernel's command line, maybe empty.
	Cmdline string
	// First is the index in Plan.Attempts of the boot's first attempt.
	First int
	// Attempts are those of the boot, at least one.
	Attempts []Attempt
}

// Parse reads a plan in JSON and checks it. Errors name the attempt or the volume.
func Parse(data []byte) (*Plan, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	p := &Plan{}
	if err := decoder.Decode(p); err != nil {
		return nil, fmt.Errorf("reading the boot plan: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading the boot plan: got data after its end, want none")
	}
	return p, p.check()
}

// Boots splits the plan into boots.
func (p *Plan) Boots() []Boot {
	var boots []Boot
	for i, a := range p.Attempts {
		last := len(boots) - 1
		if last < 0 || a.Fresh || a.Cmdline != boots[last].Cmdline {
			boots = append(boots, Boot{Cmdline: a.Cmdline, First: i})
			last++
		}
		boots[last].Attempts = append(boots[last].Attempts, a)
	}
	return boots
}

// Action states what the attempt does, as "finit_module /dummy.ko".
func (a Attempt) Action() string {
	words := []string{a.method(), a.Module}
	if a.Parameters != "" {
		words = append(words, a.Parameters)
	}
	if len(a.Flags) > 0 {
		words = append(words, "("+strings.Join(a.Flags, ", ")+")")
	}
	return strings.Join(words, " ")
}

func (a Attempt) method() string {
	if a.Via == "" {
		return FinitModule
	}
	return a.Via
}

func (p *Plan) check() error {
	if len(p.Attempts) == 0 {
		return errors.New("boot plan: got no attempts, want at least one")
	}
	if err := p.checkVolumes(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, a := range p.Attempts {
		if err := errors.Join(a.check(), p.checkReads(a)); err != nil {
			return fmt.Errorf("boot plan: attempt %d (%q): %w", i+1, a.Name, err)
		}
		if seen[a.Name] {
			return fmt.Errorf("boot plan: attempt %d: got the name %q a second time, want names that differ", i+1, a.Name)
		}
		seen[a.Name] = true
	}
	return nil
}

func (a Attempt) check() error {
	if a.Name == "" || strings.ContainsFunc(a.Name, unicode.IsControl) {
		return errors.New("name: got an empty one or one with control characters, want printable text")
	}
	return errors.Join(a.checkCmdline(), a.checkModule(), a.checkFlags(), a.checkSteps(), a.Expect.check())
}

// checkCmdline keeps the end of the command line free: what comes after "--" are arguments of init.
func (a Attempt) checkCmdline() error {
	for _, word := range strings.Fields(a.Cmdline) {
		if word == "--" {
			return fmt.Errorf("cmdline: got %q, want no \"--\": what follows it goes to init", a.Cmdline)
		}
	}
	return nil
}

func (a Attempt) checkModule() error {
	switch a.method() {
	case FinitModule, InitModule:
		if !isClean(a.Module) {
			return fmt.Errorf("module: got %q, want an absolute path in the initramfs", a.Module)
		}
	case Modprobe:
		if a.Module == "" || strings.ContainsAny(a.Module, "/ \t\n") {
			return fmt.Errorf("module: got %q, want a module's name for modprobe", a.Module)
		}
	default:
		return fmt.Errorf("via: got %q, want %s, %s or %s", a.Via, FinitModule, InitModule, Modprobe)
	}
	return nil
}

func (a Attempt) checkFlags() error {
	for _, flag := range a.Flags {
		if _, ok := Flags[flag]; !ok {
			return fmt.Errorf("flags: got %q, want names among %s", flag, strings.Join(flagNames(), ", "))
		}
	}
	if len(a.Flags) > 0 && a.method() != FinitModule {
		return fmt.Errorf("flags: got %q with %s, want none: only %s accepts flags", a.Flags, a.Via, FinitModule)
	}
	return nil
}

func (e Expectation) check() error {
	if !knownResult(e.Result) {
		return fmt.Errorf("result: got %q, want ok or the name of an errno such as EKEYREJECTED", e.Result)
	}
	if err := checkTaint(e.Taint); err != nil {
		return fmt.Errorf("taint: %w", err)
	}
	for _, file := range e.Exists {
		if !path.IsAbs(file) {
			return fmt.Errorf("exists: got %q, want an absolute path", file)
		}
	}
	if e.Result != OK && len(e.Exists)+len(e.Loaded) > 0 {
		return fmt.Errorf("exists, loaded: got some with the result %s, want none: nothing is loaded", e.Result)
	}
	for _, part := range append(append([]string{}, e.Log...), e.NoLog...) {
		if part == "" || strings.ContainsFunc(part, unicode.IsControl) {
			return fmt.Errorf("log: got %q, want a part of one line", part)
		}
	}
	return nil
}

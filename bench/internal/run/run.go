// SPDX-License-Identifier: Apache-2.0

// Package run is what benchmarks share to run builds: timing, and Bazel in a workspace of its own.
package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Checkout returns the current directory, which must be a checkout of rules_modhash, in a ./bazelw world. command is the
// package of the benchmark, for messages.
func Checkout(command string) (string, error) {
	checkout, err := filepath.Abs(".")
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(checkout, "bazelw")); err != nil {
		return "", fmt.Errorf("run this command in the checkout of rules_modhash: %w", err)
	}
	if os.Getenv("RULES_MODHASH_WORLD") == "" {
		return "", errors.New("this is not a ./bazelw world: run ./bazelw --enter go run ./" + command)
	}
	return checkout, nil
}

// Timed times what do does; before comes ahead of it, untimed, and may be nil.
func Timed(ctx context.Context, before, do func() error) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if before != nil {
		if err := before(); err != nil {
			return 0, err
		}
	}
	syscall.Sync() // else a step waits for what the one before it wrote
	start := time.Now()
	err := do()
	return time.Since(start), err
}

// RemoveAll removes what Bazel took the write bits off, too.
func RemoveAll(dir string) {
	_ = exec.Command("chmod", "-R", "u+w", dir).Run()
	_ = os.RemoveAll(dir)
}

// BuildModhash builds the program modhash, as a release would.
func BuildModhash(ctx context.Context, out string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, "./tools/merkle/cmd/modhash")
	cmd.Env, cmd.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	return cmd.Run()
}

// Bazel is a Bazel with its own server.
type Bazel struct {
	// Checkout is that of rules_modhash, Dir the workspace, OutputRoot the output user root.
	Checkout, Dir, OutputRoot string
}

// Prepare starts the server by way of bazelw, which sees to the registry. Run does without its 0.2 s.
func (b Bazel) Prepare(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, filepath.Join(b.Checkout, "bazelw"), "--output_user_root="+b.OutputRoot, "info", "release")
	cmd.Dir, cmd.Env = b.Dir, append(os.Environ(), "BAZELW=world")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("bazelw info: %w\n%s", err, output)
	}
	return nil
}

// Run runs Bazel in the workspace and returns what it prints on the standard output. If it fails, the error has what it
// prints on the standard error.
func (b Bazel) Run(ctx context.Context, args ...string) (string, error) {
	rc := filepath.Join(os.Getenv("RULES_MODHASH_WORLD"), "bazelrc")
	argv := append([]string{"--bazelrc=" + rc, "--output_user_root=" + b.OutputRoot}, args...)
	cmd := exec.CommandContext(ctx, "bazel", argv...)
	cmd.Dir = b.Dir
	cmd.Env = append(os.Environ(), "GO_REPOSITORY_USE_HOST_CACHE=1")
	// Bazel ends the actions that run, then itself.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("bazel %s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	return strings.TrimSpace(string(output)), nil
}

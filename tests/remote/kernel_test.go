// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_modhash/tests/e2e/workspace"
)

// kernel is an external workspace with a small kernel in shards.
const kernel = workspace.External + `
-- MODULE.bazel --
linux = use_extension("@rules_modhash//toolchains/kernel:extensions.bzl", "linux")
linux.source(name = "linux")
use_repo(linux, "linux")
-- BUILD.bazel --
load("@rules_modhash//rules:defs.bzl", "hashed_kernel")

hashed_kernel(
    name = "vmlinux",
    base = "tinyconfig",
    fragments = ["small.config", "x86_64.config"],
    graph = "shards",
    machine = "x86_64",
    modules = ["fs/nls/%s.ko" % name for name in ["nls_ascii", "nls_cp437", "nls_iso8859-1", "nls_utf8"]],
    source = "@linux//:source",
)
`

// once are the actions of a kernel of which there is one each.
var once = []string{"Blank", "Config", "Link", "Modpost", "Prepare", "Source", "Split", "Unpack"}

// TestKernel builds a kernel in shards on a service, and then on another machine, where all of it comes from the cache.
func TestKernel(t *testing.T) {
	requireWorld(t)
	startWorker(t)
	// The service runs on this machine, and compiles as many shards at the same time as it gets.
	flags := []string{"--config=remote", "--remote_executor=grpc://" + workerAddress, "--remote_download_minimal", "--jobs=2"}
	first := kernelActions(newKernelMachine(t, flags...))
	for _, mnemonic := range once {
		if n := first["ModhashKernel"+mnemonic+" remote"]; n != 1 {
			t.Errorf("first machine: got %d actions ModhashKernel%s on the service, want 1", n, mnemonic)
		}
	}
	// Each directory of a small kernel with many sources is a shard.
	if n := first["ModhashKernelCompile remote"]; n < 8 {
		t.Errorf("first machine: got %d shards compiled on the service, want 8 at least", n)
	}
	for action := range first {
		if !strings.HasSuffix(action, " remote") {
			t.Errorf("first machine: got %s, want all actions on the service", action)
		}
	}
	want := counts{}
	for action, n := range first {
		want[strings.TrimSuffix(action, " remote")+" remote cache hit"] = n
	}
	if second := kernelActions(newKernelMachine(t, flags...)); !maps.Equal(second, want) {
		t.Errorf("second machine: got %v, want %v", second, want)
	}
}

// newKernelMachine makes a workspace with the kernel, in a separate directory.
func newKernelMachine(t *testing.T, flags ...string) machine {
	t.Helper()
	m := newMachineWith(t, kernel, flags...)
	for _, name := range []string{"small.config", "x86_64.config"} {
		text, err := os.ReadFile(filepath.Join(workspace.Checkout(t), "tests/boot/small", name))
		if err != nil {
			t.Fatal(err)
		}
		m.Add(name, text, 0o644)
	}
	return m
}

// kernelActions builds the kernel, and counts its actions.
func kernelActions(m machine) counts {
	m.t.Helper()
	actions := count(m.MustBuild("//:vmlinux"))
	maps.DeleteFunc(actions, func(action string, _ int) bool { return !strings.HasPrefix(action, "Modhash") })
	return actions
}

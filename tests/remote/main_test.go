// SPDX-License-Identifier: Apache-2.0

// Package remote builds trees with real servers: nginx as Bazel's HTTP cache, and Bazel's own remote
// execution service. What ran where is read from Bazel's execution log, never guessed from success: a build
// passes with its cache down.
//
// All of it happens in a network namespace with nothing but a loopback device, so that ports are free and
// nobody else reaches the servers. The tests need a ./bazelw world, and are never cached.
package remote

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"rules_modhash/tests/e2e/workspace"
	"rules_modhash/tests/remote/server"
)

// insideNamespace is set for a test that has been started again, in its namespace.
const insideNamespace = "MODHASH_TEST_NAMESPACE"

func TestMain(m *testing.M) {
	if _, err := os.Stat("/etc/rules_modhash/world"); err != nil || os.Getenv(insideNamespace) != "" {
		os.Exit(m.Run())
	}
	os.Exit(runInNamespace())
}

// runInNamespace runs this program again, and returns its exit code.
func runInNamespace() int {
	argv := append([]string{
		"--user", "--map-root-user", "--net", "sh", "-c", `busybox ip link set lo up && exec "$@"`, "sh", "/proc/self/exe",
	}, os.Args[1:]...)
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	argv[7] = self
	cmd := exec.Command("unshare", argv...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), insideNamespace+"=1")
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "starting the test in a network namespace: %v\n", err)
		return 1
	}
	return 0
}

// startServer starts a server for the time of the test, and waits until it listens.
func startServer(t *testing.T, cmd *exec.Cmd, address string) {
	t.Helper()
	started, err := server.Start(cmd, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		started.Stop()
		if t.Failed() {
			t.Logf("%s printed:\n%s", cmd.Path, started.Output())
		}
	})
}

// requireWorld skips a test outside a ./bazelw world.
func requireWorld(t *testing.T) {
	t.Helper()
	workspace.RequireWorld(t)
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"

	"rules_modhash/tools/cli"
	"rules_modhash/tools/cli/worker"
)

// workerFlag is the argument with which Bazel starts a persistent worker.
const workerFlag = "--persistent_worker"

// serve carries out the command lines that Bazel sends on in, and answers on out, until in
// ends. It returns the exit code.
func serve(ctx context.Context, in io.Reader, out, stderr io.Writer) int {
	server := worker.Server{Handle: handle, Concurrency: runtime.GOMAXPROCS(0)}
	if err := server.Serve(ctx, in, out); err != nil {
		fmt.Fprintf(stderr, "modhash %s: %v\n", workerFlag, err)
		return cli.Error
	}
	return cli.Done
}

// handle carries out one command line. Bazel has replaced @FILE already.
func handle(ctx context.Context, r worker.Request) (exitCode int, output string) {
	var printed bytes.Buffer
	dir := directory(r.Dir)
	exitCode = cli.Execute(ctx, newProgram(dir, &printed, &printed), r.Arguments)
	return exitCode, dir.unresolve(printed.String())
}

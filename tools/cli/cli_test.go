// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// program returns a command with the subcommand "do", which returns an error, and prints its arguments.
func program(err error, out *bytes.Buffer) *cobra.Command {
	root := &cobra.Command{Use: "program", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(&cobra.Command{Use: "do", RunE: func(_ *cobra.Command, args []string) error {
		fmt.Fprintf(out, "%q", args)
		return err
	}})
	root.SetErr(out)
	return root
}

func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "params")
	if err := os.WriteFile(file, []byte("do\n@not a file//\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		err  error
		code int
		want string
	}{
		{"done", []string{"do", "a"}, nil, Done, `["a"]`},
		{"parameter file", []string{"@" + file}, nil, Done, `["@not a file//"]`},
		{"failed", []string{"do"}, fmt.Errorf("checking: %w", ErrCheckFailed), Failed, "[]"},
		{"interrupted", []string{"do"}, fmt.Errorf("reading: %w", context.Canceled), Error, "[]program do: interrupted\n"},
		{"error", []string{"do"}, errors.New("no room"), Error, "[]program do: no room\n"},
		{"no parameter file", []string{"@no/such"}, nil, Error,
			"program: reading the arguments in @no/such: open no/such: no such file or directory\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if code := Run(t.Context(), program(c.err, &out), c.args); code != c.code || out.String() != c.want {
				t.Errorf("got %d, %q, want %d, %q", code, &out, c.code, c.want)
			}
		})
	}
}

func TestSignals(t *testing.T) {
	for left, want := range map[string]string{
		"":                    `stopped by the signal "hangup"`,
		"nothing was written": `stopped by the signal "hangup": nothing was written`,
	} {
		ctx, stop := Signals{Left: left}.Context()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
			t.Fatal("waited 10 s for the context to end")
		}
		var stopped Stopped
		if cause := context.Cause(ctx); !errors.As(cause, &stopped) || stopped.Signal != syscall.SIGHUP || cause.Error() != want {
			t.Errorf("got %v, want %s", cause, want)
		}
		stop()
	}
}

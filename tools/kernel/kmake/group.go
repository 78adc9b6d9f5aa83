// SPDX-License-Identifier: Apache-2.0

package kmake

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxDrain is how long a program that has left the group may keep the output open.
const maxDrain = 10 * time.Second

// runGroup runs a program in a separate process group, and returns when no process of the group is left: what the
// program leaves behind ends with it, and so does all of it when the context ends. Then the error is the context's
// cause.
//
// If this process itself is killed, the kernel sends SIGTERM to the program; make passes that on to its jobs.
func runGroup(ctx context.Context, cmd *exec.Cmd) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// Pdeathsig is about the thread that starts the program, not about the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.WaitDelay = maxDrain
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	// Processes whose parent ends become children of this process, which can wait for them.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	group := cmd.Process.Pid
	err := waitForExit(ctx, group)
	// The leader has not been waited for: its process ID, which is the group's, belongs to nothing else.
	err = errors.Join(err, killGroup(group))
	return errors.Join(err, finishGroup(ctx, cmd, group))
}

// waitForExit returns when a child has ended, and leaves it as a zombie. The group is killed when the context ends.
func waitForExit(ctx context.Context, group int) error {
	exited, watched := make(chan struct{}), make(chan error, 1)
	go func() {
		select {
		case <-ctx.Done():
			watched <- killGroup(group)
		case <-exited:
			watched <- nil
		}
	}()
	err := retry(func() error { return unix.Waitid(unix.P_PID, group, nil, unix.WEXITED|unix.WNOWAIT, nil) })
	close(exited)
	return errors.Join(err, <-watched)
}

// finishGroup waits for the leader and for all others of its group, which have been killed.
func finishGroup(ctx context.Context, cmd *exec.Cmd, group int) error {
	err := cmd.Wait()
	for {
		gone := retry(func() error {
			_, err := unix.Wait4(-group, nil, 0, nil)
			return err
		})
		if errors.Is(gone, unix.ECHILD) {
			break
		}
		if gone != nil {
			return errors.Join(err, gone)
		}
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// killGroup kills all processes of a group. That there is none any more is not an error.
func killGroup(group int) error {
	if err := unix.Kill(-group, unix.SIGKILL); !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}

// retry calls a system call again as long as signals interrupt it.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

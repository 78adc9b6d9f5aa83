// SPDX-License-Identifier: Apache-2.0

package nginx

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"
)

// Server is a running HTTP cache.
type Server struct {
	// URL is for Bazel's --remote_cache.
	URL string
	cmd *exec.Cmd
}

// Start starts an empty cache in dir, on a free port of the loopback device, until the context ends or Stop.
func Start(ctx context.Context, dir string) (*Server, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := free.Addr().String()
	free.Close()
	cmd, err := Command(ctx, dir, address, "crit")
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	n := &Server{"http://" + address, cmd}
	for range 500 {
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			return n, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	n.Stop()
	return nil, fmt.Errorf("nginx does not listen on %s", address)
}

// Stop ends the server.
func (n *Server) Stop() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

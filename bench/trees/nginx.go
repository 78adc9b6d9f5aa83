// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"rules_modhash/tests/remote/nginx"
)

// cacheServer is a running HTTP cache.
type cacheServer struct {
	url string
	cmd *exec.Cmd
}

// startNginx starts an empty cache in dir, on a free port of the loopback device.
func startNginx(ctx context.Context, dir string) (*cacheServer, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := free.Addr().String()
	free.Close()
	cmd, err := nginx.Command(ctx, dir, address, "crit")
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	n := &cacheServer{"http://" + address, cmd}
	for range 500 {
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			return n, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	n.stop()
	return nil, fmt.Errorf("nginx does not listen on %s", address)
}

func (n *cacheServer) stop() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

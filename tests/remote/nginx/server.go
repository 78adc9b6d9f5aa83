// SPDX-License-Identifier: Apache-2.0

package nginx

import (
	"context"
	"net"

	"rules_modhash/tests/remote/server"
)

// Server is a running HTTP cache.
type Server struct {
	*server.Server
	// URL is for Bazel's --remote_cache.
	URL string
}

// Start starts a cache in dir, on a free port of the loopback device, until the context ends or Stop.
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
	started, err := server.Start(cmd, address)
	if err != nil {
		return nil, err
	}
	return &Server{started, "http://" + address}, nil
}

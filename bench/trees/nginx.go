// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// nginxConfig is an HTTP cache: folder and address.
const nginxConfig = `daemon off;
master_process off;
user root root;
pid nginx.pid;
error_log stderr crit;
events {}
http {
    access_log off;
    client_body_temp_path tmp;
    client_max_body_size 0;
    fastcgi_temp_path tmp;
    proxy_temp_path tmp;
    scgi_temp_path tmp;
    uwsgi_temp_path tmp;
    server {
        listen %s;
        root store;
        dav_methods PUT;
        create_full_put_path on;
    }
}
`

// nginx is a running cache server.
type nginx struct {
	url string
	cmd *exec.Cmd
}

// startNginx starts an empty cache in dir, on a free port of the loopback device.
func startNginx(ctx context.Context, dir string) (*nginx, error) {
	for _, folder := range []string{"store", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return nil, err
		}
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := free.Addr().String()
	free.Close()
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, address), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "/usr/sbin/nginx", "-p", dir+"/", "-c", config, "-e", "stderr")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	n := &nginx{"http://" + address, cmd}
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

func (n *nginx) stop() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

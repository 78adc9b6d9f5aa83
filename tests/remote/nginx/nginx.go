// SPDX-License-Identifier: Apache-2.0

// Package nginx makes an HTTP cache for Bazel of nginx: a WebDAV server is all that Bazel wants.
package nginx

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// config is that of a cache: how much it logs (error_log's level), and its address.
const config = `daemon off;
master_process off;
user root root;
pid nginx.pid;
error_log stderr %s;
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

// Fill gives the cache that is to be in dir all that a disk cache of Bazel has. Entries are links: nothing that is
// uploaded changes the disk cache.
func Fill(dir, diskCache string) error {
	for _, kind := range []string{"ac", "cas"} {
		entries, err := filepath.Glob(filepath.Join(diskCache, kind, "??", "*"))
		if err != nil {
			return err
		}
		store := filepath.Join(dir, "store", kind)
		if err := os.MkdirAll(store, 0o755); err != nil {
			return err
		}
		for _, entry := range entries {
			if err := os.Symlink(entry, filepath.Join(store, filepath.Base(entry))); err != nil {
				return err
			}
		}
	}
	return nil
}

// Command makes a cache in dir, whose directory store holds ac/KEY and cas/DIGEST, and returns the command
// that serves it at an address, host and port, until the context ends. Level is what it prints: error, or crit for less.
func Command(ctx context.Context, dir, address, level string) (*exec.Cmd, error) {
	for _, directory := range []string{"store", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, directory), 0o755); err != nil {
			return nil, err
		}
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, level, address), 0o644); err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, "/usr/sbin/nginx", "-p", dir+"/", "-c", file, "-e", "stderr"), nil
}

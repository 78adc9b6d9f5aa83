// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"io"
	"io/fs"

	"golang.org/x/sys/unix"
)

// Files are read and written by system calls: package os would have the runtime set up epoll and
// eventfd, which small kernels lack.

// open opens a file; closing it is the caller's.
func open(path string, flags int) (int, error) {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// ReadFile returns the contents of a file.
func ReadFile(path string) ([]byte, error) {
	fd, err := open(path, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var data []byte
	buffer := make([]byte, 64<<10)
	for {
		n, err := unix.Read(fd, buffer)
		if err != nil {
			return nil, &fs.PathError{Op: "read", Path: path, Err: err}
		}
		if n == 0 {
			return data, nil
		}
		data = append(data, buffer[:n]...)
	}
}

// writeFile writes all data to a file at once, after what flags of open(2) ask for.
func writeFile(path string, data []byte, flags int) error {
	fd, err := open(path, unix.O_WRONLY|unix.O_TRUNC|flags)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	n, err := unix.Write(fd, data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}

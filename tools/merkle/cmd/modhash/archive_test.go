// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/ulikunitz/xz"
)

// compressors by the suffix of names.
var compressors = map[string]func(io.Writer) (io.WriteCloser, error){
	".gz":  func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
	".zst": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
	".xz":  func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) },
}

// compressed returns data as the suffix states.
func compressed(suffix string, data []byte) ([]byte, error) {
	open, ok := compressors[suffix]
	if !ok {
		return data, nil
	}
	var out bytes.Buffer
	w, err := open(&out)
	if err != nil {
		return nil, err
	}
	_, writeErr := w.Write(data)
	err = errors.Join(writeErr, w.Close())
	return out.Bytes(), err
}

// cmdArchive is the command "archive FILE DIR [PREFIX]": it makes a tar, compressed as its name states, or a Debian
// package, of the files in DIR, with PREFIX in front of their paths.
func cmdArchive(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: archive FILE DIR [PREFIX]")
	}
	prefix := ""
	if len(args) == 3 {
		prefix = args[2]
	}
	data, err := tarOf(ts.MkAbs(args[1]), prefix)
	ts.Check(err)
	if strings.HasSuffix(args[0], ".deb") {
		data, err = debOf(data)
	} else {
		data, err = compressed(path.Ext(args[0]), data)
	}
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

func tarOf(dir, prefix string) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := prefix + strings.TrimPrefix(file, dir+"/")
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}

// debOf returns a package as dpkg-deb lays it out: debian-binary, control.tar, data.tar.xz (deb(5)).
func debOf(data []byte) ([]byte, error) {
	data, err := compressed(".xz", data)
	if err != nil {
		return nil, err
	}
	deb := []byte("!<arch>\n")
	for _, member := range []struct {
		name string
		data []byte
	}{{"debian-binary", []byte("2.0\n")}, {"control.tar", make([]byte, 1024)}, {"data.tar.xz", data}} {
		deb = fmt.Appendf(deb, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", member.name, 0, 0, 0, "100644", len(member.data))
		deb = append(deb, member.data...)
		if len(member.data)%2 == 1 {
			deb = append(deb, '\n')
		}
	}
	return deb, nil
}

// SPDX-License-Identifier: Apache-2.0

// Package tarball writes the archives of a release. Their bytes depend on names and contents of files alone.
package tarball

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"rules_modhash/tools/cli/output"
)

// File is one file of an archive: a slash-separated path below the archive's one directory, and the contents.
type File struct {
	Name string
	Data []byte
}

// Create makes a .tar.gz of the files at path, sorted by name, all below the directory prefix. It appears whole or not at
// all.
func Create(path, prefix string, files []File) error {
	var outputs output.Set
	if err := outputs.CreateFile(path, func(w io.Writer) error { return write(w, prefix, files) }); err != nil {
		return errors.Join(err, outputs.Discard())
	}
	return outputs.Commit()
}

func write(w io.Writer, prefix string, files []File) error {
	sorted := slices.SortedFunc(slices.Values(files), func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	compressed := gzip.NewWriter(w)
	archive := tar.NewWriter(compressed)
	for _, f := range sorted {
		if err := archive.WriteHeader(header(prefix, f)); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if _, err := archive.Write(f.Data); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return compressed.Close()
}

// header describes a file: scripts can be run, whatever the modes of the checkout are.
func header(prefix string, f File) *tar.Header {
	mode := int64(0o644)
	if bytes.HasPrefix(f.Data, []byte("#!")) {
		mode = 0o755
	}
	return &tar.Header{
		Typeflag: tar.TypeReg, Name: prefix + "/" + f.Name, Size: int64(len(f.Data)), Mode: mode, Format: tar.FormatUSTAR,
	}
}

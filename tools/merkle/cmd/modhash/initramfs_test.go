// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/pierrec/lz4/v4"
	"github.com/rogpeppe/go-internal/testscript"

	"rules_modhash/tools/archive/initramfs"
)

// cmdInitramfs is the command "initramfs FILE PART...": it writes archives one after another, with zeros between
// them. A part is a directory, maybe with the suffix of a compression after it, or several of them.
func cmdInitramfs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: initramfs FILE DIR[.gz|.xz|.zst|.lz4]...")
	}
	var image bytes.Buffer
	for _, part := range args[1:] {
		data, err := initramfsPart(ts, part)
		ts.Check(err)
		image.Write(data)
		image.Write(make([]byte, 4-image.Len()&3))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), image.Bytes(), 0o644))
}

func initramfsPart(ts *testscript.TestScript, part string) ([]byte, error) {
	suffix := path.Ext(part)
	inner := strings.TrimSuffix(part, suffix)
	var data []byte
	var err error
	if suffix == "" {
		data, err = cpioOf(ts.MkAbs(part))
	} else {
		data, err = initramfsPart(ts, inner)
	}
	if err != nil || suffix == "" {
		return data, err
	}
	if suffix == ".lz4" {
		return lz4Legacy(data)
	}
	return compressed(suffix, data)
}

func cpioOf(dir string) ([]byte, error) {
	var a initramfs.Archive
	var out bytes.Buffer
	err := errors.Join(a.Add("/", dir), a.Write(&out))
	return out.Bytes(), err
}

// lz4Legacy compresses as `lz4 -l` does.
func lz4Legacy(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w := lz4.NewWriter(&out)
	err := w.Apply(lz4.LegacyOption(true))
	if err == nil {
		_, err = io.Copy(w, bytes.NewReader(data))
	}
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}

// cmdNewc is the command "newc FILE NAME SIZE": it writes the header of an entry that states it has SIZE bytes, and
// a few bytes.
func cmdNewc(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: newc FILE NAME SIZE")
	}
	var size uint32
	_, err := fmt.Sscan(args[2], &size)
	ts.Check(err)
	const regular = 0o100644
	entry := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		1, regular, 0, 0, 1, 0, size, 0, 0, 0, 0, len(args[1])+1, 0, args[1])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(entry+"\x00\x00\x00\x00some bytes"), 0o644))
}

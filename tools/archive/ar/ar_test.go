// SPDX-License-Identifier: Apache-2.0

package ar

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// member returns a member as ar writes it, its contents padded to an even size.
func member(name, size, contents string) string {
	return fmt.Sprintf("%-16s%-12d%-6d%-6d%-8s%-10s`\n", name, 0, 0, 0, "100644", size) + contents +
		strings.Repeat("\n", len(contents)%2)
}

// list reads an archive and shows each member as NAME=CONTENTS.
func list(archive string) (text string, err error) {
	r := NewReader(strings.NewReader(archive))
	for {
		m, err := r.Next()
		if err != nil {
			return text, err
		}
		data, err := io.ReadAll(m.Data)
		if err != nil {
			return text, err
		}
		text += fmt.Sprintf("%s=%s ", m.Name, data)
	}
}

func TestNext(t *testing.T) {
	for name, c := range map[string]struct{ archive, want, wantErr string }{
		"empty":              {"", "", "EOF"},
		"two members":        {member("debian-binary", "4", "2.0\n") + member("data.tar", "3", "abc") + member("z", "1", "z"), "debian-binary=2.0\n data.tar=abc z=z ", "EOF"},
		"GNU name":           {member("data.tar/", "1", "a"), "data.tar=a ", "EOF"},
		"nothing in it":      {member("a", "0", "") + member("b", "1", "b"), "a= b=b ", "EOF"},
		"bytes at the end":   {member("a", "2", "ab") + "\n\n\n", "a=ab ", "EOF"},
		"contents too short": {member("a", "9", "ab"), "a=ab ", "EOF"},
		"negative size":      {member("a", "-60", ""), "", `member "a" has the size "-60", want a decimal number`},
		"no number":          {member("a", "many", ""), "", `member "a" has the size "many", want a decimal number`},
		"no size":            {member("a", "", ""), "", `member "a" has the size "", want a decimal number`},
		"no end of a header": {strings.ReplaceAll(member("a", "1", "a"), "`\n", "`x"), "", "the header of member \"a\" ends with \"`x\", want \"`\\n\""},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := list(Magic + c.archive)
			if text != c.want || err.Error() != c.wantErr {
				t.Errorf("got %q, %v, want %q, %s", text, err, c.want, c.wantErr)
			}
		})
	}
}

// failing is a file that cannot be read.
type failing struct{ error }

// ReadAt fails.
func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.error }

func TestNextReadError(t *testing.T) {
	if _, err := NewReader(failing{iotest.ErrTimeout}).Next(); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("got %v, want %v", err, iotest.ErrTimeout)
	}
}

// FuzzNext checks that each header moves on, and that contents are not larger than the archive.
func FuzzNext(f *testing.F) {
	f.Add(member("debian-binary", "4", "2.0\n") + member("data.tar", "3", "abc"))
	f.Add(member("loop", "-60", ""))
	f.Add(member("large", "9999999999", "x"))
	f.Fuzz(func(t *testing.T, archive string) {
		text, err := list(Magic + archive)
		if err == nil || len(text) > len(archive)*2 {
			t.Errorf("got %d bytes of members, %v, from %d bytes", len(text), err, len(archive))
		}
	})
}

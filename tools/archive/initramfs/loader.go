// SPDX-License-Identifier: Apache-2.0

package initramfs

import (
	"debug/elf"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// checkLoaders rejects programs that cannot start: those that name a dynamic loader (PT_INTERP) which
// is not in the archive. The kernel would report only that the program is not there.
func (a *Archive) checkLoaders() error {
	for _, name := range slices.Sorted(maps.Keys(a.entries)) {
		host := a.entries[name].host
		if host == "" {
			continue
		}
		loader, err := dynamicLoader(host)
		if err != nil {
			return fmt.Errorf("reading %s: %w", host, err)
		}
		if loader != "" && !a.hasBase(path.Base(loader)) {
			return fmt.Errorf("adding %s to the initramfs: got a program that needs %s, which does not exist, "+
				"want a static one, or its loader and libraries too", host, loader)
		}
	}
	return nil
}

// hasBase reports whether any entry has the base name: directories of libraries may be links to others.
func (a *Archive) hasBase(base string) bool {
	for name := range a.entries {
		if path.Base(name) == base {
			return true
		}
	}
	return false
}

// dynamicLoader returns what an ELF file names as its loader, or "" for a file without one and for one
// that is not a sound ELF file.
func dynamicLoader(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	program, err := elf.NewFile(f)
	if err != nil {
		return "", nil
	}
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			loader, err := io.ReadAll(p.Open())
			return strings.TrimRight(string(loader), "\x00"), err
		}
	}
	return "", nil
}

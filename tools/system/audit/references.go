// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"io"
	"path"
	"slices"
	"strings"

	"rules_modhash/tools/archive/names"
	"rules_modhash/tools/archive/rootfs"
)

// maxConfiguration bounds what is read of a text that names files, in bytes.
const maxConfiguration = 8 << 20

// dependencies returns the modules that modules.dep names outside of the directory of a release: kmod loads what
// stands there, which may be any path (depmod's "external", or written by hand). It reads modules.dep.bin, of which
// kmod makes use, as a run of names.
func (a *audit) dependencies(d directory) (found []rootfs.Entry) {
	known := map[string]bool{}
	for _, e := range d.entries {
		known[e.Real] = true
	}
	for _, index := range []string{"modules.dep", "modules.dep.bin"} {
		data, err := a.readAll(path.Join(d.Path, index))
		if err != nil {
			continue // if it is there, it is an entry that is examined by itself
		}
		for _, name := range indexedNames(data) {
			e, ok := a.named(d.Path, name)
			if ok && !known[e.Real] {
				known[e.Real] = true
				found = append(found, e)
			}
		}
	}
	return found
}

// indexedNames returns the names in modules.dep or modules.dep.bin: a module, a colon, and what it depends on. Names may
// have spaces.
func indexedNames(index []byte) (names []string) {
	for _, line := range bytes.FieldsFunc(index, func(r rune) bool { return r < ' ' }) {
		name, dependencies, _ := strings.Cut(string(line), ":")
		names = append(append(names, name), strings.Fields(dependencies)...)
	}
	return names
}

// named returns the regular file that a name in a text of dir leads to.
func (a *audit) named(dir, name string) (rootfs.Entry, bool) {
	if !path.IsAbs(name) {
		name = path.Join(dir, name)
	}
	if name = strings.TrimLeft(path.Clean(name), "/"); name == "" || len(name) > names.Max {
		return rootfs.Entry{}, false
	}
	e := a.single(name)
	return e, e.Kind == rootfs.File
}

// readAll reads a text.
func (a *audit) readAll(name string) ([]byte, error) {
	f, _, err := a.system.OpenFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxConfiguration))
}

// isConfiguration knows the configurations of boot loaders: of the Boot Loader Specification, GRUB, extlinux, systemd,
// rEFInd, Limine, and of the Raspberry Pi.
func isConfiguration(name string) bool {
	base := path.Base(name)
	return slices.Contains([]string{".cfg", ".conf", ".lst"}, path.Ext(base)) || base == "config.txt" || base == "cmdline.txt"
}

// readReferences examines the files that configurations of boot loaders name, wherever they lie.
func (a *audit) readReferences(entries []rootfs.Entry) {
	for _, e := range entries {
		if e.Kind != rootfs.File || !isConfiguration(e.Path) {
			continue
		}
		data, err := a.readAll(e.Real)
		if err != nil {
			continue // reported with the entry itself
		}
		for _, name := range bytes.FieldsFunc(data, endsWord) {
			if found, ok := a.referred(e.Path, string(name)); ok {
				a.readReferred(found)
			}
		}
		if isBootEntry(e.Path) {
			a.readBootEntry(e.Path, string(data))
		}
	}
}

func endsWord(r rune) bool { return r <= ' ' || strings.ContainsRune(`=,"'{};`, r) }

func (a *audit) readReferred(e rootfs.Entry) {
	if _, ok := a.examined[e.Real]; !ok {
		a.account.entry(e.Path, func() verdict { return a.readEntry(e) })
	}
}

// referred returns the file that a configuration names: boot loaders begin paths at the partition that they read it
// from, which is any directory above it.
func (a *audit) referred(configuration, name string) (rootfs.Entry, bool) {
	if _, rest, ok := strings.Cut(name, ")"); ok { // GRUB's device
		name = strings.TrimPrefix(rest, ":") // Limine's
	}
	if name = strings.TrimLeft(strings.ReplaceAll(name, `\`, "/"), "/"); name == "" {
		return rootfs.Entry{}, false
	}
	for dir := path.Dir(configuration); ; dir = path.Dir(dir) {
		if e, ok := a.named(dir, name); ok {
			return e, true
		}
		if dir == "." {
			return rootfs.Entry{}, false
		}
	}
}

// isBootEntry knows entries of the Boot Loader Specification.
func isBootEntry(name string) bool {
	return path.Ext(name) == ".conf" && path.Base(path.Dir(name)) == "entries"
}

// bootEntry is a kernel and the initramfs that are loaded with it, free of links.
type bootEntry struct {
	kernel    string
	initramfs []string
}

// readBootEntry reads an entry of the Boot Loader Specification
// (https://uapi-group.org/specifications/specs/boot_loader_specification/). What it names must be there.
func (a *audit) readBootEntry(configuration, text string) {
	var entry bootEntry
	for _, line := range strings.Split(text, "\n") {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		value = strings.TrimSpace(strings.ReplaceAll(value, "\t", " "))
		if !slices.Contains([]string{"linux", "initrd", "efi", "uki"}, key) || value == "" {
			continue
		}
		found, ok := a.referred(configuration, value)
		switch {
		case !ok:
			a.account.entry(strings.TrimLeft(value, "/"), func() verdict {
				return notExamined("is named by " + configuration + ", and does not exist")
			})
		case key == "initrd":
			entry.initramfs = append(entry.initramfs, found.Real)
		default:
			entry.kernel = found.Real
		}
	}
	a.bootEntries = append(a.bootEntries, entry)
}

// SPDX-License-Identifier: Apache-2.0

package root

import (
	"bufio"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/arch/elffile"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/root/image"
	"rules_modhash/tools/merkle/root/object"
)

// symbolBanner is the symbol of image.Banner.
const symbolBanner = "linux_banner"

// startSymbols are those at the first byte of a kernel's memory, the first that there is: _start on riscv64, where _text
// follows the code for booting, elsewhere _text (arch/*/kernel/vmlinux.lds.S).
func startSymbols(machine elf.Machine) []string {
	if machine == elf.EM_RISCV {
		return []string{"_start", "_text"}
	}
	return []string{"_text"}
}

// addresses are those of symbols.
type addresses map[string]uint64

// add enters a symbol. Of several with one name, the first counts; the root must be one.
func (a addresses) add(name string, address uint64) error {
	if first, ok := a[name]; !ok {
		a[name] = address
	} else if name == object.SymbolName && first != address {
		return fmt.Errorf("has %s at %#x and at %#x", name, first, address)
	}
	return nil
}

// memory is a kernel as it lies in memory, without a table of what is where.
type memory struct {
	*io.SectionReader
	target arch.Target
	format string
}

// read reads the root in the memory of a kernel, with the help of symbols.
func (m memory) read(o Options) (Found, error) {
	release, _ := image.FindBanner(io.NewSectionReader(m, 0, m.Size()))
	found := Found{Format: m.format, Target: m.target, Release: release}
	if candidates := o.candidates(release); len(candidates) > 0 {
		return readBySymbols(found, m, candidates)
	}
	return found, fmt.Errorf("%w that can be found: %s does not contain its offset. "+
		"Next: give the System.map of the same build, or read the vmlinux", ErrFormat, found.WithArticle())
}

// offset returns where a symbol is, counted from the start of the kernel's memory.
func (m memory) offset(a addresses, symbol string) (int64, error) {
	symbols := startSymbols(m.target.Machine)
	i := slices.IndexFunc(symbols, func(s string) bool { _, ok := a[s]; return ok })
	if i < 0 {
		return 0, fmt.Errorf("has no symbol %s", symbols[0])
	}
	start := a[symbols[i]]
	if a[symbol] < start || a[symbol]-start > uint64(m.Size()) {
		return 0, fmt.Errorf("has %s at %#x, %s at %#x: not in one image of %d bytes",
			symbol, a[symbol], symbols[i], start, m.Size())
	}
	return int64(a[symbol] - start), nil
}

// located is a file in which symbols can be found by their addresses.
type located interface {
	io.ReaderAt
	offset(a addresses, symbol string) (int64, error)
}

func (o Options) candidates(release string) []Candidate {
	if o.SymbolFiles == nil {
		return nil
	}
	return o.SymbolFiles(release)
}

// readBySymbols reads the root where candidates place it. All are read: those that fit must give one root.
func readBySymbols(found Found, f located, candidates []Candidate) (Found, error) {
	var problems []error
	for i, c := range candidates {
		root, err := c.rootIn(f, found.Target)
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("%s %w", c.Name, err))
		case len(problems) == i: // all ahead of it did not fit
			found.Root, found.SymbolFile = root, c.Name
		case root != found.Root:
			return without(found), fmt.Errorf("has the root %s by %s, %s by %s: "+
				"only one of them is of the same build. Next: remove the other one", found.Root, found.SymbolFile, root, c.Name)
		}
	}
	if len(problems) == len(candidates) {
		return found, fmt.Errorf("%w that can be found (%w). Next: give the System.map, or the vmlinux with symbols, of the same build",
			ErrFormat, joined(problems))
	}
	return found, nil
}

// without is what is known of a kernel whose root is not.
func without(f Found) Found {
	f.Root, f.SymbolFile = merkle.Root{}, ""
	return f
}

// joined is errors.Join in one line.
func joined(all []error) error {
	err := all[0]
	for _, next := range all[1:] {
		err = fmt.Errorf("%w; %w", err, next)
	}
	return err
}

// rootIn returns the root in a kernel, where the candidate places it.
func (c Candidate) rootIn(f located, target arch.Target) (merkle.Root, error) {
	file, err := c.Open()
	if err != nil {
		return merkle.Root{}, fmt.Errorf("cannot be opened: %w", err)
	}
	defer file.Close()
	a, err := readAddresses(file, target)
	if err != nil {
		return merkle.Root{}, err
	}
	if len(a) == 0 { // this is not to blame on the kernel's options
		return merkle.Root{}, fmt.Errorf("is not of a kernel: it has none of the symbols %s", strings.Join(wanted, ", "))
	}
	if err := checkBanner(f, a); err != nil {
		return merkle.Root{}, err
	}
	if _, ok := a[object.SymbolName]; !ok {
		return merkle.Root{}, fmt.Errorf("has no symbol %s: was the kernel built with CONFIG_MODULE_HASHES?", object.SymbolName)
	}
	return rootAt(f, a, target)
}

// checkBanner checks that the banner of a kernel is at its symbol, if there is one.
func checkBanner(f located, a addresses) error {
	if _, ok := a[symbolBanner]; !ok {
		return nil
	}
	offset, err := f.offset(a, symbolBanner)
	if err != nil {
		return err
	}
	b := make([]byte, len(image.Banner))
	if _, err := f.ReadAt(b, offset); err != nil || string(b) != image.Banner {
		return fmt.Errorf("is of another build: %s is not at byte %d, where it should be", symbolBanner, offset)
	}
	return nil
}

// rootAt reads the root at its symbol.
func rootAt(f located, a addresses, target arch.Target) (merkle.Root, error) {
	offset, err := f.offset(a, object.SymbolName)
	if err != nil {
		return merkle.Root{}, err
	}
	b := make([]byte, object.Size)
	if _, err := f.ReadAt(b, offset); err != nil {
		return merkle.Root{}, fmt.Errorf("has %s, %d bytes, at %d: %w. Is it of the same build?",
			object.SymbolName, object.Size, offset, err)
	}
	root := merkle.Root{Levels: order(target).Uint32(b), Hash: merkle.Hash(b[4:])}
	if err := root.Check(); err != nil {
		return merkle.Root{}, fmt.Errorf("does not fit: %w. Is it of the same build?", err)
	}
	return root, nil
}

func order(t arch.Target) binary.ByteOrder {
	if t.Data == elf.ELFDATA2MSB {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// wanted are the symbols whose addresses are of use.
var wanted = []string{"_start", "_text", symbolBanner, object.SymbolName}

// readAddresses returns the addresses that a System.map or a vmlinux has of the wanted symbols.
func readAddresses(f SymbolFile, target arch.Target) (addresses, error) {
	magic := make([]byte, len(elf.ELFMAG))
	if n, err := f.ReadAt(magic, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("cannot be read: %w", err)
	} else if n == 0 {
		return nil, errors.New("is empty")
	}
	if string(magic) == elf.ELFMAG {
		return readSymbolTable(f, target)
	}
	return readSystemMap(f)
}

// readSystemMap reads lines of address, type and name.
func readSystemMap(f io.Reader) (addresses, error) {
	a, symbols := addresses{}, 0
	lines, first := bufio.NewScanner(f), ""
	for lines.Scan() {
		if first == "" {
			first = lines.Text()
		}
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 {
			continue
		}
		symbols++
		if name := fields[2]; slices.Contains(wanted, name) {
			address, err := strconv.ParseUint(fields[0], 16, 64)
			if err != nil {
				return nil, fmt.Errorf("is not a System.map: got %q, want the address of %s", lines.Text(), name)
			}
			if err := a.add(name, address); err != nil {
				return nil, err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("is not a System.map: %w", err)
	}
	if symbols == 0 {
		return nil, fmt.Errorf("is not a System.map: it begins with %q", first[:min(len(first), maxQuoted)])
	}
	return a, nil
}

// maxQuoted is how much of a line is quoted.
const maxQuoted = 120

// readSymbolTable reads the symbols of a vmlinux.
func readSymbolTable(f io.ReaderAt, target arch.Target) (addresses, error) {
	file, err := elffile.Open(f)
	if err != nil {
		return nil, fmt.Errorf("cannot be read as an ELF file: %w", err)
	}
	if t := (arch.Target{Class: file.Class, Data: file.Data, Machine: file.Machine}); t != target {
		return nil, fmt.Errorf("is for %s, the kernel for %s", t, target)
	}
	symbols, err := file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("has no symbols: %w", err)
	}
	a := addresses{}
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF && slices.Contains(wanted, s.Name) {
			if err := a.add(s.Name, s.Value); err != nil {
				return nil, err
			}
		}
	}
	return a, nil
}

// stripped is a vmlinux without symbols.
type stripped struct {
	*io.SectionReader
	file *elf.File
}

// offset returns where in the file the address of a symbol is.
func (s stripped) offset(a addresses, symbol string) (int64, error) {
	address := a[symbol]
	for _, p := range s.file.Progs {
		if p.Type == elf.PT_LOAD && address >= p.Vaddr && address-p.Vaddr < p.Filesz {
			return int64(p.Off + address - p.Vaddr), nil
		}
	}
	return 0, fmt.Errorf("has %s at %#x, which the kernel has no contents for", symbol, address)
}

// readStripped reads a kernel in which the root was not found, with the help of symbols if it has none itself.
func readStripped(f *io.SectionReader, o Options, notFound error) (Found, error) {
	file, err := elffile.Open(f)
	if err != nil {
		return Found{Format: string(image.KindELF)}, notFound
	}
	found := Found{
		Format: string(image.KindOf(f, f.Size())), Release: releaseOfELF(f),
		Target: arch.Target{Class: file.Class, Data: file.Data, Machine: file.Machine},
	}
	_, err = file.Symbols()
	isStripped := errors.Is(err, elf.ErrNoSymbols) && file.Section(object.SectionName) == nil
	candidates := o.candidates(found.Release)
	if !isStripped || found.Format != string(image.KindVmlinux) || len(candidates) == 0 {
		return found, notFound
	}
	return readBySymbols(found, stripped{f, file}, candidates)
}

// releaseOfELF returns the release in the banner of a vmlinux, "" if it has none.
func releaseOfELF(f *io.SectionReader) string {
	file, err := elffile.Open(f)
	if err != nil {
		return ""
	}
	parts := []*io.SectionReader{}
	for _, p := range file.Progs {
		if p.Type == elf.PT_LOAD {
			parts = append(parts, io.NewSectionReader(f, int64(p.Off), int64(p.Filesz)))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, io.NewSectionReader(f, 0, f.Size()))
	}
	// Parts may overlap: that must not have the same bytes read again and again.
	for budget := f.Size(); len(parts) > 0 && budget > 0; parts = parts[1:] {
		if release, _ := image.FindBanner(io.LimitReader(parts[0], budget)); release != "" {
			return release
		}
		budget -= min(parts[0].Size(), f.Size())
	}
	return ""
}

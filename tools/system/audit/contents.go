// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"rules_modhash/tools/archive/codec"
	"rules_modhash/tools/archive/initramfs"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/root/image"
)

const (
	// maxDepth bounds how deep containers are nested that are looked into.
	maxDepth = 6
	// maxNested bounds how many bytes are unpacked out of the containers in one file, in all.
	maxNested = 16 << 30
)

// contents is what is examined: a file, or a part of one.
type contents struct {
	// path is that of the file, and after "!/" the name inside of it.
	path string
	r    io.ReaderAt
	size int64
	// file is set if the contents are a whole file.
	file *os.File
	// depth is the number of containers around the contents.
	depth int
}

// inner returns contents inside of c.
func (c contents) inner(name string, r io.ReaderAt, size int64) contents {
	return contents{path: joined(c.path, name), r: r, size: size, depth: c.depth + 1}
}

// contents examines data by what it is, whatever its name. Modules and archives are entered in p.
func (a *audit) contents(p *place, c contents) verdict {
	if c.depth > maxDepth {
		return notExamined(fmt.Sprintf("is nested in more than %d containers", maxDepth))
	}
	if a.ctx.Err() != nil {
		return notExaminedError(a.ctx.Err())
	}
	kind := image.KindOf(c.r, c.size)
	switch {
	case module.HasModuleName(c.path) || kind == image.KindModule:
		return a.module(p, c)
	case kind == image.KindUKI || kind == image.KindAddon || kind == image.KindEFI:
		return a.sections(p, c, kind)
	case kind.IsKernel():
		return a.kernel(c)
	case kind == image.KindCompressed:
		return a.compressed(p, c)
	case kind == image.KindUBoot || kind == image.KindUBootInitramfs:
		return a.uBoot(p, c)
	case kind == image.KindFIT || kind == image.KindAndroid:
		return notExamined(fmt.Sprintf("is %s, which may contain a kernel and an initramfs", kind.WithArticle()))
	}
	if v, ok := a.container(p, c); ok {
		return v
	}
	return a.byName(p, c, kind)
}

// byName evaluates what is nothing known by its contents: it must not have the name of something that is loaded.
func (a *audit) byName(p *place, c contents, kind image.Kind) verdict {
	switch {
	case c.depth > 0 || kind == image.KindDTB || kind == image.KindUBootOther:
		return of(ClassOther)
	case kind == image.KindELF && !claims(c.path, []string{"vmlinuz", "vmlinux"}): // GRUB's kernel.img is one
		return of(ClassOther)
	case claimsKernel(c.path):
		return a.kernel(c)
	case claimsInitramfs(c.path):
		return a.initramfs(p, c)
	}
	return of(ClassOther)
}

// module reads a module that is not installed.
func (a *audit) module(p *place, c contents) verdict {
	m := readModule{path: strings.TrimPrefix(below(p.Path+"!", c.path), image.SectionInitramfs+"!/")}
	m.release, m.install = releaseAndPath(m.path)
	m.Finding, m.err = a.examineContents(c)
	m.after = a.scratch.scanner.BytesAfter()
	p.read = append(p.read, m)
	return of(ClassModule)
}

// examineContents reads a module, out of a file if it is one.
func (a *audit) examineContents(c contents) (module.Finding, error) {
	if c.size > module.MaxSize {
		return module.Finding{}, fmt.Errorf("has %d bytes, more than the kernel loads (%d)", c.size, module.MaxSize)
	}
	if c.file == nil {
		f, err := a.scratch.file(c.depth)
		if err != nil {
			return module.Finding{}, err
		}
		if _, err := io.Copy(f, io.NewSectionReader(c.r, 0, c.size)); err != nil {
			return module.Finding{}, err
		}
		c.file = f
	}
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		return module.Finding{}, err
	}
	return examineFile(&a.scratch.scanner, c.file, c.path, 0)
}

// examineFile reads a module. If it carries nothing, it must be a whole ELF file: else it may have been cut.
func examineFile(s *module.Scanner, f *os.File, name string, index uint32) (module.Finding, error) {
	found, err := s.ExamineFile(f, name, module.Options{Position: index, Raw: true})
	if err != nil || found.Signed {
		return found, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return found, err
	}
	return s.ExamineFile(f, name, module.Options{Position: index})
}

// releaseAndPath splits the path of a module in an initramfs. The release is "" if the path names none.
func releaseAndPath(name string) (release, install string) {
	install = module.TrimCompression(name)
	if match := releasePatterns[0].FindStringSubmatchIndex(name); match != nil {
		return name[match[2]:match[3]], install[match[1]:]
	}
	return "", install
}

// compressed examines what is compressed: an initramfs, a kernel, or something else, which is unpacked first.
func (a *audit) compressed(p *place, c contents) verdict {
	head := make([]byte, 6)
	if _, err := c.r.ReadAt(head, 0); err != nil && err != io.EOF {
		return notExaminedError(err)
	}
	format, ok := codec.Of(head)
	if !ok {
		return notExamined("is compressed in an unknown way")
	}
	data, err := format.Open(io.NewSectionReader(c.r, 0, c.size))
	if err != nil {
		return notExaminedError(fmt.Errorf("cannot be decompressed (%s): %w", format.Name, err))
	}
	start := make([]byte, headSize)
	n, err := io.ReadFull(data, start)
	// What follows the first stream of an initramfs need not be one of the same kind.
	if isInitramfs(start[:n]) || c.depth == 0 && claimsInitramfs(c.path) {
		return a.initramfs(p, c)
	}
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return notExaminedError(fmt.Errorf("cannot be decompressed (%s): %w", format.Name, err))
	}
	v := a.unpacked(p, c, format.Name, io.MultiReader(bytes.NewReader(start[:n]), data))
	a.examineAfter(p, c, data.InputOffset())
	return v
}

// examineAfter examines what follows compressed data from an offset on, such as the device tree of an Image.gz-dtb. Who
// decompresses the file does not read it; a boot loader may.
func (a *audit) examineAfter(p *place, c contents, offset int64) {
	if offset >= c.size {
		return
	}
	rest := c.inner("rest", io.NewSectionReader(c.r, offset, c.size-offset), c.size-offset)
	a.account.entry(rest.path, func() verdict { return a.contents(p, rest) })
}

// headSize is how much of decompressed data is read to recognize an initramfs.
const headSize = 64 << 10

// isInitramfs knows cpio archives, with zeros ahead.
func isInitramfs(head []byte) bool {
	head = bytes.TrimLeft(head, "\x00")
	return bytes.HasPrefix(head, []byte("070701")) || bytes.HasPrefix(head, []byte("070702"))
}

// unpacked examines what a stream holds, which is written to a separate file.
func (a *audit) unpacked(p *place, c contents, what string, data io.Reader) verdict {
	f, n, err := a.scratch.copy(c.depth+1, data)
	if err != nil {
		return notExaminedError(fmt.Errorf("cannot be unpacked (%s): %w", what, err))
	}
	inside := contents{path: c.path, r: f, size: n, file: f, depth: c.depth + 1}
	if module.HasModuleName(inside.path) { // its compression is undone
		inside.path = module.TrimCompression(inside.path)
	}
	if image.KindOf(f, n).IsKernel() {
		return a.kernel(c)
	}
	return a.contents(p, inside)
}

// initramfs examines the archives that a boot loader hands to a kernel. What is wrong with them is a problem of p.
func (a *audit) initramfs(p *place, c contents) verdict {
	links := map[string]linked{}
	archives, err := initramfs.Read(c.r, c.size, func(e initramfs.Entry, data io.Reader) error {
		a.account.entry(joined(c.path, e.Name), func() verdict { return a.member(p, c, e, data, links) })
		return a.ctx.Err()
	})
	p.archives = append(p.archives, archives...)
	if err != nil && a.ctx.Err() == nil {
		p.Problems = append(p.Problems, Problem{c.path, "cannot be unpacked: " + err.Error()})
	}
	return of(ClassContainer)
}

// member examines an entry of an archive.
func (a *audit) member(p *place, c contents, e initramfs.Entry, data io.Reader, links map[string]linked) verdict {
	switch {
	case e.LinkOf != "":
		v := a.furtherName(p, c, e, links[e.LinkOf])
		links[e.Name] = links[e.LinkOf]
		return v
	case !e.IsRegular():
		return of(ClassOther) // the kernel makes it itself: nothing is read out of the archive
	}
	v := a.stream(p, c, e.Name, e.Size, data)
	if e.Links > 1 {
		links[e.Name] = a.linked(c, e, v)
	}
	return v
}

// linked is what a file with several names was found to be under the first of them.
type linked struct {
	Class
	// suffix is that of the compression of the contents.
	suffix string
	// reread reports that Finding and err are what the contents are as a module, as its first name did not show that.
	reread bool
	module.Finding
	err error
}

// linked reads what was examined under the name of an entry as a module too, which a further name may make it.
func (a *audit) linked(c contents, e initramfs.Entry, v verdict) linked {
	l := linked{Class: v.Class}
	if len(a.scratch.files) <= c.depth+1 { // it could not be copied
		l.err = errors.New("was not read under its first name")
		return l
	}
	f := a.scratch.files[c.depth+1]
	head := make([]byte, 6)
	n, _ := f.ReadAt(head, 0)
	if format, ok := codec.Of(head[:n]); ok {
		l.suffix = format.Suffix
	}
	if v.is(ClassModule) && (!module.HasModuleName(e.Name) || compressionSuffix(e.Name) == l.suffix) {
		return l
	}
	l.reread = true
	if _, l.err = f.Seek(0, io.SeekStart); l.err == nil {
		l.Finding, l.err = examineFile(&a.scratch.scanner, f, "linked"+module.Suffix+l.suffix, 0)
	}
	return l
}

func compressionSuffix(name string) string { return name[len(module.TrimCompression(name)):] }

// furtherName accounts for a further name of a file. Under the name of a module it is one, whatever the first name is.
func (a *audit) furtherName(p *place, c contents, e initramfs.Entry, first linked) verdict {
	sameForm := compressionSuffix(e.Name) == first.suffix
	if !module.HasModuleName(e.Name) || first.Class == ClassModule && sameForm && !first.reread {
		return of(ClassLink)
	}
	m := readModule{path: strings.TrimPrefix(below(p.Path+"!", joined(c.path, e.Name)), image.SectionInitramfs+"!/")}
	m.release, m.install = releaseAndPath(m.path)
	if m.Finding, m.err = first.Finding, first.err; !sameForm || !first.reread {
		m.err = fmt.Errorf("is the same file as %s, which is not a module with the compression that this name states", e.LinkOf)
	}
	p.read = append(p.read, m)
	return of(ClassModule)
}

// stream examines a member of an archive that can be read once.
func (a *audit) stream(p *place, c contents, name string, size int64, data io.Reader) verdict {
	if module.HasModuleName(name) && size > module.MaxSize {
		return a.module(p, c.inner(name, nil, size))
	}
	f, n, err := a.scratch.copy(c.depth+1, data)
	if err != nil {
		return notExaminedError(err)
	}
	inside := c.inner(name, f, n)
	inside.file = f
	return a.contents(p, inside)
}

// scratch is files for what is unpacked, one for each depth.
type scratch struct {
	files   []*os.File
	scanner module.Scanner
	// copied counts what was unpacked out of one file.
	copied int64
}

// file returns the empty file of a depth.
func (s *scratch) file(depth int) (*os.File, error) {
	for len(s.files) <= depth {
		f, err := os.CreateTemp("", "modhash-audit")
		if err != nil {
			return nil, err
		}
		// Without a name, it is gone with the process, however that ends.
		if err := os.Remove(f.Name()); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		s.files = append(s.files, f)
	}
	f := s.files[depth]
	_, err := f.Seek(0, io.SeekStart)
	return f, errors.Join(err, f.Truncate(0))
}

// copy writes data to the file of a depth.
func (s *scratch) copy(depth int, data io.Reader) (*os.File, int64, error) {
	f, err := s.file(depth)
	if err != nil {
		return nil, 0, err
	}
	n, err := io.Copy(f, io.LimitReader(data, maxNested-s.copied+1))
	if s.copied += n; s.copied > maxNested {
		return nil, 0, fmt.Errorf("more than %d bytes are nested in one file", int64(maxNested))
	}
	return f, n, err
}

func (s *scratch) close() {
	for _, f := range s.files {
		f.Close()
	}
}

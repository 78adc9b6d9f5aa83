// SPDX-License-Identifier: Apache-2.0

// Package module reads kernel module files: it undoes their compression, finds
// the trailers at their end, checks the ELF header, and hashes what is left in one
// pass and constant memory.
package module

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/merkle/internal/pairhash"
	"rules_modhash/tools/merkle/merkle"
	"rules_modhash/tools/merkle/trailer"
)

// MaxSize is the size in bytes of the largest module that the kernel loads
// (kernel_read_file's limit in finit_module, kernel/module/main.c).
const MaxSize = math.MaxInt32

// bufferSize is how much of a module is held in memory: large enough that most
// modules are read in one piece, small enough for a CPU's second-level cache.
const bufferSize = 512 << 10

// Digest is what one pass over a module finds out.
type Digest struct {
	// Leaf is the leaf hash for the position asked for, SHA256 the plain hash of
	// the same bytes.
	Leaf, SHA256 merkle.Hash
	// Size is the number of bytes hashed: the module without a trailer that was
	// dropped, decompressed.
	Size int64
	// Target is the zero Target unless the ELF header was checked.
	Target arch.Target
}

// Options state how to read one module.
type Options struct {
	// Position that the leaf hash binds.
	Position uint32
	// Cut returns how many of a file's last bytes are not part of the module; its
	// arguments are those of trailer.SplitAll. trailer.Policy.Cut is one.
	Cut func(tail []byte, size int64) (int, error)
	// Raw accepts any bytes as a module: the ELF header is not checked.
	Raw bool
	// LeafOnly leaves Digest.SHA256 out, which is faster on CPUs that cannot compute
	// two hashes at once.
	LeafOnly bool
	// Copy receives the bytes hashed, if not nil.
	Copy io.Writer
}

// Scanner reads modules one after another. It keeps its buffers and decoders, so
// that reading many modules does not allocate. It is not safe for concurrent use;
// memory is about 0.7 MiB, and the dictionary (at most 128 MiB) if modules are
// compressed. The zero Scanner is ready for use.
type Scanner struct {
	buffer []byte
	leaf   hash.Hash
	pair   pairhash.Pair
	dec    decoders
}

// ScanFile reads the module file called name, decompressing it if the name ends
// in .ko.xz, .ko.zst or .ko.gz. Errors do not repeat the name, but for those of
// opening the file.
func (s *Scanner) ScanFile(name string, o Options) (Digest, error) {
	f, err := os.Open(name)
	if err != nil {
		return Digest{}, err
	}
	defer f.Close()
	return s.Scan(f, name, o)
}

// Scan reads a module from r, decompressing it as ScanFile would do with a file
// of that name.
func (s *Scanner) Scan(r io.Reader, name string, o Options) (Digest, error) {
	s.dec.rest = 0
	if f, ok := formatOf(name); ok {
		d, err := s.dec.open(f, r)
		if err != nil {
			return Digest{}, fmt.Errorf("decompressing %s data: %w", f.Name, unexpectedEOF(err))
		}
		r = errReader{d, f.Name}
	}
	if s.buffer == nil {
		s.buffer = make([]byte, bufferSize)
		s.leaf = sha256.New()
	}
	p := pass{Options: o, Scanner: s, r: r}
	return p.run()
}

// unexpectedEOF gives the end of a file that should have a header its usual name.
func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// pass is one reading of one module.
type pass struct {
	Options
	*Scanner
	r      io.Reader
	header header
	hashed int64
}

// run hashes the module piece by piece. The last trailer.Window bytes read are held back
// until the end of the file shows whether they hold trailers.
func (p *pass) run() (Digest, error) {
	p.reset()
	held := 0
	for {
		n, err := io.ReadFull(p.r, p.buffer[held:])
		held += n
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return p.finish(p.buffer[:held])
		}
		if err != nil {
			return Digest{}, err
		}
		done := len(p.buffer) - trailer.Window
		if err := p.consume(p.buffer[:done]); err != nil {
			return Digest{}, err
		}
		held = copy(p.buffer, p.buffer[done:])
	}
}

// reset starts the hashes with what comes ahead of the module.
func (p *pass) reset() {
	prefix := merkle.LeafPrefix(p.Position)
	if p.LeafOnly {
		p.leaf.Reset()
		p.leaf.Write(prefix[:])
		return
	}
	p.pair.Reset(prefix[:])
}

// write hashes the next bytes.
func (p *pass) write(b []byte) {
	if p.LeafOnly {
		p.leaf.Write(b)
		return
	}
	p.pair.Write(b)
}

// sums returns the leaf hash and, unless LeafOnly is set, the plain one.
func (p *pass) sums() (leaf, plain merkle.Hash) {
	if p.LeafOnly {
		return merkle.Hash(p.leaf.Sum(nil)), plain
	}
	return p.pair.Sum()
}

// finish cuts the trailers off the last bytes and hashes the rest.
func (p *pass) finish(tail []byte) (Digest, error) {
	size := p.hashed + int64(len(tail))
	if size == 0 {
		return Digest{}, errors.New("is empty")
	}
	cut, err := p.Cut(tail, size)
	if err != nil {
		return Digest{}, err
	}
	if err := p.consume(tail[:len(tail)-cut]); err != nil {
		return Digest{}, err
	}
	if err := p.checkELFSize(); err != nil {
		return Digest{}, err
	}
	d := Digest{Size: p.hashed, Target: p.header.target}
	d.Leaf, d.SHA256 = p.sums()
	return d, nil
}

// consume checks, hashes and copies the next bytes of the module.
func (p *pass) consume(b []byte) error {
	if p.hashed == 0 && !p.Raw {
		h, err := parseHeader(b)
		if err != nil {
			return err
		}
		p.header = h
	}
	p.hashed += int64(len(b))
	if p.hashed > MaxSize {
		return fmt.Errorf("has more than %d bytes, the most that the kernel loads", MaxSize)
	}
	p.write(b)
	if p.Copy == nil {
		return nil
	}
	_, err := p.Copy.Write(b)
	return err
}

func (p *pass) checkELFSize() error {
	if p.Raw {
		return nil
	}
	return p.header.checkSize(p.hashed)
}

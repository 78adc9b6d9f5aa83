// SPDX-License-Identifier: Apache-2.0

package module

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"

	"rules_modhash/tools/merkle/merkle"
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
	// cut off, decompressed.
	Size int64
	// Target is the zero Target unless the ELF header was checked.
	Target Target
}

// Options say how to read one module.
type Options struct {
	// Position that the leaf hash binds.
	Position uint32
	// Cut returns how many of a file's last bytes are not part of the module; its
	// arguments are SplitTrailer's. Policy.Cut is one.
	Cut func(tail []byte, size int64) (int, error)
	// Raw takes any bytes for a module: the ELF header is not looked at.
	Raw bool
	// LeafOnly leaves Digest.SHA256 out, which takes half the time.
	LeafOnly bool
	// Copy receives the bytes hashed, if not nil.
	Copy io.Writer
}

// Scanner reads modules one after another. It keeps its buffers and decoders, so
// that reading many modules does not allocate. It is not safe for concurrent use;
// memory is about 0.6 MiB, and the dictionary (at most 64 MiB) if modules are
// compressed. The zero Scanner is ready for use.
type Scanner struct {
	buffer []byte
	leaf   hash.Hash
	plain  hash.Hash
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
	if c := compressionOf(name); c != nil {
		d, err := c.open(&s.dec, r)
		if err != nil {
			return Digest{}, fmt.Errorf("decompressing %s data: %w", c.name, unexpectedEOF(err))
		}
		r = errReader{d, c.name}
	}
	p := pass{Options: o, r: r, leaf: s.reset(&s.leaf), plain: s.reset(&s.plain)}
	if s.buffer == nil {
		s.buffer = make([]byte, bufferSize)
	}
	return p.run(s.buffer)
}

func (s *Scanner) reset(h *hash.Hash) hash.Hash {
	if *h == nil {
		*h = sha256.New()
	}
	(*h).Reset()
	return *h
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
	r           io.Reader
	leaf, plain hash.Hash
	header      header
	hashed      int64
}

// run hashes the module piece by piece. The last window bytes read are held back
// until the end of the file shows whether they hold a trailer.
func (p *pass) run(buffer []byte) (Digest, error) {
	prefix := merkle.LeafPrefix(p.Position)
	p.leaf.Write(prefix[:])
	held := 0
	for {
		n, err := io.ReadFull(p.r, buffer[held:])
		held += n
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return p.finish(buffer[:held])
		}
		if err != nil {
			return Digest{}, err
		}
		done := len(buffer) - window
		if err := p.consume(buffer[:done]); err != nil {
			return Digest{}, err
		}
		held = copy(buffer, buffer[done:])
	}
}

// finish cuts the trailer off the last bytes and hashes the rest.
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
	d := Digest{Leaf: merkle.Hash(p.leaf.Sum(nil)), Size: p.hashed, Target: p.header.target}
	if !p.LeafOnly {
		d.SHA256 = merkle.Hash(p.plain.Sum(nil))
	}
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
	p.leaf.Write(b)
	if !p.LeafOnly {
		p.plain.Write(b)
	}
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

// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

var update = flag.Bool("update", false, "write the files in testdata with the xz of this machine, 5.6 or newer")

// instructions returns n random instructions, many of them such as the filters of ARM64 and RISC-V change, and a few
// bytes more. The same seed gives the same ones.
func instructions(seed uint64, n int) []byte {
	random := rand.New(rand.NewPCG(seed, 0))
	var b []byte
	for range n {
		word := random.Uint32()
		switch random.IntN(8) {
		case 0: // ARM64: BL
			word = 0x25<<26 | word>>6
		case 1: // ARM64: ADRP, near and far
			word = word&0x6f00001f | 0x90000000 | word>>uint(8+random.IntN(12))&0x7ffff<<5
		case 2: // RISC-V: JAL
			word = word&^0xfff | 0xef | word&0xd0<<4&0xf00
		case 3: // RISC-V: AUIPC, and a load from the same register
			word = word&^0x7f | 0x17
			b = binary.LittleEndian.AppendUint32(b, word)
			word = random.Uint32()&0xfff0707c | 3 | word>>7&0x1f<<15
		case 4: // RISC-V: what the filter makes of a pair
			word = 0x117 | word<<12
		case 5: // RISC-V: AUIPC alone
			word = word&^0x7f | 0x17
		case 6: // other alignment
			b = append(b, byte(word), byte(word>>8))
			continue
		}
		b = binary.LittleEndian.AppendUint32(b, word)
	}
	return append(b, 1, 2, 3)[:len(b)+random.IntN(4)]
}

// xzFiles are those in testdata, each by the arguments of xz.
var xzFiles = map[string]string{
	"arm64-crc32.xz":    "--check=crc32 --arm64 --lzma2=preset=6e,dict=1MiB",
	"arm64-none.xz":     "--check=none --arm64 --lzma2=dict=64KiB",
	"arm64-sha256.xz":   "--check=sha256 --arm64=start=4096 --lzma2=dict=64KiB",
	"riscv-crc32.xz":    "--check=crc32 --riscv --lzma2=preset=6e,dict=1MiB",
	"riscv-crc64.xz":    "--check=crc64 --riscv=start=2 --lzma2=dict=64KiB",
	"delta-arm64.xz":    "--check=crc32 --delta=dist=4 --arm64 --lzma2=dict=64KiB",
	"riscv-x86.xz":      "--check=crc32 --riscv --x86 --lzma2=dict=64KiB",
	"arm64-riscv.xz":    "--check=crc32 --arm64 --riscv --delta --lzma2=dict=64KiB",
	"arm64-blocks.xz":   "--check=crc32 --block-size=1000 --arm64 --lzma2=dict=64KiB",
	"arm64-threaded.xz": "--check=crc32 -T2 --block-size=1000 --arm64 --lzma2=dict=64KiB",
	"x86.xz":            "--check=crc64 --x86 --lzma2=dict=64KiB",
}

const xzSeed, xzInstructions = 14, 600

// TestXZFilters reads what xz 5.8 wrote with the filters of ARM64 and RISC-V, also among others.
func TestXZFilters(t *testing.T) {
	want := instructions(xzSeed, xzInstructions)
	for name, arguments := range xzFiles {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", name)
			if *update {
				writeXZ(t, file, arguments, want)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []io.Reader{bytes.NewReader(data), iotest.OneByteReader(bytes.NewReader(data)),
				iotest.DataErrReader(bytes.NewReader(append(data[:len(data):len(data)], data...)))} {
				got, err := readAll(r)
				if len(got) > len(want) && bytes.HasPrefix(got, want) {
					got = got[len(want):] // the second stream
				}
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("got %d bytes, %v, want %d", len(got), err, len(want))
				}
			}
		})
	}
}

func writeXZ(t *testing.T, file, arguments string, data []byte) {
	out, err := xzOf(arguments, data)
	if err == nil {
		err = os.WriteFile(file, out, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// xzOf runs xz, or the command of XZ.
func xzOf(arguments string, data []byte) ([]byte, error) {
	command := os.Getenv("XZ")
	if command == "" {
		command = "xz"
	}
	cmd := exec.Command("sh", "-c", command+" --compress --stdout "+arguments)
	cmd.Stdin = bytes.NewReader(data)
	return cmd.Output()
}

// readAll reads data of the format that its first bytes show.
func readAll(r io.Reader) ([]byte, error) {
	head := make([]byte, 16)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	f, ok := Of(head[:n])
	if !ok {
		return nil, fmt.Errorf("unknown format %x", head[:n])
	}
	in, err := f.Open(io.MultiReader(bytes.NewReader(head[:n]), r))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(in)
}

// TestXZTool compares with the xz of this machine: each filter, each check, several streams.
func TestXZTool(t *testing.T) {
	for _, filter := range []string{"arm64", "riscv", "x86", "powerpc", "ia64", "arm", "armthumb", "sparc", "delta"} {
		for i, check := range []string{"none", "crc32", "crc64", "sha256"} {
			data := instructions(uint64(i), 20_000*i)
			arguments := fmt.Sprintf("--check=%s --%s --lzma2=preset=1", check, filter)
			file, err := xzOf(arguments, data)
			if err != nil {
				t.Logf("no xz, or none that has the filter %s: %v", filter, err)
				break
			}
			got, err := readAll(bytes.NewReader(join(file, make([]byte, 8), file)))
			if err != nil || !bytes.Equal(got, join(data, data)) {
				t.Errorf("%s: got %d bytes, %v, want twice %d", arguments, len(got), err, len(data))
			}
		}
	}
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestXZErrors changes each byte of a file, and cuts it at each: no other contents may come out of that.
func TestXZErrors(t *testing.T) {
	want := instructions(xzSeed, xzInstructions)
	for _, name := range []string{"arm64-sha256.xz", "arm64-blocks.xz", "delta-arm64.xz"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(data); i++ {
			if i == 100 {
				i = len(data) - 100 // the same as those before
			}
			if got, err := readAll(bytes.NewReader(data[:i])); err == nil {
				t.Errorf("%s, cut at %d: got %d bytes, want an error", name, i, len(got))
			}
			changed := bytes.Clone(data)
			changed[i] ^= 1 << (i % 8)
			if got, err := readAll(bytes.NewReader(changed)); err == nil && !bytes.Equal(got, want) {
				t.Errorf("%s, byte %d changed: got %d other bytes, want an error", name, i, len(got))
			}
		}
	}
}

func TestXZMessages(t *testing.T) {
	arm64, err := os.ReadFile("testdata/arm64-none.xz")
	if err != nil {
		t.Fatal(err)
	}
	// header returns a stream up to its first block header, which is given without size and checksum.
	header := func(b ...byte) []byte {
		b = appendZeros(append([]byte{0}, b...))
		b[0] = byte(len(b) / 4)
		return join(arm64[:12], appendCRC32(b, b))
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"another check", join([]byte(xzMagic), appendCRC32([]byte{0, 5}, []byte{0, 5})), "stream flags 0005: the type of check is not supported"},
		{"dictionary of 192 MiB", header(0, 0x21, 1, 31), "dictionary of 201326592 bytes, want at most 134217728"},
		{"dictionary of 4 GiB", header(0, 0x21, 1, 40), "dictionary of 4294967296 bytes, want at most 134217728"},
		{"reserved dictionary", header(0, 0x21, 1, 41), "properties of LZMA2 are 0x29, want at most 0x28"},
		{"unknown filter", header(1, 0x0c, 0, 0x21, 1, 0), "filter 0xc is not supported"},
		{"not aligned", header(1, 0x0a, 4, 2, 0, 0, 0, 0x21, 1, 0), "filter 0xa starts at 2, want a multiple of 4"},
		{"bad properties", header(1, 0x0b, 1, 2, 0x21, 1, 0), "filter 0xb has 1 bytes of properties, want 0 or 4"},
		{"no LZMA2", header(0, 0x0a, 0), "the last filter of a block is 0xa, want LZMA2 (0x21)"},
		{"flags", header(4, 0x21, 1, 0), "block header: flags 0x04 are not supported"},
		{"garbage in a header", header(0, 0x21, 1, 0, 0, 7), "block header: it is not padded with zeros"},
		{"cut filters", header(3, 0x0a, 0), "block header: unexpected EOF"},
		{"bad chunk", join(header(0, 0x21, 1, 0), []byte{0x03, 0, 0}), "an LZMA2 chunk of type 0x03"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := readAll(bytes.NewReader(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"
	"io"
)

// branches undoes a filter that the xz library does not know. Such filters replace the relative targets of branches
// by absolute ones, which compress better (BCJ: branch, call, jump). The facts of each are in lib/xz/xz_dec_bcj.c in
// the kernel's source.
type branches struct {
	r io.Reader
	// undo changes instructions in b, the first byte of which is at pos, and returns how many bytes it is done
	// with. The rest, fewer bytes than ahead, needs more data after it.
	undo func(pos uint32, b []byte) int
	pos  uint32
	// buffer[read:done] is ready to be read, buffer[done:filled] is not filtered yet.
	buffer             []byte
	read, done, filled int
	err                error
}

func newBranches(r io.Reader, pos uint32, undo func(pos uint32, b []byte) int) *branches {
	return &branches{r: r, pos: pos, undo: undo, buffer: make([]byte, 32<<10)}
}

// Read reads data with relative targets.
func (b *branches) Read(p []byte) (int, error) {
	for b.read == b.done {
		if b.err != nil {
			return 0, b.err
		}
		b.fill()
	}
	n := copy(p, b.buffer[b.read:b.done])
	b.read += n
	return n, nil
}

// fill reads more data. What is left when there is no more stays as it is.
func (b *branches) fill() {
	b.filled = copy(b.buffer, b.buffer[b.done:b.filled])
	b.read, b.done = 0, 0
	n, err := b.r.Read(b.buffer[b.filled:])
	b.filled += n
	b.done = b.undo(b.pos, b.buffer[:b.filled])
	b.pos += uint32(b.done)
	if b.err = err; err == io.EOF {
		b.done = b.filled
	}
}

// undoARM64 handles BL, which counts in instructions, and ADRP, which counts in pages.
func undoARM64(pos uint32, b []byte) int {
	const size = 4
	done := len(b) / size * size
	for i := 0; i < done; i += size {
		instruction := binary.LittleEndian.Uint32(b[i:])
		at := pos + uint32(i)
		switch {
		case instruction>>26 == 0x25:
			instruction = arm64BL(instruction, at)
		case instruction&0x9f000000 == 0x90000000:
			instruction = arm64ADRP(instruction, at)
		}
		binary.LittleEndian.PutUint32(b[i:], instruction)
	}
	return done
}

// arm64BL has its target in the lower 26 bits.
func arm64BL(instruction, at uint32) uint32 {
	const target = 1<<26 - 1
	return instruction&^target | (instruction-at>>2)&target
}

// arm64ADRP has the lower 2 bits of its page in bits 29 and 30, and 19 more from bit 5 on. The filter changes pages
// within 512 MiB alone: those whose upper bits are all the same.
func arm64ADRP(instruction, at uint32) uint32 {
	const rest, sign = 0x9000001f, 1 << 17
	page := instruction>>29&3 | instruction>>3&0x1ffffc
	if (page+sign)&0x1c0000 != 0 {
		return instruction
	}
	page -= at >> 12
	upper := page & 0x3fffc << 3
	if page&sign != 0 {
		upper |= 0xe00000
	}
	return instruction&rest | page&3<<29 | upper
}

// undoRISCV handles JAL, and AUIPC together with the instruction after it.
func undoRISCV(pos uint32, b []byte) int {
	// ahead is the size of the longest sequence of instructions that is decoded together.
	const ahead = 8
	i := 0
	for i+ahead <= len(b) {
		switch at := b[i:]; {
		case at[0] == 0xef && at[1]&0x0d == 0: // JAL to x1 or x5
			riscvJAL(at, pos+uint32(i))
			i += 4
		case at[0]&0x7f == 0x17:
			i += riscvAUIPC(at, pos+uint32(i))
		default:
			i += 2
		}
	}
	return i
}

// riscvJAL finds the target in the order of its bits, most significant byte first, and puts it into the order of the
// instruction: bits 20, 10 to 1, 11, and 19 to 12.
func riscvJAL(b []byte, at uint32) {
	target := uint32(b[1])>>4<<17 | uint32(b[2])<<9 | uint32(b[3])<<1
	target -= at
	bits := target>>20&1<<31 | target>>1&0x3ff<<21 | target>>11&1<<20 | target>>12&0xff<<12
	instruction := binary.LittleEndian.Uint32(b)&0xfff | bits
	binary.LittleEndian.PutUint32(b, instruction)
}

// riscvAUIPC undoes the pair of instructions that begins with the AUIPC at the start of b, and returns how many
// bytes it is done with.
//
// The filter turns a pair into AUIPC x2, which is not used otherwise, with 20 bits of the second instruction, and the
// absolute target, most significant byte first. An AUIPC to x0 or x2 that was there before looks the same, so the
// filter replaced it too: by what these steps, applied to any other AUIPC, turn into it.
func riscvAUIPC(b []byte, at uint32) int {
	const opcode, x2, registers = 0x17, 2 << 7, 0xe80
	first, second := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if first&registers != 0 { // neither x0 nor x2
		if (first<<8^(second-3))&0xf8003 != 0 {
			return 6
		}
		target := first&0xfffff000 + second>>20
		first, second = opcode|x2|second<<12, target
	} else {
		register := first >> 27
		if (first-0x3117)<<18 >= register&0x1d {
			return 4
		}
		target := binary.BigEndian.Uint32(b[4:]) - at
		second = first>>12 | target<<20
		first = opcode | register<<7 | (target+0x800)&0xfffff000
	}
	binary.LittleEndian.PutUint32(b, first)
	binary.LittleEndian.PutUint32(b[4:], second)
	return 8
}

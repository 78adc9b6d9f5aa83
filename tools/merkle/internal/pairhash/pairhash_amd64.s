// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// Two streams of SHA-256, a and b, with the SHA extensions. Registers:
//
//	X0        message words plus round constants, where SHA256RNDS2 wants them
//	X1 X2     state of a: words F E B A and H G D C
//	X3 X4     state of b
//	X5..X8    the last 16 words of the message schedule of a
//	X9..X12   those of b
//	X13 X14   scratch
//	X15       byte shuffle

// LOAD reads four message words.
#define LOAD(p, i, m) \
	MOVOU (i*16)(p), m; \
	PSHUFB X15, m

// FIRST and SECOND are two rounds each. The state halves trade places in FIRST and
// back in SECOND.
#define FIRST(i, m, s, t) \
	MOVOU (i*16)(AX), X0; \
	PADDD m, X0; \
	SHA256RNDS2 X0, s, t; \
	PUNPCKHQDQ X0, X0

#define SECOND(s, t) \
	SHA256RNDS2 X0, t, s

// NEXT completes the four schedule words in n; m holds those before, l those before m.
#define NEXT(m, n, l, scratch) \
	MOVO m, scratch; \
	PALIGNR $4, l, scratch; \
	PADDD scratch, n; \
	SHA256MSG2 m, n

// QUAD is four rounds of both streams. The five kinds differ in what they do to the
// message schedule, at whose start nothing is there to extend, and at whose end nothing
// is needed any more.
#define QUAD_LOAD(i, a, b) \
	LOAD(SI, i, a); \
	LOAD(DI, i, b); \
	FIRST(i, a, X1, X2); \
	SECOND(X1, X2); \
	FIRST(i, b, X3, X4); \
	SECOND(X3, X4)

#define QUAD_LOAD_MSG1(i, a, al, b, bl) \
	QUAD_LOAD(i, a, b); \
	SHA256MSG1 a, al; \
	SHA256MSG1 b, bl

#define QUAD_NEXT(i, a, an, al, b, bn, bl) \
	FIRST(i, a, X1, X2); \
	NEXT(a, an, al, X13); \
	SECOND(X1, X2); \
	FIRST(i, b, X3, X4); \
	NEXT(b, bn, bl, X14); \
	SECOND(X3, X4)

#define QUAD_NEXT_MSG1(i, a, an, al, b, bn, bl) \
	QUAD_NEXT(i, a, an, al, b, bn, bl); \
	SHA256MSG1 a, al; \
	SHA256MSG1 b, bl

#define QUAD_LAST(i, a, b) \
	FIRST(i, a, X1, X2); \
	SECOND(X1, X2); \
	FIRST(i, b, X3, X4); \
	SECOND(X3, X4)

// ADD adds half a state from before the block.
#define ADD(offset, p, s) \
	MOVOU offset(p), X13; \
	PADDD X13, s; \
	MOVOU s, offset(p)

// func blocks(a *state, p *byte, b *state, q *byte, n int)
TEXT ·blocks(SB), NOSPLIT, $0-40
	MOVQ a+0(FP), R8
	MOVQ p+8(FP), SI
	MOVQ b+16(FP), R9
	MOVQ q+24(FP), DI
	MOVQ n+32(FP), CX
	LEAQ ·constants(SB), AX
	MOVOU ·bigEndian(SB), X15
	MOVOU 0(R8), X1
	MOVOU 16(R8), X2
	MOVOU 0(R9), X3
	MOVOU 16(R9), X4

block:
	QUAD_LOAD(0, X5, X9)
	QUAD_LOAD_MSG1(1, X6, X5, X10, X9)
	QUAD_LOAD_MSG1(2, X7, X6, X11, X10)
	LOAD(SI, 3, X8)
	LOAD(DI, 3, X12)
	QUAD_NEXT_MSG1(3, X8, X5, X7, X12, X9, X11)
	QUAD_NEXT_MSG1(4, X5, X6, X8, X9, X10, X12)
	QUAD_NEXT_MSG1(5, X6, X7, X5, X10, X11, X9)
	QUAD_NEXT_MSG1(6, X7, X8, X6, X11, X12, X10)
	QUAD_NEXT_MSG1(7, X8, X5, X7, X12, X9, X11)
	QUAD_NEXT_MSG1(8, X5, X6, X8, X9, X10, X12)
	QUAD_NEXT_MSG1(9, X6, X7, X5, X10, X11, X9)
	QUAD_NEXT_MSG1(10, X7, X8, X6, X11, X12, X10)
	QUAD_NEXT_MSG1(11, X8, X5, X7, X12, X9, X11)
	QUAD_NEXT_MSG1(12, X5, X6, X8, X9, X10, X12)
	QUAD_NEXT(13, X6, X7, X5, X10, X11, X9)
	QUAD_NEXT(14, X7, X8, X6, X11, X12, X10)
	QUAD_LAST(15, X8, X12)

	ADD(0, R8, X1)
	ADD(16, R8, X2)
	ADD(0, R9, X3)
	ADD(16, R9, X4)
	ADDQ $64, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  block
	RET

package digest

import "math/bits"

// Message word, rotation and constant of each step of RIPEMD-160
// (Dobbertin, Bosselaers, Preneel 1996, appendix A): the left line, then the
// right line. Tables rather than unrolled steps: it only ever hashes a key or a
// signature for its checksum, so small counts for more than fast.
const (
	ripemdWord = "" +
		"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f" +
		"\x07\x04\x0d\x01\x0a\x06\x0f\x03\x0c\x00\x09\x05\x02\x0e\x0b\x08" +
		"\x03\x0a\x0e\x04\x09\x0f\x08\x01\x02\x07\x00\x06\x0d\x0b\x05\x0c" +
		"\x01\x09\x0b\x0a\x00\x08\x0c\x04\x0d\x03\x07\x0f\x0e\x05\x06\x02" +
		"\x04\x00\x05\x09\x07\x0c\x02\x0a\x0e\x01\x03\x08\x0b\x06\x0f\x0d" +
		"\x05\x0e\x07\x00\x09\x02\x0b\x04\x0d\x06\x0f\x08\x01\x0a\x03\x0c" +
		"\x06\x0b\x03\x07\x00\x0d\x05\x0a\x0e\x0f\x08\x0c\x04\x09\x01\x02" +
		"\x0f\x05\x01\x03\x07\x0e\x06\x09\x0b\x08\x0c\x02\x0a\x00\x04\x0d" +
		"\x08\x06\x04\x01\x03\x0b\x0f\x00\x05\x0c\x02\x0d\x09\x07\x0a\x0e" +
		"\x0c\x0f\x0a\x04\x01\x05\x08\x07\x06\x02\x0d\x0e\x00\x03\x09\x0b"
	ripemdShift = "" +
		"\x0b\x0e\x0f\x0c\x05\x08\x07\x09\x0b\x0d\x0e\x0f\x06\x07\x09\x08" +
		"\x07\x06\x08\x0d\x0b\x09\x07\x0f\x07\x0c\x0f\x09\x0b\x07\x0d\x0c" +
		"\x0b\x0d\x06\x07\x0e\x09\x0d\x0f\x0e\x08\x0d\x06\x05\x0c\x07\x05" +
		"\x0b\x0c\x0e\x0f\x0e\x0f\x09\x08\x09\x0e\x05\x06\x08\x06\x05\x0c" +
		"\x09\x0f\x05\x0b\x06\x08\x0d\x0c\x05\x0c\x0d\x0e\x0b\x08\x05\x06" +
		"\x08\x09\x09\x0b\x0d\x0f\x0f\x05\x07\x07\x08\x0b\x0e\x0e\x0c\x06" +
		"\x09\x0d\x0f\x07\x0c\x08\x09\x0b\x07\x07\x0c\x07\x06\x0f\x0d\x0b" +
		"\x09\x07\x0f\x0b\x08\x06\x06\x0e\x0c\x0d\x05\x0e\x0d\x0d\x07\x05" +
		"\x0f\x05\x08\x0b\x0e\x0e\x06\x0e\x06\x09\x0c\x09\x0c\x05\x0f\x08" +
		"\x08\x05\x0c\x09\x0c\x05\x0e\x06\x08\x0d\x06\x05\x0f\x0d\x0b\x0b"
)

var ripemdAdd = [10]uint32{
	0, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e,
	0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0,
}

// RIPEMD160 returns the RIPEMD-160 digest of p.
func RIPEMD160(p []byte) (out [20]byte) {
	h := [5]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}
	length := uint64(len(p)) * 8
	for len(p) >= blockSize {
		ripemdBlock(&h, (*[blockSize]byte)(p))
		p = p[blockSize:]
	}
	var last [blockSize]byte
	n := copy(last[:], p)
	last[n] = 0x80
	if n+1 > blockSize-8 {
		ripemdBlock(&h, &last)
		last = [blockSize]byte{}
	}
	for i := 0; i < 8; i++ {
		last[blockSize-8+i] = byte(length >> (8 * i))
	}
	ripemdBlock(&h, &last)
	for i, w := range h {
		out[4*i], out[4*i+1], out[4*i+2], out[4*i+3] = byte(w), byte(w>>8), byte(w>>16), byte(w>>24)
	}
	return out
}

func ripemdBlock(h *[5]uint32, p *[blockSize]byte) {
	var x [16]uint32
	for i := range x {
		x[i] = uint32(p[4*i]) | uint32(p[4*i+1])<<8 | uint32(p[4*i+2])<<16 | uint32(p[4*i+3])<<24
	}
	var line [2][5]uint32
	for side := 0; side < 2; side++ {
		a, b, c, d, e := h[0], h[1], h[2], h[3], h[4]
		for step := 0; step < 80; step++ {
			// The right line runs through the five functions backwards.
			round := step / 16
			fn := round
			if side == 1 {
				fn = 4 - round
			}
			var f uint32
			switch fn {
			case 0:
				f = b ^ c ^ d
			case 1:
				f = b&c | ^b&d
			case 2:
				f = (b | ^c) ^ d
			case 3:
				f = b&d | c&^d
			case 4:
				f = b ^ (c | ^d)
			}
			t := 80*side + step
			f += a + x[ripemdWord[t]&15] + ripemdAdd[5*side+round]
			f = bits.RotateLeft32(f, int(ripemdShift[t])) + e
			a, e, d, c, b = e, d, bits.RotateLeft32(c, 10), b, f
		}
		line[side] = [5]uint32{a, b, c, d, e}
	}
	l, r := &line[0], &line[1]
	h[0], h[1], h[2], h[3], h[4] = h[1]+l[2]+r[3], h[2]+l[3]+r[4], h[3]+l[4]+r[0], h[4]+l[0]+r[1], h[0]+l[1]+r[2]
}

package digest

import "math/bits"

// roundConstants are K of FIPS 180-4 §4.2.2, sixteen to a row.
var roundConstants = [4][16]uint32{
	{
		0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
		0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	},
	{
		0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
		0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	},
	{
		0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
		0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	},
	{
		0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
		0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
	},
}

func big0(x uint32) uint32 {
	return bits.RotateLeft32(x, -2) ^ bits.RotateLeft32(x, -13) ^ bits.RotateLeft32(x, -22)
}

func big1(x uint32) uint32 {
	return bits.RotateLeft32(x, -6) ^ bits.RotateLeft32(x, -11) ^ bits.RotateLeft32(x, -25)
}

func small0(x uint32) uint32 {
	return bits.RotateLeft32(x, -7) ^ bits.RotateLeft32(x, -18) ^ x>>3
}

func small1(x uint32) uint32 {
	return bits.RotateLeft32(x, -17) ^ bits.RotateLeft32(x, -19) ^ x>>10
}

// be32 reads four bytes of p at i, high byte first. Written as one
// little-endian load and a swap, it becomes just that in every compiler used.
func be32(p *[64]byte, i int) uint32 {
	return bits.ReverseBytes32(uint32(p[i]) | uint32(p[i+1])<<8 | uint32(p[i+2])<<16 | uint32(p[i+3])<<24)
}

// block applies the compression function of FIPS 180-4 §6.2.2 for one block.
// The schedule is a window of sixteen words that rolls on after each row of
// sixteen rounds; all of it lives in locals, so that the loop has neither
// bounds checks nor moves between registers.
func block(s *[8]uint32, p *[64]byte) {
	w0 := be32(p, 0)
	w1 := be32(p, 4)
	w2 := be32(p, 8)
	w3 := be32(p, 12)
	w4 := be32(p, 16)
	w5 := be32(p, 20)
	w6 := be32(p, 24)
	w7 := be32(p, 28)
	w8 := be32(p, 32)
	w9 := be32(p, 36)
	w10 := be32(p, 40)
	w11 := be32(p, 44)
	w12 := be32(p, 48)
	w13 := be32(p, 52)
	w14 := be32(p, 56)
	w15 := be32(p, 60)

	a, b, c, d, e, f, g, h := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
	for row := 0; ; row++ {
		k := &roundConstants[row&3]
		h += big1(e) + (g ^ e&(f^g)) + k[0] + w0
		d += h
		h += big0(a) + (a&b | c&(a|b))
		g += big1(d) + (f ^ d&(e^f)) + k[1] + w1
		c += g
		g += big0(h) + (h&a | b&(h|a))
		f += big1(c) + (e ^ c&(d^e)) + k[2] + w2
		b += f
		f += big0(g) + (g&h | a&(g|h))
		e += big1(b) + (d ^ b&(c^d)) + k[3] + w3
		a += e
		e += big0(f) + (f&g | h&(f|g))
		d += big1(a) + (c ^ a&(b^c)) + k[4] + w4
		h += d
		d += big0(e) + (e&f | g&(e|f))
		c += big1(h) + (b ^ h&(a^b)) + k[5] + w5
		g += c
		c += big0(d) + (d&e | f&(d|e))
		b += big1(g) + (a ^ g&(h^a)) + k[6] + w6
		f += b
		b += big0(c) + (c&d | e&(c|d))
		a += big1(f) + (h ^ f&(g^h)) + k[7] + w7
		e += a
		a += big0(b) + (b&c | d&(b|c))
		h += big1(e) + (g ^ e&(f^g)) + k[8] + w8
		d += h
		h += big0(a) + (a&b | c&(a|b))
		g += big1(d) + (f ^ d&(e^f)) + k[9] + w9
		c += g
		g += big0(h) + (h&a | b&(h|a))
		f += big1(c) + (e ^ c&(d^e)) + k[10] + w10
		b += f
		f += big0(g) + (g&h | a&(g|h))
		e += big1(b) + (d ^ b&(c^d)) + k[11] + w11
		a += e
		e += big0(f) + (f&g | h&(f|g))
		d += big1(a) + (c ^ a&(b^c)) + k[12] + w12
		h += d
		d += big0(e) + (e&f | g&(e|f))
		c += big1(h) + (b ^ h&(a^b)) + k[13] + w13
		g += c
		c += big0(d) + (d&e | f&(d|e))
		b += big1(g) + (a ^ g&(h^a)) + k[14] + w14
		f += b
		b += big0(c) + (c&d | e&(c|d))
		a += big1(f) + (h ^ f&(g^h)) + k[15] + w15
		e += a
		a += big0(b) + (b&c | d&(b|c))
		if row == 3 {
			break
		}
		w0 += small0(w1) + w9 + small1(w14)
		w1 += small0(w2) + w10 + small1(w15)
		w2 += small0(w3) + w11 + small1(w0)
		w3 += small0(w4) + w12 + small1(w1)
		w4 += small0(w5) + w13 + small1(w2)
		w5 += small0(w6) + w14 + small1(w3)
		w6 += small0(w7) + w15 + small1(w4)
		w7 += small0(w8) + w0 + small1(w5)
		w8 += small0(w9) + w1 + small1(w6)
		w9 += small0(w10) + w2 + small1(w7)
		w10 += small0(w11) + w3 + small1(w8)
		w11 += small0(w12) + w4 + small1(w9)
		w12 += small0(w13) + w5 + small1(w10)
		w13 += small0(w14) + w6 + small1(w11)
		w14 += small0(w15) + w7 + small1(w12)
		w15 += small0(w0) + w8 + small1(w13)
	}
	s[0] += a
	s[1] += b
	s[2] += c
	s[3] += d
	s[4] += e
	s[5] += f
	s[6] += g
	s[7] += h
}

package canon

import "math/bits"

// infinity is the IEEE 754 bits of what is beyond the largest double.
const infinity = 0x7ff << 52

// double returns the bits of the double next to the digits, sign apart, ties
// to even (IEEE 754 roundTiesToEven), or infinity.
func (d *number) double() uint64 {
	if d.point > 310 {
		return infinity
	}
	if d.point < -330 {
		return 0
	}
	n := min(d.n, 19)
	m := uint64(0)
	for _, b := range d.digits[:n] {
		m = m*10 + uint64(b)
	}
	if f, sure := d.product(m, d.point-n); sure {
		if n == d.n {
			return f
		}
		// The digits beyond the nineteenth make less than one more.
		if g, sure := d.product(m+1, d.point-n); sure && f == g {
			return f
		}
	}
	return d.exact()
}

// product returns the double next to m × 10^e, m below 10¹⁹ + 1, unless 128
// bits of the power leave it open. This is the algorithm of Eisel and Lemire
// (Number Parsing at a Gigabyte per Second, 2021).
func (d *number) product(m uint64, e int) (f uint64, sure bool) {
	p := d.power(e)
	if p == nil {
		return 0, false
	}
	zeros := bits.LeadingZeros64(m)
	m <<= zeros
	hi, lo := bits.Mul64(m, p.hi)
	if hi&0x1ff == 0x1ff && lo+m < m { // the low half of the power may carry
		h, l := bits.Mul64(m, p.lo)
		if lo += h; lo < h {
			hi++
		}
		if hi&0x1ff == 0x1ff && lo+1 == 0 && l+m < m {
			return 0, false
		}
	}
	if lo == 0 && hi&0x1ff == 0 { // perhaps halfway between two doubles
		return 0, false
	}
	// m and the power are in [2⁶³, 2⁶⁴) and [2¹²⁷, 2¹²⁸).
	e = p.exponent(e) + 63 - zeros
	if hi>>63 == 1 {
		e++
	} else {
		hi = hi<<1 | lo>>63
		lo <<= 1
	}
	if e < -1022 || e > 1023 {
		return 0, false
	}
	return round(hi, lo != 0, e), true
}

// exact is double for any digits: it divides.
func (d *number) exact() uint64 {
	e := d.point - d.n // the value is the digits as an integer × 10^e
	num, den := &d.big[0], &d.big[1]
	num.set(0)
	for i := 0; i < d.n; {
		chunk, ten := uint32(0), uint32(1)
		for ; i < d.n && ten < 1e9; i++ {
			chunk, ten = chunk*10+uint32(d.digits[i]), ten*10
		}
		num.mulAdd(ten, chunk)
	}
	den.set(1)
	if e >= 0 {
		num.mulPow5(e)
	} else {
		den.mulPow5(-e)
	}
	// Shift until the ratio is in [1, 2), then take 64 bits of it.
	by := num.bits() - den.bits()
	den.shift(max(by, 0))
	num.shift(max(-by, 0))
	e += by
	if num.compare(den) < 0 {
		num.shift(1)
		e--
	}
	q := num.divide(den, &d.big[2], 64)
	return round(q.lo, num.n > 0, e)
}

// round returns the bits of the double next to q/2⁶³ × 2^e, where q has its
// highest bit set, and more says that the value is a little more.
func round(q uint64, more bool, e int) uint64 {
	if e > 1023 {
		return infinity
	}
	drop, biased := 11, uint64(0)
	if e >= -1022 {
		biased = uint64(e + 1022)
	} else if drop += -1022 - e; drop > 64 {
		return 0
	}
	m, rest := q>>drop, q<<(64-drop)
	if rest > 1<<63 || rest == 1<<63 && (more || m&1 == 1) {
		m++
	}
	return biased<<52 + m // m's highest bit and any carry add to the exponent
}

// shortest sets the digits to the fewest that name the double of the given
// bits, the closest to it of those, an even last one where two are as close.
// This is Schubfach (R. Giulietti, The Schubfach way to render doubles, 2021);
// the names are the paper's.
func (d *number) shortest(double uint64) {
	c, q := double&(1<<52-1), int(double>>52)
	narrow := c == 0 && q > 1 // the gap below is half the gap above
	if q == 0 {
		q = 1
	} else {
		c |= 1 << 52
	}
	q -= 1075
	odd := c & 1
	cb := c << 2
	cbl, cbr := cb-2, cb+2
	k := floorLog10(q, narrow)
	if narrow {
		cbl = cb - 1
	}
	p := d.power(-k)
	h := q + p.exponent(-k) + 2
	g := wide{p.hi >> 2, p.hi<<62 | p.lo>>2} // 126 bits, rounded up
	if g.lo++; g.lo == 0 {
		g.hi++
	}
	vb, vbl, vbr := g.times(cb<<h), g.times(cbl<<h), g.times(cbr<<h)
	s := vb >> 2
	if s >= 10 {
		s10 := s / 10 * 10
		t10 := s10 + 10
		below, above := vbl+odd <= s10<<2, t10<<2+odd <= vbr
		if below != above {
			if above {
				s10 = t10
			}
			d.decimal(s10, k)
			return
		}
	}
	t := s + 1
	below, above := vbl+odd <= s<<2, t<<2+odd <= vbr
	if below == above {
		middle := (s + t) << 1
		above = vb > middle || vb == middle && s&1 == 1
	}
	if above {
		s = t
	}
	d.decimal(s, k)
}

// decimal sets the digits to those of s × 10^k.
func (d *number) decimal(s uint64, k int) {
	for s%10 == 0 {
		s /= 10
		k++
	}
	n := 0
	for x := s; x > 0; x /= 10 {
		n++
	}
	for i := n - 1; i >= 0; i-- {
		d.digits[i] = byte(s % 10)
		s /= 10
	}
	d.n, d.point = n, n+k
}

// times returns ⌊g·x / 2¹²⁶⌋ with its lowest bit set if the quotient has a
// remainder beyond the error of g: the paper's rop.
func (g wide) times(x uint64) uint64 {
	g1, g0 := g.hi<<1|g.lo>>63, g.lo&(1<<63-1)
	x1, _ := bits.Mul64(g0, x)
	y1, y0 := bits.Mul64(g1, x)
	z := y0>>1 + x1
	w := y1 + z>>63
	return w | (z&(1<<63-1)+(1<<63-1))>>63
}

// floorLog10 returns ⌊log₁₀ 2^q⌋, or ⌊log₁₀ ¾·2^q⌋, for |q| < 5,000.
func floorLog10(q int, threeQuarters bool) int {
	x := int64(q) * 661971961083
	if threeQuarters {
		x -= 274743187321
	}
	return int(x >> 41)
}

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
	e := d.point - d.n // the value is the digits as an integer × 10^e
	if d.n <= 19 && e <= 0 && e >= -27 {
		return d.quotient(e)
	}
	num, den := &d.big[0], &d.big[1]
	num.set(0)
	for _, b := range d.digits[:d.n] {
		num.mulAdd(10, uint32(b))
	}
	den.set(1)
	if e >= 0 {
		num.mulPow5(e)
	} else {
		den.mulPow5(-e)
	}
	// Shift until the ratio is in [1, 2), then take 64 bits of it.
	if by := num.bits() - den.bits(); by >= 0 {
		den.shift(by)
		e += by
	} else {
		num.shift(-by)
		e += by
	}
	if num.compare(den) < 0 {
		num.shift(1)
		e--
	}
	q := uint64(0)
	for i := 0; i < 64; i++ {
		q <<= 1
		if num.compare(den) >= 0 {
			num.sub(den)
			q |= 1
		}
		num.shift(1)
	}
	return round(q, num.n > 0, e)
}

// quotient is double for at most 19 digits over at most 10^27.
func (d *number) quotient(e int) uint64 {
	num, den := uint64(0), uint64(1)
	for _, b := range d.digits[:d.n] {
		num = num*10 + uint64(b)
	}
	for i := 0; i < -e; i++ {
		den *= 5
	}
	n, m := bits.LeadingZeros64(num), bits.LeadingZeros64(den)
	num, den = num<<n, den<<m
	e += m - n
	hi, lo := num, uint64(0)
	if num >= den {
		hi, lo = num>>1, num<<63
	} else {
		e--
	}
	q, rest := bits.Div64(hi, lo, den)
	return round(q, rest != 0, e)
}

// round returns the bits of the double next to q/2^63 × 2^e, where q has its
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
// bits, the closest to it of those, an even last one where two are as close:
// the free-format algorithm of Steele and White as Burger and Dybvig gave it
// (Printing Floating-Point Numbers Quickly and Accurately, 1996).
func (d *number) shortest(double uint64) {
	m, e := double&(1<<52-1), int(double>>52)
	narrow := m == 0 && e > 1 // the gap below is half the gap above
	if e == 0 {
		e = 1
	} else {
		m |= 1 << 52
	}
	e -= 1075
	even := m&1 == 0

	// The value is r/s, half the gaps to its neighbours above/s and below/s.
	r, s, above, below, sum := &d.big[0], &d.big[1], &d.big[2], &d.big[3], &d.big[4]
	r.set(m)
	s.set(1)
	above.set(1)
	below.set(1)
	up := 1
	if narrow {
		up = 2
		above.shift(1)
	}
	r.shift(up + max(e, 0))
	s.shift(up + max(-e, 0))
	above.shift(max(e, 0))
	below.shift(max(e, 0))

	// 10^k is a power at or one below the first above the value.
	x := (e + bits.Len64(m) - 1) * 30103
	k := x / 100000
	if x > k*100000 {
		k++
	}
	if k >= 0 {
		s.mulPow10(k)
	} else {
		r.mulPow10(-k)
		above.mulPow10(-k)
		below.mulPow10(-k)
	}
	sum.add(r, above)
	if over := sum.compare(s); over > 0 || over == 0 && even {
		k++
	} else {
		r.mulAdd(10, 0)
		above.mulAdd(10, 0)
		below.mulAdd(10, 0)
	}
	for d.n, d.point = 0, k; ; {
		digit := byte(0)
		for r.compare(s) >= 0 {
			r.sub(s)
			digit++
		}
		low := r.compare(below)
		sum.add(r, above)
		high := sum.compare(s)
		isLow, isHigh := low < 0 || low == 0 && even, high > 0 || high == 0 && even
		if isLow && isHigh {
			r.shift(1)
			half := r.compare(s)
			isHigh = half > 0 || half == 0 && digit&1 == 1
		}
		if isHigh {
			digit++
		}
		d.digits[d.n] = digit
		d.n++
		if isLow || isHigh {
			return
		}
		r.mulAdd(10, 0)
		above.mulAdd(10, 0)
		below.mulAdd(10, 0)
	}
}

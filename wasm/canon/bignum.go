package canon

import "math/bits"

// A bignum is a natural number of at most 92 × 32 bits, enough for any value
// of maxDigits digits in the range of a double over its power of five.
type bignum struct {
	limb [92]uint32 // least significant first
	n    int        // limbs in use, the last of them not zero
}

func (a *bignum) set(x uint64) {
	a.limb[0], a.limb[1] = uint32(x), uint32(x>>32)
	a.n = (bits.Len64(x) + 31) / 32
}

func (a *bignum) bits() int {
	if a.n == 0 {
		return 0
	}
	return 32*(a.n-1) + bits.Len32(a.limb[a.n-1])
}

// mulAdd sets a to a×x + y.
func (a *bignum) mulAdd(x, y uint32) {
	carry := uint64(y)
	for i := 0; i < a.n; i++ {
		carry += uint64(a.limb[i]) * uint64(x)
		a.limb[i] = uint32(carry)
		carry >>= 32
	}
	if carry != 0 {
		a.limb[a.n] = uint32(carry)
		a.n++
	}
	for a.n > 0 && a.limb[a.n-1] == 0 { // x was 0
		a.n--
	}
}

func (a *bignum) mulPow5(e int) {
	for ; e >= 13; e -= 13 {
		a.mulAdd(1220703125, 0)
	}
	p := uint32(1)
	for ; e > 0; e-- {
		p *= 5
	}
	a.mulAdd(p, 0)
}

// shift sets a to a × 2^by.
func (a *bignum) shift(by int) {
	if a.n == 0 || by == 0 {
		return
	}
	limbs, rest := by/32, uint(by%32)
	a.limb[a.n] = 0
	for i := a.n; i >= 0; i-- {
		x := a.limb[i] << rest
		if i > 0 && rest > 0 {
			x |= a.limb[i-1] >> (32 - rest)
		}
		a.limb[i+limbs] = x
	}
	clear(a.limb[:limbs])
	a.n += limbs + 1
	if a.limb[a.n-1] == 0 {
		a.n--
	}
}

func (a *bignum) compare(b *bignum) int {
	if a.n != b.n {
		return a.n - b.n
	}
	for i := a.n - 1; i >= 0; i-- {
		if a.limb[i] != b.limb[i] {
			if a.limb[i] < b.limb[i] {
				return -1
			}
			return 1
		}
	}
	return 0
}

// divide returns the first count bits, 64 or 128, of a/b, which is in [1, 2),
// the integer bit first, and leaves the remainder, shifted as far, in a.
// Each step takes 32 bits, estimated from the highest limbs (Knuth, The Art of
// Computer Programming 4.3.1, algorithm D). t is scratch.
func (a *bignum) divide(b, t *bignum, count int) (q wide) {
	// b gets a highest limb that is full, so that no estimate is off by more
	// than two.
	full := (32 - b.bits()%32) % 32
	a.shift(full)
	b.shift(full)
	top := uint64(b.limb[b.n-1])
	a.shift(31) // the first step gives the integer bit and 31 more
	for ; count > 0; count -= 32 {
		// a < 2³²·b
		high := uint64(0)
		for i := b.n; i >= b.n-1; i-- {
			high <<= 32
			if i < a.n {
				high |= uint64(a.limb[i])
			}
		}
		digit := min(high/top, 1<<32-1)
		t.copy(b)
		t.mulAdd(uint32(digit), 0)
		for t.compare(a) > 0 {
			t.sub(b)
			digit--
		}
		a.sub(t)
		q.hi = q.hi<<32 | q.lo>>32
		q.lo = q.lo<<32 | digit
		if count > 32 {
			a.shift(32)
		}
	}
	return q
}

func (a *bignum) copy(b *bignum) {
	copy(a.limb[:b.n], b.limb[:b.n])
	a.n = b.n
}

// sub sets a to a − b, which is not negative.
func (a *bignum) sub(b *bignum) {
	borrow := uint64(0)
	for i := 0; i < a.n; i++ {
		x := uint64(a.limb[i]) - borrow
		if i < b.n {
			x -= uint64(b.limb[i])
		}
		a.limb[i] = uint32(x)
		borrow = x >> 63
	}
	for a.n > 0 && a.limb[a.n-1] == 0 {
		a.n--
	}
}

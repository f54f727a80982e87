package secp256k1

import "github.com/eventseal/eventseal/wasm/modular"

// The curve has an endomorphism (x, y) → (βx, y) that multiplies points by λ:
// k·P is k1·P + k2·λP with k1 and k2 of half the length (Gallant, Lambert and
// Vanstone 2001).

// beta is β, a cube root of one modulo p.
var beta = field{-0xe6afe12, 0x9cb6144, -0x29d9a90, 0x92ea26, 0x34e99cf, 0x3cf561a, -0x3be466f, 0x56caf81, 0x7ae96a}

// The shortest vectors of {(a, b): a + bλ ≡ 0 mod n} are (a1, b1) and
// (a2, b2). What split needs of them, λ and the b's in Montgomery form:
var (
	lambda  = modular.Element{0x102f0736, 0xc2db1c8, 0x1f11d224, 0x10a95b3f, 0x1b23247a, 0x652697, 0x1cb9d4b3, 0x1e156358, 0x650802}
	minusB1 = modular.Element{0x1a4bc27c, 0xa1cfe70, 0xec9da68, 0x99a492f, 0x1ee2878d, 0xae8ac47, 0x30ab8da, 0x1277d41b, 0x424115}
	minusB2 = modular.Element{0x1d72b4a8, 0xe9766cd, 0x1f0861e6, 0x1a063c10, 0x1f9e250e, 0x165ba244, 0xbb66f, 0xe385cd6, 0x4aaebd}
	// 2³⁸⁴·b2/n and −2³⁸⁴·b1/n, rounded.
	g1 = modular.Element{0x5dbb031, 0x49904d2, 0x1a329ffa, 0x151428e3, 0xeb153da, 0x8724942, 0xf37a1b2, 0x434fa8d, 0x3086d2}
	g2 = modular.Element{0xac47f71, 0xb8da574, 0x1d41b185, 0x411593b, 0x1e4c4221, 0x1fd4855f, 0xa1bd51, 0x1ac021d1, 0xe4437e}
)

// A half128 is the magnitude of a number below 2¹²⁸, and its sign.
type half128 struct {
	lo, hi uint64
	minus  bool
}

// split finds k1 + k2·λ ≡ k mod n. Its time depends on k.
func split(k1, k2 *half128, k *modular.Element) {
	var c1, c2, t modular.Element
	scaled(&c1, k, &g1)
	scaled(&c2, k, &g2)
	Order.Mul(&c1, &c1, &minusB1)
	Order.Mul(&c2, &c2, &minusB2)
	Order.Add(&c2, &c1, &c2)
	Order.Mul(&t, &c2, &lambda)
	Order.Sub(&t, k, &t)
	k1.set(&t)
	k2.set(&c2)
}

// set takes the one of e and n − e that is small.
func (h *half128) set(e *modular.Element) {
	t := *e
	h.minus = Order.IsHigh(e) == 1
	if h.minus {
		Order.Neg(&t, e)
	}
	h.lo = t[0] | t[1]<<29 | t[2]<<58
	h.hi = t[2]>>6 | t[3]<<23 | t[4]<<52
}

// scaled sets z = k·g / 2³⁸⁴, rounded.
func scaled(z, k, g *modular.Element) {
	var t [2 * modular.Limbs]uint64
	for i, ki := range k {
		for j, gj := range g {
			t[i+j] += ki * gj
		}
	}
	// 384 = 13·29 + 7
	t[13] += 1 << 6
	for i := 0; i < len(t)-1; i++ {
		t[i+1] += t[i] >> modular.Bits
		t[i] &= low
	}
	*z = modular.Element{}
	for i := 0; i < 4; i++ {
		z[i] = t[13+i]>>7 | t[14+i]<<22&low
	}
	z[4] = t[17] >> 7
}

// digits are the signed digits of a number, least significant first: each
// zero or odd.
type digits [130]int16

// expand writes the width-w non-adjacent form of h: digits are below 2^(w−1)
// in absolute value, and of w neighbours at most one is not zero. It returns
// the number of digits.
func (d *digits) expand(h *half128, w uint) int {
	*d = digits{}
	lo, hi := h.lo, h.hi
	sign := int16(1)
	if h.minus {
		sign = -1
	}
	at, end := 0, 0
	var carry uint64 // to be added at position at
	for lo|hi|carry != 0 {
		if (lo+carry)&1 == 0 {
			// An even digit: skip. With a carry lo is odd here and the carry moves on.
			lo, hi = lo>>1|hi<<63, hi>>1
			at++
			continue
		}
		v := int64(lo&(1<<w-1) + carry)
		carry = uint64(v) >> (w - 1)
		v -= int64(carry << w)
		d[at] = sign * int16(v)
		end = at + 1
		lo, hi = lo>>w|hi<<(64-w), hi>>w
		at += int(w)
	}
	return end
}

package secp256k1

import "github.com/eventseal/eventseal/wasm/modular"

// A field element is Σ z[i]·2²⁹ⁱ modulo p with signed limbs. It has magnitude
// m if limbs 0 … 7 are at most m·(2²⁸ + 2¹⁵) and limb 8 at most m·2²⁴ in
// absolute value. What mul, sqr and carry return has magnitude 1; add and sub
// add magnitudes; the magnitudes of two factors multiply to at most 15, so
// that a column of nine products stays inside 63 bits.
//
// 9 limbs of 29 bits: WebAssembly has no 64×64→128 product, and these were
// measured to be its fastest form in V8 and in wazero. Signed: negation costs
// nothing, and half the limb size leaves the room that makes carries rare.
type field [modular.Limbs]int64

const (
	low  = 1<<modular.Bits - 1
	half = 1 << (modular.Bits - 1)
	top  = 1<<24 - 1 // of the last limb, below 2²⁵⁶
)

func (z *field) add(x, y *field) {
	for i := range z {
		z[i] = x[i] + y[i]
	}
}

func (z *field) sub(x, y *field) {
	for i := range z {
		z[i] = x[i] - y[i]
	}
}

func (z *field) neg(x *field) {
	for i := range z {
		z[i] = -x[i]
	}
}

// scale sets z = k·x for a small positive k, carried.
func (z *field) scale(x *field, k int64) {
	for i := range z {
		z[i] = x[i] * k
	}
	z.carry()
}

// carry brings z, of any magnitude below 2²⁰, to magnitude 1.
func (z *field) carry() {
	t := (z[8] + z[7]>>29) >> 24
	z[8] -= t << 24
	c := t*977 + half
	for i := 0; i < 8; i++ {
		if i == 1 {
			c += t << 3
		}
		c += z[i]
		z[i] = c&low - half
		c = c>>29 + half
	}
	z[8] += c - half
}

// oneAndHalf sets z = 3x/2: p is added first where 3x is odd. For x of
// magnitude 1, that of z is 2½.
func (z *field) oneAndHalf(x *field) {
	odd := x[0] & 1
	t := 3*x[0] - 977*odd
	next := 3*x[1] - 8*odd
	for i := 0; i < 7; i++ {
		z[i] = t>>1 + next&1<<28
		t, next = next, 3*x[i+2]
	}
	next += odd << 24
	z[7] = t>>1 + next&1<<28
	z[8] = next >> 1
}

// isZero reports whether z ≡ 0, for a z that mul, sqr or their Sub forms
// returned: their value lies in (−2²³², 2²⁵⁶ − 2²³¹), or in the lowest 2²³²
// above it with a negative tail, and there 0 is the only multiple of p that
// the limbs can spell, with all of them zero.
func (z *field) isZero() bool {
	return z[0]|z[1]|z[2]|z[3]|z[4]|z[5]|z[6]|z[7]|z[8] == 0
}

// element returns z in [0, p).
func (z *field) element(e *modular.Element) {
	t := *z
	t.carry()
	// The value is in (−2²³³, 2²⁵⁶ + 2²³³): one fold makes it lie in [0, 2²⁵⁶).
	t.spread()
	over := t[8] >> 24
	t[8] &= top
	t[0] += over * 977
	t[1] += over * 8
	t.spread()
	// It is p or more exactly if adding 2²⁵⁶ − p reaches 2²⁵⁶.
	u := t
	u[0] += 977
	u[1] += 8
	u.spread()
	mask := int64(modular.Mask(uint64(u[8]>>24) & 1))
	u[8] &= top
	for i := range e {
		e[i] = uint64(t[i] ^ mask&(t[i]^u[i]))
	}
}

// spread carries z into limbs in [0, 2²⁹), the last one signed.
func (z *field) spread() {
	var c int64
	for i := 0; i < 8; i++ {
		c += z[i]
		z[i] = c & low
		c >>= 29
	}
	z[8] += c
}

// setElement makes z the number e, with magnitude 1.
func (z *field) setElement(e *modular.Element) {
	for i := range z {
		z[i] = int64(e[i])
	}
	z.carry()
}

// setBytes reads 32 big-endian bytes and reports whether they are below p.
func (z *field) setBytes(in *[32]byte) bool {
	var e modular.Element
	ok := prime.SetBytes(&e, in)
	z.setElement(&e)
	return ok
}

// bytes writes z as 32 big-endian bytes below p.
func (z *field) bytes(out *[32]byte) {
	var e modular.Element
	z.element(&e)
	e.Bytes(out)
}

// odd returns 1 if z in [0, p) is odd, else 0.
func (z *field) odd() uint64 {
	var e modular.Element
	z.element(&e)
	return e[0] & 1
}

// selectFrom sets z to x where mask is all ones.
func (z *field) selectFrom(mask uint64, x *field) {
	for i := range z {
		z[i] ^= int64(mask) & (z[i] ^ x[i])
	}
}

// invert sets z = 1/x, or 0 for 0, in constant time.
func (z *field) invert(x *field) {
	var e modular.Element
	x.element(&e)
	prime.Inverse(&e, &e)
	z.setElement(&e)
}

// invertVar sets z = 1/x, or 0 for 0; its time depends on x.
func (z *field) invertVar(x *field) {
	var e modular.Element
	x.element(&e)
	prime.InverseVar(&e, &e)
	z.setElement(&e)
}

// squarings sets z = x^(2ⁿ).
func (z *field) squarings(x *field, n int) {
	z.sqr(x)
	for ; n > 1; n-- {
		z.sqr(z)
	}
}

// sqrt sets z to a square root of x, of magnitude 1, and reports whether
// there is one. x has magnitude 1.
func (z *field) sqrt(x *field) bool {
	// x^((p+1)/4). The exponent's bits are runs of ones of 223, 22 and 2, each
	// after one zero or more; xn is x^(2ⁿ − 1).
	var x2, x3, x6, x9, x11, x22, x44, x88, t field
	t.sqr(x)
	x2.mul(&t, x)
	t.sqr(&x2)
	x3.mul(&t, x)
	t.squarings(&x3, 3)
	x6.mul(&t, &x3)
	t.squarings(&x6, 3)
	x9.mul(&t, &x3)
	t.squarings(&x9, 2)
	x11.mul(&t, &x2)
	t.squarings(&x11, 11)
	x22.mul(&t, &x11)
	t.squarings(&x22, 22)
	x44.mul(&t, &x22)
	t.squarings(&x44, 44)
	x88.mul(&t, &x44)
	t.squarings(&x88, 88)
	t.mul(&t, &x88) // 176
	t.squarings(&t, 44)
	t.mul(&t, &x44) // 220
	t.squarings(&t, 3)
	t.mul(&t, &x3) // 223
	t.squarings(&t, 23)
	t.mul(&t, &x22)
	t.squarings(&t, 6)
	t.mul(&t, &x2)
	t.squarings(&t, 2)
	x3.sqrSub(&t, x)
	*z = t
	return x3.isZero()
}

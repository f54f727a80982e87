// Package modular is arithmetic modulo a fixed odd 256-bit prime in limbs of
// 29 bits, the size that WebAssembly multiplies best: it has no 64×64→128
// product, and nine products of 29-bit limbs still add up in 64 bits.
//
// Everything is constant time in the values unless its name ends in Var, and
// nothing allocates.
package modular

//go:generate go run ./gen

const (
	// Limbs is the number of limbs of an Element.
	Limbs = 9
	// Bits is the width of one limb.
	Bits = 29
	low  = 1<<Bits - 1
)

// An Element is a number in [0, n), least significant limb first, each limb
// below 2²⁹. Whether it stands for itself or for itself times 2²⁶¹
// (Montgomery form) is the caller's to know.
type Element [Limbs]uint64

// A Modulus is an odd prime n < 2²⁵⁶ and what follows from it.
type Modulus struct {
	N   Element // n itself
	Inv uint64  // n⁻¹ mod 2²⁹
	RR  Element // 2⁵²² mod n: Mul by it enters Montgomery form
}

// SetBytes reads 32 big-endian bytes. It reports whether they are below n;
// if not, z is their value minus n.
//
//go:noinline
func (m *Modulus) SetBytes(z *Element, b *[32]byte) bool {
	load(z, b)
	return m.reduce(z) == 0
}

func load(z *Element, b *[32]byte) {
	var acc uint64
	bits, limb := uint(0), 0
	for i := 31; i >= 0; i-- {
		acc |= uint64(b[i]) << bits
		bits += 8
		if bits >= Bits {
			z[limb] = acc & low
			acc >>= Bits
			bits -= Bits
			limb++
		}
	}
	z[limb] = acc
}

// Bytes writes z as 32 big-endian bytes.
//
//go:noinline
func (z *Element) Bytes(b *[32]byte) {
	acc, bits, limb := z[0], uint(Bits), 0
	for i := 31; i >= 0; i-- {
		if bits < 8 && limb < Limbs-1 {
			limb++
			acc |= z[limb] << bits
			bits += Bits
		}
		b[i] = byte(acc)
		acc >>= 8
		bits -= 8
	}
}

// reduce subtracts n once if z ≥ n and returns 1 if it did.
func (m *Modulus) reduce(z *Element) uint64 {
	var t Element
	var borrow uint64
	for i := range t {
		d := z[i] - m.N[i] - borrow
		t[i] = d & low
		borrow = d >> 63
	}
	z.Select(Mask(borrow), z, &t)
	return borrow ^ 1
}

// Select sets z to x where mask is all ones, to y where it is zero.
func (z *Element) Select(mask uint64, x, y *Element) {
	for i := range z {
		z[i] = y[i] ^ (mask & (x[i] ^ y[i]))
	}
}

// IsZero returns 1 if z is zero, else 0.
func (z *Element) IsZero() uint64 {
	var acc uint64
	for _, v := range z {
		acc |= v
	}
	return (acc - 1) >> 63
}

// Equal reports whether z and x are the same number.
func (z *Element) Equal(x *Element) bool {
	var acc uint64
	for i := range z {
		acc |= z[i] ^ x[i]
	}
	return acc == 0
}

// Add sets z = x + y mod n.
//
//go:noinline
func (m *Modulus) Add(z, x, y *Element) {
	var carry uint64
	for i := range z {
		s := x[i] + y[i] + carry
		z[i] = s & low
		carry = s >> Bits
	}
	m.reduce(z) // x+y < 2²⁵⁷ fits in the limbs
}

// Sub sets z = x − y mod n.
//
//go:noinline
func (m *Modulus) Sub(z, x, y *Element) {
	var borrow uint64
	for i := range z {
		d := x[i] - y[i] - borrow
		z[i] = d & low
		borrow = d >> 63
	}
	mask, carry := Mask(borrow), uint64(0)
	for i := range z {
		s := z[i] + m.N[i]&mask + carry
		z[i] = s & low
		carry = s >> Bits
	}
}

// Neg sets z = −x mod n.
func (m *Modulus) Neg(z, x *Element) {
	var zero Element
	m.Sub(z, &zero, x)
}

// IsHigh returns 1 if z > n/2, else 0.
func (m *Modulus) IsHigh(z *Element) uint64 {
	var d int64
	for i := range z { // n − 2z < 0 for z > n/2, since n is odd
		d += int64(m.N[i]) - 2*int64(z[i])
		d >>= Bits
	}
	return uint64(d) >> 63
}

// Mul sets z = x·y / 2²⁶¹ mod n (Montgomery's product). z may be x or y.
func (m *Modulus) Mul(z, x, y *Element) {
	var t [2 * Limbs]uint64
	for i, xi := range x {
		for j, yj := range y {
			t[i+j] += xi * yj // at most 9 products of 58 bits a column
		}
	}
	ninv := -m.Inv
	for i := range m.N {
		q := (t[i] * ninv) & low
		for j, nj := range m.N {
			t[i+j] += q * nj // 9 more: below 2⁶³ with the carry
		}
		t[i+1] += t[i] >> Bits
	}
	var carry uint64
	for i := range z {
		s := t[Limbs+i] + carry
		z[i] = s & low
		carry = s >> Bits
	}
	m.reduce(z) // the value is below n + n²/2²⁶¹ < 2n
}

// ToMontgomery sets z = x·2²⁶¹ mod n.
func (m *Modulus) ToMontgomery(z, x *Element) { m.Mul(z, x, &m.RR) }

// FromMontgomery sets z = x / 2²⁶¹ mod n.
func (m *Modulus) FromMontgomery(z, x *Element) {
	one := Element{1}
	m.Mul(z, x, &one)
}

package ed25519

import (
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/modular"
)

// Lengths in bytes.
const (
	PublicSize    = 32
	SignatureSize = 64
)

// Scalars are taken apart into odd digits below 2^(width−1) in amount, one of
// them in width bits or more.
const (
	width = 5
	odds  = 1 << (width - 2) // multiples 1, 3, …
	bits  = 256
)

type (
	digits [bits]int8
	table  [odds]addend
)

// Verify reports whether signature is public's signature of message. Its time
// depends on all of them.
//
//go:noinline
func Verify(public *[PublicSize]byte, signature *[SignatureSize]byte, message []byte) bool {
	w := newWorkspace()
	var b [32]byte
	reverse(&b, (*[32]byte)(signature[32:]))
	a := &w.points[0]
	if !order.SetBytes(&w.scalars[1], &b) || !a.decode(public) {
		return false
	}
	challenge(&w.scalars[0], signature, public, message)
	a.negate()
	w.points[1] = generator
	w.points[1].complete()
	w.combine()
	w.sum.encode(&b)
	return b == [32]byte(signature[:32])
}

// A workspace is what a verification works in.
type workspace struct {
	points  [2]point
	scalars [2]modular.Element
	digits  [2]digits
	tables  [2]table
	sum     point
	step    addend
}

// challenge sets k = SHA-512(R ‖ public ‖ message) modulo ℓ.
//
//go:noinline
func challenge(k *modular.Element, signature *[SignatureSize]byte, public *[PublicSize]byte, message []byte) {
	var h digest.State512
	var sum [digest.Size512]byte
	h.Reset()
	h.Write(signature[:32])
	h.Write(public[:])
	h.Write(message)
	h.Sum(&sum)
	var b [32]byte
	var t modular.Element
	reverse(&b, (*[32]byte)(sum[:32]))
	order.SetBytes(&t, &b)
	order.Mul(k, &t, &unit)
	reverse(&b, (*[32]byte)(sum[32:]))
	order.SetBytes(&t, &b)
	order.Mul(&t, &t, &upper)
	order.Add(k, k, &t)
}

// combine sets sum to both points times their scalars, with shared doublings.
// It uses the points up.
//
//go:noinline
func (w *workspace) combine() {
	for i := range w.points {
		w.fill(&w.tables[i], &w.points[i])
		w.digits[i].set(&w.scalars[i])
	}
	p := &w.sum
	*p = point{y: one, z: one}
	for i := bits - 1; i >= 0; i-- {
		p.double()
		for j := range w.digits {
			if digit := w.digits[j][i]; digit > 0 {
				p.add(&w.tables[j][digit/2], false)
			} else if digit < 0 {
				p.add(&w.tables[j][-digit/2], true)
			}
		}
	}
}

// fill makes t the odd multiples of p, and p another point.
func (w *workspace) fill(t *table, p *point) {
	q := &w.sum
	*q = *p
	p.double()
	w.step.set(p)
	for i := range t {
		if i > 0 {
			q.add(&w.step, false)
		}
		t[i].set(q)
	}
}

// set takes k < 2²⁵³ apart.
func (d *digits) set(k *modular.Element) {
	*d = digits{}
	carry := int8(0)
	for i := 0; i < bits; {
		if bit(k, i) == carry {
			i++
			continue
		}
		word := carry
		for j := range width {
			word += bit(k, i+j) << j
		}
		carry = word >> (width - 1)
		d[i] = word - carry<<width
		i += width
	}
}

// bit returns a bit of k, 0 beyond its end.
func bit(k *modular.Element, i int) int8 {
	if i >= modular.Limbs*modular.Bits {
		return 0
	}
	return int8(k[i/modular.Bits] >> (i % modular.Bits) & 1)
}

package ed25519

import "github.com/eventseal/eventseal/wasm/modular"

// A field element in Montgomery form, fully reduced.
type field modular.Element

func (z *field) element() *modular.Element { return (*modular.Element)(z) }

func (z *field) mul(x, y *field) { prime.Mul(z.element(), x.element(), y.element()) }
func (z *field) add(x, y *field) { prime.Add(z.element(), x.element(), y.element()) }
func (z *field) sub(x, y *field) { prime.Sub(z.element(), x.element(), y.element()) }

// parity returns the lowest bit of z.
func (z *field) parity() byte {
	var t modular.Element
	prime.FromMontgomery(&t, z.element())
	return byte(t[0] & 1)
}

// run sets z = x^(2ⁿ)·y for n > 0; z must not be y.
//
//go:noinline
func (z *field) run(x *field, n int, y *field) {
	z.mul(x, x)
	for range n - 1 {
		z.mul(z, z)
	}
	z.mul(z, y)
}

// ratioRoot sets z to a square root of u/v and reports whether there is one.
// v is not 0.
//
//go:noinline
func (z *field) ratioRoot(u, v *field) bool {
	// The root is u·v³·(u·v⁷)^((p−5)/8), or that times √−1: RFC 8032
	// section 5.1.3.
	var w, x, r, s, t field
	t.mul(v, v)
	t.mul(&t, v)
	w.mul(u, &t) // u·v³
	t.mul(&t, v)
	x.mul(&w, &t) // u·v⁷
	// (p−5)/8 = 2²⁵² − 3: x^(2ⁿ−1) for n = 2, 4, 5, 10, 20, 40, 50, 100, 200, 250.
	t.run(&x, 1, &x)
	s.run(&t, 2, &t)
	t.run(&s, 1, &x)
	s.run(&t, 5, &t)
	t.run(&s, 10, &s)
	r.run(&t, 20, &t)
	t.run(&r, 10, &s)
	s.run(&t, 50, &t)
	r.run(&s, 100, &s)
	s.run(&r, 50, &t)
	t.run(&s, 2, &x)
	z.mul(&t, &w)
	t.mul(z, z)
	t.mul(&t, v)
	if t != *u {
		z.mul(z, &rootMinus)
		t.mul(z, z)
		t.mul(&t, v)
	}
	return t == *u
}

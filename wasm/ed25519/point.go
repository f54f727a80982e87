package ed25519

import "github.com/eventseal/eventseal/wasm/modular"

// A point of −x² + y² = 1 + d·x²·y² in extended coordinates: it is (x/z, y/z),
// and t = x·y/z (Hisil, Wong, Carter, Dawson 2008).
type point struct{ x, y, z, t field }

// An addend is a point in the form that is added: y+x, y−x, 2z, 2d·t.
type addend struct{ plus, minus, z, t field }

// decode reads the 32 bytes of a point and reports whether they are one. As in
// Go, y may be p or more, and x may be a negative 0.
//
//go:noinline
func (p *point) decode(b *[32]byte) bool {
	var be [32]byte
	reverse(&be, b)
	sign := be[0] >> 7
	be[0] &= 0x7f
	prime.SetBytes(p.y.element(), &be)
	prime.ToMontgomery(p.y.element(), p.y.element())
	// x² = (y² − 1) / (d·y² + 1); −1/d is no square, so that there is no division by 0.
	var u, v field
	u.mul(&p.y, &p.y)
	v.mul(&u, &d)
	u.sub(&u, &one)
	v.add(&v, &one)
	if !p.x.ratioRoot(&u, &v) {
		return false
	}
	if p.x.parity() != sign {
		prime.Neg(p.x.element(), p.x.element())
	}
	p.complete()
	return true
}

// complete sets z and t of a point of which x and y are set.
func (p *point) complete() {
	p.z = one
	p.t.mul(&p.x, &p.y)
}

// encode writes the 32 bytes of p.
//
//go:noinline
func (p *point) encode(b *[32]byte) {
	var t modular.Element
	var x, z field
	prime.FromMontgomery(&t, p.z.element())
	prime.InverseVar(&t, &t)
	prime.ToMontgomery(z.element(), &t)
	x.mul(&p.x, &z)
	z.mul(&p.y, &z)
	prime.FromMontgomery(&t, z.element())
	var be [32]byte
	t.Bytes(&be)
	be[0] |= x.parity() << 7
	reverse(b, &be)
}

//
//go:noinline
func reverse(dst, src *[32]byte) {
	for i, b := range src {
		dst[31-i] = b
	}
}

func (p *point) negate() {
	prime.Neg(p.x.element(), p.x.element())
	prime.Neg(p.t.element(), p.t.element())
}

// double sets p = 2p.
func (p *point) double() {
	var a, b, c, e field
	a.mul(&p.x, &p.x)
	b.mul(&p.y, &p.y)
	c.mul(&p.z, &p.z)
	e.add(&p.x, &p.y)
	e.mul(&e, &e)
	c.add(&c, &c)
	e.sub(&e, &a)
	e.sub(&e, &b)
	g := &p.t // y² − x²
	g.sub(&b, &a)
	a.add(&a, &b)
	c.sub(&c, g) // −f
	// x = e·f, y = g·h, t = e·h, z = f·g with h = −(x² + y²): every sign turned.
	p.join(&e, &c, g, &a)
}

// join sets p to (e·f, g·h, f·g, e·h).
//
//go:noinline
func (p *point) join(e, f, g, h *field) {
	var t field
	t.mul(e, h)
	p.x.mul(e, f)
	p.y.mul(g, h)
	p.z.mul(f, g)
	p.t = t
}

// set makes q the addend of p.
func (q *addend) set(p *point) {
	q.plus.add(&p.y, &p.x)
	q.minus.sub(&p.y, &p.x)
	q.z.add(&p.z, &p.z)
	q.t.mul(&p.t, &twoD)
}

// add sets p = p + q, or p − q where negative. It is right for all points.
func (p *point) add(q *addend, negative bool) {
	plus, minus := &q.plus, &q.minus
	if negative {
		plus, minus = minus, plus
	}
	var a, b, c, dd, t field
	t.sub(&p.y, &p.x)
	a.mul(&t, minus)
	t.add(&p.y, &p.x)
	b.mul(&t, plus)
	c.mul(&p.t, &q.t)
	dd.mul(&p.z, &q.z)
	t.sub(&b, &a)
	b.add(&b, &a)
	f, g := &a, &p.t
	if negative {
		f.add(&dd, &c)
		g.sub(&dd, &c)
	} else {
		f.sub(&dd, &c)
		g.add(&dd, &c)
	}
	p.join(&t, f, g, &b)
}

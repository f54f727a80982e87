package p256

import "github.com/eventseal/eventseal/wasm/modular"

// An Affine point of the curve; it cannot be the point at infinity.
type Affine struct{ X, Y field }

// A point in homogeneous projective coordinates; infinity has z = 0.
type point struct{ x, y, z field }

// Decompress reads a point in SEC 1 compressed form and reports whether there
// is such a point on the curve.
func (p *Affine) Decompress(in *[33]byte) bool {
	if in[0] != 2 && in[0] != 3 {
		return false
	}
	return p.lift((*[32]byte)(in[1:]), uint64(in[0]&1))
}

// lift sets p to the point with abscissa x whose y has the parity odd.
func (p *Affine) lift(x *[32]byte, odd uint64) bool {
	if !p.X.setBytes(x) {
		return false
	}
	var y field
	y.sqr(&p.X)
	y.mul(&y, &p.X)
	y.add(&y, &b)
	y.sub(&y, &p.X)
	y.sub(&y, &p.X)
	y.sub(&y, &p.X)
	if !p.Y.sqrt(&y) {
		return false
	}
	if p.Y.odd() != odd {
		p.Y.neg(&p.Y)
	}
	return true
}

// Compress writes p in SEC 1 compressed form.
func (p *Affine) Compress(out *[33]byte) {
	p.X.bytes((*[32]byte)(out[1:]))
	out[0] = 2 | byte(p.Y.odd())
}

func (p *point) setInfinity() {
	*p = point{y: one}
}

func (p *point) setAffine(q *Affine) {
	p.x, p.y, p.z = q.X, q.Y, one
}

// affine converts p, which must not be infinity.
func (p *point) affine(q *Affine) {
	var t field
	t.invert(&p.z)
	q.X.mul(&p.x, &t)
	q.Y.mul(&p.y, &t)
}

// add sets r = p + q, for any points.
func (r *point) add(p, q *point) {
	// Renes, Costello and Batina, algorithm 4.
	var t0, t1, t2, t3, t4, x3, y3, z3 field
	t0.mul(&p.x, &q.x)
	t1.mul(&p.y, &q.y)
	t2.mul(&p.z, &q.z)
	t3.add(&p.x, &p.y)
	t4.add(&q.x, &q.y)
	t3.mul(&t3, &t4)
	t4.add(&t0, &t1)
	t3.sub(&t3, &t4)
	t4.add(&p.y, &p.z)
	x3.add(&q.y, &q.z)
	t4.mul(&t4, &x3)
	x3.add(&t1, &t2)
	t4.sub(&t4, &x3)
	x3.add(&p.x, &p.z)
	y3.add(&q.x, &q.z)
	x3.mul(&x3, &y3)
	y3.add(&t0, &t2)
	y3.sub(&x3, &y3)
	z3.mul(&b, &t2)
	x3.sub(&y3, &z3)
	z3.add(&x3, &x3)
	x3.add(&x3, &z3)
	z3.sub(&t1, &x3)
	x3.add(&t1, &x3)
	y3.mul(&b, &y3)
	t1.add(&t2, &t2)
	t2.add(&t1, &t2)
	y3.sub(&y3, &t2)
	y3.sub(&y3, &t0)
	t1.add(&y3, &y3)
	y3.add(&t1, &y3)
	t1.add(&t0, &t0)
	t0.add(&t1, &t0)
	t0.sub(&t0, &t2)
	t1.mul(&t4, &y3)
	t2.mul(&t0, &y3)
	y3.mul(&x3, &z3)
	y3.add(&y3, &t2)
	x3.mul(&t3, &x3)
	x3.sub(&x3, &t1)
	z3.mul(&t4, &z3)
	t1.mul(&t3, &t0)
	z3.add(&z3, &t1)
	r.x, r.y, r.z = x3, y3, z3
}

// double sets r = 2p, for any point.
func (r *point) double(p *point) {
	// Renes, Costello and Batina, algorithm 6.
	var t0, t1, t2, t3, x3, y3, z3 field
	t0.sqr(&p.x)
	t1.sqr(&p.y)
	t2.sqr(&p.z)
	t3.mul(&p.x, &p.y)
	t3.add(&t3, &t3)
	z3.mul(&p.x, &p.z)
	z3.add(&z3, &z3)
	y3.mul(&b, &t2)
	y3.sub(&y3, &z3)
	x3.add(&y3, &y3)
	y3.add(&x3, &y3)
	x3.sub(&t1, &y3)
	y3.add(&t1, &y3)
	y3.mul(&x3, &y3)
	x3.mul(&x3, &t3)
	t3.add(&t2, &t2)
	t2.add(&t2, &t3)
	z3.mul(&b, &z3)
	z3.sub(&z3, &t2)
	z3.sub(&z3, &t0)
	t3.add(&z3, &z3)
	z3.add(&z3, &t3)
	t3.add(&t0, &t0)
	t0.add(&t3, &t0)
	t0.sub(&t0, &t2)
	t0.mul(&t0, &z3)
	y3.add(&y3, &t0)
	t0.mul(&p.y, &p.z)
	t0.add(&t0, &t0)
	z3.mul(&t0, &z3)
	x3.sub(&x3, &z3)
	z3.mul(&t0, &t1)
	z3.add(&z3, &z3)
	z3.add(&z3, &z3)
	r.x, r.y, r.z = x3, y3, z3
}

// multiply sets r = k·p in constant time.
func (r *point) multiply(k *modular.Element, p *point) {
	table := newTable()
	table[0].setInfinity()
	for i := 1; i < len(table); i++ {
		table[i].add(&table[i-1], p)
	}
	var digits [32]byte
	k.Bytes(&digits)
	r.setInfinity()
	var t point
	for i := 0; i < 64; i++ {
		for j := 0; j < 4; j++ {
			r.double(r)
		}
		d := uint64(digits[i/2] >> (4 &^ uint(i*4)) & 15)
		for j := range table {
			mask := modular.Mask((d ^ uint64(j) - 1) >> 63)
			t.x.selectFrom(mask, &table[j].x)
			t.y.selectFrom(mask, &table[j].y)
			t.z.selectFrom(mask, &table[j].z)
		}
		r.add(r, &t)
	}
	digits = [32]byte{}
	t = point{}
}

func (z *field) selectFrom(mask uint64, x *field) {
	z.element().Select(mask, x.element(), z.element())
}

// Coordinates writes the abscissa of p and returns 1 if its ordinate is odd.
func (p *Affine) Coordinates(x *[32]byte) (odd uint64) {
	p.X.bytes(x)
	return p.Y.odd()
}

package secp256k1

// A chain builds the odd multiples 1P, 3P, 5P … of one point after the other
// without a single inversion: all of them end up as affine points of one
// isomorphic curve, (x·z², y·z³) for a common z, on which the sum can then be
// formed by mixed additions (the effective-affine tables of libsecp256k1).
type chain struct {
	z     field // common to the points added last; the first point has z = 1
	begun bool
}

// add fills table with 1q, 3q, 5q …, each with a z of its own: ratios[i] is the
// z of table[i] divided by the z of the entry before it, be it in another
// table. q is on the curve itself.
func (c *chain) add(table []Affine, ratios []field, q *Affine) {
	x, y := q.X, q.Y
	if c.begun {
		var t field
		t.sqr(&c.z)
		x.mul(&x, &t)
		t.mul(&t, &c.z)
		y.mul(&y, &t)
	}
	// Doubling that leaves q with the z of 2q, which is 2y times the old one
	// (Meloni 2007): with b = y², s = 4x·b, m = 3x²: 2q = (m² − 2s,
	// m(s − x') − 8b²), q = (s, 8b²).
	var d, p Affine
	var b, m, t field
	b.sqr(&y)
	m.sqr(&x)
	for i := range m {
		m[i] *= 3
	}
	p.X.mul(&x, &b)
	p.X.scale(&p.X, 4)
	p.Y.sqr(&b)
	p.Y.scale(&p.Y, 8)
	t.add(&p.X, &p.X)
	d.X.sqrSub(&m, &t)
	t.sub(&p.X, &d.X)
	d.Y.mulSub(&m, &t, &p.Y)
	table[0] = p
	ratios[0].add(&y, &y)
	ratios[0].carry()
	c.advance(&ratios[0])
	// Each further multiple is the last one plus d, both with the same z,
	// which gets a factor x(p) − x(d); d follows.
	var w, a, s field
	for i := 1; i < len(table); i++ {
		f := &ratios[i]
		f.sub(&p.X, &d.X)
		f.carry()
		b.sqr(f)
		w.mul(&p.X, &b)
		d.X.mul(&d.X, &b)
		s.sub(&p.Y, &d.Y)
		t.sub(&w, &d.X)
		a.mul(&d.Y, &t)
		t.add(&w, &d.X)
		p.X.sqrSub(&s, &t)
		t.sub(&d.X, &p.X)
		p.Y.mulSub(&s, &t, &a)
		d.Y = a
		table[i] = p
		c.advance(f)
	}
}

func (c *chain) advance(f *field) {
	if c.begun {
		c.z.mul(&c.z, f)
	} else {
		c.z, c.begun = *f, true
	}
}

// level divides the coordinates of the entries by a common z: the last one
// is multiplied by f² and f³, each one before it with ratios in between. To
// leave the last entry as it is, level the ones before it by its ratio.
func level(table []Affine, ratios []field, f field) {
	var ff field
	for i := len(table) - 1; i >= 0; i-- {
		p := &table[i]
		ff.sqr(&f)
		p.X.mul(&p.X, &ff)
		ff.mul(&ff, &f)
		p.Y.mul(&p.Y, &ff)
		f.mul(&f, &ratios[i])
	}
}

package secp256k1

import "github.com/eventseal/eventseal/wasm/modular"

const (
	// windowG is the width of the non-adjacent forms that G is multiplied by.
	// Its table is computed once, on first use, and so costs the file nothing.
	windowG = 10
	sizeG   = 1 << (windowG - 2)
	// windowQ is the width for points that come with the input.
	windowQ = 5
	sizeQ   = 1 << (windowQ - 2)
)

// generatorMultiples are G, 3G, 5G ….
type generatorMultiples [sizeG]Affine

// fill computes the table; ratios is room to work in.
func (t *generatorMultiples) fill(ratios *[sizeG]field) {
	var c chain
	c.add(t[:], ratios[:], &generator)
	var f field
	f.invertVar(&c.z)
	level(t[:], ratios[:], f)
}

// A workspace is what one verification needs beside a small stack. The
// multiples of its last point stay for the next one: neighbours are often by
// one author.
type workspace struct {
	table  [sizeQ]Affine // odd multiples of the point, with one common z
	ratios [sizeQ]field
	turned [sizeQ]field // their abscissas times β
	point  Affine
	z      field // the common one
	filled bool
	digits [4]digits
	x      field
}

// multiples fills the tables with those of q.
func (w *workspace) multiples(q *Affine) {
	if w.filled && w.point == *q {
		return
	}
	var c chain
	c.add(w.table[:], w.ratios[:], q)
	level(w.table[:sizeQ-1], w.ratios[:sizeQ-1], w.ratios[sizeQ-1])
	for i := range w.turned {
		w.turned[i].mul(&w.table[i].X, &beta)
	}
	w.point, w.z, w.filled = *q, c.z, true
}

// lincomb sets r = u1·G + u2·q in variable time.
func (w *workspace) lincomb(r *jacobian, u1, u2 *modular.Element, q *Affine) {
	w.multiples(q)
	var k1, k2 half128
	split(&k1, &k2, u1)
	n := max(w.digits[0].expand(&k1, windowG), w.digits[1].expand(&k2, windowG))
	split(&k1, &k2, u2)
	n = max(n, w.digits[2].expand(&k1, windowQ), w.digits[3].expand(&k2, windowQ))
	multiples := multiplesOfG()
	*r = jacobian{infinity: true}
	for i := n - 1; i >= 0; i-- {
		r.double()
		if d := w.digits[2][i]; d != 0 {
			p := &w.table[index(d)]
			r.addSigned(&p.X, &p.Y, d < 0)
		}
		if d := w.digits[3][i]; d != 0 {
			r.addSigned(&w.turned[index(d)], &w.table[index(d)].Y, d < 0)
		}
		if d := w.digits[0][i]; d != 0 {
			p := &multiples[index(d)]
			r.addGenerator(&p.X, &p.Y, d < 0, &w.z)
		}
		if d := w.digits[1][i]; d != 0 {
			p := &multiples[index(d)]
			w.x.mul(&p.X, &beta)
			r.addGenerator(&w.x, &p.Y, d < 0, &w.z)
		}
	}
	r.z.mul(&r.z, &w.z)
}

// index is where |d|·P stands in a table of odd multiples.
func index(d int16) int {
	if d < 0 {
		d = -d
	}
	return int(d >> 1)
}

// addSigned sets p = p ± (x, y).
func (p *jacobian) addSigned(x, y *field, minus bool) {
	if p.infinity {
		p.x, p.y, p.z, p.infinity = *x, *y, one, false
		if minus {
			p.y.neg(y)
		}
		return
	}
	p.t[1].sqr(&p.z)
	p.addScaled(x, y, minus, &p.z)
}

// addGenerator sets p = p ± (x, y) where p's true z is p.z·f and (x, y) is on
// the curve itself.
func (p *jacobian) addGenerator(x, y *field, minus bool, f *field) {
	c, cc := &p.t[0], &p.t[1]
	if p.infinity {
		cc.sqr(f)
		p.x.mul(x, cc)
		cc.mul(cc, f)
		p.y.mul(y, cc)
		if minus {
			p.y.neg(&p.y)
		}
		p.z, p.infinity = one, false
		return
	}
	c.mul(&p.z, f)
	cc.sqr(c)
	p.addScaled(x, y, minus, c)
}

package secp256k1

// An Affine point of the curve; it cannot be the point at infinity. The
// coordinates have magnitude 1.
type Affine struct{ X, Y field }

// Decompress reads a point in SEC 1 compressed form and reports whether there
// is such a point on the curve.
func (p *Affine) Decompress(in *[33]byte) bool {
	if in[0] != 2 && in[0] != 3 {
		return false
	}
	return p.lift((*[32]byte)(in[1:]), uint64(in[0]&1))
}

// lift sets p to the point with abscissa x whose ordinate has the parity odd,
// and reports whether there is one.
func (p *Affine) lift(x *[32]byte, odd uint64) bool {
	if !p.X.setBytes(x) {
		return false
	}
	var t, minus7 field
	minus7.neg(&seven)
	t.sqr(&p.X)
	t.mulSub(&t, &p.X, &minus7)
	if !p.Y.sqrt(&t) {
		return false
	}
	// The root of 0 would have no odd form, but n is odd: no point has y = 0.
	if p.Y.odd() != odd {
		p.Y.neg(&p.Y)
	}
	return true
}

// Compress writes p in SEC 1 compressed form.
func (p *Affine) Compress(out *[33]byte) {
	out[0] = 2 | byte(p.Coordinates((*[32]byte)(out[1:])))
}

// Coordinates writes the abscissa of p and returns 1 if its ordinate is odd.
func (p *Affine) Coordinates(x *[32]byte) (odd uint64) {
	p.X.bytes(x)
	return p.Y.odd()
}

// A jacobian point stands for (x/z², y/z³). All coordinates have magnitude 1.
// Its operations are in variable time.
type jacobian struct {
	x, y, z  field
	infinity bool
	t        [5]field // room for the operations; on the stack each would be zeroed first
}

// double sets p = 2p.
func (p *jacobian) double() {
	if p.infinity {
		return
	}
	// With l = 3x²/2, s = y², t = x·s: x' = l² − 2t, y' = l(t − x') − s², z' = y·z.
	l, s, t := &p.t[0], &p.t[1], &p.t[2]
	p.z.mul(&p.z, &p.y)
	t.sqr(&p.x)
	l.oneAndHalf(t)
	s.sqr(&p.y)
	t.mul(&p.x, s)
	p.x.sqrSubTwice(l, t)
	s.sqr(s)
	p.y.mulDiffSub(l, t, &p.x, s)
}

// addScaled sets p = p ± (x·f², y·f³) where c is z·f, and p.t[1] its square,
// so that a point of another isomorphic curve joins with one product more. p
// is not infinity.
func (p *jacobian) addScaled(x, y *field, minus bool, c *field) {
	// u = x·c², h = u − X, r = ±y·c³ − Y
	r, cc, h, hhh, v := &p.t[0], &p.t[1], &p.t[2], &p.t[3], &p.t[4]
	h.mulSub(x, cc, &p.x)
	r.mul(cc, c)
	if minus {
		r.neg(r)
	}
	r.mulSub(r, y, &p.y)
	if h.isZero() {
		if r.isZero() {
			p.double()
		} else {
			p.infinity = true
		}
		return
	}
	// x' = r² − h³ − 2v with v = X·h², y' = r(v − x') − Y·h³
	hh := cc
	hh.sqr(h)
	hhh.mul(hh, h)
	v.mul(hh, &p.x)
	p.z.mul(&p.z, h)
	p.x.sqrSubSum(r, hhh, v)
	hhh.mul(hhh, &p.y)
	p.y.mulDiffSub(r, v, &p.x, hhh)
}

// affine converts p, which must not be infinity.
func (p *jacobian) affine(q *Affine) {
	var t, u field
	t.invertVar(&p.z)
	u.sqr(&t)
	q.X.mul(&p.x, &u)
	u.mul(&u, &t)
	q.Y.mul(&p.y, &u)
}

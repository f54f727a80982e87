package secp256k1

import "github.com/eventseal/eventseal/wasm/modular"

// abscissa sets x to the abscissa of the point that a signature was made
// with: r, or r + n for recovery ids 2 and 3. It reports whether that is
// below p.
func abscissa(x *[32]byte, r *modular.Element, id byte) bool {
	var t modular.Element
	if id&2 == 0 {
		r.Bytes(x)
		return true
	}
	var carry uint64
	for i := range t {
		carry += r[i] + Order.N[i]
		t[i] = carry & low
		carry >>= modular.Bits
	}
	if t[modular.Limbs-1] > top {
		return false
	}
	t.Bytes(x)
	return prime.SetBytes(&t, x)
}

// scalars sets u1 = z/s and u2 = r/s.
func scalars(u1, u2, z, r, s *modular.Element) {
	var w modular.Element
	Order.InverseVar(&w, s)
	Order.ToMontgomery(&w, &w)
	Order.Mul(u1, z, &w)
	Order.Mul(u2, r, &w)
}

// Verify reports whether (r, s) with recovery id 0 … 3 is the signature of
// the digest z, reduced modulo n, by the key q; r and s are in [1, n−1]. The
// point that was signed with must be exactly the one that the id names.
func Verify(q *Affine, z, r, s *modular.Element, id byte) bool {
	var x [32]byte
	if !abscissa(&x, r, id) {
		return false
	}
	var u1, u2 modular.Element
	scalars(&u1, &u2, z, r, s)
	var p jacobian
	newWorkspace().lincomb(&p, &u1, &u2, q)
	if !p.has(&x) {
		return false
	}
	var t field
	t.invertVar(&p.z)
	return p.odd(&t) == uint64(id&1)
}

// has reports whether x is the abscissa of p: x·z² = X spares an inversion
// where it is not.
func (p *jacobian) has(x *[32]byte) bool {
	if p.infinity {
		return false
	}
	want, t := &p.t[0], &p.t[1]
	want.setBytes(x)
	t.sqr(&p.z)
	t.mulSub(t, want, &p.x)
	return t.isZero()
}

// odd returns 1 if the ordinate of p is odd, else 0; inverse is 1/z.
func (p *jacobian) odd(inverse *field) uint64 {
	t, y := &p.t[0], &p.t[1]
	t.sqr(inverse)
	t.mul(t, inverse)
	y.mul(t, &p.y)
	return y.odd()
}

// Recover sets q to the key whose signature of z is (r, s) with recovery id
// 0 … 3, and reports whether there is one.
func Recover(q *Affine, z, r, s *modular.Element, id byte) bool {
	var x [32]byte
	var p Affine
	if !abscissa(&x, r, id) || !p.lift(&x, uint64(id&1)) {
		return false
	}
	// q = (s·R − z·G) / r
	var u1, u2 modular.Element
	scalars(&u1, &u2, z, s, r)
	Order.Neg(&u1, &u1)
	var sum jacobian
	newWorkspace().lincomb(&sum, &u1, &u2, &p)
	if sum.infinity {
		return false
	}
	sum.affine(q)
	return true
}

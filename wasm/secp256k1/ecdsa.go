package secp256k1

import "github.com/eventseal/eventseal/wasm/modular"

// BaseMult sets p = k·G for k in [1, n−1], in constant time.
func BaseMult(p *Affine, k *modular.Element) {
	var g, r point
	g.setAffine(&generator)
	r.multiply(k, &g)
	r.affine(p)
	r = point{}
}

// lincomb sets r = u1·G + u2·Q.
func lincomb(r *point, u1, u2 *modular.Element, q *Affine) {
	var g, t point
	g.setAffine(&generator)
	g.multiply(u1, &g)
	t.setAffine(q)
	t.multiply(u2, &t)
	r.add(&g, &t)
}

// abscissa turns the pair r, recovery id into the abscissa of the signature's
// point: r, or r + n for ids 2 and 3. It reports whether that is below p.
func abscissa(x *[32]byte, r *modular.Element, id byte) bool {
	r.Bytes(x)
	if id&2 == 0 {
		return true
	}
	var n [32]byte
	Order.N.Bytes(&n)
	carry := uint(0)
	for i := 31; i >= 0; i-- {
		carry += uint(x[i]) + uint(n[i])
		x[i] = byte(carry)
		carry >>= 8
	}
	var t modular.Element
	return carry == 0 && prime.SetBytes(&t, x)
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
	var want field
	want.setBytes(&x)
	var u1, u2 modular.Element
	scalars(&u1, &u2, z, r, s)
	var p point
	lincomb(&p, &u1, &u2, q)
	var a Affine
	if p.z.element().IsZero() == 1 {
		return false
	}
	p.affine(&a)
	return a.X == want && a.Y.odd() == uint64(id&1)
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
	var sum point
	lincomb(&sum, &u1, &u2, &p)
	if sum.z.element().IsZero() == 1 {
		return false
	}
	sum.affine(q)
	return true
}

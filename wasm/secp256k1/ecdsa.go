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
	if p.infinity {
		return false
	}
	// x·z² = X spares an inversion where the abscissa is already wrong.
	var want, t field
	want.setBytes(&x)
	t.sqr(&p.z)
	t.mulSub(&t, &want, &p.x)
	if !t.isZero() {
		return false
	}
	t.invertVar(&p.z)
	want.sqr(&t)
	t.mul(&t, &want)
	t.mul(&t, &p.y)
	return t.odd() == uint64(id&1)
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

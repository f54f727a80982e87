package secp256k1

// A projective point stands for (x/z, y/z). Its operations take the same steps
// for all points (Renes, Costello and Batina 2016, for a = 0 and b = 7), so
// that secret scalars meet no special case. Coordinates have magnitude 1.
type projective struct{ x, y, z field }

const b3 = 3 * 7

// addAffine sets p = p + q (algorithm 8). q has magnitude 2.
func (p *projective) addAffine(q *Affine) {
	var t0, t1, t2, t3, t4, u, y3, z3 field
	t0.mul(&p.x, &q.X)
	t1.mul(&p.y, &q.Y)
	t3.add(&q.X, &q.Y)
	t4.add(&p.x, &p.y)
	u.add(&t0, &t1)
	t3.mulSub(&t3, &t4, &u) // x1·y2 + x2·y1
	t4.mul(&q.Y, &p.z)
	t4.add(&t4, &p.y) // magnitude 2
	y3.mul(&q.X, &p.z)
	y3.add(&y3, &p.x)
	y3.scale(&y3, b3)
	t2.scale(&p.z, b3)
	p.finish(&t0, &t1, &t2, &t3, &t4, &y3, &z3)
}

// finish forms the sum from t0 = x1x2, t1 = y1y2, t2 = b3·z1z2, t3 = x1y2 +
// x2y1, t4 = y1z2 + y2z1 and y3 = b3·(x1z2 + x2z1). t4 has magnitude 2, the
// others 1.
func (p *projective) finish(t0, t1, t2, t3, t4, y3, z3 *field) {
	var u field
	for i := range t0 {
		t0[i] *= 3
	}
	z3.add(t1, t2)
	t1.sub(t1, t2)
	u.mul(t4, y3)
	p.x.mulSub(t3, t1, &u)
	u.mul(y3, t0)
	u.neg(&u)
	p.y.mulSub(t1, z3, &u)
	u.mul(t0, t3)
	u.neg(&u)
	p.z.mulSub(z3, t4, &u)
}

// double sets p = 2p (algorithm 9).
func (p *projective) double() {
	var t0, t1, t2, x3, y3, z3 field
	t0.sqr(&p.y)
	z3.scale(&t0, 8)
	t1.mul(&p.y, &p.z)
	t2.sqr(&p.z)
	t2.scale(&t2, b3)
	x3.mul(&t2, &z3)
	x3.neg(&x3)
	y3.add(&t0, &t2)
	p.z.mul(&t1, &z3)
	for i := range t0 {
		t0[i] -= 3 * t2[i]
	}
	t1.mul(&p.x, &p.y)
	p.y.mulSub(&t0, &y3, &x3)
	p.x.mul(&t0, &t1)
	p.x.scale(&p.x, 2)
}

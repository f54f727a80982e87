package modular

import "math/bits"

// The inverses follow Bernstein and Yang, "Fast constant-time gcd computation
// and modular inversion" (2019), in batches of 29 steps on signed limbs.

// A signed number of nine limbs: all but the top one in [0, 2²⁹).
type signed [Limbs]int64

// A transition is the 2×2 matrix of one batch, scaled by 2²⁹.
type transition struct{ u, v, q, r int64 }

// Inverse sets z = x⁻¹ mod n, or 0 for x = 0, in constant time.
func (m *Modulus) Inverse(z, x *Element) {
	var d, f, g signed
	e := signed{1}
	for i := range f {
		f[i], g[i] = int64(m.N[i]), int64(x[i])
	}
	zeta := int64(-1)
	// 590 steps suffice for 256 bits when δ starts at 1/2; 21·29 = 609.
	for i := 0; i < 21; i++ {
		var t transition
		zeta = steps(&t, zeta, uint64(f[0]), uint64(g[0]))
		m.updateDE(&d, &e, &t)
		updateFG(&f, &g, &t, Limbs)
	}
	m.finish(z, &d, f[Limbs-1])
	d, e, f, g = signed{}, signed{}, signed{}, signed{}
}

// InverseVar sets z = x⁻¹ mod n, or 0 for x = 0; its time depends on x.
func (m *Modulus) InverseVar(z, x *Element) {
	var d, f, g signed
	e := signed{1}
	for i := range f {
		f[i], g[i] = int64(m.N[i]), int64(x[i])
	}
	eta, n := int64(-1), Limbs
	for {
		var t transition
		eta = stepsVar(&t, eta, uint64(f[0])|uint64(f[1])<<Bits, uint64(g[0])|uint64(g[1])<<Bits)
		m.updateDE(&d, &e, &t)
		updateFG(&f, &g, &t, n)
		var any int64
		for _, v := range g[:n] {
			any |= v
		}
		if any == 0 {
			break
		}
		// Drop the top limb once it only repeats the sign of both.
		fn, gn := f[n-1], g[n-1]
		if n > 1 && fn^fn>>63 == 0 && gn^gn>>63 == 0 {
			n--
			f[n-1] |= fn << Bits
			g[n-1] |= gn << Bits
		}
	}
	m.finish(z, &d, f[n-1])
}

func steps(t *transition, zeta int64, f, g uint64) int64 {
	u, v, q, r := uint64(1), uint64(0), uint64(0), uint64(1)
	for i := 0; i < Bits; i++ {
		c1 := Mask(uint64(zeta) >> 63)
		c2 := Mask(g & 1)
		g += ((f ^ c1) - c1) & c2
		q += ((u ^ c1) - c1) & c2
		r += ((v ^ c1) - c1) & c2
		c1 &= c2
		zeta = int64(uint64(zeta)^c1) - 1
		f += g & c1
		u += q & c1
		v += r & c1
		g >>= 1
		u <<= 1
		v <<= 1
	}
	*t = transition{int64(u), int64(v), int64(q), int64(r)}
	return zeta
}

func stepsVar(t *transition, eta int64, f, g uint64) int64 {
	u, v, q, r := uint64(1), uint64(0), uint64(0), uint64(1)
	left := int64(Bits)
	for {
		zeros := bits.TrailingZeros64(g | ^uint64(0)<<uint(left))
		g >>= uint(zeros)
		u <<= uint(zeros)
		v <<= uint(zeros)
		eta -= int64(zeros)
		left -= int64(zeros)
		if left == 0 {
			break
		}
		var w, limit, width uint64
		if eta < 0 {
			eta = -eta
			f, g = g, -f
			u, q = q, -u
			v, r = r, -v
			w, width = f*g*(f*f-2), 6
		} else {
			w, width = -g*(f+((f+1)&4)<<1), 4
		}
		limit = uint64(min(eta+1, left))
		w &= ^uint64(0) >> (64 - min(limit, width))
		g += f * w
		q += u * w
		r += v * w
	}
	*t = transition{int64(u), int64(v), int64(q), int64(r)}
	return eta
}

// updateDE applies t to (d, e) modulo n and divides by 2²⁹; both stay in
// (−2n, n).
func (m *Modulus) updateDE(d, e *signed, t *transition) {
	u, v, q, r := t.u, t.v, t.q, t.r
	sd, se := d[Limbs-1]>>63, e[Limbs-1]>>63
	md, me := u&sd+v&se, q&sd+r&se
	cd, ce := u*d[0]+v*e[0], q*d[0]+r*e[0]
	md -= (int64(m.Inv)*cd + md) & low
	me -= (int64(m.Inv)*ce + me) & low
	cd = (cd + int64(m.N[0])*md) >> Bits
	ce = (ce + int64(m.N[0])*me) >> Bits
	for i := 1; i < Limbs; i++ {
		di, ei, n := d[i], e[i], int64(m.N[i])
		cd += u*di + v*ei + n*md
		ce += q*di + r*ei + n*me
		d[i-1], e[i-1] = cd&low, ce&low
		cd >>= Bits
		ce >>= Bits
	}
	d[Limbs-1], e[Limbs-1] = cd, ce
}

func updateFG(f, g *signed, t *transition, n int) {
	u, v, q, r := t.u, t.v, t.q, t.r
	cf, cg := (u*f[0]+v*g[0])>>Bits, (q*f[0]+r*g[0])>>Bits
	for i := 1; i < n; i++ {
		fi, gi := f[i], g[i]
		cf += u*fi + v*gi
		cg += q*fi + r*gi
		f[i-1], g[i-1] = cf&low, cg&low
		cf >>= Bits
		cg >>= Bits
	}
	f[n-1], g[n-1] = cf, cg
}

// finish brings d from (−2n, n), negated if sign < 0, into [0, n).
func (m *Modulus) finish(z *Element, d *signed, sign int64) {
	neg := int64(Mask(uint64(sign) >> 63))
	add := int64(Mask(uint64(d[Limbs-1]) >> 63))
	var carry int64
	for i := range d {
		carry += ((d[i] + int64(m.N[i])&add) ^ neg) - neg
		if i < Limbs-1 {
			d[i] = carry & low
			carry >>= Bits
		} else {
			d[i] = carry
		}
	}
	add = int64(Mask(uint64(d[Limbs-1]) >> 63))
	carry = 0
	for i := range d {
		carry += d[i] + int64(m.N[i])&add
		z[i] = uint64(carry & low)
		carry >>= Bits
	}
}

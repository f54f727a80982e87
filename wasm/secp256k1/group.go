package secp256k1

import "github.com/eventseal/eventseal/wasm/modular"

// GroupSize is how many signatures a Group takes.
const GroupSize = 64

// A Group checks signatures together: what Verify divides by, once modulo n
// and once modulo p for each, it multiplies up and divides by once for all
// (Montgomery's trick). The zero Group is empty. It serves one goroutine.
type Group struct {
	n       int
	members [GroupSize]member
}

type member struct {
	q       Affine
	z, r, s modular.Element
	x       [32]byte // abscissa that the signature names
	id      byte
	ok      bool

	before modular.Element // product of the s before, in Montgomery form
	py, pz field           // of the sum
	ratio  field           // product of the pz before
}

// Reset makes g empty.
func (g *Group) Reset() { g.n = 0 }

// Len returns how many members g has.
func (g *Group) Len() int { return g.n }

// Add takes what Verify takes. The group must not be full.
func (g *Group) Add(q *Affine, z, r, s *modular.Element, id byte) {
	m := &g.members[g.n]
	g.n++
	m.q, m.z, m.r, m.s, m.id = *q, *z, *r, *s, id
	m.ok = abscissa(&m.x, r, id)
}

// Verify decides about all members. It is called once before Reset.
func (g *Group) Verify() {
	members := g.members[:g.n]
	g.scalars()
	w := newWorkspace()
	var p jacobian
	ratio := one
	for i := range members {
		m := &members[i]
		if !m.ok {
			continue
		}
		w.lincomb(&p, &m.z, &m.r, &m.q)
		if m.ok = p.has(&m.x); m.ok {
			m.py, m.pz, m.ratio = p.y, p.z, ratio
			ratio.mul(&ratio, &p.z)
		}
	}
	ratio.invertVar(&ratio)
	var inverse field
	for i := len(members) - 1; i >= 0; i-- {
		m := &members[i]
		if !m.ok {
			continue
		}
		inverse.mul(&ratio, &m.ratio)
		ratio.mul(&ratio, &m.pz)
		p.y = m.py
		m.ok = p.odd(&inverse) == uint64(m.id&1)
	}
}

// scalars turns each z and r into u1 = z/s and u2 = r/s.
func (g *Group) scalars() {
	members := g.members[:g.n]
	product := modular.Element{1}
	Order.ToMontgomery(&product, &product)
	for i := range members {
		m := &members[i]
		Order.ToMontgomery(&m.s, &m.s)
		m.before = product
		Order.Mul(&product, &product, &m.s)
	}
	Order.FromMontgomery(&product, &product)
	Order.InverseVar(&product, &product)
	Order.ToMontgomery(&product, &product)
	for i := len(members) - 1; i >= 0; i-- {
		m := &members[i]
		Order.Mul(&m.before, &m.before, &product) // 1/s
		Order.Mul(&product, &product, &m.s)
		Order.Mul(&m.z, &m.z, &m.before)
		Order.Mul(&m.r, &m.r, &m.before)
	}
}

// OK reports what Verify said of the i-th member.
func (g *Group) OK(i int) bool { return g.members[i].ok }

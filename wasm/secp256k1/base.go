package secp256k1

import "github.com/eventseal/eventseal/wasm/modular"

// A number is multiplied with G as 64 odd digits from −15 to 15 of weight 16ⁱ.
// The comb holds the odd multiples of 256ⁱ·G, enough for the digits at even
// places; those at odd places are summed first and shifted by four doublings.
const (
	combRows  = 32
	combWidth = 8
)

type comb [combRows][combWidth]packed

// A packed point is x and y in 64-bit words, least significant first: half
// the memory to scan.
type packed [8]uint64

// fill computes the table; w is room to work in.
func (t *comb) fill(w *workspace) {
	q := generator
	w.filled = false
	for i := range t {
		var c chain
		c.add(w.table[:], w.ratios[:], &q)
		var f field
		f.invertVar(&c.z)
		level(w.table[:], w.ratios[:], f)
		for j := range t[i] {
			t[i][j].pack(&w.table[j])
		}
		p := jacobian{x: q.X, y: q.Y, z: one}
		for j := 0; j < 8; j++ {
			p.double()
		}
		p.affine(&q)
	}
}

func (w *packed) pack(p *Affine) {
	var e modular.Element
	p.X.element(&e)
	toWords((*[4]uint64)(w[:4]), &e)
	p.Y.element(&e)
	toWords((*[4]uint64)(w[4:]), &e)
}

func toWords(w *[4]uint64, e *modular.Element) {
	w[0] = e[0] | e[1]<<29 | e[2]<<58
	w[1] = e[2]>>6 | e[3]<<23 | e[4]<<52
	w[2] = e[4]>>12 | e[5]<<17 | e[6]<<46
	w[3] = e[6]>>18 | e[7]<<11 | e[8]<<40
}

// setWords makes z the number w, with magnitude 2.
func (z *field) setWords(w *[4]uint64) {
	z[0] = int64(w[0] & low)
	z[1] = int64(w[0] >> 29 & low)
	z[2] = int64((w[0]>>58 | w[1]<<6) & low)
	z[3] = int64(w[1] >> 23 & low)
	z[4] = int64((w[1]>>52 | w[2]<<12) & low)
	z[5] = int64(w[2] >> 17 & low)
	z[6] = int64((w[2]>>46 | w[3]<<18) & low)
	z[7] = int64(w[3] >> 11 & low)
	z[8] = int64(w[3] >> 40)
}

// BaseMult sets p = k·G for k in [1, n−1], in constant time.
func BaseMult(p *Affine, k *modular.Element) {
	var w Walk
	w.Start(k)
	w.At(p)
	w = Walk{}
}

// A Walk is a point that goes on by G. It takes the same steps for all points;
// whoever walks from a secret number of them zeroes it after use.
type Walk struct{ point projective }

// Next goes from k·G to (k+1)·G.
func (w *Walk) Next() { w.point.addAffine(&generator) }

// At sets p to where w is, which must not be infinity.
func (w *Walk) At(p *Affine) {
	var t field
	t.invert(&w.point.z)
	p.X.mul(&w.point.x, &t)
	p.Y.mul(&w.point.y, &t)
	t = field{}
}

// Start goes to k·G for k in [1, n−1].
func (w *Walk) Start(k *modular.Element) {
	// The digits stand for odd numbers: where k is even, n − k is odd and
	// gives the point's negative.
	var e modular.Element
	Order.Neg(&e, k)
	even := modular.Mask(k[0]&1 ^ 1)
	e.Select(even, &e, k)
	// Σ dᵢ·16ⁱ with dᵢ = 2eᵢ − 15 is 2·Σ eᵢ·16ⁱ − (2²⁵⁶ − 1): the eᵢ are the
	// nibbles of (k + 2²⁵⁶ − 1)/2.
	var words [4]uint64
	toWords(&words, &e)
	for i := 0; i < 3; i++ {
		words[i] = words[i]>>1 | words[i+1]<<63
	}
	words[3] = words[3]>>1 | 1<<63
	table := combOfG()
	r := &w.point
	var q Affine
	q.pick(&table[combRows-1], words[3]>>60)
	r.x, r.y, r.z = q.X, q.Y, one
	r.x.carry()
	r.y.carry()
	for i := combRows - 2; i >= 0; i-- {
		q.pick(&table[i], words[i/8]>>(uint(i%8)*8+4)&15)
		r.addAffine(&q)
	}
	for i := 0; i < 4; i++ {
		r.double()
	}
	for i := combRows - 1; i >= 0; i-- {
		q.pick(&table[i], words[i/8]>>(uint(i%8)*8)&15)
		r.addAffine(&q)
	}
	var t field
	t.neg(&r.y)
	r.y.selectFrom(even, &t)
	r.y.carry()
	words, e, q, t = [4]uint64{}, modular.Element{}, Affine{}, field{}
}

// pick sets p to the multiple 2e − 15 of the row's point, reading all of the
// row. Coordinates have magnitude 2.
func (p *Affine) pick(row *[combWidth]packed, e uint64) {
	minus := modular.Mask(e>>3 ^ 1)
	want := (e ^ minus) & 7 // e − 8 where that is not negative, else 7 − e
	var w packed
	for j := range row {
		mask := modular.Mask((want ^ uint64(j) - 1) >> 63)
		for i := range w {
			w[i] |= mask & row[j][i]
		}
	}
	p.X.setWords((*[4]uint64)(w[:4]))
	p.Y.setWords((*[4]uint64)(w[4:]))
	var t field
	t.neg(&p.Y)
	p.Y.selectFrom(minus, &t)
}

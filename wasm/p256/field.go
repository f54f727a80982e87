package p256

import "github.com/eventseal/eventseal/wasm/modular"

// A field element in Montgomery form, fully reduced.
type field modular.Element

func (z *field) element() *modular.Element { return (*modular.Element)(z) }

func (z *field) mul(x, y *field) { prime.Mul(z.element(), x.element(), y.element()) }
func (z *field) sqr(x *field)    { prime.Mul(z.element(), x.element(), x.element()) }
func (z *field) add(x, y *field) { prime.Add(z.element(), x.element(), y.element()) }
func (z *field) sub(x, y *field) { prime.Sub(z.element(), x.element(), y.element()) }
func (z *field) neg(x *field)    { prime.Neg(z.element(), x.element()) }

// setBytes reads 32 big-endian bytes and reports whether they are below p.
func (z *field) setBytes(in *[32]byte) bool {
	ok := prime.SetBytes(z.element(), in)
	prime.ToMontgomery(z.element(), z.element())
	return ok
}

func (z *field) bytes(out *[32]byte) {
	var t modular.Element
	prime.FromMontgomery(&t, z.element())
	t.Bytes(out)
}

func (z *field) odd() uint64 {
	var t modular.Element
	prime.FromMontgomery(&t, z.element())
	return t[0] & 1
}

// invert sets z = 1/x, or 0 for 0, in constant time.
func (z *field) invert(x *field) {
	var t modular.Element
	prime.FromMontgomery(&t, x.element())
	prime.Inverse(&t, &t)
	prime.ToMontgomery(z.element(), &t)
}

// rootExponent is (p+1)/4, most significant word first.
var rootExponent = [4]uint64{0x3fffffffc0000000, 0x4000000000000000, 0x40000000, 0x0}

// sqrt sets z to a square root of x and reports whether there is one.
func (z *field) sqrt(x *field) bool {
	// p ≡ 3 mod 4: the root, if there is one, is x^((p+1)/4).
	r := one
	for _, w := range rootExponent {
		for i := 63; i >= 0; i-- {
			r.sqr(&r)
			if w>>uint(i)&1 != 0 {
				r.mul(&r, x)
			}
		}
	}
	var t field
	t.sqr(&r)
	ok := t == *x
	*z = r
	return ok
}

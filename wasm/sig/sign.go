package sig

import (
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/modular"
	"github.com/eventseal/eventseal/wasm/p256"
	"github.com/eventseal/eventseal/wasm/secp256k1"
)

// Sign sets dst to priv's deterministic signature of d, the very bytes that
// eosjs 22 and @wharfkit/antelope 1 make. K1: a fresh generator for each
// attempt 1, 2, … until the signature is EOS-canonical. R1: one generator, no
// attempt byte. Both lower s to at most n/2. A key outside [1, n−1] is
// InvalidPrivateKey. The time depends on how many attempts are refused, which
// the signature itself reveals, and on nothing else that is secret.
func Sign(dst *Signature, priv *key.Private, d *digest.Hash) code.Code {
	*dst = Signature{}
	if priv.Curve > key.R1 {
		return code.InvalidPrivateKey
	}
	n := order(priv.Curve)
	var x, z modular.Element
	if !n.SetBytes(&x, &priv.Scalar) || x.IsZero() == 1 {
		x = modular.Element{}
		return code.InvalidPrivateKey
	}
	n.SetBytes(&z, (*[32]byte)(d))
	dst.Curve = priv.Curve
	var g generator
	if priv.Curve == key.R1 {
		g.seed(&priv.Scalar, &z, 0)
		dst.attempt(&g, &x, &z)
	} else {
		for try := byte(1); ; try++ {
			g.seed(&priv.Scalar, &z, try)
			dst.attempt(&g, &x, &z)
			if dst.canonical() {
				break
			}
		}
	}
	g = generator{}
	x = modular.Element{}
	return code.OK
}

// attempt fills dst with the signature of z by x under the first usable
// output of g.
func (dst *Signature) attempt(g *generator, x, z *modular.Element) {
	n := order(dst.Curve)
	var k, r, t modular.Element
	var xb [32]byte
	for {
		g.next(&xb)
		ok := n.SetBytes(&k, &xb)
		// k must be in [2, n−2]: neither 0, ±1 nor what SetBytes reduced.
		var m modular.Element
		one := modular.Element{1}
		n.Add(&m, &k, &one)
		n.Sub(&t, &k, &one)
		if !ok || k.IsZero()|m.IsZero()|t.IsZero() != 0 {
			continue
		}
		var odd uint64
		if dst.Curve == key.R1 {
			var p p256.Affine
			p256.BaseMult(&p, &k)
			odd = p.Coordinates(&xb)
		} else {
			var p secp256k1.Affine
			secp256k1.BaseMult(&p, &k)
			odd = p.Coordinates(&xb)
		}
		id := odd
		if !n.SetBytes(&r, &xb) {
			id |= 2
		}
		if dst.finish(&r, &k, x, z, id) {
			break
		}
	}
	xb = [32]byte{}
	k, t = modular.Element{}, modular.Element{}
}

// finish fills dst with the signature of z by x that nonce k makes, whose
// point has abscissa r and recovery id. It uses k up, and is false for the one
// in 2²⁵⁶ that has no signature.
func (dst *Signature) finish(r, k, x, z *modular.Element, id uint64) bool {
	n := order(dst.Curve)
	var s, t modular.Element
	// s = (r·x + z) / k
	n.ToMontgomery(&t, r)
	n.Mul(&s, &t, x)
	n.Add(&s, &s, z)
	n.Inverse(k, k)
	n.ToMontgomery(k, k)
	n.Mul(&s, &s, k)
	if r.IsZero()|s.IsZero() != 0 {
		return false
	}
	high := n.IsHigh(&s)
	n.Neg(&t, &s)
	s.Select(modular.Mask(high), &t, &s)
	dst.Compact[0] = header + byte(id^high)
	r.Bytes(dst.r())
	s.Bytes(dst.s())
	t = modular.Element{}
	return true
}

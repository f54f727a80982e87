package sig

import (
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/modular"
	"github.com/eventseal/eventseal/wasm/secp256k1"
)

// SignWalk sets dst to a deterministic K1 signature of d by priv, for less than
// Sign: there every second attempt is for nothing, as its r is not canonical,
// and costs another multiplication. Here that nonce is followed by the next
// number, whose point is G further, until r is canonical. A key that is not K1
// or outside [1, n−1] is InvalidPrivateKey.
//
// Of a walk nobody sees more than one signature, so that the nonces' distance
// says nothing; the points that were passed follow from the last one's, and
// how many they were is known from them but for where the walk began. Where s
// is not canonical, one in 256, the nonce is not followed but drawn anew: the
// outcome must not say anything of a neighbour of a nonce that is used. The
// generator's seed has a byte more than Sign's, so that no nonce of one is near
// any of the other. The time depends on how many steps and draws it takes, on
// nothing else that is secret.
func SignWalk(dst *Signature, priv *key.Private, d *digest.Hash) code.Code {
	*dst = Signature{}
	n := &secp256k1.Order
	var x, z, k, r modular.Element
	if priv.Curve != key.K1 || !n.SetBytes(&x, &priv.Scalar) || x.IsZero() == 1 {
		x = modular.Element{}
		return code.InvalidPrivateKey
	}
	n.SetBytes(&z, (*[32]byte)(d))
	one := modular.Element{1}
	var g generator
	var w secp256k1.Walk
	var p secp256k1.Affine
	var xb [32]byte
	for draw := byte(1); ; draw++ {
		g.seedWalk(&priv.Scalar, &z, draw)
		g.next(&xb)
		if !n.SetBytes(&k, &xb) || k.IsZero() == 1 {
			continue
		}
		w.Start(&k)
		odd := uint64(0)
		for {
			w.At(&p)
			if odd = p.Coordinates(&xb); outside(xb[0], xb[1]) == 0 {
				break
			}
			w.Next()
			n.Add(&k, &k, &one)
		}
		// An abscissa that is canonical is below n.
		n.SetBytes(&r, &xb)
		if dst.finish(&r, &k, &x, &z, odd) && dst.canonical() {
			break
		}
	}
	g, w, p, xb = generator{}, secp256k1.Walk{}, secp256k1.Affine{}, [32]byte{}
	x, k = modular.Element{}, modular.Element{}
	return code.OK
}

package reference

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"math/big"

	"github.com/eventseal/eventseal/wasm/digest"
)

var r1Order = elliptic.P256().Params().N

// onR1 reports whether k is a point of P-256.
func (k publicKey) onR1() bool {
	x, _ := elliptic.UnmarshalCompressed(elliptic.P256(), k.point)
	return x != nil
}

// verifyR1 reports whether k made s for the digest, with the recovery id that
// leads back to k. eos-go has no R1: this is the standard library's.
func verifyR1(k publicKey, s signature, hash digest.Hash) bool {
	c := elliptic.P256()
	x, y := elliptic.UnmarshalCompressed(c, k.point)
	if x == nil {
		return false
	}
	point := make([]byte, 65) // SEC 1 uncompressed: 4, x, y
	point[0] = 4
	x.FillBytes(point[1:33])
	y.FillBytes(point[33:])
	key, err := ecdsa.ParseUncompressedPublicKey(c, point)
	if err != nil || !ecdsa.Verify(key, hash[:], s.r, s.s) {
		return false
	}
	// crypto/ecdsa does not say which point the signature stands for: the id
	// holds the two bits that r alone has lost.
	w := new(big.Int).ModInverse(s.s, r1Order)
	u := new(big.Int).Mul(new(big.Int).SetBytes(hash[:]), w)
	v := new(big.Int).Mul(s.r, w)
	//lint:ignore SA1019 crypto/ecdh has no sum of points
	ux, uy := c.ScalarBaseMult(u.Mod(u, r1Order).Bytes())
	//lint:ignore SA1019 crypto/ecdh has no sum of points
	vx, vy := c.ScalarMult(x, y, v.Mod(v, r1Order).Bytes())
	//lint:ignore SA1019 crypto/ecdh has no sum of points
	rx, ry := c.Add(ux, uy, vx, vy)
	want := new(big.Int).Mul(big.NewInt(int64(s.id>>1)), r1Order)
	return rx.Cmp(want.Add(want, s.r)) == 0 && ry.Bit(0) == s.id&1
}

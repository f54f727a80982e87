package sig

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"math/big"
	"testing"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/key"
)

// walked is SignWalk in terms of math/big, HMAC and another implementation's
// points.
func walked(x *big.Int, d [32]byte) (out [65]byte, steps, draws int) {
	n := decred.Params().N
	z := new(big.Int).Mod(new(big.Int).SetBytes(d[:]), n)
	for draw := byte(1); ; draw++ {
		mac := func(key []byte, parts ...[]byte) []byte {
			h := hmac.New(sha256.New, key)
			for _, p := range parts {
				h.Write(p)
			}
			return h.Sum(nil)
		}
		material := append(append(x.FillBytes(make([]byte, 32)), z.FillBytes(make([]byte, 32))...), draw, 1)
		k, v := make([]byte, 32), make([]byte, 32)
		for i := range v {
			v[i] = 1
		}
		for tag := range byte(2) {
			k = mac(k, v, []byte{tag}, material)
			v = mac(k, v)
		}
		draws++
		nonce := new(big.Int).SetBytes(mac(k, v))
		for ; ; nonce.Add(nonce, big.NewInt(1)) {
			rx, ry := timesBase(nonce)
			if top := new(big.Int).Rsh(rx, 240).Int64(); top < 0x80 || top > 0x7fff {
				steps++
				continue
			}
			s := new(big.Int).Mul(rx, x)
			s.Add(s, z).Mul(s, new(big.Int).ModInverse(nonce, n)).Mod(s, n)
			id := byte(ry.Bit(0))
			if s.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
				s.Sub(n, s)
				id ^= 1
			}
			out[0] = 31 + id
			rx.FillBytes(out[1:33])
			s.FillBytes(out[33:])
			if new(big.Int).Rsh(s, 240).Int64() >= 0x80 {
				return out, steps, draws
			}
			break
		}
	}
}

// timesBase returns the coordinates of k·G, k below 2^256.
func timesBase(k *big.Int) (x, y *big.Int) {
	var scalar decred.ModNScalar
	scalar.SetByteSlice(k.Bytes())
	var p decred.JacobianPoint
	decred.ScalarBaseMultNonConst(&scalar, &p)
	p.ToAffine()
	bx, by := p.X.Bytes(), p.Y.Bytes()
	return new(big.Int).SetBytes(bx[:]), new(big.Int).SetBytes(by[:])
}

func TestSignWalk(t *testing.T) {
	steps, draws := 0, 0
	const count = 600
	for i := range count {
		priv := key.Private{Scalar: sha256.Sum256(fmt.Append(nil, "key ", i/3))}
		d := digest.SHA256(fmt.Append(nil, "digest ", i))
		var s Signature
		if c := SignWalk(&s, &priv, &d); c != code.OK {
			t.Fatal(c)
		}
		want, n, m := walked(new(big.Int).SetBytes(priv.Scalar[:]), d)
		if s.Compact != want {
			t.Fatalf("%d: %x, want %x", i, s.Compact, want)
		}
		steps, draws = steps+n, draws+m
		public := priv.Public()
		if c := Verify(&public, &d, &s); c != code.OK {
			t.Fatal(c)
		}
		var other Signature
		if Sign(&other, &priv, &d); other == s {
			t.Errorf("%d: the nonce is that of Sign", i)
		}
	}
	if steps < count/2 || draws == count {
		t.Errorf("%d steps and %d draws in %d signatures", steps, draws, count)
	}
	for _, priv := range []key.Private{{}, {Curve: key.R1, Scalar: [32]byte{31: 1}}, {Scalar: [32]byte(decred.Params().N.Bytes())}} {
		if c := SignWalk(new(Signature), &priv, new(digest.Hash)); c != code.InvalidPrivateKey {
			t.Errorf("%v: %v", priv, c)
		}
	}
}

package p256

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/eventseal/eventseal/wasm/modular"
)

var n = elliptic.P256().Params().N

func scalar(x *big.Int) *modular.Element {
	var e modular.Element
	var b [32]byte
	Order.SetBytes(&e, (*[32]byte)(new(big.Int).Mod(x, n).FillBytes(b[:])))
	return &e
}

func random(r *rand.Rand) *big.Int {
	var b [32]byte
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	x := new(big.Int).SetBytes(b[:])
	switch r.IntN(6) {
	case 0:
		x.SetInt64(int64(r.IntN(5)))
	case 1:
		x.Sub(n, big.NewInt(int64(r.IntN(5)+1)))
	case 2:
		x.Lsh(big.NewInt(1), uint(r.IntN(256)))
	}
	return x.Mod(x, n)
}

// uncompressed returns k·G as the standard library computes it.
func uncompressed(t testing.TB, k *big.Int) []byte {
	var b [32]byte
	priv, err := ecdh.P256().NewPrivateKey(k.FillBytes(b[:]))
	if err != nil {
		t.Fatal(err)
	}
	return priv.PublicKey().Bytes()
}

func affine(t testing.TB, k *big.Int) *Affine {
	u := uncompressed(t, k)
	var c [33]byte
	c[0] = 2 + u[64]&1
	copy(c[1:], u[1:33])
	var q Affine
	if !q.Decompress(&c) {
		t.Fatal("the point is not on the curve")
	}
	return &q
}

func TestBaseMult(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		k := random(r)
		if k.Sign() == 0 {
			continue
		}
		var q Affine
		BaseMult(&q, scalar(k))
		var b [33]byte
		q.Compress(&b)
		u := uncompressed(t, k)
		if b[0] != 2+u[64]&1 || string(b[1:]) != string(u[1:33]) {
			t.Fatalf("%x·G", k)
		}
	}
}

func TestVerifyAndRecover(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		x, k, z := random(r), random(r), random(r)
		if x.Sign() == 0 || k.Sign() == 0 {
			continue
		}
		point := uncompressed(t, k)
		rx := new(big.Int).SetBytes(point[1:33])
		id := point[64] & 1
		if rx.Cmp(n) >= 0 {
			id |= 2
		}
		rr := new(big.Int).Mod(rx, n)
		s := new(big.Int).Mul(rr, x)
		s.Add(s, z).Mul(s, new(big.Int).ModInverse(k, n)).Mod(s, n)
		if s.Sign() == 0 {
			continue
		}
		q := affine(t, x)
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), uncompressed(t, x))
		if err != nil {
			t.Fatal(err)
		}
		var digest [32]byte
		if !ecdsa.Verify(public, z.FillBytes(digest[:]), rr, s) {
			t.Fatal("the standard library does not verify what was made for it")
		}
		for i := byte(0); i < 4; i++ {
			if got := Verify(q, scalar(z), scalar(rr), scalar(s), i); got != (i == id) {
				t.Fatalf("id %d of key %x, nonce %x, digest %x: %v", i, x, k, z, got)
			}
			var back Affine
			if ok := Recover(&back, scalar(z), scalar(rr), scalar(s), i); i == id && (!ok || back != *q) {
				t.Fatalf("key %x, nonce %x, digest %x: not recovered", x, k, z)
			}
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	x, k, z := big.NewInt(7654321), new(big.Int).Sub(n, big.NewInt(1234567)), new(big.Int).Rsh(n, 3)
	point := uncompressed(b, k)
	rr := new(big.Int).SetBytes(point[1:33])
	s := new(big.Int).Mul(rr, x)
	s.Add(s, z).Mul(s, new(big.Int).ModInverse(k, n)).Mod(s, n)
	q, ez, er, es := affine(b, x), scalar(z), scalar(rr), scalar(s)
	for b.Loop() {
		if !Verify(q, ez, er, es, point[64]&1) {
			b.Fatal("not verified")
		}
	}
}

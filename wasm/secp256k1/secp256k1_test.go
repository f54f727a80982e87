package secp256k1

import (
	"math/big"
	"math/rand/v2"
	"testing"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/eventseal/eventseal/wasm/modular"
)

var (
	p, _ = new(big.Int).SetString("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f", 16)
	n    = decred.Params().N
	l, _ = new(big.Int).SetString("5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72", 16) // λ, a cube root of 1 mod n
)

// random returns numbers below max, many of them close to something special.
func random(r *rand.Rand, max *big.Int) *big.Int {
	var b [32]byte
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	x := new(big.Int).SetBytes(b[:])
	switch r.IntN(8) {
	case 0:
		x.SetInt64(int64(r.IntN(5)))
	case 1:
		x.Sub(max, big.NewInt(int64(r.IntN(5)+1)))
	case 2:
		x.Lsh(big.NewInt(1), uint(r.IntN(256)))
	case 3:
		x.Lsh(big.NewInt(1), uint(r.IntN(256)))
		x.Sub(max, x)
	case 4:
		x.SetBytes(b[:r.IntN(17)])
	}
	return x.Mod(x, max)
}

func scalar(x *big.Int) *modular.Element {
	var e modular.Element
	var b [32]byte
	Order.SetBytes(&e, (*[32]byte)(new(big.Int).Mod(x, n).FillBytes(b[:])))
	return &e
}

func element(x *big.Int) (z field) {
	var b [32]byte
	z.setBytes((*[32]byte)(x.FillBytes(b[:])))
	return z
}

func number(z *field) *big.Int {
	var b [32]byte
	z.bytes(&b)
	return new(big.Int).SetBytes(b[:])
}

// The field against math/big, with magnitudes as high as they may be.
func TestField(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	mod := func(x *big.Int) *big.Int { return x.Mod(x, p) }
	for i := range 20000 {
		a, b, c := random(r, p), random(r, p), random(r, p)
		x, y, w := element(a), element(b), element(c)
		if r.IntN(2) == 0 {
			x.sub(&w, &x)
			a = mod(new(big.Int).Sub(c, a))
		}
		for range r.IntN(3) { // up to magnitude 5
			x.add(&x, &w)
			a = mod(new(big.Int).Add(a, c))
		}
		if r.IntN(2) == 0 {
			y.neg(&y)
			b = mod(new(big.Int).Neg(b))
		}
		if r.IntN(2) == 0 {
			y.sub(&y, &w)
			b = mod(new(big.Int).Sub(b, c))
		}
		var z field
		check := func(what string, want *big.Int) {
			if got := number(&z); got.Cmp(mod(want)) != 0 {
				t.Fatalf("%d: %s of %x, %x, %x is %x, want %x", i, what, a, b, c, got, want)
			}
		}
		z.mul(&x, &y)
		check("mul", new(big.Int).Mul(a, b))
		z.mulSub(&x, &y, &w)
		check("mulSub", new(big.Int).Sub(new(big.Int).Mul(a, b), c))
		z = y
		z.sqr(&y)
		check("sqr", new(big.Int).Mul(b, b))
		z.sqrSub(&y, &w)
		check("sqrSub", new(big.Int).Sub(new(big.Int).Mul(b, b), c))
		z = x
		z.carry()
		check("carry", new(big.Int).Set(a))
		z.scale(&y, 8)
		check("scale", new(big.Int).Mul(b, big.NewInt(8)))
		z.oneAndHalf(&x)
		z.add(&z, &z)
		check("oneAndHalf", new(big.Int).Mul(a, big.NewInt(3)))
		e := random(r, p)
		v := element(e)
		z.mulDiffSub(&x, &w, &v, &y)
		check("mulDiffSub", new(big.Int).Sub(new(big.Int).Mul(a, new(big.Int).Sub(c, e)), b))
		z.sqrSubTwice(&y, &w)
		check("sqrSubTwice", new(big.Int).Sub(new(big.Int).Mul(b, b), new(big.Int).Lsh(c, 1)))
		z.sqrSubSum(&y, &v, &w)
		check("sqrSubSum", new(big.Int).Sub(new(big.Int).Sub(new(big.Int).Mul(b, b), e), new(big.Int).Lsh(c, 1)))
		// Zero is told of what a product gives, however the terms are spelt.
		one := element(big.NewInt(1))
		if z.mul(&x, &one); z.isZero() != (a.Sign() == 0) {
			t.Fatalf("isZero of %x", a)
		}
		product := element(mod(new(big.Int).Mul(a, b)))
		if r.IntN(2) == 0 { // p more, or less
			multiple := field{-977, -8, 0, 0, 0, 0, 0, 0, 1 << 24}
			if r.IntN(2) == 0 {
				multiple.neg(&multiple)
			}
			product.add(&product, &multiple)
		}
		if z.mulSub(&x, &y, &product); !z.isZero() {
			t.Fatalf("%x·%x less itself is not zero", a, b)
		}
		product = element(mod(new(big.Int).Mul(b, b)))
		if z.sqrSub(&y, &product); !z.isZero() {
			t.Fatalf("the square of %x less itself is not zero", b)
		}
		if i%20 == 0 {
			z.invert(&y)
			if b.Sign() == 0 {
				check("invert", new(big.Int))
			} else {
				check("invert", new(big.Int).ModInverse(b, p))
				z.invertVar(&y)
				check("invertVar", new(big.Int).ModInverse(b, p))
			}
			root := new(big.Int).ModSqrt(b, p)
			if ok := z.sqrt(&y); ok != (root != nil) {
				t.Fatalf("sqrt of %x: %v", b, ok)
			} else if ok {
				z.sqr(&z)
				check("sqrt", new(big.Int).Set(b))
			}
		}
	}
}

func affine(k *big.Int) *Affine {
	var q Affine
	var s decred.ModNScalar
	s.SetByteSlice(new(big.Int).Mod(k, n).Bytes())
	q.Decompress((*[33]byte)(decred.NewPrivateKey(&s).PubKey().SerializeCompressed()))
	return &q
}

func compressed(q *Affine) (b [33]byte) {
	q.Compress(&b)
	return b
}

func TestBaseMult(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 2000 {
		k := random(r, n)
		if k.Sign() == 0 {
			continue
		}
		var q Affine
		BaseMult(&q, scalar(k))
		if compressed(&q) != compressed(affine(k)) {
			t.Fatalf("%x·G", k)
		}
	}
}

// Sums of multiples of points that are related: equal, opposite, ±G, ±λG,
// infinity on the way and at the end.
func TestLincomb(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	keys := []*big.Int{big.NewInt(1), big.NewInt(2), new(big.Int).Sub(n, big.NewInt(1)), l, new(big.Int).Sub(n, l), new(big.Int).Mod(new(big.Int).Mul(l, l), n)}
	for i := range 3000 {
		x := random(r, n)
		if i%2 == 0 {
			x = keys[r.IntN(len(keys))]
		}
		u1, u2 := random(r, n), random(r, n)
		if x.Sign() == 0 {
			continue
		}
		if i%5 == 0 { // the sum is infinity
			u1.Mul(u2, x)
			u1.Neg(u1).Mod(u1, n)
		}
		sum := new(big.Int).Mul(u2, x)
		sum.Add(sum, u1).Mod(sum, n)
		var j jacobian
		newWorkspace().lincomb(&j, scalar(u1), scalar(u2), affine(x))
		if (sum.Sign() == 0) != j.infinity {
			t.Fatalf("%x·G + %x·%x·G is infinity: %v", u1, u2, x, j.infinity)
		}
		if sum.Sign() != 0 {
			var q Affine
			j.affine(&q)
			if compressed(&q) != compressed(affine(sum)) {
				t.Fatalf("%x·G + %x·%x·G", u1, u2, x)
			}
		}
	}
}

// Signatures by every nonce, edges included, with every recovery id, against
// the definition: R = (z·G + r·Q)/s must be the point that r and id name.
func TestVerifyAndRecover(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	good, bad := 0, 0
	for range 1500 {
		x, k, z := random(r, n), random(r, n), random(r, n)
		if x.Sign() == 0 || k.Sign() == 0 {
			continue
		}
		point := compressed(affine(k))
		rx := new(big.Int).SetBytes(point[1:])
		id := point[0] & 1
		if rx.Cmp(n) >= 0 {
			id |= 2
		}
		rr := new(big.Int).Mod(rx, n)
		s := new(big.Int).Mul(rr, x)
		s.Add(s, z).Mul(s, new(big.Int).ModInverse(k, n)).Mod(s, n)
		if s.Sign() == 0 || rr.Sign() == 0 {
			continue
		}
		q := affine(x)
		for i := byte(0); i < 4; i++ {
			want := i == id
			if got := Verify(q, scalar(z), scalar(rr), scalar(s), i); got != want {
				t.Fatalf("id %d of key %x, nonce %x, digest %x: %v", i, x, k, z, got)
			}
			if want {
				good++
			} else {
				bad++
			}
			var back Affine
			ok := Recover(&back, scalar(z), scalar(rr), scalar(s), i)
			if want && (!ok || compressed(&back) != compressed(q)) {
				t.Fatalf("key %x, nonce %x, digest %x: not recovered", x, k, z)
			}
			if ok && !want {
				if compressed(&back) == compressed(q) {
					t.Fatalf("key %x recovered by a wrong id", x)
				}
				if !Verify(&back, scalar(z), scalar(rr), scalar(s), i) {
					t.Fatalf("what was recovered does not verify")
				}
			}
		}
		if Verify(q, scalar(new(big.Int).Add(z, big.NewInt(1))), scalar(rr), scalar(s), id) {
			t.Fatal("another digest")
		}
	}
	if good < 1000 || bad < 3000 {
		t.Fatalf("%d good, %d bad", good, bad)
	}
}

func BenchmarkVerify(b *testing.B) {
	x, k, z := big.NewInt(7654321), new(big.Int).Sub(n, big.NewInt(1234567)), new(big.Int).Rsh(n, 3)
	point := compressed(affine(k))
	rr := new(big.Int).SetBytes(point[1:])
	s := new(big.Int).Mul(rr, x)
	s.Add(s, z).Mul(s, new(big.Int).ModInverse(k, n)).Mod(s, n)
	q, ez, er, es := affine(x), scalar(z), scalar(rr), scalar(s)
	for b.Loop() {
		if !Verify(q, ez, er, es, point[0]&1) {
			b.Fatal("not verified")
		}
	}
}

func BenchmarkBaseMult(b *testing.B) {
	k := scalar(new(big.Int).Rsh(n, 3))
	var q Affine
	for b.Loop() {
		BaseMult(&q, k)
	}
}

// A group says of each signature what Verify says, whatever its neighbours
// are: valid, wrong in any way, by the same key or another.
func TestGroup(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var g Group
	good, bad := 0, 0
	q := affine(big.NewInt(3))
	x := big.NewInt(3)
	for range 60 {
		g.Reset()
		var want []bool
		for range r.IntN(GroupSize + 1) {
			if r.IntN(3) == 0 {
				for x = random(r, n); x.Sign() == 0; x = random(r, n) {
				}
				q = affine(x)
			}
			k, z := random(r, n), random(r, n)
			if k.Sign() == 0 {
				continue
			}
			point := compressed(affine(k))
			rr := new(big.Int).SetBytes(point[1:])
			rr.Mod(rr, n)
			s := new(big.Int).Mul(rr, x)
			s.Add(s, z).Mul(s, new(big.Int).ModInverse(k, n)).Mod(s, n)
			id := point[0] & 1
			switch r.IntN(6) {
			case 0:
				id ^= byte(r.IntN(4))
			case 1:
				z = random(r, n)
			case 2:
				s = random(r, n)
			case 3: // the sum is infinity
				s = random(r, n)
				z = new(big.Int).Mul(rr, x)
				z.Neg(z).Mod(z, n)
			}
			if s.Sign() == 0 || rr.Sign() == 0 {
				continue
			}
			ok := Verify(q, scalar(z), scalar(rr), scalar(s), id)
			g.Add(q, scalar(z), scalar(rr), scalar(s), id)
			if want = append(want, ok); ok {
				good++
			} else {
				bad++
			}
		}
		g.Verify()
		if g.Len() != len(want) {
			t.Fatalf("%d members of %d", g.Len(), len(want))
		}
		for i, w := range want {
			if g.OK(i) != w {
				t.Fatalf("member %d of %d: %v, want %v", i, len(want), g.OK(i), w)
			}
		}
	}
	if good < 300 || bad < 300 {
		t.Fatalf("%d good, %d bad", good, bad)
	}
}

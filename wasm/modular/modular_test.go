package modular

import (
	"crypto/rand"
	"math/big"
	"testing"
)

var moduli = map[string]string{
	"secp256k1 order": "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
	"P-256 order":     "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
	"P-256 field":     "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
	"secp256k1 field": "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
}

func fromBig(t testing.TB, v *big.Int) (z Element) {
	t.Helper()
	if v.Sign() < 0 || v.BitLen() > Limbs*Bits {
		t.Fatalf("%x does not fit", v)
	}
	for i := range z {
		z[i] = new(big.Int).Rsh(v, uint(i*Bits)).Uint64() & low
	}
	return z
}

func toBig(z *Element) *big.Int {
	v := new(big.Int)
	for i := Limbs - 1; i >= 0; i-- {
		v.Lsh(v, Bits).Add(v, new(big.Int).SetUint64(z[i]))
	}
	return v
}

func modulus(t testing.TB, n *big.Int) *Modulus {
	two := big.NewInt(2)
	return &Modulus{
		N:   fromBig(t, n),
		Inv: new(big.Int).ModInverse(n, big.NewInt(1<<Bits)).Uint64(),
		RR:  fromBig(t, new(big.Int).Exp(two, big.NewInt(2*Limbs*Bits), n)),
	}
}

// samples are the edges of the range and of the limbs, and random numbers.
func samples(n *big.Int) []*big.Int {
	var s []*big.Int
	one := big.NewInt(1)
	for i := int64(0); i < 5; i++ {
		s = append(s, big.NewInt(i), new(big.Int).Sub(n, big.NewInt(i+1)))
	}
	half := new(big.Int).Rsh(n, 1)
	s = append(s, half, new(big.Int).Add(half, one))
	for i := uint(1); i < Limbs; i++ {
		p := new(big.Int).Lsh(one, i*Bits)
		s = append(s, p, new(big.Int).Sub(p, one), new(big.Int).Sub(n, p))
	}
	for i := 0; i < 60; i++ {
		r, _ := rand.Int(rand.Reader, n)
		s = append(s, r)
	}
	return s
}

func TestAgainstBig(t *testing.T) {
	for name, hex := range moduli {
		n, _ := new(big.Int).SetString(hex, 16)
		m := modulus(t, n)
		rinv := new(big.Int).ModInverse(new(big.Int).Lsh(big.NewInt(1), Limbs*Bits), n)
		check := func(op string, got *Element, want *big.Int, in ...*big.Int) {
			t.Helper()
			if toBig(got).Cmp(want) != 0 {
				t.Fatalf("%s: %s of %x = %x, want %x", name, op, in, toBig(got), want)
			}
		}
		for _, a := range samples(n) {
			x := fromBig(t, a)
			var z, y Element
			var b [32]byte
			x.Bytes(&b)
			if new(big.Int).SetBytes(b[:]).Cmp(a) != 0 {
				t.Fatalf("%s: Bytes of %x = %x", name, a, b)
			}
			if !m.SetBytes(&z, &b) || z != x {
				t.Fatalf("%s: SetBytes of %x", name, b)
			}
			m.Neg(&z, &x)
			check("Neg", &z, new(big.Int).Mod(new(big.Int).Neg(a), n), a)
			want := new(big.Int).ModInverse(a, n)
			if want == nil {
				want = new(big.Int)
			}
			m.Inverse(&z, &x)
			check("Inverse", &z, want, a)
			m.InverseVar(&z, &x)
			check("InverseVar", &z, want, a)
			m.ToMontgomery(&z, &x)
			m.FromMontgomery(&y, &z)
			check("FromMontgomery", &y, a, a)
			if got, want := m.IsHigh(&x) == 1, new(big.Int).Lsh(a, 1).Cmp(n) > 0; got != want {
				t.Fatalf("%s: IsHigh of %x = %v", name, a, got)
			}
			if got, want := x.IsZero() == 1, a.Sign() == 0; got != want {
				t.Fatalf("%s: IsZero of %x = %v", name, a, got)
			}
			for _, c := range samples(n) {
				y := fromBig(t, c)
				m.Add(&z, &x, &y)
				check("Add", &z, new(big.Int).Mod(new(big.Int).Add(a, c), n), a, c)
				m.Sub(&z, &x, &y)
				check("Sub", &z, new(big.Int).Mod(new(big.Int).Sub(a, c), n), a, c)
				m.Mul(&z, &x, &y)
				w := new(big.Int).Mul(a, c)
				check("Mul", &z, w.Mod(w.Mul(w, rinv), n), a, c)
			}
		}
		// What is not below n is refused and reduced.
		for _, d := range []int64{0, 1, 977} {
			var b [32]byte
			var z Element
			new(big.Int).Add(n, big.NewInt(d)).FillBytes(b[:])
			if m.SetBytes(&z, &b) || toBig(&z).Int64() != d {
				t.Fatalf("%s: SetBytes of n+%d = %x", name, d, toBig(&z))
			}
		}
	}
}

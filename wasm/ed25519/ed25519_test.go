package ed25519

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"fmt"
	"math/big"
	"slices"
	"testing"
)

// key is a key pair, another one for each n.
func key(n int) ed25519.PrivateKey {
	seed := sha512.Sum512_256(fmt.Append(nil, "key ", n))
	return ed25519.NewKeyFromSeed(seed[:])
}

// agree fails unless this package and the standard library say the same.
func agree(t testing.TB, public, signature, message []byte) (valid bool) {
	t.Helper()
	want := ed25519.Verify(public, message, signature)
	if got := Verify((*[32]byte)(public), (*[64]byte)(signature), message); got != want {
		t.Fatalf("key %x, signature %x, message %x: %v, the standard library says %v", public, signature, message, got, want)
	}
	return want
}

func TestVerify(t *testing.T) {
	for n := range 300 {
		message := bytes.Repeat([]byte{byte(n)}, n)
		private := key(n)
		public := []byte(private.Public().(ed25519.PublicKey))
		signature := ed25519.Sign(private, message)
		if !agree(t, public, signature, message) {
			t.Fatal("a signature is not taken")
		}
		for _, b := range [][]byte{public, signature, message} {
			if len(b) > 0 {
				b[n%len(b)] ^= 1 << (n % 8)
				if agree(t, public, signature, message) {
					t.Fatalf("%d: a flipped bit is not seen", n)
				}
				b[n%len(b)] ^= 1 << (n % 8)
			}
		}
	}
}

// order is ℓ, and primeField p.
var (
	ell, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	p25519 = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
)

func littleEndian(x *big.Int) []byte {
	b := x.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

// Each signature has one s: that plus a multiple of ℓ is refused.
func TestMalleatedScalars(t *testing.T) {
	private, message := key(1), []byte("message")
	public := private.Public().(ed25519.PublicKey)
	signature := ed25519.Sign(private, message)
	le := slices.Clone(signature[32:])
	slices.Reverse(le)
	s := new(big.Int).SetBytes(le)
	for n := range int64(15) {
		more := new(big.Int).Add(s, new(big.Int).Mul(ell, big.NewInt(n)))
		if more.BitLen() > 256 {
			break
		}
		if got := agree(t, public, append(slices.Clone(signature[:32]), littleEndian(more)...), message); got != (n == 0) {
			t.Errorf("s + %dℓ: %v", n, got)
		}
	}
	for _, x := range []*big.Int{new(big.Int), ell, new(big.Int).Sub(ell, big.NewInt(1)), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))} {
		agree(t, public, append(slices.Clone(signature[:32]), littleEndian(x)...), message)
	}
}

// oddities are encodings about which implementations of Ed25519 disagree: all
// points of small order, in every spelling; numbers that are p or more; a
// negative zero; what is no point.
func oddities() (out [][]byte) {
	add := func(x *big.Int) {
		for _, sign := range []byte{0, 0x80} {
			b := littleEndian(x)
			b[31] |= sign
			out = append(out, b)
		}
	}
	for n := range int64(25) { // y = −n … n, and p … 2²⁵⁵ − 1
		add(big.NewInt(n))
		if y := new(big.Int).Add(p25519, big.NewInt(n)); y.BitLen() < 256 {
			add(y)
		}
		add(new(big.Int).Sub(p25519, big.NewInt(n+1)))
	}
	for _, eighth := range []string{"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"} {
		var b []byte
		fmt.Sscanf(eighth, "%x", &b)
		negative := slices.Clone(b)
		negative[31] ^= 0x80
		out = append(out, b, negative)
	}
	return out
}

func TestOddPoints(t *testing.T) {
	all := oddities()
	small := append(slices.Clone(all[:8]), all[len(all)-4:]...) // of small order, most of them
	none := make([]byte, 32)
	taken := 0
	try := func(public, r []byte, n int) {
		if agree(t, public, append(slices.Clone(r), none...), []byte{byte(n)}) {
			taken++
		}
	}
	for _, public := range all {
		for _, r := range small {
			try(public, r, 0)
		}
	}
	for _, public := range small {
		for _, r := range small {
			for n := range 8 {
				try(public, r, n)
			}
		}
	}
	if taken < 50 {
		t.Errorf("only %d signatures were valid", taken)
	}
}

func FuzzVerify(f *testing.F) {
	private := key(1)
	f.Add([]byte(private.Public().(ed25519.PublicKey)), ed25519.Sign(private, []byte("message")), []byte("message"))
	for _, b := range oddities()[:20] {
		f.Add(b, append(slices.Clone(b), make([]byte, 32)...), []byte(nil))
	}
	f.Fuzz(func(t *testing.T, public, signature, message []byte) {
		if len(public) == 32 && len(signature) == 64 {
			agree(t, public, signature, message)
		}
		// Whatever the fuzzer makes can sign, too.
		seed := sha512.Sum512_256(public)
		private := ed25519.NewKeyFromSeed(seed[:])
		if !agree(t, private.Public().(ed25519.PublicKey), ed25519.Sign(private, message), message) {
			t.Error("a signature is not taken")
		}
	})
}

func TestVerifyAllocatesLittle(t *testing.T) {
	private := key(1)
	public, signature := [32]byte(private.Public().(ed25519.PublicKey)), [64]byte(ed25519.Sign(private, nil))
	if n := testing.AllocsPerRun(20, func() { Verify(&public, &signature, nil) }); n > 1 { // the workspace, which the module has one of
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkVerify(b *testing.B) {
	private := key(1)
	public, signature := [32]byte(private.Public().(ed25519.PublicKey)), [64]byte(ed25519.Sign(private, nil))
	for b.Loop() {
		Verify(&public, &signature, nil)
	}
}

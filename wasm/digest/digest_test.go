package digest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func random(r *rand.Rand, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

func TestSHA256AgreesWithStandardLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 0; n < 400; n++ {
		p := random(r, n)
		want := Hash(sha256.Sum256(p))
		if got := SHA256(p); got != want {
			t.Fatalf("%d bytes: got %s, want %s", n, got, want)
		}
		var s State
		s.Reset()
		for rest := p; len(rest) > 0; {
			k := r.IntN(len(rest)) + 1
			s.Write(rest[:k])
			rest = rest[k:]
		}
		var got Hash
		if s.Sum(&got); got != want {
			t.Fatalf("%d bytes in parts: got %s, want %s", n, got, want)
		}
	}
	// FIPS 180-4 example.
	if got := SHA256([]byte("abc")).String(); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Fatalf("abc: %s", got)
	}
}

func TestHMACAgreesWithStandardLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := 0; n < 200; n++ {
		key, p := random(r, n), random(r, r.IntN(300))
		h := hmac.New(sha256.New, key)
		h.Write(p)
		var m MAC
		var got Hash
		m.Reset(key)
		m.Write(p[:len(p)/2])
		m.Write(p[len(p)/2:])
		m.Sum(&got)
		if !bytes.Equal(got[:], h.Sum(nil)) {
			t.Fatalf("key of %d, message of %d bytes: got %s, want %x", len(key), len(p), got, h.Sum(nil))
		}
		if m.Wipe(); m != (MAC{}) {
			t.Fatal("Wipe leaves something")
		}
	}
}

// The vectors of the RIPEMD-160 paper, and lengths around the padding's edge.
func TestRIPEMD160(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "9c1185a5c5e9fc54612808977ee8f548b2258d31",
		"a":                          "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe",
		"abc":                        "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
		"message digest":             "5d0689ef49d2fae572b881b123a85ffa21595f36",
		"abcdefghijklmnopqrstuvwxyz": "f71c27109c692c1b56bbdceb5b9d2865b3708dbc",
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq":       "12a053384a9c0c88e405a06c27dcf49ada62eb2b",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789": "b0e20b6e3116640286ed3a87a5713079b21f5189",
		strings.Repeat("1234567890", 8):                                  "9b752e45573d4b39f4dbd3323cab82bf63326bfb",
		strings.Repeat("a", 1_000_000):                                   "52783243c1697bdbe16d37f97f68f08325dc1528",
	} {
		got := RIPEMD160([]byte(in))
		if hex.EncodeToString(got[:]) != want {
			t.Errorf("%.20q: got %x, want %s", in, got, want)
		}
	}
}

func slowBase58(p []byte) string {
	n, radix, digit := new(big.Int).SetBytes(p), big.NewInt(58), new(big.Int)
	var out []byte
	for n.Sign() > 0 {
		n.DivMod(n, radix, digit)
		out = append([]byte{base58Alphabet[digit.Int64()]}, out...)
	}
	for _, b := range p {
		if b != 0 {
			break
		}
		out = append([]byte{'1'}, out...)
	}
	return string(out)
}

func TestBase58AgreesWithBigIntegers(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for n := 0; n <= MaxBase58; n++ {
		for k := 0; k < 20; k++ {
			p := random(r, n)
			if k < 8 {
				clear(p[:min(k, n)])
			}
			if k == 19 {
				for i := range p {
					p[i] = 0xff
				}
			}
			text := AppendBase58([]byte("x"), p)
			if want := "x" + slowBase58(p); string(text) != want {
				t.Fatalf("%x: got %s, want %s", p, text, want)
			}
			var back [MaxBase58]byte
			m, ok := DecodeBase58(back[:], text[1:])
			if !ok || !bytes.Equal(back[:m], p) {
				t.Fatalf("%s: got %x %v, want %x", text, back[:m], ok, p)
			}
			if n > 0 {
				if _, ok := DecodeBase58(back[:n-1], text[1:]); ok {
					t.Fatalf("%s: decoded into too short a buffer", text)
				}
			}
		}
	}
}

// What is for secrets does what the other functions do.
func TestSecretsAgreeWithBase58(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var dst [256]byte
	hold := func(text []byte) {
		t.Helper()
		n, ok := DecodeBase58(dst[:], text)
		for size := 0; size <= MaxSecret; size++ {
			var got [MaxSecret]byte
			if took := DecodeSecret(got[:size], text); took != (ok && n == size) || took && !bytes.Equal(got[:size], dst[:n]) {
				t.Fatalf("%q for %d bytes: %x, %v, want %x, %v", text, size, got[:size], took, dst[:n], ok)
			}
		}
	}
	for n := 0; n <= MaxSecret; n++ {
		for k := range 20 {
			p := random(r, n)
			if k < 8 {
				clear(p[:min(k, n)])
			}
			if k == 18 {
				clear(p)
			}
			if k == 19 {
				for i := range p {
					p[i] = 0xff
				}
			}
			text := AppendBase58([]byte("x"), p)
			if got := AppendSecret([]byte("x"), p); !bytes.Equal(got, text) {
				t.Fatalf("%x: got %s, want %s", p, got, text)
			}
			hold(text[1:])
			if n > 0 {
				text[1+r.IntN(len(text)-1)] = byte(r.Uint32())
				hold(text[1:])
			}
		}
	}
	for c := range 256 {
		hold([]byte{byte(c)})
		hold([]byte{'1', byte(c), 'z'})
	}
	for n := range 100 {
		hold(bytes.Repeat([]byte("1"), n))
		hold(bytes.Repeat([]byte("z"), n))
		hold(append(bytes.Repeat([]byte("1"), n), 'z'))
	}
	if got := AppendSecret(nil, make([]byte, MaxSecret+1)); len(got) != 0 || DecodeSecret(make([]byte, MaxSecret+1), nil) {
		t.Errorf("too long: %q", got)
	}
}

func TestBase58Refuses(t *testing.T) {
	var dst [256]byte
	for _, s := range []string{"0", "O", "I", "l", "a b", "a\x00", "\xff", "/", ":", "{", strings.Repeat("1", 129), strings.Repeat("z", 180), strings.Repeat("z", 100_000)} {
		if _, ok := DecodeBase58(dst[:], []byte(s)); ok {
			t.Errorf("%.20q: accepted", s)
		}
	}
	if got := AppendBase58(nil, make([]byte, MaxBase58+1)); len(got) != 0 {
		t.Errorf("too long: %q", got)
	}
}

func TestNothingAllocates(t *testing.T) {
	p, dst, text := make([]byte, 1000), make([]byte, MaxBase58), make([]byte, 0, 200)
	var h Hash
	if n := testing.AllocsPerRun(10, func() {
		h = SHA256(p)
		r := RIPEMD160(p[:67])
		var m MAC
		m.Reset(h[:])
		m.Write(r[:])
		m.Sum(&h)
		text = AppendBase58(text[:0], p[:69])
		DecodeBase58(dst, text)
		text = AppendSecret(text[:0], p[:36])
		DecodeSecret(dst[:36], text)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func FuzzBase58(f *testing.F) {
	f.Add([]byte("6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var dst [MaxBase58]byte
		n, ok := DecodeBase58(dst[:], text)
		if ok && string(AppendBase58(nil, dst[:n])) != string(text) {
			t.Fatalf("%q decodes to %x, which is written otherwise", text, dst[:n])
		}
		for size := range MaxSecret + 1 {
			var secret [MaxSecret]byte
			if took := DecodeSecret(secret[:size], text); took != (ok && n == size) {
				t.Fatalf("%q as a secret of %d bytes: %v, else %v, %d", text, size, took, ok, n)
			} else if took && (!bytes.Equal(secret[:n], dst[:n]) || string(AppendSecret(nil, dst[:n])) != string(text)) {
				t.Fatalf("%q as a secret is %x, else %x", text, secret[:n], dst[:n])
			}
		}
	})
}

func BenchmarkSHA256(b *testing.B) {
	p := make([]byte, 1024)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		SHA256(p)
	}
}

func BenchmarkBase58Decode(b *testing.B) {
	text, dst := AppendBase58(nil, bytes.Repeat([]byte{0xa5}, 69)), make([]byte, 69)
	for b.Loop() {
		DecodeBase58(dst, text)
	}
}

func TestSHA512AgreesWithStandardLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 12))
	for n := range 700 {
		p := random(r, n)
		want := sha512.Sum512(p)
		var s State512
		var got [Size512]byte
		s.Reset()
		for rest := p; len(rest) > 0; { // in pieces of any size
			cut := min(1+int(r.Uint32()%200), len(rest))
			s.Write(rest[:cut])
			rest = rest[cut:]
		}
		s.Sum(&got)
		if got != want {
			t.Fatalf("%d bytes: %x, want %x", n, got, want)
		}
	}
}

// A hash has one spelling, however it is read; bytes are read over their text, too.
func FuzzHex(f *testing.F) {
	h := SHA256([]byte("a"))
	f.Add(h.String())
	f.Add(strings.ToUpper(h.String()))
	for _, text := range []string{"", "0", "0g", "g0", "ff", h.String()[1:], h.String() + "00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := hex.DecodeString(text)
		is := err == nil && text == strings.ToLower(text)
		b := []byte(text)
		if ok := Unhex(b, b); ok != is || ok && !bytes.Equal(b[:len(b)/2], want) {
			t.Fatalf("%q is %x, %v; the standard library has %x, %v", text, b, ok, want, err)
		}
		var h Hash
		parsed, ok := ParseHash(text)
		if same := h.Parse([]byte(text)); same != ok || ok != (is && len(want) == Size) || ok && (h != parsed || !bytes.Equal(h[:], want)) {
			t.Fatalf("%q is %v, %v, and %v, %v", text, h, same, parsed, ok)
		}
	})
}

package reference

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/eventseal/eventseal/wasm/digest"
)

func TestSamplerTakesItsShare(t *testing.T) {
	for text, every := range map[string]int{"off": 0, "all": 1, "1/2": 2, "1/64": 64, "64": 64, "1/1": 1} {
		s, err := ParseSampler(text)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseSampler(s.String()); err != nil || again.every != s.every {
			t.Errorf("%s is written as %s", text, s)
		}
		for _, s := range []Sampler{s, s.Salted([]byte("salt"))} {
			const n = 1 << 15
			took := 0
			for i := range n {
				var b [8]byte
				binary.BigEndian.PutUint64(b[:], uint64(i))
				h := digest.Hash(sha256.Sum256(b[:]))
				first := s.Take(h)
				if again := s.Take(h); again != first {
					t.Fatal("undecided")
				}
				if first {
					took++
				}
			}
			want := 0
			if every > 0 {
				want = n / every
			}
			if took < want*3/4 || took > want*5/4 {
				t.Errorf("%s took %d of %d", text, took, n)
			}
		}
	}
	for _, text := range []string{"", "0", "1/0", "-1", "1/", "2/3", "on", "1/x", "0.5", "all "} {
		if _, err := ParseSampler(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

func TestSaltChangesTheChoice(t *testing.T) {
	a, b := DefaultSampler().Salted([]byte("a")), DefaultSampler().Salted([]byte("b"))
	differ := false
	for i := range 4096 {
		h := digest.Hash(sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
		differ = differ || a.Take(h) != b.Take(h)
	}
	if !differ {
		t.Error("two salts choose alike")
	}
}

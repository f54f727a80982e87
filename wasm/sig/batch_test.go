package sig_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/sig"
)

// A batch says of each item what Verify says, in groups that are full and not,
// of both curves, by authors that repeat, whatever is wrong with it.
func TestBatchIsVerifyForEach(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var b sig.Batch
	seen := map[code.Code]int{}
	var priv key.Private
	for n := range 200 {
		items := make([]sig.Item, r.IntN(200))
		if n > 40 {
			items = items[:len(items)/16]
		}
		for i := range items {
			it := &items[i]
			if priv.Scalar == [32]byte{} || r.IntN(3) == 0 {
				seed := sha256.Sum256(fmt.Appendf(nil, "%d %d", n, i))
				if c := key.FromRandom(&priv, key.Curve(r.IntN(40)/39), &seed); c != code.OK {
					t.Fatal(c)
				}
			}
			it.Public, it.Digest = priv.Public(), sha256.Sum256(fmt.Appendf(nil, "digest %d %d", n, i))
			if c := sig.Sign(&it.Signature, &priv, &it.Digest); c != code.OK {
				t.Fatal(c)
			}
			switch r.IntN(12) {
			case 0:
				it.Digest[3] ^= 1
			case 1:
				it.Signature.Compact[0] ^= 1
			case 2:
				it.Signature.Compact[33] |= 0x80
			case 3:
				it.Signature.Compact = [65]byte{31}
			case 4:
				it.Public.Point[32] ^= byte(r.IntN(256))
			case 5:
				it.Public.Curve ^= 1
			case 6:
				it.Public.Point = [33]byte{}
			}
		}
		verdicts := make([]code.Code, len(items))
		b.Verify(items, verdicts)
		for i := range items {
			it := &items[i]
			want := sig.Verify(&it.Public, &it.Digest, &it.Signature)
			if verdicts[i] != want {
				t.Fatalf("item %d of %d: %v, want %v", i, len(items), verdicts[i], want)
			}
			seen[want]++
		}
	}
	for _, c := range []code.Code{code.OK, code.InvalidSignature, code.NoncanonicalSignature, code.SignatureMismatch, code.InvalidPublicKey} {
		if seen[c] < 50 {
			t.Errorf("%d items were %v", seen[c], c)
		}
	}
}

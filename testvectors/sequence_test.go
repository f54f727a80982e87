package testvectors

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
)

// holdSignatures makes the first lines of signatures/sequence.json with impl
// and holds them to the checksums of the JavaScript libraries.
func holdSignatures(t *testing.T, impl implementation, curve string, lines int) {
	raw, err := files.ReadFile("signatures/sequence.json")
	if err != nil {
		t.Fatal(err)
	}
	var sequence struct {
		Checksums map[string]map[int]string
	}
	if err := json.Unmarshal(raw, &sequence); err != nil {
		t.Fatal(err)
	}
	want := sequence.Checksums[curve]
	if want[lines] == "" {
		t.Fatalf("there is no checksum of %d lines", lines)
	}
	sum := sha256.New()
	for i := range lines {
		random, digest := sha256.Sum256(fmt.Appendf(nil, "%s key %d", curve, i)), sha256.Sum256(fmt.Appendf(nil, "%s digest %d", curve, i))
		k, err := impl("key_from_random", &In{Curve: curve, Random: random[:]})
		if err != nil {
			t.Fatal(err)
		}
		s, err := impl("sign_digest", &In{Private: k.Private, Digest: digest[:]})
		if err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 { // what was signed verifies, and leads back to its key
			if _, err := impl("verify_digest", &In{Public: k.Public, Digest: digest[:], Signature: s.Signature}); err != nil {
				t.Fatalf("signature %d: %v", i, err)
			}
			if r, err := impl("recover", &In{Digest: digest[:], Signature: s.Signature}); err != nil || r.Public != k.Public {
				t.Fatalf("signature %d recovers to %v, %v", i, r, err)
			}
		}
		fmt.Fprintln(sum, s.Signature)
		if w := want[i+1]; w != "" {
			if got := hex.EncodeToString(sum.Sum(nil)); got != w {
				t.Fatalf("the first %d signatures on %s have checksum %s, the JavaScript libraries' is %s", i+1, curve, got, w)
			}
		}
	}
}

func TestSignaturesNative(t *testing.T) {
	holdSignatures(t, native, "K1", 10000)
	holdSignatures(t, native, "R1", 1000)
}

func TestSignaturesModule(t *testing.T) {
	t.Parallel()
	compiled, interpreted := onPool(t, false), onPool(t, true)
	holdSignatures(t, compiled, "K1", 10000)
	holdSignatures(t, compiled, "R1", 1000)
	holdSignatures(t, interpreted, "K1", 100)
}

package sig_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/sig"
)

// javascript is one key and signature as @wharfkit/antelope 1.2.0 and eosjs
// 22.1.0 write them.
type javascript struct {
	Type       string `json:"t"`
	Scalar     string `json:"k"`
	Digest     string `json:"d"`
	Private    string `json:"pvt"`
	WIF        string `json:"wif"`
	Public     string `json:"pub"`
	Legacy     string `json:"legacy"`
	EosjsPub   string `json:"epub"`
	Signature  string `json:"sig"`
	EosjsSigns string `json:"eosjs"`
}

func readJavascript(t testing.TB) (all []javascript) {
	name := "testdata/javascript.json"
	if more := os.Getenv("EVENTSEAL_JAVASCRIPT_SIGNATURES"); more != "" {
		name = more
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no vectors")
	}
	return all
}

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBytesOfTheJavascriptLibraries(t *testing.T) {
	for _, v := range readJavascript(t) {
		var priv, again key.Private
		if c := key.ParsePrivate(&priv, []byte(v.Private)); c != code.OK {
			t.Fatalf("%s: %v", v.Private, c)
		}
		if !bytes.Equal(priv.Scalar[:], unhex(t, v.Scalar)) {
			t.Fatalf("%s read as %x", v.Private, priv.Scalar)
		}
		if got := string(priv.AppendText(nil)); got != v.Private {
			t.Fatalf("private text %s, want %s", got, v.Private)
		}
		if v.WIF != "" {
			if c := key.ParsePrivate(&again, []byte(v.WIF)); c != code.OK || again != priv {
				t.Fatalf("%s: %v", v.WIF, c)
			}
		}
		pub := priv.Public()
		if got := string(pub.AppendText(nil)); got != v.Public || got != v.EosjsPub {
			t.Fatalf("public text %s, want %s", got, v.Public)
		}
		if got, ok := pub.AppendLegacy(nil); ok != (v.Legacy != "") || string(got) != v.Legacy {
			t.Fatalf("legacy text %s, want %s", got, v.Legacy)
		}
		for _, text := range []string{v.Public, v.Legacy} {
			if p, c := key.ParsePublic([]byte(text)); text != "" && (c != code.OK || p != pub) {
				t.Fatalf("%s: %v", text, c)
			}
		}
		d := digest.Hash(unhex(t, v.Digest))
		var s sig.Signature
		if c := sig.Sign(&s, &priv, &d); c != code.OK {
			t.Fatal(c)
		}
		if got := string(s.AppendText(nil)); got != v.Signature || got != v.EosjsSigns {
			t.Fatalf("signature of %s by %s\n%s, want\n%s", v.Digest, v.Private, got, v.Signature)
		}
		if p, c := sig.Parse([]byte(v.Signature)); c != code.OK || p != s {
			t.Fatalf("%s: %v", v.Signature, c)
		}
		if c := sig.Verify(&pub, &d, &s); c != code.OK {
			t.Fatalf("%s: %v", v.Signature, c)
		}
		var r key.Public
		if c := sig.Recover(&r, &d, &s); c != code.OK || r != pub {
			t.Fatalf("%s: recovered %x, %v", v.Signature, r.Point, c)
		}
		d[31] ^= 1
		if c := sig.Verify(&pub, &d, &s); c != code.SignatureMismatch {
			t.Fatalf("%s: another digest: %v", v.Signature, c)
		}
	}
}

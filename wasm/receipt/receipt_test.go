package receipt

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/eventseal/eventseal/wasm/canon"
	"github.com/eventseal/eventseal/wasm/code"
)

func texts(t testing.TB) (out [][]byte) {
	raw, err := os.ReadFile("../../testvectors/proofs/receipts.json")
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Cases []struct{ In struct{ Text string } }
	}
	if err := json.Unmarshal(raw, &f); err != nil || len(f.Cases) < 20 {
		t.Fatalf("%d cases, %v", len(f.Cases), err)
	}
	for _, c := range f.Cases {
		out = append(out, []byte(c.In.Text))
	}
	return out
}

// A receipt that is taken says in Go's JSON what it says here, its canonical
// form is taken, too, and is signed by the same key.
func FuzzRead(f *testing.F) {
	for _, text := range texts(f) {
		f.Add(text)
	}
	var p Parser
	var r, again Receipt
	f.Fuzz(func(t *testing.T, text []byte) {
		c := p.Read(text, &r)
		if c != code.OK {
			if c >= code.NotFound {
				t.Fatalf("%q: %v", text, c)
			}
			return
		}
		var theirs struct {
			Hash, Log, Sig                       string
			RecordDigest                         string `json:"record_digest"`
			Durable, Required, Sequence, Version float64
			AdmittedAt                           float64 `json:"admitted_at"`
			Replicas                             []string
		}
		if err := json.Unmarshal(text, &theirs); err != nil || theirs.Hash != r.Hash.String() || theirs.RecordDigest != r.RecordDigest.String() || theirs.Log != string(r.LogText) ||
			uint64(theirs.Durable) != r.Durable || uint64(theirs.Required) != r.Required || uint64(theirs.Sequence) != r.Sequence || uint64(theirs.AdmittedAt) != r.AdmittedAt ||
			len(theirs.Replicas) != int(r.Durable) || theirs.Sig != string(r.Signature.AppendText(nil)) {
			t.Fatalf("%q: %+v, Go reads %+v, %v", text, r, theirs, err)
		}
		var o canon.Object
		if r.Report(&o); !json.Valid(o) {
			t.Fatalf("%q: %s", text, o)
		}
		canonical, key := bytes.Clone(r.Text), r.Key
		if c := p.Read(canonical, &again); c != code.OK || again.Key != key || !bytes.Equal(again.Text, canonical) {
			t.Fatalf("%q: its canonical form %q is %v", text, canonical, c)
		}
	})
}

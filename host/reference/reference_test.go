package reference

import (
	"bytes"
	"errors"
	"math/big"
	"testing"

	"github.com/eoscanada/eos-go/ecc"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// The verdicts themselves are held to the vectors, in testvectors.

// What the guards are for: if a library loses a fault, its guard can go.
func TestFaultsOfEosGoAreStillThere(t *testing.T) {
	crashes := func(f func()) (crashed bool) {
		defer func() { crashed = recover() != nil }()
		f()
		return false
	}
	compact := func(header byte, r, s *big.Int) ecc.Signature {
		raw := append([]byte{byte(ecc.CurveK1), header}, append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)...)
		return ecc.MustNewSignatureFromData(raw)
	}
	hash := make([]byte, 32)
	for name, r := range map[string]*big.Int{"0": new(big.Int), "n": k1Order} {
		if !crashes(func() { compact(31, r, big.NewInt(1)).PublicKey(hash) }) {
			t.Errorf("r = %s no longer crashes eos-go", name)
		}
	}
	// 5 is the x coordinate of no point.
	if _, err := compact(31, big.NewInt(5), big.NewInt(1)).PublicKey(hash); err != nil {
		t.Errorf("eos-go now asks whether r has a point: %v", err)
	}
	point := append([]byte{2}, hexInt("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798").Bytes()...)
	if _, err := ecc.NewPublicKey("PUB_K1_" + encodeChecked(point, "K1")); err == nil {
		t.Error("eos-go now reads PUB_K1_ with its checksum")
	}
	if _, err := ecc.NewPublicKey("PUB_K1_" + encodeChecked(point, "")); err != nil {
		t.Errorf("eos-go no longer takes PUB_K1_ with the legacy checksum: %v", err)
	}
	if _, err := ecc.NewPublicKey("EOS" + encodeChecked(point[:20], "")); err != nil {
		t.Errorf("eos-go now asks for a length: %v", err)
	}
}

func TestPanicIsARefusal(t *testing.T) {
	f := func() (r Result, err error) {
		defer recovered(&r, &err)
		r.Type = "half done"
		panic("from below")
	}
	r, err := f()
	if !errors.Is(err, &code.Error{Code: code.Internal}) || r.Type != "" {
		t.Fatalf("%+v, %v", r, err)
	}
}

const signedEvent = `{"author_pubkey":"EOS6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5GDW5CV"}`

func TestCrossCheck(t *testing.T) {
	refused := &code.Error{Code: code.InvalidJSON}
	bad := []byte(signedEvent)
	if err := CrossCheck(bad, Options{}, digest.Hash{}, digest.Hash{}, refused); err != nil {
		t.Errorf("both refuse: %v", err)
	}
	if err := CrossCheck(bad, Options{}, digest.Hash{}, digest.Hash{}, nil); !errors.Is(err, &code.Error{Code: code.ImplementationsDisagree}) {
		t.Errorf("the module alone accepts: %v", err)
	}
}

func TestNoInputIsTooMuch(t *testing.T) {
	for name, in := range map[string][]byte{
		"nil": nil, "empty": {}, "NUL": {0}, "brackets": bytes.Repeat([]byte("["), 200000), "objects": bytes.Repeat([]byte(`{"a":`), 200000),
		"digits": bytes.Repeat([]byte("7"), 4<<20), "zeros": append([]byte("0."), bytes.Repeat([]byte("0"), 4<<20)...), "quotes": bytes.Repeat([]byte(`"`), 100001), "backslashes": append([]byte(`"`), bytes.Repeat([]byte(`\`), 100001)...),
	} {
		if _, err := Verify(in, Options{MaxBytes: 8 << 20}); err == nil || errors.Is(err, &code.Error{Code: code.Internal}) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Canonicalize(in); errors.Is(err, &code.Error{Code: code.Internal}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

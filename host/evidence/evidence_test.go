package evidence_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/evidence"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/receipt/receipttest"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

const origin = "localhost/log/7c31a88e00112233"

func promised(t *testing.T, l *receipttest.Log, h digest.Hash, sequence uint64) module.Receipt {
	t.Helper()
	signed, err := l.Signer().Sign(context.Background(), intake.Receipt{
		Hash: h, Sequence: sequence, AdmittedAt: time.UnixMilli(1758390021123), Durable: 1, Required: 1, Holders: []string{"a"},
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := moduletest.Open(t).VerifyReceipt(context.Background(), signed)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func is(err error, c code.Code) bool { return errors.Is(err, &code.Error{Code: c}) }

func TestWeigh(t *testing.T) {
	host, other := receipttest.New(t, nil, origin), receipttest.New(t, nil, origin)
	elsewhere := receipttest.New(t, nil, "example.org/log/7c31a88e00112233")
	order := []digest.Hash{{1}, {2}, {3}, {4}, {5}}
	prove := func(l *receipttest.Log, sequence uint64) checkpoint.Proof {
		text, err := l.ProveOf(order, sequence)
		if err != nil {
			t.Fatal(err)
		}
		p, leaf, err := evidence.ReadProof(context.Background(), moduletest.Open(t), text)
		if err != nil || leaf != nil {
			t.Fatal(leaf, err)
		}
		return p
	}
	for name, c := range map[string]struct {
		proof checkpoint.Proof
		leaf  digest.Hash
		want  evidence.Verdict
		code  code.Code
	}{
		"kept":           {prove(host, 3), order[2], evidence.Kept, 0},
		"another number": {prove(host, 2), order[1], evidence.Silent, 0},
		"another leaf's": {prove(host, 3), order[3], "", code.InvalidProof},
		"another key's":  {prove(other, 3), order[2], "", code.InvalidCheckpoint},
		"another log's":  {prove(elsewhere, 3), order[2], "", code.InvalidCheckpoint},
		"nothing":        {checkpoint.Proof{}, order[2], "", code.InvalidCheckpoint},
	} {
		got, err := evidence.Weigh(promised(t, host, order[2], 3), c.proof, c.leaf)
		if got != c.want || c.code != 0 && !is(err, c.code) || c.code == 0 && err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := evidence.Weigh(promised(t, host, digest.Hash{9}, 3), prove(host, 3), order[2]); got != evidence.Broken || err != nil {
		t.Errorf("a broken promise: %q, %v", got, err)
	}
}

func TestBelieve(t *testing.T) {
	host := receipttest.New(t, nil, origin)
	r := promised(t, host, digest.Hash{1}, 1)
	other := receipttest.New(t, nil, origin)
	for text, want := range map[string]bool{
		host.Keys(): true, host.K1().Public: true, host.Key(): false, "": false, other.Keys(): false,
		other.Key() + "\n" + host.K1().Public: false, host.Key() + "\n" + other.K1().Public: false, other.Keys() + host.Keys(): true,
	} {
		trust, err := checkpoint.ParseTrust(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := evidence.Believe(trust, r); (err == nil) != want || err != nil && !is(err, code.UntrustedKey) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestReadProof(t *testing.T) {
	host := receipttest.New(t, nil, origin)
	v := moduletest.Event(t, 1)
	text, err := host.ProveOf([]digest.Hash{v.Hash()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]any{"log": string(text), "record": json.RawMessage(v.Record())})
	if err != nil {
		t.Fatal(err)
	}
	p, leaf, err := evidence.ReadProof(context.Background(), moduletest.Open(t), file)
	if err != nil || leaf == nil || *leaf != v.Hash() {
		t.Fatal(leaf, err)
	}
	if got, err := evidence.Weigh(promised(t, host, v.Hash(), 1), p, *leaf); got != evidence.Kept || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"", "{}", "{", string(text[:30]), strings.Replace(string(file), `"record"`, `"rekord"`, 1), strings.Replace(string(file), "index 0", "index 00", 1)} {
		if _, _, err := evidence.ReadProof(context.Background(), moduletest.Open(t), []byte(bad)); err == nil {
			t.Errorf("%.60q is read", bad)
		}
	}
}

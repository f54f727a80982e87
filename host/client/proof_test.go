package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/receipt/receipttest"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// proofs are the proof file and the tlog-proof of event n in a log of five.
func proofs(t testing.TB, l *receipttest.Log, n int) (file, text []byte) {
	t.Helper()
	var hs []digest.Hash
	for i := range 5 {
		hs = append(hs, moduletest.Event(t, i).Hash())
	}
	text, err := l.ProveOf(hs, uint64(n)+1)
	if err != nil {
		t.Fatal(err)
	}
	v := moduletest.Event(t, n)
	signed, err := l.Signer().Sign(context.Background(), intake.Receipt{
		Hash: v.Hash(), RecordDigest: v.Meta().RecordDigest, Sequence: uint64(n) + 1, AdmittedAt: time.UnixMilli(1758390021123), Durable: 1, Required: 1, Holders: []string{"a"},
	})
	if err != nil {
		t.Fatal(err)
	}
	file, err = json.Marshal(map[string]any{"anchor": nil, "eventseal_proof": 1, "log": string(text), "receipt": signed, "record": json.RawMessage(v.Record())})
	if err != nil {
		t.Fatal(err)
	}
	return file, text
}

// A proof is taken when it holds, is of the event that was asked for, and is by
// the host that is known.
func TestProof(t *testing.T) {
	host, other := receipttest.New(t, nil, "localhost/log/7c31a88e00112233"), receipttest.New(t, nil, "localhost/log/7c31a88e00112233")
	file, text := proofs(t, host, 3)
	astray, astrayText := proofs(t, host, 2)
	var pending atomic.Bool
	serve := func(file, text []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			switch {
			case pending.Swap(false):
				w.Header().Set("Retry-After", "0")
				problem(w, code.ProofPending, "")
			case r.URL.Query().Get("format") == "tlog-proof":
				_, _ = w.Write(text)
			default:
				_, _ = w.Write(file)
			}
		}
	}
	h := moduletest.Event(t, 3).Hash()
	for _, keys := range []string{"", host.Keys(), host.K1().Public} {
		cl := start(t, client.Options{Notary: moduletest.Open(t), HostKeys: keys}, serve(file, text))
		pending.Store(true)
		p, err := cl.Proof(t.Context(), h, false)
		if err != nil || !bytes.Equal(p.File, file) || !p.Report.Valid || p.Report.Key != host.K1().Public || p.Report.Hash != h {
			t.Errorf("%+v, %v", p.Report, err)
		}
		pending.Store(true)
		if got, err := cl.TlogProof(t.Context(), h); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%q, %v", got, err)
		}
	}
	// A log vouches for its tlog-proofs, and for no host.
	alone := start(t, client.Options{Notary: moduletest.Open(t), HostKeys: host.Key()}, serve(file, text))
	if p, err := alone.Proof(t.Context(), h, false); p.File != nil || !errors.Is(err, &code.Error{Code: code.UntrustedKey}) {
		t.Errorf("by the log's key alone: %v", err)
	}
	if got, err := alone.TlogProof(t.Context(), h); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%q, %v", got, err)
	}
	for name, c := range map[string]struct {
		keys       string
		file, text []byte
		code       code.Code
		textCode   code.Code
	}{
		"another event's": {"", astray, astrayText, code.HashMismatch, code.InvalidProof},
		"another host's":  {other.Keys(), file, text, code.UntrustedKey, code.UntrustedKey},
		"mixed":           {"", bytes.Replace(file, []byte(`"sequence":4`), []byte(`"sequence":5`), 1), bytes.Replace(text, []byte("index 3"), []byte("index 4"), 1), 0, code.InvalidProof},
		"none":            {"", []byte("{}"), []byte("c2sp.org/tlog-proof@v1\n"), 0, 0},
	} {
		cl := start(t, client.Options{Notary: moduletest.Open(t), HostKeys: c.keys, Attempts: 1}, serve(c.file, c.text))
		p, err := cl.Proof(t.Context(), h, false)
		if err == nil || p.File != nil || c.code != 0 && !errors.Is(err, &code.Error{Code: c.code}) {
			t.Errorf("%s: %v", name, err)
		}
		got, err := cl.TlogProof(t.Context(), h)
		if err == nil || got != nil || c.textCode != 0 && !errors.Is(err, &code.Error{Code: c.textCode}) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

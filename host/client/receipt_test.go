package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
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

// answerTo is an honest host's answer to a store of event n, which change makes
// another one, before it is signed (promise) or after (answer).
func answerTo(t *testing.T, l *receipttest.Log, n int, promise func(*intake.Receipt), answer func(map[string]any)) []byte {
	t.Helper()
	v := moduletest.Event(t, n)
	r := intake.Receipt{
		Hash: v.Hash(), RecordDigest: v.Meta().RecordDigest, Sequence: uint64(n), AdmittedAt: time.UnixMilli(1758390021123),
		Durable: 2, Required: 2, Holders: []string{"replica-b", "replica-a"},
	}
	m := map[string]any{"hash": v.Hash().String(), "epoch": "7c31a88e00112233", "sequence": n, "created": true, "durable": 2, "required": 2, "locations": []any{}, "status": 201}
	if promise != nil {
		promise(&r)
	}
	signed, err := l.Signer().Sign(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	m["signed"] = signed
	if answer != nil {
		answer(m)
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A client that knows the host's keys takes an answer only with the host's own
// receipt for what was stored.
func TestReceiptsAreChecked(t *testing.T) {
	pool := moduletest.Open(t)
	host, other := receipttest.New(t, nil, "localhost/log/7c31a88e00112233"), receipttest.New(t, nil, "localhost/log/7c31a88e00112233")
	promise := func(f func(*intake.Receipt)) func(*testing.T) []byte {
		return func(t *testing.T) []byte { return answerTo(t, host, 1, f, nil) }
	}
	answer := func(f func(map[string]any)) func(*testing.T) []byte {
		return func(t *testing.T) []byte { return answerTo(t, host, 1, nil, f) }
	}
	for name, c := range map[string]struct {
		answer func(*testing.T) []byte
		code   code.Code // 0: it is taken
		wait   string
	}{
		"honest":            {answer: promise(nil)},
		"another host's":    {answer: func(t *testing.T) []byte { return answerTo(t, other, 1, nil, nil) }, code: code.UntrustedKey},
		"another event's":   {answer: promise(func(r *intake.Receipt) { r.Hash = moduletest.Event(t, 2).Hash() }), code: code.ProofMismatch},
		"another record's":  {answer: promise(func(r *intake.Receipt) { r.RecordDigest = digest.Hash{1} }), code: code.ProofMismatch},
		"of another answer": {answer: func(t *testing.T) []byte { return answerTo(t, host, 2, nil, nil) }, code: code.ProofMismatch},
		"another number's":  {answer: promise(func(r *intake.Receipt) { r.Sequence++ }), code: code.ProofMismatch},
		"for fewer places":  {answer: promise(func(r *intake.Receipt) { r.Durable, r.Holders = 1, r.Holders[:1] }), code: code.ProofMismatch},
		"for a lower bar":   {answer: promise(func(r *intake.Receipt) { r.Required = 1 }), code: code.ProofMismatch},
		"too few, and honestly": {answer: func(t *testing.T) []byte {
			return answerTo(t, host, 1, func(r *intake.Receipt) { r.Durable, r.Holders = 0, nil }, func(m map[string]any) { m["durable"] = 0 })
		}, code: code.ProofMismatch},
		"the journal's": {answer: func(t *testing.T) []byte {
			return answerTo(t, host, 1, func(r *intake.Receipt) { r.Durable, r.Holders = 0, nil }, func(m map[string]any) { m["durable"] = 0 })
		}, wait: client.WaitJournal},
		"changed": {answer: answer(func(m map[string]any) {
			m["signed"] = json.RawMessage(bytes.Replace(m["signed"].(json.RawMessage), []byte(`"durable":2`), []byte(`"durable":3`), 1))
		}), code: code.InvalidReceipt},
		"a text":  {answer: answer(func(m map[string]any) { m["signed"] = "signed" }), code: code.InvalidReceipt},
		"stopped": {answer: answer(func(m map[string]any) { delete(m, "signed"); m["unsigned"] = "log_stopped" }), code: code.LogStopped},
		"none":    {answer: answer(func(m map[string]any) { delete(m, "signed") }), code: code.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			cl := start(t, client.Options{Notary: pool, HostKeys: host.Keys(), Attempts: 1}, func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, "batch") {
					w.WriteHeader(http.StatusCreated)
				}
				_, _ = w.Write(append(c.answer(t), '\n'))
			})
			event := moduletest.Event(t, 1).Record()
			r, err := cl.Store(t.Context(), c.wait, event)
			stored, batchErr := cl.StoreBatch(t.Context(), c.wait, [][]byte{event})
			if batchErr != nil {
				t.Fatal(batchErr)
			}
			for _, err := range []error{err, stored[0].Err} {
				switch {
				case c.code == 0 && err != nil, c.code != 0 && err == nil:
					t.Errorf("%v", err)
				case c.code == code.Internal: // no code says it
				case c.code != 0 && !errors.Is(err, &code.Error{Code: c.code}):
					t.Errorf("%v, want %v", err, c.code)
				}
			}
			if err == nil && (len(r.Signed) == 0 || !bytes.Equal(r.Signed, stored[0].Receipt.Signed)) {
				t.Errorf("%+v", r)
			}
			// Who does not know the host takes its word.
			unaware := start(t, client.Options{Attempts: 1}, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(c.answer(t)) })
			if _, err := unaware.Store(t.Context(), c.wait, event); err != nil {
				t.Error(err)
			}
		})
	}
}

// A record under another signature may be there already.
func TestReceiptOfAnotherSignature(t *testing.T) {
	host := receipttest.New(t, nil, "localhost/log/7c31a88e00112233")
	cl := start(t, client.Options{Notary: moduletest.Open(t), HostKeys: host.Keys(), Attempts: 1}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(answerTo(t, host, 1, func(r *intake.Receipt) { r.RecordDigest = digest.Hash{1} }, nil)) // 200: not created
	})
	if _, err := cl.Store(t.Context(), "", moduletest.Event(t, 1).Record()); err != nil {
		t.Error(err)
	}
}

// What could not be signed for a passing reason is stored again until it is.
func TestUnsignedIsTriedAgain(t *testing.T) {
	host := receipttest.New(t, nil, "localhost/log/7c31a88e00112233")
	var calls atomic.Int32
	cl := start(t, client.Options{Notary: moduletest.Open(t), HostKeys: host.Keys()}, func(w http.ResponseWriter, r *http.Request) {
		first := calls.Add(1)%2 == 1
		_, _ = w.Write(append(answerTo(t, host, 1, nil, func(m map[string]any) {
			if first {
				delete(m, "signed")
				m["unsigned"] = "timeout"
			}
		}), '\n'))
	})
	event := moduletest.Event(t, 1).Record()
	if r, err := cl.Store(t.Context(), "", event); err != nil || r.Unsigned != "" {
		t.Errorf("%+v, %v", r, err)
	}
	if s, err := cl.StoreBatch(t.Context(), "", [][]byte{event}); err != nil || s[0].Err != nil {
		t.Errorf("%+v, %v", s, err)
	}
	if calls.Load() != 4 {
		t.Errorf("%d calls", calls.Load())
	}
}

func TestKeysThatCannotBeUsed(t *testing.T) {
	if _, err := client.New(client.Options{Server: "http://h", HostKeys: "PUB_K1_x y", Notary: moduletest.Open(t)}); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("%v", err)
	}
	if _, err := client.New(client.Options{Server: "http://h", HostKeys: "PUB_K1_x"}); err == nil {
		t.Error("there is nobody to check them")
	}
	// A log's key alone says nothing of who has signed a receipt.
	host := receipttest.New(t, nil, "localhost/log/7c31a88e00112233")
	cl := start(t, client.Options{Notary: moduletest.Open(t), HostKeys: host.Key(), Attempts: 1}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(answerTo(t, host, 1, nil, nil))
	})
	if _, err := cl.Store(t.Context(), "", moduletest.Event(t, 1).Record()); !errors.Is(err, &code.Error{Code: code.UntrustedKey}) {
		t.Errorf("%v", err)
	}
}

func TestSignedReceiptIsFound(t *testing.T) {
	host := receipttest.New(t, nil, "localhost/log/7c31a88e00112233")
	answer := answerTo(t, host, 1, nil, nil)
	var whole struct{ Signed json.RawMessage }
	if err := json.Unmarshal(answer, &whole); err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{answer, whole.Signed} {
		if got, err := client.SignedReceipt(text); err != nil || !bytes.Equal(got, whole.Signed) {
			t.Errorf("%s, %v", got, err)
		}
	}
	for _, text := range []string{"", "{}", "[]", `{"unsigned":"log_stopped"}`, `{"signed":`} {
		if got, err := client.SignedReceipt([]byte(text)); err == nil {
			t.Errorf("%q has the receipt %s", text, got)
		}
	}
}

// Whatever a host answers, an answer that is taken has its receipt.
func FuzzAnswer(f *testing.F) {
	t := &testing.T{}
	host := receipttest.New(f, nil, "localhost/log/7c31a88e00112233")
	good := answerTo(t, host, 1, nil, nil)
	f.Add(good)
	f.Add(bytes.ReplaceAll(good, []byte(`"`), []byte(`\u0022`)))
	var members map[string]any
	if err := json.Unmarshal(good, &members); err != nil {
		f.Fatal(err)
	}
	for name := range members {
		less := maps.Clone(members)
		delete(less, name)
		b, _ := json.Marshal(less)
		f.Add(b)
	}
	signed, _ := json.Marshal(members["signed"])
	f.Add(fmt.Appendf(nil, `{"signed":null,"Signed":%s}`, signed))
	pool := moduletest.Open(f)
	v := moduletest.Event(f, 1)
	f.Fuzz(func(t *testing.T, body []byte) {
		cl, err := client.New(client.Options{
			Server: "http://h", Notary: pool, HostKeys: host.Keys(), Attempts: 1,
			HTTP: &http.Client{Transport: answering(body)},
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := cl.Store(t.Context(), "", v.Record())
		if err != nil {
			return
		}
		signed, err := pool.VerifyReceipt(t.Context(), r.Signed)
		if err != nil || signed.Key != host.K1().Public || signed.Hash != v.Hash() || signed.Sequence != r.Sequence || signed.Durable < signed.Required {
			t.Errorf("%q was taken: %+v, %v", body, signed, err)
		}
	})
}

// answering answers everything with one body.
type answering []byte

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusCreated, Status: "201 Created", Header: http.Header{}, Body: readCloser{bytes.NewReader(a)}, Request: r}, nil
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

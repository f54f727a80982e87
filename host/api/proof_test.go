package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/limit"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/code"
)

// A file is what is in a proof.
type file struct {
	Anchor  any
	Version int `json:"eventseal_proof"`
	Log     string
	Receipt json.RawMessage
	Record  json.RawMessage
}

func TestProof(t *testing.T) {
	h := start(t)
	for i := range 5 {
		h.put(i)
	}
	v := moduletest.Event(t, 3)
	path := "/v1/events/" + v.Hash().String() + "/proof"
	for range 2 { // the second one where the copies are gone
		a := h.get(path)
		if a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/vnd.eventseal.proof+json" || a.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%s %v %s", a.Status, a.Header, a.body)
		}
		var f file
		a.json(t, &f)
		h.mustBe(f.Receipt, v, 4, 2)
		if f.Version != 1 || !bytes.Contains(a.body, v.Record()) || !strings.HasPrefix(f.Log, "c2sp.org/tlog-proof@v1\nindex 3\n") {
			t.Errorf("%s", a.body)
		}
		for _, m := range h.memory {
			if b, err := m.Get(context.Background(), replica.Ref{Hash: v.Hash()}); err != nil || !bytes.Equal(b, v.Record()) {
				t.Errorf("a place does not hold what the receipt says: %v", err)
			}
			if err := m.Delete(context.Background(), replica.Ref{Hash: v.Hash()}); err != nil {
				t.Fatal(err)
			}
		}
		text := h.get(path + "?format=tlog-proof")
		if text.StatusCode != 200 || text.Header.Get("Content-Type") != "text/plain; charset=utf-8" || string(text.body) != f.Log {
			t.Errorf("%s %v %s", text.Status, text.Header, text.body)
		}
		h.forget()
	}
	h.ask("HEAD", path, "")
}

// forget waits until no word of the places counts any more as one of now, by
// asking until one of them has the event again.
func (h *host) forget() {
	h.t.Helper()
	v := moduletest.Event(h.t, 3)
	for {
		if _, _, err := h.intake.Confirm(context.Background(), v); err != nil {
			h.t.Fatal(err)
		}
		if _, err := h.memory[0].Get(context.Background(), replica.Ref{Hash: v.Hash()}); err == nil {
			break
		}
	}
}

func TestProofRefusals(t *testing.T) {
	h := start(t)
	v := h.put(1)
	path := "/v1/events/" + v.Hash().String() + "/proof"
	for _, format := range []string{"", "?format=tlog-proof"} {
		h.receipts.Refuse(&code.Error{Code: code.ProofPending})
		a := h.get(path + format)
		a.refused(t, 503, "proof_pending")
		if a.Header.Get("Retry-After") == "" {
			t.Error("nothing says when to come back")
		}
		h.receipts.Refuse(&code.Error{Code: code.LogStopped})
		h.get(path+format).refused(t, 503, "log_stopped")
		h.receipts.Refuse(nil)
		h.get("/v1/events/"+strings.Repeat("0", 64)+"/proof"+format).refused(t, 404, "not_found")
	}
	h.get(path+"?format=pdf").refused(t, 400, "invalid_parameter")
	h.get("/v1/events/x/proof").refused(t, 400, "invalid_parameter")

	// An event that places hold for another host is none that this one admitted,
	// and reading its proof does not admit it.
	foreign := moduletest.Event(t, 2)
	for _, m := range h.memory {
		if _, err := m.Put(context.Background(), foreign); err != nil {
			t.Fatal(err)
		}
	}
	if a := h.get("/v1/events/" + foreign.Hash().String()); a.StatusCode != 200 {
		t.Errorf("%s", a.Status)
	}
	h.get("/v1/events/"+foreign.Hash().String()+"/proof").refused(t, 404, "not_found")
	if last, err := h.journal.Last(context.Background()); err != nil || last != 1 {
		t.Errorf("%d events, %v", last, err)
	}

	short := start(t, func(o *api.Options) {
		o.Intake = unconfirmed{o.Intake, &intake.InsufficientError{Receipt: intake.Receipt{Hash: v.Hash(), Durable: 1, Required: 2}}}
	})
	short.put(1)
	short.get(path).refused(t, 503, "insufficient_redundancy")
	astray := start(t, func(o *api.Options) { o.Prover = another{o.Prover} })
	astray.put(1)
	astray.put(2)
	astray.get(path).refused(t, 500, "internal")
	none := start(t, func(o *api.Options) { o.Prover = nil })
	none.put(1)
	none.get(path).refused(t, 404, "not_found")
}

// unconfirmed is an intake whose places have lost what they had.
type unconfirmed struct {
	api.Intake
	err error
}

func (u unconfirmed) Confirm(context.Context, module.Verified) (intake.Receipt, module.Verified, error) {
	return intake.Receipt{}, module.Verified{}, u.err
}

// another proves the event after the one that is asked for.
type another struct{ api.Prover }

func (a another) Prove(ctx context.Context, sequence uint64) ([]byte, error) {
	return a.Prover.Prove(ctx, sequence+1)
}

// A proof costs the places a store, and counts as one; its text alone does not.
func TestProofsAreLimitedLikeStores(t *testing.T) {
	h := start(t, func(o *api.Options) {
		o.Addresses = &limit.Addresses{Rate: limit.New[netip.Prefix](1, time.Millisecond)} // one at once
	})
	v := h.put(1)
	path := "/v1/events/" + v.Hash().String() + "/proof"
	for end := time.Now().Add(time.Minute); ; {
		a := h.get(path)
		if a.StatusCode == http.StatusTooManyRequests {
			a.refused(t, 429, "rate_limited")
			break
		}
		if a.StatusCode != http.StatusOK || time.Now().After(end) {
			t.Fatalf("%s %s", a.Status, a.body)
		}
	}
	for range 50 {
		if a := h.get(path + "?format=tlog-proof"); a.StatusCode != http.StatusOK {
			t.Fatalf("%s %s", a.Status, a.body)
		}
	}
}

// A log that publishes seldom holds nobody up.
func TestProofOfASlowLog(t *testing.T) {
	h := start(t, func(o *api.Options) { o.Prover = never{} })
	h.get("/v1/events/"+h.put(1).Hash().String()+"/proof").refused(t, 503, "proof_pending")
}

// never publishes anything.
type never struct{}

func (never) Prove(ctx context.Context, _ uint64) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

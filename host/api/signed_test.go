package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/code"
)

// A signedAnswer is what of an answer to a store the host stands for.
type signedAnswer struct {
	Hash     string
	Sequence uint64
	Durable  int
	Required int
	Status   int
	Signed   json.RawMessage
	Unsigned string
}

// mustBe checks a signed receipt of the host against the event that was stored.
func (h *host) mustBe(signed []byte, v module.Verified, sequence uint64, durable int) {
	h.t.Helper()
	r, err := moduletest.Open(h.t).VerifyReceipt(context.Background(), signed)
	if err != nil || r.Key != h.receipts.K1().Public || r.Log != h.receipts.Key() || r.Hash != v.Hash() || r.RecordDigest != v.Meta().RecordDigest ||
		r.Sequence != sequence || r.Durable != durable || r.Required != 2 || len(r.Replicas) != durable {
		h.t.Fatalf("%+v, %v", r, err)
	}
	e, _, err := h.journal.Get(context.Background(), v.Hash())
	if err != nil || !r.AdmittedAt.Equal(e.AdmittedAt) {
		h.t.Fatalf("admitted at %v, the journal has %v, %v", r.AdmittedAt, e.AdmittedAt, err)
	}
}

func TestStoresAreAnsweredWithSignedReceipts(t *testing.T) {
	h := start(t)
	v := moduletest.Event(t, 1)
	for range 2 { // new, and known
		var a signedAnswer
		h.ask("POST", "/v1/events", string(v.Record()), "Content-Type", jsonType).json(t, &a)
		h.mustBe(a.Signed, v, 1, 2)
		if a.Unsigned != "" {
			t.Errorf("unsigned: %s", a.Unsigned)
		}
	}
	var journaled signedAnswer
	h.ask("POST", "/v1/events?wait=journal", string(moduletest.Event(t, 2).Record()), "Content-Type", jsonType).json(t, &journaled)
	h.mustBe(journaled.Signed, moduletest.Event(t, 2), 2, journaled.Durable)

	var body bytes.Buffer
	for i := range 300 {
		body.Write(append(moduletest.Event(t, i).Record(), '\n'))
		body.WriteString("{\n")
	}
	lines := bytes.Split(bytes.TrimSpace(h.ask("POST", "/v1/events:batch", body.String(), "Content-Type", ndjsonType).body), []byte("\n"))
	if len(lines) != 600 {
		t.Fatalf("%d lines", len(lines))
	}
	for i := range 300 {
		var a signedAnswer
		if err := json.Unmarshal(lines[2*i], &a); err != nil {
			t.Fatal(err)
		}
		h.mustBe(a.Signed, moduletest.Event(t, i), a.Sequence, 2)
		if !strings.Contains(string(lines[2*i+1]), "invalid_json") {
			t.Errorf("%s", lines[2*i+1])
		}
	}
}

// Who keeps no receipts is given none, and costs the host no signature.
func TestStoresWithoutReceipts(t *testing.T) {
	h := start(t)
	record := string(moduletest.Event(t, 1).Record())
	for _, path := range []string{"/v1/events?receipt=none", "/v1/events:batch?wait=all&receipt=none"} {
		kind := jsonType
		if strings.Contains(path, "batch") {
			kind, record = ndjsonType, record+"\n"
		}
		var a signedAnswer
		h.ask("POST", path, record, "Content-Type", kind).json(t, &a)
		if a.Sequence != 1 || a.Durable != 2 || a.Signed != nil || a.Unsigned != "" {
			t.Errorf("%s: %+v", path, a)
		}
	}
	h.ask("POST", "/v1/events?receipt=later", record, "Content-Type", jsonType).refused(t, 400, "invalid_parameter")
}

// What is stored is stored, also where it cannot be signed; and the answer says so.
func TestStoresThatCannotBeSigned(t *testing.T) {
	h := start(t)
	for refuse, want := range map[error]string{
		&code.Error{Code: code.LogStopped}: "log_stopped", module.ErrTimeout: "timeout", module.ErrTrapped: "internal",
	} {
		h.receipts.Refuse(refuse)
		for _, path := range []string{"/v1/events", "/v1/events:batch"} {
			kind := map[bool]string{true: ndjsonType, false: jsonType}[strings.HasSuffix(path, "batch")]
			var a signedAnswer
			got := h.ask("POST", path, string(moduletest.Event(t, 1).Record()), "Content-Type", kind)
			got.json(t, &a)
			if got.StatusCode/100 != 2 || a.Durable != 2 || a.Unsigned != want || a.Signed != nil {
				t.Errorf("%s: %s %s", path, got.Status, got.body)
			}
		}
	}
	h.receipts.Refuse(nil)
	var a signedAnswer
	h.ask("POST", "/v1/events", string(moduletest.Event(t, 1).Record()), "Content-Type", jsonType).json(t, &a)
	h.mustBe(a.Signed, moduletest.Event(t, 1), 1, 2)

	off := start(t, func(o *api.Options) { o.Unsigned = true })
	if got := off.ask("POST", "/v1/events", string(moduletest.Event(t, 1).Record()), "Content-Type", jsonType); strings.Contains(string(got.body), "signed") {
		t.Errorf("%s", got.body)
	}
}

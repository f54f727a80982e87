package receipt_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/receipt/receipttest"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// What is signed is what the places said, canonical, under the host's key.
func TestSign(t *testing.T) {
	p := moduletest.Open(t)
	l := receipttest.New(t, nil, "localhost/log/7c31a88e00112233")
	given := intake.Receipt{
		Hash: digest.Hash{1}, RecordDigest: digest.Hash{2}, Epoch: "7c31a88e00112233", Sequence: 1 << 50, AdmittedAt: time.UnixMilli(1758390021123),
		Durable: 3, Required: 2, Holders: []string{"b & co", "a<b", "a"},
		Locations: []intake.Location{{Replica: "c", Counts: true, Location: "believed"}},
	}
	signed, err := l.Signer().Sign(context.Background(), given)
	if err != nil {
		t.Fatal(err)
	}
	if canonical, err := p.Canonicalize(context.Background(), signed); err != nil || !bytes.Equal(canonical, signed) {
		t.Errorf("%s is not canonical: %v", signed, err)
	}
	r, err := p.VerifyReceipt(context.Background(), signed)
	if err != nil || r.Key != l.K1().Public || r.Log != l.Key() || r.Hash != given.Hash || r.RecordDigest != given.RecordDigest ||
		r.Sequence != given.Sequence || !r.AdmittedAt.Equal(given.AdmittedAt) || r.Durable != 3 || r.Required != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if want := []string{"a", "a<b", "b & co"}; len(r.Replicas) != 3 || r.Replicas[0] != want[0] || r.Replicas[1] != want[1] || r.Replicas[2] != want[2] {
		t.Errorf("%q", r.Replicas)
	}
	if given.Holders[0] != "b & co" {
		t.Error("the caller's names were sorted")
	}
	given.Durable, given.Holders = 0, nil
	if signed, err = l.Signer().Sign(context.Background(), given); err != nil || !bytes.Contains(signed, []byte(`"replicas":[]`)) {
		t.Errorf("%s, %v", signed, err)
	}
}

// Nothing is signed with a number that may not be the event's in the log.
func TestNothingIsSignedWithoutTheLog(t *testing.T) {
	l := receipttest.New(t, nil, "localhost/log/7c31a88e00112233")
	stopped := &code.Error{Code: code.LogStopped}
	l.Refuse(stopped)
	if signed, err := l.Signer().Sign(context.Background(), intake.Receipt{Sequence: 1}); signed != nil || !errors.Is(err, stopped) {
		t.Errorf("%s, %v", signed, err)
	}
}

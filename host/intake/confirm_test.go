package intake

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/code"
)

// What a receipt names beside the places is the journal's, also of an event that
// was stored under another signature.
func TestReceiptNamesWhatItRestsOn(t *testing.T) {
	h := start(t, 3, func(o *Options) { o.Places[2].Counts = false })
	first, second := moduletest.Twice(t)
	for i, event := range []module.Verified{first, second, first} {
		r, err := h.store(event.Record(), All)
		if err != nil {
			t.Fatal(err)
		}
		e, _, err := h.journal.Get(context.Background(), first.Hash())
		if err != nil || r.RecordDigest != first.Meta().RecordDigest || !r.AdmittedAt.Equal(e.AdmittedAt) || r.AdmittedAt.IsZero() ||
			!slices.Equal(r.Holders, []string{"a", "b"}) || r.Durable != 2 {
			t.Errorf("%d: %+v, %v", i, r, err)
		}
	}
	if r, err := h.store(moduletest.Event(t, 1).Record(), Journaled); err != nil || len(r.Holders) != r.Durable {
		t.Errorf("%+v, %v", r, err)
	}
}

// Confirm heals and tells the truth as a store does, and admits nothing.
func TestConfirm(t *testing.T) {
	refused := false
	h := start(t, 2, func(o *Options) {
		o.Permit = func(context.Context, module.Verified) error {
			if refused {
				return &code.Error{Code: code.Forbidden}
			}
			return nil
		}
	})
	v, unknown := moduletest.Event(t, 1), moduletest.Event(t, 2)
	if _, _, err := h.Confirm(context.Background(), unknown); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("an unknown event: %v", err)
	}
	if last, _ := h.journal.Last(context.Background()); last != 0 {
		t.Errorf("%d events were admitted", last)
	}
	if _, err := h.store(v.Record(), All); err != nil {
		t.Fatal(err)
	}
	h.settled()
	refused = true // whose events are taken no more still has those that were
	h.lose(0, v)
	h.lose(1, v)
	h.close()
	h.open()
	r, got, err := h.Confirm(context.Background(), v)
	if err != nil || r.Durable != 2 || r.Created || r.Sequence != 1 || string(got.Record()) != string(v.Record()) {
		t.Fatalf("%+v, %v", r, err)
	}
	h.mustHold(0, v)
	h.mustHold(1, v)

	h.r[1].set(refuses)
	h.close()
	h.open()
	var short *InsufficientError
	if r, _, err := h.Confirm(context.Background(), v); !errors.As(err, &short) || r.Durable != 1 {
		t.Errorf("with one place of two: %+v, %v", r, err)
	}
	h.r[1].set(nil)
	h.close()
	if _, _, err := h.Confirm(context.Background(), v); err == nil {
		t.Error("a closed intake confirms")
	}
	h.open()
}

// Where another valid signature was read than the one that the journal knows, it
// is the journal's that is confirmed, as long as anybody has it.
func TestConfirmTakesTheJournalsRecord(t *testing.T) {
	h := start(t, 2, nil)
	first, second := moduletest.Twice(t)
	if _, err := h.store(first.Record(), All); err != nil {
		t.Fatal(err)
	}
	h.settled()
	r, got, err := h.Confirm(context.Background(), second)
	if err != nil || r.RecordDigest != first.Meta().RecordDigest || string(got.Record()) != string(first.Record()) {
		t.Fatalf("%+v, %v", r, err)
	}
	h.lose(0, first)
	h.lose(1, first)
	h.close()
	h.open()
	r, got, err = h.Confirm(context.Background(), second)
	if err != nil || r.RecordDigest != second.Meta().RecordDigest || string(got.Record()) != string(second.Record()) {
		t.Fatalf("%+v, %v", r, err)
	}
	h.mustHold(0, second)
}

package intake

import (
	"context"
	"testing"

	"github.com/eventseal/eventseal/host/module/moduletest"
)

// Another valid signature of a stored event is answered as the first one was,
// and changes nothing.
func TestSecondSignature(t *testing.T) {
	h := start(t, 2, nil)
	first, second := moduletest.Twice(t)
	if _, err := h.store(first.Record(), Quorum); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r, err := h.store(second.Record(), Quorum)
		if err != nil || r.Created || r.Hash != first.Hash() || r.Durable != 2 {
			t.Fatalf("%+v, %v", r, err)
		}
		h.settled()
	}
	h.mustHold(0, first)
	h.mustHold(1, first)
}

// A place that lacks the first one gets that, also when the second one is what
// comes in; and so it is for both in one batch.
func TestSecondSignatureOfMissing(t *testing.T) {
	h := start(t, 2, nil)
	h.r[1].set(refuses)
	h.r[1].sick = errRefused
	first, second := moduletest.Twice(t)
	if _, err := h.store(first.Record(), Quorum); err == nil {
		t.Fatal("stored")
	}
	h.r[1].set(nil)
	if r, err := h.store(second.Record(), Quorum); err != nil || r.Durable != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	h.mustHold(0, first)
	h.mustHold(1, first)

	third, fourth := moduletest.Twice(t)
	for i, s := range h.StoreBatch(context.Background(), [][]byte{third.Record(), fourth.Record()}, All) {
		if s.Err != nil || s.Receipt.Created != (i == 0) {
			t.Errorf("%d of a batch: %+v, %v", i, s.Receipt, s.Err)
		}
	}
	h.mustHold(0, third)
	h.mustHold(1, third)
}

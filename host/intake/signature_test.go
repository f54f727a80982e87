package intake

import (
	"context"
	"sync"
	"testing"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
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

// held is a place whose reads wait.
type held struct {
	*faulty
	asked func()
	free  <-chan struct{}
}

func (p held) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	p.asked()
	select {
	case <-p.free:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return p.faulty.Get(ctx, ref)
}

// Where the first record has to be read from a place that is silent, because too
// few hold it and the journal has its bytes no more, other events do not wait.
func TestSecondSignatureHoldsNobodyUp(t *testing.T) {
	asked, free := make(chan struct{}), make(chan struct{})
	h := start(t, 2, func(o *Options) {
		for i := range o.Places {
			tell := func() {}
			if i == 0 {
				tell = sync.OnceFunc(func() { close(asked) })
			}
			o.Places[i].Replica = held{o.Places[i].Replica.(interface{ unwrap() *faulty }).unwrap(), tell, free}
		}
	})
	first, second := moduletest.Twice(t)
	r, err := h.store(first.Record(), All)
	if err != nil {
		t.Fatal(err)
	}
	h.settled()
	h.journal.Update(journal.Update{Sequence: r.Sequence, Replica: "b", Err: "no longer there", State: custody.Missing})
	if err := h.journal.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	again := make(chan error, 1)
	go func() {
		_, err := h.store(second.Record(), Quorum)
		again <- err
	}()
	<-asked
	for n := range 3 {
		if _, err := h.store(moduletest.Event(t, n).Record(), Quorum); err != nil {
			t.Fatal(err)
		}
	}
	close(free)
	if err := <-again; err != nil {
		t.Error(err)
	}
	h.mustHold(1, first)
}

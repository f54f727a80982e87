package scrub

import (
	"context"
	"testing"

	"github.com/eventseal/eventseal/host/replica"
)

// What a reindex restores comes behind what the journal has, and in an order
// of another epoch; one that restores nothing leaves the order as it is.
func TestReindexRenewsTheEpoch(t *testing.T) {
	b := start(t, 40)
	ctx := context.Background()
	j := openJournal(t)
	if _, err := j.Admit(ctx, b.vs[:10], names); err != nil {
		t.Fatal(err)
	}
	o := ReindexOptions{Module: b.o.Module, Journal: j, From: b.o.Places[0], Places: b.o.Places, Log: quiet}
	before := j.Epoch()
	for i, v := range b.vs[10:] { // the place has what the journal has, so far
		if err := b.r[0].Delete(ctx, replica.Ref{Hash: v.Hash()}); err != nil {
			t.Fatal(i, err)
		}
	}
	if d, err := Reindex(ctx, o); err != nil || d.Restored != 0 || j.Epoch() != before {
		t.Fatalf("%+v, %v: epoch %s was %s", d, err, j.Epoch(), before)
	}
	for i, v := range b.vs[10:] {
		if _, err := b.r[0].Put(ctx, v); err != nil {
			t.Fatal(i, err)
		}
	}
	if d, err := Reindex(ctx, o); err != nil || d.Restored != 30 || j.Epoch() == before {
		t.Fatalf("%+v, %v: epoch %s was %s", d, err, j.Epoch(), before)
	}
	if n, err := j.Kept(ctx, before); err != nil || n != 10 {
		t.Errorf("%d are kept, %v", n, err)
	}
	for i, v := range b.vs[:10] {
		if e, _, err := j.Get(ctx, v.Hash()); err != nil || e.Sequence != uint64(i+1) {
			t.Errorf("event %d is number %d, %v", i+1, e.Sequence, err)
		}
	}
	after := j.Epoch()
	if d, err := Reindex(ctx, o); err != nil || d.Restored != 0 || j.Epoch() != after {
		t.Errorf("again: %+v, %v: epoch %s was %s", d, err, j.Epoch(), after)
	}
}

package faults

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/servers/proxy"
	"github.com/eventseal/eventseal/wasm/code"
)

// What each wait promises, while places misbehave.
func TestQuorum(t *testing.T) {
	w := newWorld(t, newStack(t), t.TempDir())
	defer w.close()
	all := func(r intake.Receipt, want func(l intake.Location) bool) {
		t.Helper()
		if len(r.Locations) != len(placeNames) {
			t.Fatalf("%d locations", len(r.Locations))
		}
		for _, l := range r.Locations {
			if !want(l) {
				t.Errorf("%s: location %q, error %q", l.Replica, l.Location, l.Error)
			}
		}
	}

	t.Run("quorum does not wait for a silent place, whose outcome is recorded later", func(t *testing.T) {
		w.must(w.set(bucket, proxy.Slow))
		v := fresh(t, 1)[0]
		r, err := w.intake.Store(ctx, v.Record(), intake.Quorum)
		w.must(err)
		w.acknowledged = append(w.acknowledged, v)
		if r.Durable < required || !r.Created {
			t.Errorf("%+v", r)
		}
		all(r, func(l intake.Location) bool { return l.Replica != bucket || l.Location == "" && l.Error == "" })
		if err := w.complete(w.acknowledged, placeNames...); err != nil {
			t.Fatal(err)
		}
		w.must(w.set(bucket, proxy.None))
		_, copies, err := w.journal.Get(ctx, v.Hash())
		w.must(err)
		for _, c := range copies {
			if c.State.Owed() || c.Location == "" {
				t.Errorf("%+v", c)
			}
		}
	})

	t.Run("all waits for the slowest", func(t *testing.T) {
		w.must(w.set(node, proxy.Slow))
		v := fresh(t, 1)[0]
		begun := time.Now()
		r, err := w.intake.Store(ctx, v.Record(), intake.All)
		w.must(err)
		w.acknowledged = append(w.acknowledged, v)
		if took := time.Since(begun); took < proxy.Delay {
			t.Errorf("it took %v: the fault is none", took)
		}
		all(r, func(l intake.Location) bool { return l.Location != "" && l.Error == "" })
		w.must(w.set(node, proxy.None))
	})

	t.Run("journal waits for no place", func(t *testing.T) {
		for _, name := range placeNames {
			w.must(w.set(name, proxy.Refused))
		}
		v := fresh(t, 1)[0]
		r, err := w.intake.Store(ctx, v.Record(), intake.Journaled)
		w.must(err)
		w.acknowledged = append(w.acknowledged, v)
		if r.Durable != 0 {
			t.Errorf("%+v", r)
		}
		// It can be read meanwhile, from the journal itself.
		if err := w.read(w.acknowledged[len(w.acknowledged)-1:]); err != nil {
			t.Error(err)
		}
		for _, name := range placeNames {
			w.must(w.set(name, proxy.None))
		}
		if err := w.complete(w.acknowledged, placeNames...); err != nil {
			t.Error(err)
		}
	})

	t.Run("too few places is an error that names each, and a retry is safe", func(t *testing.T) {
		w.must(w.set(bucket, proxy.Refused))
		w.must(w.set(node, proxy.Refused))
		v := fresh(t, 1)[0]
		r, err := w.intake.Store(ctx, v.Record(), intake.Quorum)
		var short *intake.InsufficientError
		if !errors.As(err, &short) || !errors.Is(err, &code.Error{Code: code.InsufficientRedundancy}) {
			t.Fatalf("%+v, %v", r, err)
		}
		if short.Receipt.Durable != 2 || short.Receipt.Required != required {
			t.Errorf("%+v", short.Receipt)
		}
		for _, name := range []string{bucket, node} {
			if !slices.ContainsFunc(short.Replicas, func(e intake.ReplicaError) bool { return e.Replica == name && e.Err != nil }) {
				t.Errorf("%s is not named: %v", name, err)
			}
		}
		w.must(w.set(bucket, proxy.None))
		var again intake.Receipt
		for end := time.Now().Add(patience); ; { // the breaker has to find out
			if again, err = w.intake.Store(ctx, v.Record(), intake.Quorum); err == nil || time.Now().After(end) {
				break
			}
		}
		w.must(err)
		w.acknowledged = append(w.acknowledged, v)
		if again.Created || again.Sequence != short.Receipt.Sequence || again.Durable != required {
			t.Errorf("%+v after %+v", again, short.Receipt)
		}
		w.must(w.set(node, proxy.None))
		if err := w.complete(w.acknowledged, placeNames...); err != nil {
			t.Error(err)
		}
	})
}

package intake

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
)

// lose removes an event's copy behind the host's back.
func (h *host) lose(place int, v module.Verified) {
	h.t.Helper()
	if err := h.r[place].Replica.Delete(context.Background(), replica.Ref{Hash: v.Hash()}); err != nil {
		h.t.Fatal(err)
	}
}

// lost returns the events that the journal counts as lost.
func (h *host) lost() []journal.Entry {
	h.t.Helper()
	if err := h.journal.Flush(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	es, n, err := h.journal.Lost(context.Background(), 0, 100)
	if err != nil || int(n) != len(es) {
		h.t.Fatalf("%d of %d lost events, %v", len(es), n, err)
	}
	return es
}

// What the journal believes is no evidence: storing an event again puts it
// where it is not, before the answer.
func TestAgainHealsEveryLoss(t *testing.T) {
	for name, again := range map[string]func(h *host, v module.Verified) (Receipt, error){
		"alone": func(h *host, v module.Verified) (Receipt, error) { return h.store(v.Record(), Quorum) },
		"all":   func(h *host, v module.Verified) (Receipt, error) { return h.store(v.Record(), All) },
		"in a batch": func(h *host, v module.Verified) (Receipt, error) {
			s := h.StoreBatch(context.Background(), records([]module.Verified{moduletest.Event(t, 2), v, v}), Quorum)
			return s[1].Receipt, errors.Join(s[0].Err, s[1].Err, s[2].Err)
		},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				h := start(t, 3, nil)
				v := moduletest.Event(t, 1)
				if _, err := h.store(v.Record(), All); err != nil {
					t.Fatal(err)
				}
				h.settled()
				for i := range h.r {
					h.lose(i, v)
				}
				if restart {
					h.close()
					h.open()
				}
				r, err := again(h, v)
				if err != nil || r.Created || r.Durable < 2 || h.holders(v) < r.Durable {
					t.Fatalf("%+v, %v, held by %d", r, err, h.holders(v))
				}
				if n := h.holders(v); name == "all" && n != 3 {
					t.Fatalf("held by %d", n)
				}
				until(t, "every place to have it", func() bool { return h.holders(v) == 3 })
			})
		}
	}
}

// A place that is believed to hold an event and cannot be asked is not counted.
// What it may lack is kept until it has it.
func TestBeliefIsNotCounted(t *testing.T) {
	h := start(t, 2, nil)
	v := moduletest.Event(t, 1)
	if _, err := h.store(v.Record(), All); err != nil {
		t.Fatal(err)
	}
	h.settled()
	h.r[1].set(refuses)
	h.lose(0, v)
	h.lose(1, v)
	r, err := h.store(v.Record(), Quorum)
	var short *InsufficientError
	if !errors.As(err, &short) || short.Receipt.Durable != 1 || r.Durable != 1 || r.Locations[1].Location != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	h.lose(0, v) // so that the journal alone has the bytes
	if err := h.journal.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.close()
	h.open()
	h.r[1].set(nil)
	until(t, "the second place to have it", func() bool {
		b, err := h.r[1].Get(context.Background(), replica.Ref{Hash: v.Hash()})
		return err == nil && string(b) == string(v.Record())
	})
}

// An event of which the first record is gone everywhere takes the record that
// is offered, under another valid signature; not while somebody may have it.
func TestAnotherSignatureTakesThePlaceOfALostOne(t *testing.T) {
	h := start(t, 2, nil)
	first, second := moduletest.Twice(t)
	if _, err := h.store(first.Record(), All); err != nil {
		t.Fatal(err)
	}
	h.settled()
	h.lose(0, first)
	if r, err := h.store(second.Record(), All); err != nil || r.Durable != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	h.mustHold(0, first)
	h.mustHold(1, first)
	h.lose(0, first)
	h.lose(1, first)
	if r, err := h.store(second.Record(), Quorum); err != nil || r.Durable != 2 || r.Created {
		t.Fatalf("%+v, %v", r, err)
	}
	h.mustHold(0, second)
	h.mustHold(1, second)
	e, _, err := h.journal.Get(context.Background(), first.Hash())
	if err != nil || e.RecordDigest != second.Meta().RecordDigest || e.Sequence != 1 {
		t.Fatalf("%+v, %v", e, err)
	}
	if lost := h.lost(); len(lost) != 0 {
		t.Fatalf("%+v", lost)
	}
}

// An event that nobody has is lost, and listed, once everybody was asked; it is
// found again when it is stored again.
func TestLost(t *testing.T) {
	h := start(t, 2, nil)
	v := moduletest.Event(t, 1)
	r, err := h.store(v.Record(), All)
	if err != nil {
		t.Fatal(err)
	}
	h.settled()
	h.lose(0, v)
	h.lose(1, v)
	h.Found(r.Sequence, v.Hash(), "a", custody.Missing)
	until(t, "the loss to be noticed", func() bool { return len(h.lost()) == 1 })
	_, copies, err := h.journal.Get(context.Background(), v.Hash())
	if err != nil || !copies[0].State.Gone() || !copies[1].State.Gone() {
		t.Fatalf("%+v, %v", copies, err)
	}
	if r, err := h.store(v.Record(), Quorum); err != nil || r.Durable != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	if lost := h.lost(); len(lost) != 0 {
		t.Fatalf("%+v", lost)
	}
}

// While a place is silent nobody says that its copy is gone.
func TestUnansweredIsNotLost(t *testing.T) {
	h := start(t, 2, func(o *Options) {
		o.Places[1].Replica = mute{o.Places[1].Replica.(interface{ unwrap() *faulty }).unwrap()}
	})
	v := moduletest.Event(t, 1)
	r, err := h.store(v.Record(), All)
	if err != nil {
		t.Fatal(err)
	}
	h.settled()
	h.lose(0, v)
	h.Found(r.Sequence, v.Hash(), "a", custody.Missing)
	until(t, "the outbox to look for it", func() bool {
		if err := h.journal.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		_, copies, err := h.journal.Get(context.Background(), v.Hash())
		return err == nil && copies[0].Attempts > 2
	})
	if _, copies, _ := h.journal.Get(context.Background(), v.Hash()); len(h.lost()) != 0 || !copies[1].State.Held() {
		t.Fatalf("%+v", copies)
	}
}

// mute is a place that cannot be read.
type mute struct{ *faulty }

func (mute) Get(context.Context, replica.Ref) ([]byte, error) { return nil, errRefused }

// The schedule of an outbox, with no clock but the test's.
func TestSchedule(t *testing.T) {
	p := quick
	p.fill()
	s := newSchedule(&p)
	now := time.Unix(1_800_000_000, 0)
	must := func(what act, ahead time.Duration) {
		t.Helper()
		w, _, a := s.next(now)
		if w != what || what == deliver && a != ahead {
			t.Fatalf("next is %d, %v, want %d, %v", w, a, what, ahead)
		}
	}
	must(deliver, 2*p.maxRetry) // what an earlier process left
	if rests := s.delivered(now); rests <= 0 || rests > 2*p.sweep {
		t.Fatalf("it rests %v", rests)
	}
	must(deliver, -p.sweep)
	if turn, sooner := s.put(now, 0, true, p.retry); turn != fails || !sooner {
		t.Fatalf("%d, %v", turn, sooner)
	}
	must(look, 0)
	if s.looked(now, false); s.notBefore.Sub(now) <= 0 {
		t.Fatal("a place that fails is looked at without a pause")
	}
	must(rest, 0)
	last := time.Duration(0)
	for range 20 { // ever longer, and bounded
		_, wait, _ := s.next(now)
		now = now.Add(wait)
		must(look, 0)
		s.looked(now, false)
		if last = s.check; last > slowestCheck {
			t.Fatalf("%v between looks", last)
		}
	}
	if last != slowestCheck {
		t.Fatalf("%v between looks", last)
	}
	now = s.notBefore
	if ahead := s.looked(now, true); ahead != 2*p.maxRetry {
		t.Fatalf("after a look that went well: %v", ahead)
	}
	for range 20 { // it says that it works, and stores nothing
		now = now.Add(s.delivered(now))
		must(look, 0)
		s.looked(now, true)
	}
	if s.fruitless != slowestPass {
		t.Fatalf("%v between deliveries", s.fruitless)
	}
	if turn, sooner := s.put(now, 3, false, 0); turn != heals || !sooner {
		t.Fatalf("%d, %v", turn, sooner)
	}
	must(deliver, 2*p.maxRetry)
	s.delivered(now)
	s.put(now, 1, true, time.Minute) // one of two
	s.put(now, 1, true, time.Second)
	must(deliver, -p.sweep)
	if rests := s.delivered(now); rests > time.Second {
		t.Fatalf("it rests %v", rests)
	}
	now = now.Add(time.Second)
	must(deliver, 0)
	s.missed = true
	must(deliver, 0)
	must(deliver, -p.sweep)
}

// One event that a place does not take holds up no other, and does not make the
// place one that fails.
func TestRefusedEvent(t *testing.T) {
	h := start(t, 3, nil)
	bad := moduletest.Event(t, 1)
	h.r[2].set(func(_ context.Context, v module.Verified) (bool, error) {
		if v.Hash() == bad.Hash() {
			return false, replica.ErrRefused
		}
		return true, nil
	})
	if r, err := h.store(bad.Record(), Quorum); err != nil || r.Durable != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	for i := 2; i < 40; i++ {
		if r, err := h.store(moduletest.Event(t, i).Record(), All); err != nil || r.Durable != 3 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	p := h.places[2]
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.schedule.failing {
		t.Error("the place counts as failing")
	}
}

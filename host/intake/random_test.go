package intake

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/code"
)

// holders counts the places that have exactly the record.
func (h *host) holders(v module.Verified) (n int) {
	for _, r := range h.r {
		b, err := r.Get(context.Background(), replica.Ref{Hash: v.Hash()})
		if err == nil && bytes.Equal(b, v.Record()) {
			n++
		}
	}
	return n
}

// moody fails now and then in every way that a put can.
func moody(chance float64) func(context.Context, module.Verified) (bool, error) {
	return func(ctx context.Context, _ module.Verified) (bool, error) {
		if rand.Float64() >= chance {
			return true, nil
		}
		switch rand.N(4) {
		case 0:
			return false, errRefused
		case 1:
			return true, errRefused
		case 2:
			select {
			case <-time.After(rand.N(20 * time.Millisecond)):
			case <-ctx.Done():
			}
			return false, context.DeadlineExceeded
		}
		time.Sleep(rand.N(5 * time.Millisecond))
		return true, nil
	}
}

// Whatever the places do, whoever stores what, alone or in batches, together
// with others, leaving early, before and after restarts: what was acknowledged is in
// as many places as promised, byte for byte, at that moment; and when the
// places have healed everything is everywhere.
func TestAcknowledgedIsHeld(t *testing.T) {
	h := start(t, 3, func(o *Options) {
		o.Timeout = 2 * time.Second
		o.Registerer = prometheus.NewRegistry()
	})
	const events = 600
	var vs []module.Verified
	for i := range events {
		vs = append(vs, moduletest.Event(t, i))
	}
	var acknowledged, refused atomic.Int64
	journaled := make([]atomic.Bool, events)
	check := func(i int, s Stored, wait Wait) {
		var short *InsufficientError
		switch {
		case s.Err == nil && wait == Journaled:
			journaled[i].Store(true)
		case s.Err == nil:
			acknowledged.Add(1)
			journaled[i].Store(true)
			want := 2
			if wait == All {
				want = 3
			}
			if n := h.holders(vs[i]); n < want || s.Receipt.Durable < want {
				t.Errorf("event %d was acknowledged with %d copies (%+v), wait=%s", i, n, s.Receipt, wait)
			}
		case errors.As(s.Err, &short):
			refused.Add(1)
			journaled[i].Store(true)
			if short.Receipt.Durable >= 2 && wait == Quorum {
				t.Errorf("event %d was refused with enough copies: %v", i, s.Err)
			}
		case errors.Is(s.Err, context.Canceled), is(s.Err, code.ShuttingDown), is(s.Err, code.Timeout):
		default:
			t.Errorf("event %d: %v", i, s.Err)
		}
	}
	for round := range 3 {
		for _, r := range h.r {
			r.set(moody([]float64{.05, .3, .6}[round]))
		}
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				for range 15 {
					ctx, cancel := context.WithCancel(context.Background())
					if rand.N(5) == 0 {
						time.AfterFunc(rand.N(5*time.Millisecond), cancel)
					}
					wait := []Wait{Quorum, Quorum, All, Journaled}[rand.N(4)]
					if i := rand.N(events); rand.N(3) > 0 {
						r, err := h.Store(ctx, vs[i].Record(), wait)
						check(i, Stored{r, err}, wait)
					} else {
						var numbers []int
						var batch [][]byte
						for range 1 + rand.N(30) {
							i := rand.N(events) // some of them twice
							numbers, batch = append(numbers, i), append(batch, vs[i].Record())
						}
						for k, s := range h.StoreBatch(ctx, batch, wait) {
							check(numbers[k], s, wait)
						}
					}
					cancel()
				}
			})
		}
		if round == 1 { // a restart amid all this
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			_ = h.Intake.Close(ctx)
			cancel()
		}
		wg.Wait()
		if round == 1 {
			h.close()
			h.open()
		}
	}
	for _, r := range h.r {
		r.set(nil)
	}
	h.settled()
	held := 0
	for i := range vs {
		n := h.holders(vs[i])
		if journaled[i].Load() && n != 3 || n != 0 && n != 3 {
			t.Errorf("in the end %d places hold event %d", n, i)
		}
		if n == 3 {
			held++
		}
	}
	h.mu.Lock()
	if len(h.flights) != 0 || h.held != 0 || h.heldBytes != 0 {
		t.Errorf("%d flights, %d events of %d bytes are left over", len(h.flights), h.held, h.heldBytes)
	}
	h.mu.Unlock()
	t.Logf("%d acknowledged, %d refused, %d held in the end", acknowledged.Load(), refused.Load(), held)
	if acknowledged.Load() == 0 || refused.Load() == 0 {
		t.Error("it proves nothing")
	}
}

// What a queue has no room for goes the way over the journal, and those who
// wait for it get their answer.
func TestQueueOverflows(t *testing.T) {
	h := start(t, 2, func(o *Options) { o.pace.queued = 4 })
	gate := make(chan struct{})
	h.r[0].set(func(ctx context.Context, _ module.Verified) (bool, error) {
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return true, nil
	})
	var vs []module.Verified
	for i := range 600 {
		vs = append(vs, moduletest.Event(t, i))
	}
	done := make(chan []Stored)
	go func() { done <- h.StoreBatch(context.Background(), records(vs), All) }()
	until(t, "the other place's copies", func() bool {
		for _, v := range vs {
			if h.holders(v) == 0 {
				return false
			}
		}
		return true
	})
	close(gate)
	for i, s := range <-done {
		if s.Err != nil || s.Receipt.Durable != 2 {
			t.Fatalf("event %d: %+v, %v", i, s.Receipt, s.Err)
		}
	}
	h.settled()
	for _, v := range vs {
		if h.holders(v) != 2 {
			t.Fatal("a copy is missing")
		}
	}
}

func TestOverloaded(t *testing.T) {
	h := start(t, 2, func(o *Options) {
		o.pace.held = 10
		o.Timeout = 200 * time.Millisecond
	})
	h.r[1].set(silent)
	var batch [][]byte
	for i := range 20 {
		batch = append(batch, moduletest.Event(t, i).Record())
	}
	for i, s := range h.StoreBatch(context.Background(), batch, Quorum) {
		if overloaded := is(s.Err, code.Overloaded); s.Err == nil || overloaded != (i >= 10) {
			t.Errorf("event %d: %v", i, s.Err)
		}
	}
	h.r[1].set(nil)
	if _, err := h.store(batch[15], Journaled); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A journal that takes nothing is an error of its own, and nothing is acknowledged.
func TestJournalClosed(t *testing.T) {
	h := start(t, 2, nil)
	_ = h.journal.Close()
	v := moduletest.Event(t, 1)
	if _, err := h.store(v.Record(), Journaled); !is(err, code.ShuttingDown) && !is(err, code.JournalUnavailable) {
		t.Errorf("%v", err)
	}
	if h.holders(v) != 0 {
		t.Error("it was stored without being journaled")
	}
}

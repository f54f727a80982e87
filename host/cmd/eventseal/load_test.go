package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/local"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A ledger is what clients know: every event that was sent, and which of them
// the host has acknowledged.
type ledger struct {
	t    testing.TB
	next atomic.Int64
	body int // bytes of filling in each event

	mu    sync.Mutex
	sent  map[digest.Hash]module.Verified
	acked map[digest.Hash]uint64 // the sequence that was answered
	fresh []digest.Hash          // acknowledged since the last look
}

func newLedger(t testing.TB) *ledger {
	return &ledger{t: t, sent: map[digest.Hash]module.Verified{}, acked: map[digest.Hash]uint64{}}
}

// event makes a new signed event.
func (l *ledger) event() module.Verified {
	n := l.next.Add(1)
	filling := make([]byte, l.body/2)
	for i := range filling {
		filling[i] = byte(rand.Uint32())
	}
	body, err := json.Marshal(map[string]any{"n": n, "filling": fmt.Sprintf("%x", filling)})
	if err != nil {
		l.t.Fatal(err)
	}
	v := moduletest.Sign(l.t, module.Draft{Type: "ADD_CLAIM", CreatedAt: uint64(n), Body: body})
	l.mu.Lock()
	l.sent[v.Hash()] = v
	l.mu.Unlock()
	return v
}

// acknowledge notes a receipt, which must be one for v.
func (l *ledger) acknowledge(v module.Verified, r client.Receipt, durable bool) {
	if r.Hash != v.Hash().String() || r.Sequence == 0 || durable && (r.Durable < r.Required || r.Required != 2) {
		l.t.Errorf("a receipt for %s says %+v", v.Hash(), r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[v.Hash()] = r.Sequence
	l.fresh = append(l.fresh, v.Hash())
}

// one stores an event alone and returns the error.
func (l *ledger) one(ctx context.Context, cl *client.Client, wait string) error {
	v := l.event()
	r, err := cl.Store(ctx, wait, v.Record())
	if err == nil {
		l.acknowledge(v, r, wait != client.WaitJournal)
	}
	return err
}

// many stores n events in one request and returns the first error.
func (l *ledger) many(ctx context.Context, cl *client.Client, n int) error {
	var vs []module.Verified
	var records [][]byte
	for range n {
		v := l.event()
		vs, records = append(vs, v), append(records, v.Record())
	}
	stored, err := cl.StoreBatch(ctx, client.WaitQuorum, records)
	for i, s := range stored {
		if s.Err == nil {
			l.acknowledge(vs[i], s.Receipt, true)
		} else if err == nil {
			err = s.Err
		}
	}
	return err
}

// run stores from several clients, each in its own way, until stop is closed
// or an answer is missing. What is refused in between is handed to refused.
func (l *ledger) run(p *process, stop <-chan struct{}, refused func(error)) *sync.WaitGroup {
	ways := []func(context.Context, *client.Client) error{
		func(ctx context.Context, cl *client.Client) error { return l.one(ctx, cl, client.WaitQuorum) },
		func(ctx context.Context, cl *client.Client) error { return l.one(ctx, cl, client.WaitAll) },
		func(ctx context.Context, cl *client.Client) error { return l.one(ctx, cl, client.WaitJournal) },
		func(ctx context.Context, cl *client.Client) error { return l.many(ctx, cl, 12) },
		func(ctx context.Context, cl *client.Client) error { return l.many(ctx, cl, 3) },
	}
	var wg sync.WaitGroup
	for _, way := range ways {
		cl := p.client()
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := way(context.Background(), cl)
				var refusal *code.Error
				if err == nil {
					continue
				}
				if !errors.As(err, &refusal) {
					return // the connection is gone
				}
				refused(err)
			}
		})
	}
	return &wg
}

// served asks the host for events that were acknowledged since the last look,
// and for some that were not: those are there whole or not at all.
func (l *ledger) served(p *process) {
	l.t.Helper()
	l.mu.Lock()
	fresh := l.fresh
	l.fresh = nil
	var others []digest.Hash
	for h := range l.sent {
		if _, ok := l.acked[h]; !ok {
			others = append(others, h)
		}
	}
	l.mu.Unlock()
	others = others[:min(len(others), 50)] // a map's order is random
	hs := append(fresh, others...)
	err := p.client().RetrieveMany(context.Background(), hs, func(i int, v module.Verified, err error) error {
		h := hs[i]
		switch {
		case err == nil && bytes.Equal(v.Record(), l.sent[h].Record()):
		case i >= len(fresh) && errors.Is(err, &code.Error{Code: code.NotFound}):
		case err != nil:
			return fmt.Errorf("event %s (acknowledged: %v): %w", h, i < len(fresh), err)
		default:
			return fmt.Errorf("event %s is served with other bytes", h)
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// stored opens the journal and both replicas of a host that has ended, and
// finds every acknowledged event in each of them, byte for byte, and nothing
// that was never sent.
func (l *ledger) stored(data string) {
	l.t.Helper()
	ctx := context.Background()
	j, err := sqlite.Open(filepath.Join(data, "journal.db"), sqlite.Options{})
	if err != nil {
		l.t.Fatal(err)
	}
	defer j.Close()
	for h, sequence := range l.acked {
		e, copies, err := j.Get(ctx, h)
		if err != nil || e.Sequence != sequence {
			l.t.Fatalf("the journal has event %s as %d (%v), acknowledged was %d", h, e.Sequence, err, sequence)
		}
		for _, c := range copies {
			if c.State.Owed() {
				l.t.Fatalf("event %s is still owed to %s", h, c.Replica)
			}
		}
	}
	for _, name := range []string{"replica-a", "replica-b"} {
		r, err := local.Open(filepath.Join(data, name), local.Options{})
		if err != nil {
			l.t.Fatal(err)
		}
		defer r.Close()
		for h := range l.acked {
			b, err := r.Get(ctx, replica.Ref{Hash: h})
			if err != nil || !bytes.Equal(b, l.sent[h].Record()) {
				l.t.Fatalf("%s has %d bytes of event %s, acknowledged were %d (%v)", name, len(b), h, len(l.sent[h].Record()), err)
			}
		}
		listed := 0
		for ref, err := range r.List(ctx) {
			if err != nil {
				l.t.Fatalf("%s: %v", name, err)
			}
			v, sent := l.sent[ref.Hash]
			b, err := r.Get(ctx, ref)
			if !sent || err != nil || !bytes.Equal(b, v.Record()) {
				l.t.Fatalf("%s holds %d bytes under %s, which is no event that was sent (%v)", name, len(b), ref.Hash, err)
			}
			listed++
		}
		if listed < len(l.acked) {
			l.t.Fatalf("%s lists %d events, %d were acknowledged", name, listed, len(l.acked))
		}
	}
}

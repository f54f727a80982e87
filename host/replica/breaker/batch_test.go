package breaker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/memory"
	"github.com/eventseal/eventseal/host/replica/replicatest"
)

// narrow is a place behind a link of so many bytes a second that all share, or
// behind a proxy that takes no larger bodies, or with an event that it refuses.
// A batch that fails stores nothing.
type narrow struct {
	*memory.Replica
	rate, body, events int // 0: any
	refuses            map[int]bool
	refusal            error // of those that it refuses; nil: replica.ErrRefused
	poisons            bool  // what it refuses fails all that are sent with it

	mu    sync.Mutex
	free  time.Time // when the link has carried what was sent so far
	sent  int
	calls int
}

var errLarge = errors.New("413 Request Entity Too Large")

func (n *narrow) carry(ctx context.Context, bytes int) error {
	n.mu.Lock()
	n.calls++
	n.sent += bytes
	if now := time.Now(); n.free.Before(now) {
		n.free = now
	}
	if n.rate > 0 {
		n.free = n.free.Add(time.Duration(bytes) * time.Second / time.Duration(n.rate))
	}
	wait := time.Until(n.free)
	n.mu.Unlock()
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		n.mu.Lock()
		defer n.mu.Unlock()
		n.free = time.Now() // what was on its way is dropped with the connection
		return ctx.Err()
	}
}

func (n *narrow) PutBatch(ctx context.Context, vs []module.Verified) []replica.Outcome {
	out := make([]replica.Outcome, len(vs))
	bytes := 0
	for _, v := range vs {
		bytes += len(v.Record())
	}
	err := n.carry(ctx, bytes)
	if err == nil && (n.body > 0 && bytes > n.body || n.events > 0 && len(vs) > n.events) {
		err = errLarge
	}
	for i, v := range vs {
		if out[i].Err = err; !n.refuses[int(v.Meta().CreatedAt)] || err != nil {
			continue
		}
		out[i].Err = cmp.Or(n.refusal, replica.ErrRefused)
		for k := range vs {
			if n.poisons {
				out[k].Err = out[i].Err
			}
		}
		if n.poisons {
			return out
		}
	}
	for i, v := range vs {
		if out[i].Err == nil {
			out[i].Location, out[i].Err = n.Replica.Put(ctx, v)
		}
	}
	return out
}

func (n *narrow) Put(ctx context.Context, v module.Verified) (string, error) {
	out := n.PutBatch(ctx, []module.Verified{v})
	return out[0].Location, out[0].Err
}

// GetBatch sends records one after the other and tells of each.
func (n *narrow) GetBatch(ctx context.Context, refs []replica.Ref) []replica.Fetched {
	out := make([]replica.Fetched, len(refs))
	for i, ref := range refs {
		if out[i].Record, out[i].Err = n.Replica.Get(ctx, ref); out[i].Err == nil {
			if out[i].Err = n.carry(ctx, len(out[i].Record)); out[i].Err == nil {
				replica.Moved(ctx, len(out[i].Record))
			}
		}
	}
	return out
}

func events(n, size int) []module.Verified {
	vs := make([]module.Verified, n)
	for i := range vs {
		vs[i] = replicatest.Event(uint64(i), size, 0)
	}
	return vs
}

// A backlog of large events drains over a slow link, whatever share of it the
// lanes get, in about the time that the link takes.
func TestASlowLinkDrains(t *testing.T) {
	for _, c := range []struct {
		rate, n, size int
		batches       bool
	}{
		{4 << 20, 200, 200_000, true}, {4 << 20, 200, 200_000, false}, {1 << 20, 200, 200_000, true}, {512 << 10, 8, 4_000_000, true},
		{300 << 10, 40, 1_000_000, false}, {300 << 10, 5000, 900, true}, {300 << 10, 5, 4_000_000, true},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &narrow{Replica: memory.New(), rate: c.rate}
				var inner replica.Replica = n
				lanes, size := 3, 40
				if !c.batches {
					inner, lanes, size = struct{ replica.Replica }{n}, 32, 1
				}
				r := New(inner, Options{Log: quiet})
				queue := make(chan []module.Verified, c.n)
				vs := events(c.n, c.size)
				for i := 0; i < len(vs); i += size {
					queue <- vs[i:min(i+size, len(vs))]
				}
				begun, left := time.Now(), c.n
				var mu sync.Mutex
				var wg sync.WaitGroup
				for range lanes {
					wg.Go(func() {
						for {
							mu.Lock()
							over := left == 0
							mu.Unlock()
							var batch []module.Verified
							select {
							case batch = <-queue:
							default:
							}
							if over {
								return
							}
							if batch == nil {
								time.Sleep(100 * time.Millisecond)
								continue
							}
							ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
							var again []module.Verified
							for i, o := range replica.PutBatch(ctx, r, batch) {
								if o.Err != nil {
									again = append(again, batch[i])
								}
							}
							cancel()
							if again != nil {
								queue <- again
							}
							mu.Lock()
							left -= len(batch) - len(again)
							mu.Unlock()
							if time.Since(begun) > time.Hour {
								t.Error("it does not drain")
								return
							}
						}
					})
				}
				wg.Wait()
				bytes := 0
				for _, v := range vs {
					bytes += len(v.Record())
				}
				ideal := time.Duration(bytes) * time.Second / time.Duration(c.rate)
				if took := time.Since(begun); took > 2*ideal+time.Second {
					t.Errorf("it took %v, and %v is what the link takes; %d bytes were sent for %d", took, ideal, n.sent, bytes)
				}
				_ = r.(interface{ Close() error }).Close()
			})
		})
	}
}

// Whatever a place refuses as a whole is cut until it passes, and what passes
// is remembered.
func TestARefusedBatchIsCut(t *testing.T) {
	for name, n := range map[string]*narrow{"bytes": {body: 3000}, "events": {events: 2}, "one": {events: 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n.Replica = memory.New()
				r := New(n, Options{Log: quiet, Failures: 2}).(replica.BatchPutter)
				for round := range 2 {
					before := n.calls
					for i, o := range r.PutBatch(context.Background(), events(20, 1000)) {
						if o.Err != nil {
							t.Fatalf("event %d: %v", i, o.Err)
						}
					}
					if n := n.calls - before; round == 1 && n > 21 {
						t.Errorf("%d calls for a batch of 20", n)
					}
				}
				state(t, r.(replica.Replica), Closed)
			})
		})
	}
}

// An event that a place refuses, alone or with all that are sent with it, holds
// no other.
func TestOneBadEventHoldsNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		refusal error
		poisons bool
	}{
		"alone": {}, "in words": {errLarge, false}, "with all": {nil, true}, "with all, in words": {errLarge, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &narrow{Replica: memory.New(), refuses: map[int]bool{0: true, 77: true}, refusal: c.refusal, poisons: c.poisons}
				r := New(n, Options{Log: quiet, Failures: 3})
				for range 5 {
					for i, o := range r.(replica.BatchPutter).PutBatch(context.Background(), events(100, 1000)) {
						if (o.Err != nil) != n.refuses[i] {
							t.Errorf("event %d: %v", i, o.Err)
						}
					}
				}
				state(t, r, Closed)
			})
		})
	}
}

// A place that says nothing is not asked for the rest of a batch again and
// again; the breaker opens as it does without batches.
func TestASilentPlaceIsLeftSoon(t *testing.T) {
	within(t, Options{Failures: 3, Timeout: time.Second}, func(t *testing.T, p *place, r replica.Replica) {
		gate := make(chan struct{})
		p.hang.Store(&gate)
		vs := events(100, 1000)
		begun := time.Now()
		for i, o := range r.(replica.BatchPutter).PutBatch(context.Background(), vs) {
			if !errors.Is(o.Err, context.DeadlineExceeded) {
				t.Fatalf("event %d: %v", i, o.Err)
			}
		}
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
		_ = r.(replica.BatchPutter).PutBatch(context.Background(), vs)
		state(t, r, Open)
		close(gate)
	})
}

// What comes puts the deadline of a read off, and nothing else does.
func TestASlowReadIsLetFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &narrow{Replica: memory.New()}
		r := New(n, Options{Log: quiet, Timeout: 2 * time.Second})
		vs := events(20, 200_000)
		var refs []replica.Ref
		for i, o := range r.(replica.BatchPutter).PutBatch(context.Background(), vs) {
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			refs = append(refs, replica.Ref{Hash: vs[i].Hash(), Location: o.Location})
		}
		n.rate = 300 << 10
		begun := time.Now()
		for i, f := range r.(replica.BatchGetter).GetBatch(context.Background(), refs) {
			if f.Err != nil {
				t.Fatalf("event %d after %v: %v", i, time.Since(begun), f.Err)
			}
		}
		n.rate = 1
		begun = time.Now()
		if f := r.(replica.BatchGetter).GetBatch(context.Background(), refs[:1]); !errors.Is(f[0].Err, context.DeadlineExceeded) {
			t.Error(f[0].Err)
		}
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A batch that is answered for another number of events says nothing of any.
func TestAnAnswerForAnotherNumber(t *testing.T) {
	r := New(short{memory.New()}, Options{Log: quiet}).(replica.BatchPutter)
	for _, o := range r.PutBatch(context.Background(), events(3, 200)) {
		if o.Err == nil {
			t.Error("it passes")
		}
	}
}

type short struct{ *memory.Replica }

func (short) PutBatch(context.Context, []module.Verified) []replica.Outcome { return nil }

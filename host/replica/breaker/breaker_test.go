package breaker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/memory"
	"github.com/eventseal/eventseal/host/replica/replicatest"
)

var quiet = slog.New(slog.DiscardHandler)

func TestConformance(t *testing.T) {
	replicatest.Run(t, func(t *testing.T) replicatest.Subject {
		m := memory.New()
		r := New(m, Options{Log: quiet, Timeout: time.Minute})
		return replicatest.Subject{
			Replica:       r,
			Close:         r.(interface{ Close() error }).Close,
			Corrupt:       func(t *testing.T, ref replica.Ref) { m.Corrupt(ref.Hash, []byte("{}")) },
			CorruptObject: func(t *testing.T, name string) { m.CorruptObject(name, []byte("{}")) },
		}
	})
}

var errDown = errors.New("connection refused")

// place is a memory replica that can be made to fail or to hang.
type place struct {
	*memory.Replica
	fault atomic.Pointer[error] // of everything but Check
	sick  atomic.Pointer[error] // of Check
	hang  atomic.Pointer[chan struct{}]
	calls atomic.Int64
}

func (p *place) trouble(fault *atomic.Pointer[error]) error {
	p.calls.Add(1)
	if c := p.hang.Load(); c != nil {
		<-*c // whatever the context says
	}
	if e := fault.Load(); e != nil {
		return *e
	}
	return nil
}

func (p *place) Put(ctx context.Context, v module.Verified) (string, error) {
	if err := p.trouble(&p.fault); err != nil {
		return "", err
	}
	return p.Replica.Put(ctx, v)
}

func (p *place) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	if err := p.trouble(&p.fault); err != nil {
		return nil, err
	}
	return p.Replica.Get(ctx, ref)
}

func (p *place) Check(context.Context) error { return p.trouble(&p.sick) }

func (p *place) PutBatch(ctx context.Context, vs []module.Verified) []replica.Outcome {
	out := make([]replica.Outcome, len(vs))
	for i := range out {
		out[i].Location, out[i].Err = p.Put(ctx, vs[i])
	}
	return out
}

func (p *place) List(ctx context.Context) iter.Seq2[replica.Ref, error] {
	return func(yield func(replica.Ref, error) bool) {
		if err := p.trouble(&p.fault); err != nil {
			yield(replica.Ref{}, err)
			return
		}
		for ref, err := range p.Replica.List(ctx) {
			if !yield(ref, err) {
				return
			}
		}
	}
}

var ref = replica.Ref{Hash: replicatest.Event(1, 200, 0).Hash()}

// within is a breaker test in the fake time of a bubble.
func within(t *testing.T, o Options, f func(t *testing.T, p *place, r replica.Replica)) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{Replica: memory.New()}
		o.Log = quiet
		r := New(p, o)
		if _, err := r.Put(context.Background(), replicatest.Event(1, 200, 0)); err != nil {
			t.Fatal(err)
		}
		f(t, p, r)
		if err := r.(interface{ Close() error }).Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func state(t *testing.T, r replica.Replica, want string) State {
	t.Helper()
	s, ok := StateOf(r)
	if !ok || s.Breaker != want {
		t.Fatalf("the breaker is %q (%+v), want %s", s.Breaker, s, want)
	}
	return s
}

// It opens after failures in a row, is then not asked, and closes by itself
// within about a second of the healing.
func TestOpensAndHeals(t *testing.T) {
	for name, traffic := range map[string]bool{"with calls": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			within(t, Options{Failures: 3}, func(t *testing.T, p *place, r replica.Replica) {
				ctx := context.Background()
				p.fault.Store(&errDown)
				p.sick.Store(&errDown)
				for range 2 {
					_, _ = r.Get(ctx, ref)
				}
				p.fault.Store(nil)
				if _, err := r.Get(ctx, ref); err != nil { // breaks the row
					t.Fatal(err)
				}
				p.fault.Store(&errDown)
				for range 3 {
					state(t, r, Closed)
					if _, err := r.Get(ctx, ref); !errors.Is(err, errDown) {
						t.Fatal(err)
					}
				}
				s := state(t, r, Open)
				if s.Failures != 5 || s.Calls != 7 || s.LastError != errDown.Error() || s.LastErrorAt.IsZero() || s.LastSuccessAt.IsZero() {
					t.Errorf("%+v", s)
				}
				before := p.calls.Load()
				if _, err := r.Get(ctx, ref); !errors.Is(err, ErrOpen) || !strings.Contains(err.Error(), errDown.Error()) {
					t.Fatalf("while open: %v", err)
				}
				if p.calls.Load() != before {
					t.Fatal("the place was asked")
				}
				time.Sleep(time.Minute)
				state(t, r, Open)
				if n := p.calls.Load() - before; n < 50 || n > 90 {
					t.Errorf("%d probes in a minute", n)
				}
				p.fault.Store(nil)
				p.sick.Store(nil)
				healed := time.Now()
				for {
					time.Sleep(10 * time.Millisecond)
					if traffic {
						_, _ = r.Get(ctx, ref)
					}
					if s, _ := StateOf(r); s.Breaker == Closed {
						break
					}
				}
				if took := time.Since(healed); took > 1500*time.Millisecond {
					t.Errorf("it closed %v after the healing", took)
				}
				if _, err := r.Get(ctx, ref); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// A place whose Check succeeds while nothing else does stays unasked, but for
// a try about once a second.
func TestCheckAloneProvesNothing(t *testing.T) {
	within(t, Options{Failures: 3}, func(t *testing.T, p *place, r replica.Replica) {
		ctx := context.Background()
		p.fault.Store(&errDown)
		tried, refused := 0, 0
		for range 6000 {
			time.Sleep(10 * time.Millisecond)
			if _, err := r.Get(ctx, ref); errors.Is(err, ErrOpen) {
				refused++
			} else {
				tried++
			}
		}
		if tried < 20 || tried > 120 || refused < 5800 {
			t.Errorf("%d calls were let through in a minute, %d not", tried, refused)
		}
		// Without calls it closes on its checks, and the first failure opens it.
		time.Sleep(5 * time.Second)
		state(t, r, Closed)
		_, _ = r.Get(ctx, ref)
		state(t, r, Open)
	})
}

// One call tries a half-open breaker; the others do not wait for it.
func TestOneTrial(t *testing.T) {
	within(t, Options{Failures: 1, Timeout: 10 * time.Second}, func(t *testing.T, p *place, r replica.Replica) {
		ctx := context.Background()
		p.fault.Store(&errDown)
		_, _ = r.Get(ctx, ref)
		p.fault.Store(nil)
		for {
			time.Sleep(time.Millisecond)
			if s, _ := StateOf(r); s.Breaker == HalfOpen {
				break
			}
		}
		gate := make(chan struct{})
		p.hang.Store(&gate)
		tried := make(chan error, 1)
		go func() {
			_, err := r.Get(ctx, ref)
			tried <- err
		}()
		synctest.Wait()
		for range 5 {
			if _, err := r.Get(ctx, ref); !errors.Is(err, ErrOpen) {
				t.Fatalf("a second trial: %v", err)
			}
		}
		state(t, r, HalfOpen)
		p.hang.Store(nil)
		close(gate)
		if err := <-tried; err != nil {
			t.Fatal(err)
		}
		state(t, r, Closed)
	})
}

// Answers that are no are answers; so are those of a place that only reads.
func TestAnswersAreNoFailures(t *testing.T) {
	for _, answer := range []error{replica.ErrNotFound, replica.ErrConflict, replica.ErrCorrupt, replica.ErrFull, replica.ErrReadOnly, replica.ErrClosed} {
		within(t, Options{Failures: 2}, func(t *testing.T, p *place, r replica.Replica) {
			wrapped := fmt.Errorf("there: %w", answer)
			p.fault.Store(&wrapped)
			for range 10 {
				if _, err := r.Put(context.Background(), replicatest.Event(1, 200, 0)); !errors.Is(err, answer) {
					t.Fatal(err)
				}
			}
			refuses := errors.Is(answer, replica.ErrFull) || errors.Is(answer, replica.ErrReadOnly)
			if s := state(t, r, Closed); s.Failures != 0 || (s.Refuses != "") != refuses {
				t.Errorf("%v: %+v", answer, s)
			}
			// That it can be read says nothing of that; that it stores does.
			p.fault.Store(nil)
			if _, err := r.Get(context.Background(), ref); err != nil && !errors.Is(err, replica.ErrNotFound) {
				t.Fatal(err)
			}
			if s := state(t, r, Closed); (s.Refuses != "") != refuses {
				t.Errorf("%v: after a read %+v", answer, s)
			}
			if _, err := r.Put(context.Background(), replicatest.Event(1, 200, 0)); err != nil {
				t.Fatal(err)
			}
			if s := state(t, r, Closed); s.Refuses != "" {
				t.Errorf("%v: after a store %+v", answer, s)
			}
		})
	}
}

func TestCallersOwnEndIsNoFailure(t *testing.T) {
	within(t, Options{Failures: 2}, func(t *testing.T, p *place, r replica.Replica) {
		gate := make(chan struct{})
		p.hang.Store(&gate)
		for range 10 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			if _, err := r.Get(ctx, ref); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			cancel()
		}
		state(t, r, Closed)
		close(gate)
	})
}

// A replica that ignores its context holds up nobody longer than the timeout,
// and not without bound many goroutines.
func TestHanging(t *testing.T) {
	within(t, Options{Failures: 3, Timeout: 2 * time.Second}, func(t *testing.T, p *place, r replica.Replica) {
		gate := make(chan struct{})
		p.hang.Store(&gate)
		ctx := context.Background()
		for range 3 {
			begun := time.Now()
			_, err := r.Get(ctx, ref)
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "2s") || time.Since(begun) != 2*time.Second {
				t.Fatalf("%v after %v", err, time.Since(begun))
			}
		}
		state(t, r, Open)
		before := runtime.NumGoroutine()
		time.Sleep(5 * time.Minute)
		if n := runtime.NumGoroutine() - before; n > 3*(maxHung+maxProbes) {
			t.Errorf("%d goroutines hang", n)
		}
		state(t, r, Open)
		p.hang.Store(nil)
		healed := time.Now()
		close(gate)
		for {
			time.Sleep(10 * time.Millisecond)
			if _, err := r.Get(ctx, ref); err == nil {
				break
			}
		}
		if took := time.Since(healed); took > 1500*time.Millisecond {
			t.Errorf("it closed %v after the healing", took)
		}
	})
}

// Callers that leave early do not make a hanging replica collect goroutines.
func TestHangingWithImpatientCallers(t *testing.T) {
	within(t, Options{Timeout: time.Hour}, func(t *testing.T, p *place, r replica.Replica) {
		gate := make(chan struct{})
		p.hang.Store(&gate)
		last := error(nil)
		for range 1000 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			_, last = r.Get(ctx, ref)
			cancel()
		}
		if !errors.Is(last, ErrOpen) || p.calls.Load() > maxHung+maxProbes+10 {
			t.Errorf("%v after %d calls", last, p.calls.Load())
		}
		close(gate)
	})
}

// A black hole that ends is noticed about as soon as any other healing, though
// the probes before it wait for their whole timeout.
func TestProbesOverlap(t *testing.T) {
	within(t, Options{Failures: 1, Timeout: 5 * time.Second}, func(t *testing.T, p *place, r replica.Replica) {
		gate := make(chan struct{})
		p.hang.Store(&gate)
		_, _ = r.Get(context.Background(), ref)
		time.Sleep(11 * time.Second)
		p.hang.Store(nil) // those before stay lost
		healed := time.Now()
		for {
			time.Sleep(10 * time.Millisecond)
			if _, err := r.Get(context.Background(), ref); err == nil {
				break
			}
		}
		if took := time.Since(healed); took > 1500*time.Millisecond {
			t.Errorf("it closed %v after the healing", took)
		}
		close(gate)
	})
}

// A place that fails whatever it is sent is not asked for each event of a batch.
func TestBatches(t *testing.T) {
	within(t, Options{Failures: 2}, func(t *testing.T, p *place, r replica.Replica) {
		vs := []module.Verified{replicatest.Event(5, 200, 0), replicatest.Event(6, 200, 0), replicatest.Event(7, 200, 0)}
		p.fault.Store(&errDown)
		b, _ := replica.As[replica.BatchPutter](r)
		for i := range 4 {
			out := b.PutBatch(context.Background(), vs)
			if len(out) != len(vs) {
				t.Fatalf("%d outcomes", len(out))
			}
			for k, o := range out {
				want := errDown
				if i > 0 || k == 2 {
					want = ErrOpen
				}
				if !errors.Is(o.Err, want) {
					t.Fatalf("batch %d: %v, want %v", i, o.Err, want)
				}
			}
		}
		if s := state(t, r, Open); s.Failures != 2 || s.Calls != 5 { // three at once, one alone, two at once, one alone
			t.Errorf("%+v", s)
		}
	})
	if err := worst(nil, 3, func(i int) error { return []error{nil, replica.ErrNotFound, errDown}[i] }); err != errDown {
		t.Errorf("the worst is %v", err)
	}
}

func TestList(t *testing.T) {
	within(t, Options{Failures: 1, Timeout: time.Second}, func(t *testing.T, p *place, r replica.Replica) {
		l, _ := replica.As[replica.Lister](r)
		n := 0
		for range l.List(context.Background()) {
			n++
			break
		}
		gate := make(chan struct{})
		p.hang.Store(&gate)
		begun := time.Now()
		var last error
		for _, err := range l.List(context.Background()) {
			last = err
		}
		if n != 1 || !errors.Is(last, context.DeadlineExceeded) || time.Since(begun) != 4*time.Second {
			t.Errorf("%d, %v after %v", n, last, time.Since(begun))
		}
		state(t, r, Open)
		for _, err := range l.List(context.Background()) {
			if !errors.Is(err, ErrOpen) {
				t.Errorf("while open: %v", err)
			}
		}
		close(gate)
	})
}

// The decorated replica has the powers of the inner one and no others, each
// calling it.
func TestPowersAreKept(t *testing.T) {
	base := memory.New()
	plain := struct{ replica.Replica }{base}
	for powers := range 16 {
		r := New(New(withSome(plain, powers), Options{Log: quiet}), Options{Log: quiet})
		bp, isBP := replica.As[replica.BatchPutter](r)
		bg, isBG := replica.As[replica.BatchGetter](r)
		fi, isF := replica.As[replica.Filler](r)
		li, isL := replica.As[replica.Lister](r)
		for i, has := range []bool{isBP, isBG, isF, isL} {
			if has != (powers>>i&1 == 1) {
				t.Errorf("powers %04b: power %d is there: %v", powers, i, has)
			}
		}
		if _, ok := StateOf(r); !ok {
			t.Errorf("powers %04b: no state", powers)
		}
		ctx, v := context.Background(), replicatest.Event(uint64(powers), 200, 0)
		if isBP {
			if out := bp.PutBatch(ctx, []module.Verified{v, v}); len(out) != 2 || out[1].Location != "all" {
				t.Errorf("powers %04b: %v", powers, out)
			}
		}
		if isBG {
			if out := bg.GetBatch(ctx, []replica.Ref{ref}); len(out) != 1 || string(out[0].Record) != "all" {
				t.Errorf("powers %04b: %v", powers, out)
			}
		}
		if isF {
			if err := fi.Fill(ctx, v); err == nil || err.Error() != "all" {
				t.Errorf("powers %04b: %v", powers, err)
			}
		} else if err := r.(replica.Filler).Fill(ctx, v); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("powers %04b: %v", powers, err)
		}
		for l, err := range r.(replica.Lister).List(ctx) {
			if isL && l.Location != "all" || !isL && !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("powers %04b: %v, %v", powers, l, err)
			}
		}
		if isL != (li != nil) {
			t.Errorf("powers %04b: a power that is not there is given", powers)
		}
	}
	if _, ok := StateOf(base); ok {
		t.Error("a replica without a breaker has a state")
	}
}

// What a place says of itself comes through, and its losses also while the
// breaker is open.
func TestIdentityPassesThrough(t *testing.T) {
	ctx := context.Background()
	inner := struct {
		*memory.Replica
		suffers
	}{memory.New(), 7}
	r := New(inner, Options{Log: quiet, Failures: 1})
	identified, ok := replica.As[replica.Identified](r)
	if !ok {
		t.Fatal("the power is lost")
	}
	if err := identified.Identify(ctx, "id"); err != nil {
		t.Fatal(err)
	}
	if id, err := identified.Identity(ctx, nil); err != nil || id != "id" {
		t.Fatalf("%q, %v", id, err)
	}
	if recent, ok := replica.As[replica.Recent](r); ok {
		t.Errorf("%v is no power of the place", recent)
	}
	hs, err := r.(replica.Recent).Newest(ctx, 1)
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v, %v", hs, err)
	}
	c := r.(*core)
	c.mu.Lock()
	c.trip(errDown)
	c.mu.Unlock()
	if _, err := identified.Identity(ctx, nil); !errors.Is(err, ErrOpen) {
		t.Errorf("while open: %v", err)
	}
	if s, ok := replica.As[replica.Suffered](r); !ok || s.Suffered() != 7 {
		t.Errorf("its losses are not told: %v", ok)
	}
	if err := r.(io.Closer).Close(); err != nil {
		t.Fatal(err)
	}
}

type suffers uint64

func (s suffers) Suffered() uint64 { return uint64(s) }

// all has every power.
type all struct{}

func (all) PutBatch(_ context.Context, vs []module.Verified) []replica.Outcome {
	out := make([]replica.Outcome, len(vs))
	for i := range out {
		out[i].Location = "all"
	}
	return out
}

func (all) GetBatch(context.Context, []replica.Ref) []replica.Fetched {
	return []replica.Fetched{{Record: []byte("all")}}
}

func (all) Fill(context.Context, module.Verified) error { return errors.New("all") }

func (all) List(context.Context) iter.Seq2[replica.Ref, error] {
	return func(yield func(replica.Ref, error) bool) { yield(replica.Ref{Location: "all"}, nil) }
}

// withSome returns r with some of the powers of all.
func withSome(r replica.Replica, powers int) replica.Replica {
	type (
		bp = replica.BatchPutter
		bg = replica.BatchGetter
		fi = replica.Filler
		li = replica.Lister
	)
	var a all
	return [16]replica.Replica{
		r,
		struct {
			replica.Replica
			bp
		}{r, a}, struct {
			replica.Replica
			bg
		}{r, a}, struct {
			replica.Replica
			bp
			bg
		}{r, a, a}, struct {
			replica.Replica
			fi
		}{r, a}, struct {
			replica.Replica
			bp
			fi
		}{r, a, a}, struct {
			replica.Replica
			bg
			fi
		}{r, a, a}, struct {
			replica.Replica
			bp
			bg
			fi
		}{r, a, a, a}, struct {
			replica.Replica
			li
		}{r, a}, struct {
			replica.Replica
			bp
			li
		}{r, a, a}, struct {
			replica.Replica
			bg
			li
		}{r, a, a}, struct {
			replica.Replica
			bp
			bg
			li
		}{r, a, a, a}, struct {
			replica.Replica
			fi
			li
		}{r, a, a}, struct {
			replica.Replica
			bp
			fi
			li
		}{r, a, a, a}, struct {
			replica.Replica
			bg
			fi
			li
		}{r, a, a, a}, struct {
			replica.Replica
			bp
			bg
			fi
			li
		}{r, a, a, a, a},
	}[powers]
}

func TestObserve(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	o := Options{Failures: 1, Observe: func(op string, _ time.Duration, err error) {
		mu.Lock()
		defer mu.Unlock()
		seen[op+" "+fmt.Sprint(err)]++
	}}
	within(t, o, func(t *testing.T, p *place, r replica.Replica) {
		if err := r.Delete(context.Background(), replica.Ref{}); err != nil {
			t.Fatal(err)
		}
		p.fault.Store(&errDown)
		_, _ = r.Get(context.Background(), ref)
		_, _ = r.Get(context.Background(), ref)
	})
	mu.Lock()
	defer mu.Unlock()
	if seen["put <nil>"] != 1 || seen["delete <nil>"] != 1 || seen["get connection refused"] != 1 || len(seen) != 4 {
		t.Errorf("%v", seen)
	}
}

func BenchmarkGet(b *testing.B) {
	m := memory.New()
	v := replicatest.Event(1, 1000, 0)
	r := New(m, Options{Log: quiet})
	if _, err := r.Put(context.Background(), v); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Get(context.Background(), replica.Ref{Hash: v.Hash()}); err != nil {
			b.Fatal(err)
		}
	}
}

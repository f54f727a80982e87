// Package retrieve is the way out. A record is looked for in the process's
// cache, then in the places in their reading order, a slow one hedged by the
// next; every copy is checked before it is served, a bad one is passed over,
// and whoever should have had a good one is reported, also when nobody has one.
package retrieve

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// DefaultHedgeAfter is how long a source may take before the next one is asked beside it.
const DefaultHedgeAfter = 50 * time.Millisecond

// Bounds of what goes on at once.
const (
	maxFetches  = 512              // events looked for outside the cache
	maxUnknown  = 16               // of those that the journal does not know
	maxWaiting  = 4096             // calls that wait for one of the above; more are refused
	fetchTime   = 30 * time.Second // for one event or window, whatever the places do
	negativeTTL = 2 * time.Second  // for which nobody is asked again about what nobody had
	maxNegative = 1 << 16
)

// Options say what a Reader reads from. Module, Journal and Places are required.
type Options struct {
	Module     *module.Pool
	Journal    journal.Journal
	Places     []replica.Place // in reading order
	HedgeAfter time.Duration   // 0: DefaultHedgeAfter
	CacheBytes int             // memory for recently read and stored records; 0: none
	// Found is told what is to be known of a copy from now on, because its place was
	// found not to hold what the journal believes: custody.Missing, Damaged, Foreign,
	// or None of a cache that forgot what nobody else has. It must not block. nil: nobody.
	Found      func(sequence uint64, h digest.Hash, place string, state custody.State)
	Registerer prometheus.Registerer // nil: there are no metrics
	Log        *slog.Logger          // nil: slog.Default()
}

// A Reader finds events. Its methods are safe for concurrent use.
type Reader struct {
	o      Options
	cache  *cache
	places []*place
	m      *metrics

	base       context.Context // ends with Close
	stop       context.CancelFunc
	background sync.WaitGroup
	after      chan aftermath

	fetches slots
	unknown slots
	logged  atomic.Int64 // when, by uptime; 0: never

	mu       sync.Mutex
	under    map[digest.Hash]*fetch
	negative map[digest.Hash]time.Time // until when nobody is asked
}

// New returns a Reader; the caller must Close it. It panics when the
// Registerer has metrics of these names already.
func New(o Options) *Reader {
	if o.HedgeAfter <= 0 {
		o.HedgeAfter = DefaultHedgeAfter
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	r := &Reader{
		o: o, cache: newCache(o.CacheBytes), after: make(chan aftermath, maxAfter),
		fetches: newSlots(maxFetches), unknown: newSlots(maxUnknown),
		under: map[digest.Hash]*fetch{}, negative: map[digest.Hash]time.Time{},
	}
	for _, p := range o.Places {
		r.places = append(r.places, newPlace(p))
	}
	r.base, r.stop = context.WithCancel(context.Background())
	r.m = newMetrics(r, o.Registerer)
	for range afterWorkers {
		r.background.Go(r.clean)
	}
	return r
}

// Add puts events into the cache: those that were just stored.
func (r *Reader) Add(vs ...module.Verified) {
	for _, v := range vs {
		r.cache.add(v)
	}
}

// Close ends what goes on in the background. Later calls fail.
func (r *Reader) Close() error {
	r.mu.Lock()
	r.stop()
	r.mu.Unlock()
	r.background.Wait()
	return nil
}

// Event returns the event of a hash. Errors: *code.Error of NotFound (nobody
// holds it), Corrupt (there are only bad copies), Unavailable (some source
// that may hold it could not be asked), Timeout, Overloaded, ShuttingDown; or
// context.Canceled.
func (r *Reader) Event(ctx context.Context, h digest.Hash) (module.Verified, error) {
	if v, ok := r.cache.get(h); ok {
		return v, nil
	}
	for {
		v, first, err := r.share(ctx, h)
		if err == nil || first || ctx.Err() != nil || !errors.Is(err, errNotFound) {
			return v, err
		}
		// The search that was joined may have begun before the event was stored.
		if v, ok := r.cache.get(h); ok {
			return v, nil
		}
	}
}

// A fetch is one search that all who ask for the hash meanwhile share.
type fetch struct {
	waiting int
	cancel  context.CancelFunc // when nobody waits any more
	done    chan struct{}
	v       module.Verified
	err     error
}

// share searches for h, or joins who does already; first says that it was this call.
func (r *Reader) share(ctx context.Context, h digest.Hash) (v module.Verified, first bool, err error) {
	r.mu.Lock()
	f := r.under[h]
	if first = f == nil; first {
		if r.base.Err() != nil {
			r.mu.Unlock()
			return v, true, &code.Error{Code: code.ShuttingDown}
		}
		fctx, cancel := context.WithTimeout(r.base, fetchTime)
		f = &fetch{cancel: cancel, done: make(chan struct{})}
		r.under[h] = f
		r.background.Go(func() {
			defer cancel()
			r.search(fctx, h, func(v module.Verified, err error) {
				f.v, f.err = v, err
				r.mu.Lock()
				if r.under[h] == f {
					delete(r.under, h)
				}
				r.mu.Unlock()
				close(f.done)
			})
		})
	}
	f.waiting++
	r.mu.Unlock()
	select {
	case <-f.done:
		return f.v, first, f.err
	case <-ctx.Done():
	}
	r.mu.Lock()
	if f.waiting--; f.waiting == 0 {
		if r.under[h] == f {
			delete(r.under, h) // the next one begins anew
		}
		f.cancel()
	}
	r.mu.Unlock()
	return v, true, ended(ctx.Err())
}

// ended returns a context's error as callers see it.
func ended(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &code.Error{Code: code.Timeout}
	}
	return err
}

var (
	errNotFound = &code.Error{Code: code.NotFound}
	errCorrupt  = &code.Error{Code: code.Corrupt}
)

// search looks for h everywhere and answers once. What it found wrong with
// places is reported afterwards, or, where the event was not found, before: who
// is told that it is gone finds the journal to know it.
func (r *Reader) search(ctx context.Context, h digest.Hash, answer func(module.Verified, error)) {
	leave, err := r.fetches.enter(ctx)
	if err != nil {
		answer(module.Verified{}, err)
		return
	}
	defer leave() // once it is reported, so that no more is under way than there are slots
	e, copies, err := r.o.Journal.Get(ctx, h)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		answer(module.Verified{}, ended(ctx.Err()))
		return
	default:
		// Unknown, or the journal cannot say: a copy's own signature proves it.
		surely := errors.Is(err, journal.ErrNotFound)
		if !surely {
			r.seldom(func() { r.o.Log.Warn("the journal cannot be read; copies are verified in full", "error", err) })
		}
		answer(r.searchUnknown(ctx, h, surely))
		return
	}
	t := &target{hash: h, entry: &e}
	v, err := r.race(ctx, t, r.sources(h, copies))
	if err != nil {
		r.failed([]*target{t}, []error{err})
		answer(r.instead(ctx, t, err))
		return
	}
	r.cache.add(v)
	answer(v, nil)
	r.fill(v, t)
	r.report(t)
}

// failed reports what is wrong with the places of targets whose searches ended
// with these errors.
func (r *Reader) failed(ts []*target, errs []error) {
	for i, t := range ts {
		t.nowhere = gone(errs[i])
	}
	r.report(ts...)
}

// instead returns what there is to be had of a target whose search failed, and
// which was reported: the copy that the second look found, or the event under
// another signature; or the error.
func (r *Reader) instead(ctx context.Context, t *target, err error) (module.Verified, error) {
	if t.again.Meta() != nil {
		if !sweeping(ctx) {
			r.cache.add(t.again)
		}
		return t.again, nil
	}
	v, err := r.another(ctx, t, err)
	if gone(err) {
		r.m.lost.Inc()
		r.seldom(func() {
			r.o.Log.Error("an event that the journal knows has no good copy anywhere", "hash", t.hash, "sequence", t.entry.Sequence, "error", err)
		})
		var refused *code.Error
		errors.As(err, &refused)
		err = &code.Error{Code: refused.Code, Detail: lostDetail}
	}
	return v, err
}

const lostDetail = "this host took the event, and no replica has a good copy of it any more; storing it again, or importing an export that has it, brings it back"

// gone reports whether everybody was asked and nobody has a good copy.
func gone(err error) bool { return errors.Is(err, errNotFound) || errors.Is(err, errCorrupt) }

// seldom runs log at most once a second: what readers can bring about must not
// fill the log. The metrics count everything.
func (r *Reader) seldom(log func()) {
	last, now := r.logged.Load(), int64(uptime())
	if (last == 0 || now-last >= int64(time.Second)) && r.logged.CompareAndSwap(last, now) {
		log()
	}
}

// searchUnknown looks for an event that the journal does not know, as after
// its loss. Few of these searches run at once, and what nobody had is not
// asked for again at once: hashes cost whoever invents them nothing.
func (r *Reader) searchUnknown(ctx context.Context, h digest.Hash, surely bool) (v module.Verified, err error) {
	if surely && r.nobodyHas(h) {
		return v, errNotFound
	}
	leave, err := r.unknown.enter(ctx)
	if err != nil {
		return v, err
	}
	defer leave()
	t := target{hash: h}
	v, err = r.race(ctx, &t, r.sources(h, nil))
	switch {
	case err == nil:
		r.seldom(func() { r.o.Log.Warn("a replica holds an event that the journal does not know; reindex", "hash", h) })
		r.cache.add(v)
		r.fill(v, &t)
	case surely && errors.Is(err, errNotFound):
		r.mu.Lock()
		if len(r.negative) >= maxNegative {
			clear(r.negative)
		}
		r.negative[h] = time.Now().Add(negativeTTL)
		r.mu.Unlock()
	}
	return v, err
}

// nobodyHas reports whether the places were asked for h a moment ago in vain.
func (r *Reader) nobodyHas(h digest.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	until, ok := r.negative[h]
	if ok && time.Now().After(until) {
		delete(r.negative, h)
		ok = false
	}
	return ok
}

// slots bound what runs at once, and what waits for it.
type slots struct {
	free    chan struct{}
	waiting chan struct{}
}

func newSlots(n int) slots {
	return slots{make(chan struct{}, n), make(chan struct{}, maxWaiting)}
}

// enter waits for a slot; the caller must leave it.
func (s slots) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-s.free }
	select {
	case s.free <- struct{}{}:
		return leave, nil
	default:
	}
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		return nil, &code.Error{Code: code.Overloaded, Detail: "too many events are being looked for"}
	}
	select {
	case s.free <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ended(ctx.Err())
	}
}

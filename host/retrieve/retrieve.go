// Package retrieve is the way out. A record is looked for in the process's
// cache, then in the places in their reading order, a slow one hedged by the
// next; every copy is checked before it is served, a bad one is passed over,
// and whoever should have had a good one is repaired.
package retrieve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
	// Repair is told of a place that should hold a good copy and does not. It must not block. nil: nobody.
	Repair     func(sequence uint64, h digest.Hash, place string)
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
	logged  atomic.Int64 // when, Unix nanoseconds

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
			f.v, f.err = r.search(fctx, h)
			r.mu.Lock()
			if r.under[h] == f {
				delete(r.under, h)
			}
			r.mu.Unlock()
			close(f.done)
			cancel()
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

// search looks for h everywhere.
func (r *Reader) search(ctx context.Context, h digest.Hash) (module.Verified, error) {
	leave, err := r.fetches.enter(ctx)
	if err != nil {
		return module.Verified{}, err
	}
	defer leave()
	e, copies, err := r.o.Journal.Get(ctx, h)
	var t target
	var sources []*source
	switch {
	case err == nil:
		t.hash, t.entry = h, &e
		sources = r.sources(h, copies)
	case ctx.Err() != nil:
		return module.Verified{}, ended(ctx.Err())
	default:
		// Unknown, or the journal cannot say: a copy's own signature proves it.
		surely := errors.Is(err, journal.ErrNotFound)
		if !surely {
			r.seldom(func() { r.o.Log.Warn("the journal cannot be read; copies are verified in full", "error", err) })
		}
		return r.searchUnknown(ctx, h, surely)
	}
	v, err := r.race(ctx, &t, sources)
	if err == nil {
		r.cache.add(v)
		r.afterwards(v, &t)
		return v, nil
	}
	if v, err = r.another(ctx, &t, err); errors.Is(err, errNotFound) || errors.Is(err, errCorrupt) {
		r.lost(&t, err)
	}
	return v, err
}

// lost notes that a known event was not found.
func (r *Reader) lost(t *target, err error) {
	r.m.lost.Inc()
	r.seldom(func() {
		r.o.Log.Error("an event that the journal knows has no good copy anywhere", "hash", t.hash, "sequence", t.entry.Sequence, "error", err)
	})
}

// seldom runs log at most once a second: what readers can bring about must not
// fill the log. The metrics count everything.
func (r *Reader) seldom(log func()) {
	last, now := r.logged.Load(), time.Now().UnixNano()
	if now-last >= int64(time.Second) && r.logged.CompareAndSwap(last, now) {
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
		r.afterwards(v, &t)
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

// A target is an event that is looked for, and what came of it so far.
type target struct {
	hash  digest.Hash
	entry *journal.Entry // nil: the journal does not know it

	bad     []*place
	missing []*place
	other   []byte // the event, it seems, under another signature than the journal's
	asked   string // the place of failure
	failure error  // of one that may hold it
}

// check decides whether record is the event.
func (r *Reader) check(ctx context.Context, t *target, record []byte) (module.Verified, error) {
	if t.entry != nil {
		v, err := module.Match(&t.entry.Meta, record)
		if err != nil && !replica.Damaged(t.hash, record) {
			err = &otherError{record, err}
		}
		return v, err
	}
	v, err := r.o.Module.Verify(ctx, record)
	if err == nil && (v.Hash() != t.hash || string(v.Record()) != string(record)) {
		err = &code.Error{Code: code.HashMismatch}
	}
	if err != nil {
		return module.Verified{}, err
	}
	return v, nil
}

// An otherError is a bad copy that may be the event under another signature.
type otherError struct {
	record []byte
	err    error
}

func (e *otherError) Error() string { return e.err.Error() }
func (e *otherError) Unwrap() error { return e.err }

// another returns the event under another valid signature than the journal's,
// where every source was asked and none has that one: it is the event that was
// asked for, and better than none. Else it returns err.
func (r *Reader) another(ctx context.Context, t *target, err error) (module.Verified, error) {
	if t.other == nil || !errors.Is(err, errCorrupt) {
		return module.Verified{}, err
	}
	v, e := r.check(ctx, &target{hash: t.hash}, t.other)
	if e != nil {
		return module.Verified{}, err
	}
	r.seldom(func() {
		r.o.Log.Warn("an event is served under another signature than the journal's, which no source has", "hash", t.hash, "sequence", t.entry.Sequence)
	})
	return v, nil
}

// note files what a place that did not deliver said.
func (t *target) note(r *Reader, p *place, err error) {
	var refused *code.Error
	var other *otherError
	if errors.As(err, &other) {
		t.other = other.record
	}
	switch {
	case errors.Is(err, replica.ErrNotFound), errors.Is(err, journal.ErrNotFound):
		if p != nil {
			t.missing = append(t.missing, p)
		}
	case errors.Is(err, replica.ErrCorrupt), errors.As(err, &refused):
		name := "journal"
		if p != nil {
			t.bad = append(t.bad, p)
			p.bad.Add(1)
			name = p.Name
		}
		r.m.bad.WithLabelValues(name).Inc()
		r.seldom(func() { r.o.Log.Warn("a bad copy was read", "replica", name, "hash", t.hash, "error", err) })
	case p == nil:
		t.asked, t.failure = "journal", err
	case !p.cache: // what a cache holds others hold, too
		t.asked, t.failure = p.Name, err
	}
}

// verdict is the error when every source has been asked.
func (t *target) verdict() error {
	switch {
	case t.failure != nil:
		return &code.Error{Code: code.Unavailable, Detail: fmt.Sprintf("replica %s: %v", t.asked, t.failure)}
	case len(t.bad) > 0:
		return errCorrupt
	}
	return errNotFound
}

package retrieve

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A window of a batch is read at once, while the one before it is being
// handed out: its records are what is in memory.
const (
	windowEvents = 128
	windowBytes  = 64 << 20 // if every event were as large as the limit allows
	minWindow    = 8
)

// Events yields the events of hs, one item each, in their order. The errors
// are Event's. It reads ahead a little of what was yielded; memory is bounded
// whatever the number of hashes.
func (r *Reader) Events(ctx context.Context, hs []digest.Hash) iter.Seq2[module.Verified, error] {
	return func(yield func(module.Verified, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		size := min(windowEvents, max(minWindow, windowBytes/r.o.Module.MaxEvent()))
		next := func() chan []found {
			if len(hs) == 0 {
				return nil
			}
			window := hs[:min(size, len(hs))]
			hs = hs[len(window):]
			c := make(chan []found, 1)
			go func() { c <- r.window(ctx, window) }()
			return c
		}
		for window := next(); window != nil; {
			fs := <-window
			window = next()
			for _, f := range fs {
				if !yield(f.v, f.err) {
					return
				}
			}
		}
	}
}

// found is the outcome for one hash.
type found struct {
	v   module.Verified
	err error
}

// window looks up hashes together.
func (r *Reader) window(ctx context.Context, hs []digest.Hash) []found {
	out := make([]found, len(hs))
	first := make(map[digest.Hash]int, len(hs))
	var rest []digest.Hash
	for i, h := range hs {
		if _, again := first[h]; again {
			continue
		}
		first[h] = i
		var ok bool
		if out[i].v, ok = r.cache.get(h); !ok {
			rest = append(rest, h)
		}
	}
	if len(rest) > 0 {
		for i, f := range r.windowRest(ctx, rest) {
			out[first[rest[i]]] = f
		}
	}
	for i, h := range hs {
		if k := first[h]; k != i {
			out[i] = out[k]
		}
	}
	return out
}

// windowRest looks up hashes that the cache does not have.
func (r *Reader) windowRest(ctx context.Context, hs []digest.Hash) []found {
	out := make([]found, len(hs))
	fail := func(err error) []found {
		for i := range out {
			out[i].err = err
		}
		return out
	}
	leave, err := r.fetches.enter(ctx)
	if err != nil {
		return fail(err)
	}
	entries, err := r.o.Journal.Entries(ctx, hs)
	if ctx.Err() != nil {
		leave()
		return fail(ended(ctx.Err()))
	}
	if err != nil {
		entries = make([]*journal.Entry, len(hs)) // each is asked for alone
	}
	var ts []*target
	var at, unknown []int
	for i, e := range entries {
		if e == nil {
			unknown = append(unknown, i)
			continue
		}
		ts = append(ts, &target{hash: hs[i], entry: e})
		at = append(at, i)
	}
	if len(ts) == 0 {
		leave()
	} else {
		for k, f := range r.known(ctx, ts, leave) {
			out[at[k]] = f
		}
	}
	var wg sync.WaitGroup
	lanes := make(chan struct{}, maxUnknown)
	for _, i := range unknown {
		lanes <- struct{}{}
		wg.Go(func() {
			defer func() { <-lanes }()
			out[i].v, out[i].err = r.Event(ctx, hs[i])
		})
	}
	wg.Wait()
	return out
}

// known looks up events that the journal knows. What is wrong with places is
// reported as after a search for one; leave is called when it is.
func (r *Reader) known(ctx context.Context, ts []*target, leave func()) []found {
	fctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	out := r.raceBatch(fctx, ts)
	var failed, rest []*target
	var errs []error
	for k, t := range ts {
		if out[k].err != nil {
			failed, errs = append(failed, t), append(errs, out[k].err)
			continue
		}
		if rest = append(rest, t); !sweeping(ctx) {
			r.cache.add(out[k].v)
			r.fill(out[k].v, t)
		}
	}
	r.failed(failed, errs)
	for k, t := range ts {
		if out[k].err != nil {
			out[k].v, out[k].err = r.instead(fctx, t, out[k].err)
		}
	}
	if !slices.ContainsFunc(rest, (*target).reportable) || !r.spawn(func() { defer leave(); r.report(rest...) }) {
		leave()
	}
	return out
}

// spawn runs f in the background, unless the Reader was closed.
func (r *Reader) spawn(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.base.Err() != nil {
		return false
	}
	r.background.Go(f)
	return true
}

// raceBatch is race for many events that the journal knows: a place is asked
// for all that are still missing when its turn comes.
func (r *Reader) raceBatch(ctx context.Context, ts []*target) []found {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		place *place // nil: the journal
		asked []int
		found []found
	}
	out := make([]found, len(ts))
	open := make(map[int]struct{}, len(ts))
	for i := range ts {
		open[i] = struct{}{}
	}
	turns := r.turns()
	answers := make(chan answer, len(turns))
	running := 0
	ask := func() {
		p := turns[0]
		turns = turns[1:]
		asked := make([]int, 0, len(open))
		for i := range open {
			asked = append(asked, i)
		}
		slices.Sort(asked)
		running++
		go func() { answers <- answer{p, asked, r.getBatch(ctx, p, ts, asked)} }()
	}
	hedge := time.NewTimer(r.o.HedgeAfter)
	defer hedge.Stop()
	for len(open) > 0 && ctx.Err() == nil {
		if running == 0 {
			if len(turns) == 0 {
				break
			}
			ask()
			hedge.Reset(r.o.HedgeAfter)
		}
		select {
		case a := <-answers:
			running--
			if ctx.Err() != nil {
				break
			}
			for k, i := range a.asked {
				if _, still := open[i]; !still {
					continue
				}
				if f := a.found[k]; f.err != nil {
					ts[i].note(r, a.place, f.err)
				} else {
					out[i] = f
					delete(open, i)
				}
			}
			if len(open) > 0 && len(turns) > 0 {
				ask()
				hedge.Reset(r.o.HedgeAfter)
			}
		case <-hedge.C:
			if len(turns) > 0 {
				r.m.hedges.Inc()
				ask()
				hedge.Reset(r.o.HedgeAfter)
			}
		case <-ctx.Done():
		}
	}
	for i := range open {
		if out[i].err = ended(ctx.Err()); out[i].err == nil {
			out[i].err = ts[i].verdict()
		}
	}
	return out
}

// turns is the order in which a batch asks: caches, the first lasting place,
// the journal (nil) for what has not got there yet, the others, those that are
// slow to answer.
func (r *Reader) turns() []*place {
	turns, slow := make([]*place, 0, len(r.places)+1), make([]*place, 0, len(r.places))
	asked := false
	for _, p := range r.places {
		if p.slow() {
			slow = append(slow, p)
			continue
		}
		turns = append(turns, p)
		if !p.cache && !asked {
			asked = true
			turns = append(turns, nil)
		}
	}
	if !asked {
		turns = append(turns, nil)
	}
	return append(turns, slow...)
}

// getBatch reads and checks the copies of ts numbered asked.
func (r *Reader) getBatch(ctx context.Context, p *place, ts []*target, asked []int) []found {
	begun := time.Now()
	out := make([]found, len(asked))
	fetched := r.fetchBatch(ctx, p, ts, asked)
	var failure error
	for k, f := range fetched {
		if f.Err == nil {
			out[k].v, f.Err = r.check(ctx, ts[asked[k]], f.Record)
		}
		if out[k].err = f.Err; f.Err != nil && !errors.Is(f.Err, replica.ErrNotFound) && !errors.Is(f.Err, journal.ErrNotFound) {
			failure = f.Err
		}
	}
	r.listen(p, time.Since(begun), failure)
	return out
}

func (r *Reader) fetchBatch(ctx context.Context, p *place, ts []*target, asked []int) []replica.Fetched {
	if p == nil {
		out := make([]replica.Fetched, len(asked))
		for k, i := range asked {
			out[k].Record, out[k].Err = r.o.Journal.Record(ctx, ts[i].hash)
		}
		return out
	}
	refs := make([]replica.Ref, len(asked))
	hashes := make([]digest.Hash, len(asked))
	for k, i := range asked {
		refs[k].Hash, hashes[k] = ts[i].hash, ts[i].hash
	}
	if l, ok := r.o.Journal.(journal.Locator); ok && !p.cache {
		if locations, err := l.Locations(ctx, hashes, p.Name); err == nil {
			for k := range refs {
				refs[k].Location = locations[k]
			}
		}
	}
	out := replica.GetBatch(ctx, p.Replica, refs)
	if len(out) != len(refs) {
		out = make([]replica.Fetched, len(refs))
		for k := range out {
			out[k].Err = errors.New("the replica did not answer for every event")
		}
	}
	return out
}

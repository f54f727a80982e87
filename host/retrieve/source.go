package retrieve

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A place is where copies are read.
type place struct {
	replica.Place
	filler replica.Filler // nil: it is none
	cache  bool           // it may forget what it was given

	bad, missing, late atomic.Uint64 // see Findings

	silent atomic.Int32 // reads in a row that others answered before it
	again  atomic.Int64 // when the next one waits for it first, by uptime
}

// A place that was overtaken this often is asked last, but for one read a
// second that finds out whether it is still so. A breaker does not learn of
// that, because reads that are told to stop are not its failures.
const (
	maxSilent  = 3
	askAgainIn = time.Second
)

// overtaken notes that the place did not answer before it was told to stop.
func (p *place) overtaken() {
	p.late.Add(1)
	if p.silent.Add(1) == maxSilent {
		p.again.Store(int64(uptime() + askAgainIn))
	}
}

// Findings count what reads found wrong with a place, which its circuit breaker
// cannot know, since the Reader was made.
type Findings struct {
	BadCopies     uint64 // that were not the event
	MissingCopies uint64 // that were not there; of a cache, any event that it did not have
	LateReads     uint64 // that another place answered first, long after this one was asked
}

// Findings returns what was found of the place of that name.
func (r *Reader) Findings(name string) (f Findings) {
	for _, p := range r.places {
		if p.Name == name {
			f = Findings{p.bad.Load(), p.missing.Load(), p.late.Load()}
		}
	}
	return f
}

// answered notes that it did, whatever it said.
func (p *place) answered() { p.silent.Store(0) }

// slow reports whether the place is to be asked last.
func (p *place) slow() bool {
	if p.silent.Load() < maxSilent {
		return false
	}
	now, at := uptime(), p.again.Load()
	return int64(now) < at || !p.again.CompareAndSwap(at, int64(now+askAgainIn))
}

var began = time.Now()

// uptime is a time that setting the machine's clock does not change.
func uptime() time.Duration { return time.Since(began) }

// listen notes how a read went that began so long ago.
func (r *Reader) listen(p *place, took time.Duration, err error) {
	r.m.read(p, took, err)
	switch {
	case p == nil:
	case !errors.Is(err, context.Canceled):
		p.answered()
	case took >= r.o.HedgeAfter:
		p.overtaken()
	}
}

func newPlace(r replica.Place) *place {
	p := &place{Place: r}
	p.filler, _ = replica.As[replica.Filler](r.Replica)
	p.cache = r.Cache()
	return p
}

// A source is where one event may be: a place, or the journal.
type source struct {
	place *place // nil: the journal
	ref   replica.Ref
}

// sources lists where h may be, the likeliest first: the journal as long as it
// owes copies, then in reading order the places that are known to hold it and
// the caches, then those that are slow to answer and the other places.
func (r *Reader) sources(h digest.Hash, copies []journal.Copy) []*source {
	own := &source{ref: replica.Ref{Hash: h}}
	first, last := make([]*source, 0, len(r.places)+1), make([]*source, 0, len(r.places))
	if slices.ContainsFunc(copies, func(c journal.Copy) bool { return c.State.Owed() }) {
		first = append(first, own)
	}
	pending := len(first) > 0
	for _, p := range r.places {
		s := &source{place: p, ref: replica.Ref{Hash: h}}
		held := p.cache
		for _, c := range copies {
			if c.Replica == p.Name && c.State.Held() {
				s.ref.Location, held = c.Location, true
			}
		}
		if held && !p.slow() {
			first = append(first, s)
		} else {
			last = append(last, s)
		}
	}
	first = append(first, last...)
	if !pending && copies != nil {
		first = append(first, own)
	}
	return first
}

// get reads and checks one copy.
func (r *Reader) get(ctx context.Context, t *target, s *source) (module.Verified, error) {
	var record []byte
	var err error
	if s.place == nil {
		record, err = r.o.Journal.Record(ctx, s.ref.Hash)
	} else {
		record, err = s.place.Replica.Get(ctx, s.ref)
	}
	if err != nil {
		return module.Verified{}, err
	}
	return r.check(ctx, t, record)
}

// race asks one source after the other: the next when one has failed, or when
// it has not answered for HedgeAfter. The first good copy wins, and the others
// are told to stop.
func (r *Reader) race(ctx context.Context, t *target, sources []*source) (module.Verified, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		v   module.Verified
		s   *source
		err error
	}
	answers := make(chan answer, len(sources)) // so that nobody is left behind
	running := 0
	ask := func() {
		s := sources[0]
		sources = sources[1:]
		running++
		r.background.Go(func() {
			begun := time.Now()
			v, err := r.get(ctx, t, s)
			r.listen(s.place, time.Since(begun), err)
			answers <- answer{v, s, err}
		})
	}
	hedge := time.NewTimer(r.o.HedgeAfter)
	defer hedge.Stop()
	for {
		if running == 0 {
			if len(sources) == 0 {
				return module.Verified{}, t.verdict()
			}
			ask()
			hedge.Reset(r.o.HedgeAfter)
		}
		select {
		case a := <-answers:
			if a.err == nil {
				return a.v, nil
			}
			if running--; ctx.Err() != nil {
				return module.Verified{}, ended(ctx.Err())
			}
			t.note(r, a.s.place, a.err)
			if len(sources) > 0 {
				ask()
				hedge.Reset(r.o.HedgeAfter)
			}
		case <-hedge.C:
			if len(sources) > 0 {
				r.m.hedges.Inc()
				ask()
				hedge.Reset(r.o.HedgeAfter)
			}
		case <-ctx.Done():
			return module.Verified{}, ended(ctx.Err())
		}
	}
}

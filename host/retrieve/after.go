package retrieve

import (
	"context"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
)

// What is found out on the way to a good copy is put right afterwards, beside
// the answer; when too much waits the newest is dropped, and the next read
// finds it out again.
const (
	maxAfter     = 1024
	afterWorkers = 2
	fillTime     = 5 * time.Second
)

// An aftermath is what a read leaves to do.
type aftermath struct {
	v       module.Verified
	entry   *journal.Entry // nil: the journal does not know it
	missing []*place
	bad     []*place
}

// afterwards leaves the target's misses to the background.
func (r *Reader) afterwards(v module.Verified, t *target) {
	if len(t.missing) == 0 && len(t.bad) == 0 {
		return
	}
	select {
	case r.after <- aftermath{v, t.entry, t.missing, t.bad}:
	default:
	}
}

func (r *Reader) clean() {
	for {
		select {
		case <-r.base.Done():
			return
		case a := <-r.after:
			r.settle(a)
		}
	}
}

// settle fills caches that missed the event and reports the places that should
// have had it. Where the journal still owes a copy, its absence is no news.
func (r *Reader) settle(a aftermath) {
	ctx, cancel := context.WithTimeout(r.base, fillTime)
	defer cancel()
	var copies []journal.Copy
	if a.entry != nil {
		var err error
		if _, copies, err = r.o.Journal.Get(ctx, a.v.Hash()); err != nil {
			return
		}
	}
	should := func(p *place) bool {
		return slices.ContainsFunc(copies, func(c journal.Copy) bool {
			return c.Replica == p.Name && c.State.Held()
		})
	}
	for _, p := range a.missing {
		switch {
		case p.filler != nil && p.cache:
			p.missing.Add(1)
			if err := p.filler.Fill(ctx, a.v); err == nil {
				r.m.fills.WithLabelValues(p.Name).Inc()
			}
		case should(p):
			p.missing.Add(1)
			r.repair(a.entry, p)
		}
	}
	for _, p := range a.bad {
		// A bad copy is not replaced by a fill. Of what the journal does not know
		// nothing can be owed.
		if a.entry != nil && (p.cache || should(p)) {
			r.repair(a.entry, p)
		}
	}
}

func (r *Reader) repair(e *journal.Entry, p *place) {
	if r.o.Repair != nil {
		r.o.Repair(e.Sequence, e.Hash, p.Name)
	}
}

package retrieve

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/code"
)

// reportTime bounds a report, whatever the places do. What they do not say by
// then the next read finds out.
const reportTime = 10 * time.Second

// A look is a second one at a copy.
type look struct {
	t   *target
	was custody.State
	ref replica.Ref
}

// report tells of what the searches of ts found places to lack. By now the
// journal may know better: an event may have got to a place after that was
// asked. So what the journal believes now is looked at once more, and only what
// that shows is told. Neither a place that fails nor one that is slow says anything.
func (r *Reader) report(ts ...*target) {
	ctx, cancel := context.WithTimeout(r.base, reportTime)
	defer cancel()
	looks := make(map[*place][]look)
	for _, t := range ts {
		if !t.reportable() {
			continue
		}
		_, copies, err := r.o.Journal.Get(ctx, t.hash)
		if err != nil {
			continue
		}
		at := func(p *place, seen custody.State) {
			l := look{t: t, ref: replica.Ref{Hash: t.hash}}
			for _, c := range copies {
				if c.Replica == p.Name {
					l.was, l.ref.Location = c.State, c.Location
				}
			}
			if _, news := custody.Found(l.was, seen, p.cache, t.nowhere); news {
				looks[p] = append(looks[p], l)
			}
		}
		for _, p := range t.missing {
			at(p, custody.Missing)
		}
		for _, p := range t.bad {
			at(p, custody.Damaged)
		}
		for _, o := range t.others {
			if o.place != nil {
				at(o.place, custody.Foreign)
			}
		}
	}
	var mu sync.Mutex // of what is found in targets
	var wg sync.WaitGroup
	for p, ls := range looks {
		wg.Go(func() { r.again(ctx, p, ls, &mu) })
	}
	wg.Wait()
}

// again looks at a place's copies once more.
func (r *Reader) again(ctx context.Context, p *place, ls []look, mu *sync.Mutex) {
	refs := make([]replica.Ref, len(ls))
	for i, l := range ls {
		refs[i] = l.ref
	}
	fetched := replica.GetBatch(ctx, p.Replica, refs)
	if len(fetched) != len(ls) {
		return
	}
	for i, l := range ls {
		v, seen := r.judge(ctx, l.t, p, fetched[i])
		if seen.Gone() && l.t.nowhere && l.ref.Location != "" {
			// It may be elsewhere than the journal says.
			record, err := p.Replica.Get(ctx, replica.Ref{Hash: l.t.hash})
			v, seen = r.judge(ctx, l.t, p, replica.Fetched{Record: record, Err: err})
		}
		if v.Meta() != nil {
			mu.Lock()
			l.t.again = v
			mu.Unlock()
		}
		if !seen.Gone() && seen != custody.Foreign || ctx.Err() != nil {
			continue
		}
		now, news := custody.Found(l.was, seen, p.cache, l.t.nowhere)
		if !news {
			continue
		}
		if seen == custody.Missing && !p.cache {
			p.missing.Add(1)
		}
		if r.o.Found != nil {
			r.o.Found(l.t.entry.Sequence, l.t.hash, p.Name, now)
		}
	}
}

// judge says what a place has of a target: the record itself, nothing
// (Missing), something that it cannot be (Damaged), or it under another valid
// signature (Foreign). None: that is not known.
func (r *Reader) judge(ctx context.Context, t *target, p *place, f replica.Fetched) (v module.Verified, seen custody.State) {
	err := f.Err
	if err == nil {
		v, err = r.check(ctx, t, f.Record)
	}
	var o *otherError
	var refused *code.Error
	switch {
	case err == nil:
		return v, custody.Confirmed
	case errors.As(err, &o):
		_, err := r.check(ctx, &target{hash: t.hash}, o.record)
		switch {
		case err == nil:
			r.seldom(func() {
				r.o.Log.Warn("a replica has an event under another valid signature than the journal's", "replica", p.Name, "hash", t.hash)
			})
			return v, custody.Foreign
		case module.Forged(err), errors.Is(err, &code.Error{Code: code.HashMismatch}):
			r.spoilt(p, t.hash, err)
			return v, custody.Damaged
		}
	case errors.Is(err, replica.ErrNotFound), errors.Is(err, journal.ErrNotFound):
		return v, custody.Missing
	case errors.Is(err, replica.ErrCorrupt), errors.As(err, &refused):
		return v, custody.Damaged
	}
	return v, custody.None
}

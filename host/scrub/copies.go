package scrub

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
)

// inspect files a place's copy and reports whether something is to be put there.
func (s *scrubber) inspect(i int, x *subject) bool {
	p, f, known := &s.report.Places[i], x.fetched[i], x.copy(s.Places[i].Name)
	owed := known != nil && known.State.Owed()
	have := x.v.Meta() != nil
	switch {
	case f.Err == nil && have && bytes.Equal(f.Record, x.v.Record()):
		if x.loose[i] {
			p.Loose++
			return true
		}
		p.Good++
		// The journal may not know it, and a put tells the location.
		return known == nil || owed || !known.State.Held() || x.follows
	case errors.Is(f.Err, replica.ErrNotFound):
		if owed {
			p.Owed++
			return have
		}
		p.Missing++
		return have && (s.FillCaches || !isCache(s.Places[i]))
	case f.Err == nil && !replica.Damaged(x.entry.Hash, f.Record):
		p.Conflicting++
		return have && x.holders > 0
	case f.Err == nil, errors.Is(f.Err, replica.ErrCorrupt):
		p.Damaged++
		return have
	}
	p.Unreachable++
	return false
}

func isCache(p replica.Place) bool {
	_, ok := replica.As[replica.Filler](p.Replica)
	return ok && !p.Counts
}

// repair puts the record to a place, and owes it where that fails.
func (s *scrubber) repair(ctx context.Context, i int, xs []*subject) {
	place, report := s.Places[i], &s.report.Places[i]
	vs := make([]module.Verified, len(xs))
	for k, x := range xs {
		vs[k] = x.v
	}
	outcomes := replica.PutBatch(ctx, place.Replica, vs)
	failed := 0
	var failure error
	for k, x := range xs {
		var o replica.Outcome
		if len(outcomes) == len(xs) {
			o = outcomes[k]
		} else {
			o.Err = errors.New("the replica did not answer for every event")
		}
		if errors.Is(o.Err, replica.ErrConflict) {
			o = s.replace(ctx, place, x)
		}
		if ctx.Err() != nil {
			return // what was not put is found again
		}
		u := journal.Update{Sequence: x.entry.Sequence, Replica: place.Name, Location: o.Location, State: custody.Held}
		good := !x.loose[i] && x.fetched[i].Err == nil && bytes.Equal(x.fetched[i].Record, x.v.Record())
		switch {
		case o.Err != nil:
			u.State, u.Err, u.RetryIn = custody.Owed, o.Err.Error(), time.Second
			report.Failed++
			failed, failure = failed+1, o.Err
		case !good:
			report.Repaired++
		}
		s.Journal.Update(u)
	}
	if failed > 0 {
		s.Log.Warn("copies could not be repaired", "replica", place.Name, "copies", failed, "error", failure)
	}
}

// replace puts the journal's record in the place of another valid record of the
// event. In between the place has none, so it is owed first, and somebody else
// must hold it.
func (s *scrubber) replace(ctx context.Context, p replica.Place, x *subject) (o replica.Outcome) {
	fail := func(err error) replica.Outcome { return replica.Outcome{Err: err} }
	if x.holders == 0 {
		return fail(replica.ErrConflict)
	}
	s.Journal.Update(journal.Update{Sequence: x.entry.Sequence, Replica: p.Name, Err: replica.ErrConflict.Error(), State: custody.Owed, RetryIn: time.Minute})
	if err := s.Journal.Flush(ctx); err != nil {
		return fail(err)
	}
	if err := p.Replica.Delete(ctx, replica.Ref{Hash: x.entry.Hash}); err != nil {
		return fail(err)
	}
	location, err := p.Replica.Put(ctx, x.v)
	return replica.Outcome{Location: location, Err: err}
}

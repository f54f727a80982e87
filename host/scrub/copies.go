package scrub

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
)

// inspect files a place's copy, has the journal know of it, and reports whether
// something is to be put there.
func (s *scrubber) inspect(i int, x *subject) (put bool) {
	p, known := &s.report.Places[i], x.state(s.Places[i].Name)
	have := x.v.Meta() != nil
	switch x.seen[i] {
	case custody.Confirmed:
		if x.loose[i] {
			p.Loose++
			return true
		}
		p.Good++
		// The journal may not know it, and a put tells the location.
		return !known.Held() || x.follows
	case custody.Missing:
		put = s.FillCaches || !s.Places[i].Cache()
		if known.Owed() {
			p.Owed++
			put = true
		} else {
			p.Missing++
		}
	case custody.Damaged:
		p.Damaged++
		put = true
	case custody.Foreign:
		p.Foreign++
	default:
		p.Unreachable++
		return false
	}
	s.mark(i, x, known)
	return put && have
}

// mark has the journal note that a place does not have its record of an event.
// From then on the copy is owed, whatever becomes of the repair.
func (s *scrubber) mark(i int, x *subject, known custody.State) {
	if s.ReadOnly {
		return
	}
	have, place := x.v.Meta() != nil, s.Places[i]
	now, news := custody.Found(known, x.seen[i], place.Cache(), !have && x.sure)
	u := journal.Update{Sequence: x.entry.Sequence, Replica: place.Name, State: now, Err: "found by a scrub: " + now.String(), RetryIn: time.Second}
	switch {
	case x.seen[i] == custody.Foreign && have && s.counting(x, false) < s.required():
		u.State, u.Err, u.RetryIn, u.Keep = custody.Owed, replica.ErrConflict.Error(), conflictPause, x.v
		news = !known.Owed() || x.record == nil
	case x.seen[i] == custody.Foreign && have && known.Owed():
		u.State, u.Err, news = custody.Foreign, replica.ErrConflict.Error(), true
	case have:
		u.Keep = x.unkept()
	default:
		u.RetryIn = time.Minute
	}
	if news && !x.moved {
		s.Journal.Update(u)
	}
}

// conflictPause is how long the outbox leaves a place alone that has another
// valid signature: trying again ends the same way for as long as that is there.
const conflictPause = time.Hour

// moves notes whether the journal has had news of x's copies since before the
// places were read: an event that came to one of them meanwhile is not lost.
func (s *scrubber) moves(ctx context.Context, x *subject) {
	if x.v.Meta() == nil && !s.ReadOnly {
		_, copies, err := s.Journal.Get(ctx, x.entry.Hash)
		x.moved = err != nil || !slices.Equal(copies, x.copies)
	}
}

// settle decides about other valid signatures once everything else of x was
// repaired: with enough copies of the journal's record they are owed nothing.
func (s *scrubber) settle(x *subject) {
	if x.v.Meta() == nil || !slices.Contains(x.seen, custody.Foreign) {
		return
	}
	switch {
	case s.counting(x, true) < s.required():
		s.report.Short++
	case s.counting(x, false) < s.required():
		for i, p := range s.Places {
			if x.seen[i] == custody.Foreign {
				s.Journal.Update(journal.Update{Sequence: x.entry.Sequence, Replica: p.Name, State: custody.Foreign, Err: replica.ErrConflict.Error()})
			}
		}
	}
}

func (s *scrubber) required() int { return max(1, s.MinRedundancy) }

// counting counts the counting places that hold the journal's record, those
// that were repaired included or not.
func (s *scrubber) counting(x *subject, repaired bool) (n int) {
	for i, p := range s.Places {
		if p.Counts && (x.seen[i] == custody.Confirmed || repaired && x.put[i]) {
			n++
		}
	}
	return n
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
		x.put[i] = o.Err == nil
		switch {
		case o.Err != nil:
			u.State, u.Err, u.RetryIn, u.Keep = custody.Owed, o.Err.Error(), time.Second, x.unkept()
			report.Failed++
			failed, failure = failed+1, o.Err
		case x.loose[i] || x.seen[i] != custody.Confirmed:
			report.Repaired++
		}
		s.Journal.Update(u)
	}
	if failed > 0 {
		s.Log.Warn("copies could not be repaired", "replica", place.Name, "copies", failed, "error", failure)
	}
}

// unkept is the record where no place that lasts holds it, and the journal does
// not: what caches alone have may be gone before it is put elsewhere.
func (x *subject) unkept() (v module.Verified) {
	if x.holders == 0 {
		v = x.v
	}
	return v
}

// replace puts the record in the place of one that nobody signed: a place
// cannot tell that from another valid signature and keeps it. What it has is
// looked at once more, and nothing that anybody signed is removed.
func (s *scrubber) replace(ctx context.Context, p replica.Place, x *subject) replica.Outcome {
	fail := func(err error) replica.Outcome { return replica.Outcome{Err: err} }
	ref := replica.Ref{Hash: x.entry.Hash}
	record, err := p.Replica.Get(ctx, ref)
	if err != nil {
		return fail(err)
	}
	results, err := verify(ctx, s.Module, [][]byte{record})
	if err != nil {
		return fail(err)
	}
	if !forged(results[0], x.entry.Hash, record) {
		return fail(replica.ErrConflict)
	}
	if err := p.Replica.Delete(ctx, ref); err != nil {
		return fail(err)
	}
	location, err := p.Replica.Put(ctx, x.v)
	return replica.Outcome{Location: location, Err: err}
}

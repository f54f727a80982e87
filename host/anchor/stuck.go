package anchor

import (
	"context"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/journal"
)

// stuck is which events are held back no longer for.
type stuck struct {
	before uint64    // no event up to this one is, but among those that were passed
	next   time.Time // when that is looked at again; zero: at once
	found  []Stuck   // for State
}

// pass notes that what is posted does not wait for an event.
func (s *stuck) pass(sequence uint64) {
	if sequence <= s.before {
		s.before, s.next = sequence-1, time.Time{}
	}
}

// findStuck finds out, now and then, which events are stuck. The first ones that
// are short are enough: a place that is away for long leaves a great many.
func (a *Anchor) findStuck(ctx context.Context) error {
	s, now := &a.stuck, a.o.now()
	if now.Before(s.next) && s.next.Sub(now) <= idle*a.o.Poll {
		return nil
	}
	last, err := a.o.Journal.Last(ctx)
	if err != nil {
		return err
	}
	short, err := a.o.Journal.Short(ctx, s.before, last, a.counting, a.o.MinRedundancy, shownStuck)
	if err != nil {
		return err
	}
	before := last
	if len(short) > 0 {
		before = short[0].Sequence - 1
	}
	var found []Stuck
	for i := range short {
		if e := &short[i]; a.late(e, now) {
			found = append(found, named(e))
		}
	}
	if a.events != nil {
		passed, _, err := a.o.Journal.Passed(ctx, 0, shownStuck)
		if err != nil {
			return err
		}
		for _, sequence := range passed {
			if slices.ContainsFunc(found, func(x Stuck) bool { return x.Sequence == sequence }) {
				continue
			}
			short, err := a.o.Journal.Short(ctx, sequence-1, sequence, a.counting, a.o.MinRedundancy, 1)
			if err != nil {
				return err
			}
			if len(short) > 0 {
				found = append(found, named(&short[0]))
			} else if e, err := a.entry(ctx, sequence); err == nil && !a.knows(e.Type) {
				found = append(found, Stuck{Sequence: sequence, Hash: e.Hash.String(), Why: "its type " + e.Type + " is not known any more"})
			}
		}
	}
	a.mu.Lock()
	s.before, s.next, s.found = before, now.Add(idle*a.o.Poll), found
	a.mu.Unlock()
	return nil
}

// named says of a short event why it is stuck.
func named(e *journal.Entry) Stuck {
	if e.AdmittedAt.IsZero() {
		return Stuck{Sequence: e.Sequence, Why: "it cannot be read"}
	}
	return Stuck{Sequence: e.Sequence, Hash: e.Hash.String(), Why: "it is not in enough places"}
}

// late reports whether an event that is short, or cannot be read, holds others
// back no longer; since is when it was first waited for.
func (a *Anchor) late(e *journal.Entry, since time.Time) bool {
	now := a.o.now()
	return e.AdmittedAt.IsZero() || now.Sub(e.AdmittedAt) > a.o.Patience || now.Sub(since) > a.o.Patience
}

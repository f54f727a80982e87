package intake

import (
	"context"
	"errors"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// admit journals valid events in one call, which the journal joins with others
// in one transaction, and sends them on to the places.
func (in *Intake) admit(items []*item) {
	in.mu.Lock()
	n := 0
	for _, it := range items {
		if it.settled { // its caller left before it cost anything
			in.end(it)
			continue
		}
		items[n] = it
		n++
	}
	items = items[:n]
	in.mu.Unlock()
	if len(items) == 0 {
		return
	}
	vs := make([]module.Verified, len(items))
	for i, it := range items {
		vs[i] = it.v
	}
	begun := time.Now()
	admissions, err := in.o.Journal.Admit(in.base, vs, in.names)
	if err != nil {
		in.fail(items, journalError(err))
		return
	}
	took := time.Since(begun).Seconds()
	for i, it := range items {
		in.m.journal.Observe(took)
		it.entry, it.created = admissions[i].Entry, !admissions[i].Known
		if it.v.Meta().RecordDigest != it.entry.RecordDigest {
			it.offered, it.v = it.v, module.Verified{} // another signature; the first record stands
		}
	}
	if in.o.Admitted != nil {
		kept := vs[:0]
		for _, it := range items {
			if it.v.Meta() != nil {
				kept = append(kept, it.v)
			}
		}
		if len(kept) > 0 {
			in.o.Admitted(kept)
		}
	}
	in.dispatch(items)
}

// journalError returns the journal's error as callers see it.
func journalError(err error) error {
	switch {
	case errors.Is(err, journal.ErrFull):
		return &code.Error{Code: code.StorageFull, Detail: "the journal's disk is full"}
	case errors.Is(err, journal.ErrClosed), errors.Is(err, context.Canceled): // Close alone ends an admission's context
		return &code.Error{Code: code.ShuttingDown}
	}
	return &code.Error{Code: code.JournalUnavailable, Detail: err.Error()}
}

// dispatch sends admitted events to the places: new ones to all, known ones to
// those whose word is needed for the answer.
func (in *Intake) dispatch(items []*item) {
	out := make([][]job, len(in.places))
	for i := range out {
		out[i] = make([]job, 0, len(items))
	}
	var known []*item
	in.mu.Lock()
	for _, it := range items {
		if !it.created {
			known = append(known, it)
			continue
		}
		f := in.flights[it.entry.Hash] // the outbox may have been quicker
		if f == nil {
			f = in.fly(it.entry)
		}
		f.v = it.v
		for i := range f.spots {
			if s := &f.spots[i]; s.stage == landed && s.at.IsZero() {
				s.state = custody.Owed
				out[i] = append(out[i], f.start(i, false))
			}
		}
		f.join(in, it)
		in.end(it)
	}
	in.mu.Unlock()
	for i, p := range in.places {
		p.enqueue(out[i])
	}
	for _, it := range known {
		if it.v.Meta() == nil {
			// Its record may have to be read from places, which take their time: others
			// do not wait for that.
			in.running.Go(func() { in.revisit(it) })
			continue
		}
		in.revisit(it)
	}
}

// revisit is for an event that the journal knew. What it believes of copies is
// no evidence: whoever's word the answer needs is given the bytes again, which
// costs little where they are and mends where they are not.
func (in *Intake) revisit(it *item) {
	if it.v.Meta() == nil {
		if err := in.first(it); err != nil {
			in.fail([]*item{it}, journalError(err))
			return
		}
	}
	_, copies, err := in.o.Journal.Get(in.base, it.entry.Hash)
	if err != nil {
		in.fail([]*item{it}, journalError(err))
		return
	}
	have := in.spots(copies)
	out := make([][]job, len(in.places))
	in.mu.Lock()
	f := in.flights[it.entry.Hash]
	if f == nil {
		f = in.fly(it.entry)
	}
	if it.v.Meta() != nil {
		f.entry, f.v = it.entry, it.v
	}
	for i := range f.spots {
		if s := &f.spots[i]; s.stage == landed && s.at.IsZero() {
			*s = have[i]
		}
		if f.v.Meta() != nil && f.wants(in, i, it.wait) {
			out[i] = append(out[i], f.start(i, true))
		}
	}
	f.join(in, it)
	in.end(it)
	in.mu.Unlock()
	for i, p := range in.places {
		p.enqueue(out[i])
	}
}

// first finds the first record of an event that was stored under another valid
// signature. Where that is gone everywhere, the one that was offered takes its
// place.
func (in *Intake) first(it *item) error {
	in.mu.Lock()
	if f := in.flights[it.entry.Hash]; f != nil {
		it.v = f.v
	}
	in.mu.Unlock()
	if it.v.Meta() != nil {
		return nil
	}
	found := in.seek(in.base, []journal.Entry{it.entry}, -1)[0]
	if it.v = found.v; it.v.Meta() != nil || !found.nowhere {
		return nil
	}
	in.notice(it.entry, found)
	follower, ok := in.o.Journal.(journal.Follower)
	if !ok {
		return nil
	}
	e, err := follower.Follow(in.base, it.offered, it.entry.RecordDigest, in.names)
	if err != nil {
		return err
	}
	it.entry = e
	if e.RecordDigest == it.offered.Meta().RecordDigest {
		in.o.Log.Warn("the record of an event was gone everywhere; another valid signature that was offered takes its place", "hash", e.Hash, "sequence", e.Sequence)
		it.v = it.offered
	}
	return nil
}

// spots makes of the journal's copies what a flight knows of the places.
func (in *Intake) spots(copies []journal.Copy) []spot {
	spots := make([]spot, len(in.places))
	for i, p := range in.places {
		for _, c := range copies {
			if c.Replica != p.Name {
				continue
			}
			s := &spots[i]
			s.state, s.location, s.attempts = c.State, c.Location, c.Attempts
			if c.LastError != "" {
				s.err = errors.New(c.LastError)
			}
		}
	}
	return spots
}

// safe reports whether enough counting places, but one, are known to hold the
// journal's record of an event.
func (in *Intake) safe(h digest.Hash, but int) bool {
	_, copies, err := in.o.Journal.Get(in.base, h)
	if err != nil {
		return false
	}
	var t custody.Tally
	for i, s := range in.spots(copies) {
		if i != but {
			t.Add(s.state, in.places[i].Counts)
		}
	}
	return t.Counting >= in.o.MinRedundancy
}

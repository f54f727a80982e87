package intake

import (
	"context"
	"errors"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
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
			it.v = module.Verified{} // another signature; the first record stands
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

// dispatch sends admitted events to every place that does not have them.
func (in *Intake) dispatch(items []*item) {
	out := make([][]job, len(in.places))
	for i := range out {
		out[i] = make([]job, 0, len(items))
	}
	var known []*item
	in.mu.Lock()
	for _, it := range items {
		f := in.flights[it.entry.Hash]
		if !it.created && (f == nil || !f.whole) {
			known = append(known, it) // what the places hold is to be looked up
			continue
		}
		if f == nil {
			f = in.fly(it.entry)
		}
		if !f.whole {
			f.whole = true
			for i := range f.spots {
				if f.spots[i].state == unknown {
					out[i] = append(out[i], f.start(i, it.v, true, 0))
				}
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

// revisit is for an event that the journal knew, and of which nothing, or not
// everything, is in flight: what is missing for the answer is stored now,
// whatever the outbox has planned.
func (in *Intake) revisit(it *item) {
	_, copies, err := in.o.Journal.Get(in.base, it.entry.Hash)
	if err != nil {
		in.fail([]*item{it}, journalError(err))
		return
	}
	have := in.spots(copies)
	if it.v.Meta() == nil && !in.enough(it.wait, have) {
		// The places are to get the first record, not this one.
		it.v = in.load(in.base, []journal.Entry{it.entry}, -1)[0]
	}
	out := make([][]job, len(in.places))
	in.mu.Lock()
	f := in.flights[it.entry.Hash]
	switch {
	case f == nil && (in.enough(it.wait, have) || it.v.Meta() == nil):
		// Nothing to do, or nothing to do it with: no source had the record.
		f = &flight{entry: it.entry, spots: have, whole: true}
		f.join(in, it)
	default:
		if f == nil {
			f = in.fly(it.entry)
		}
		for i := range f.spots {
			if f.whole || f.spots[i].state != unknown {
				continue
			}
			if f.spots[i] = have[i]; have[i].state != holds && it.v.Meta() != nil {
				out[i] = append(out[i], f.start(i, it.v, have[i].owed, have[i].attempts))
			}
		}
		f.whole = true
		f.join(in, it)
	}
	in.end(it)
	in.mu.Unlock()
	for i, p := range in.places {
		p.enqueue(out[i])
	}
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
			s.owed, s.attempts = c.State.Owed(), c.Attempts
			switch {
			case c.State.Held():
				s.state, s.location = holds, c.Location
			case c.LastError != "":
				s.state, s.err = failed, errors.New(c.LastError)
			}
		}
	}
	return spots
}

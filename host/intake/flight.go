package intake

import (
	"errors"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
)

// A flight is an event of which something is under way in this process, or
// for which somebody waits. There is one for each event at most. Everything in
// it is under Intake.mu.
type flight struct {
	entry   journal.Entry
	spots   []spot // by place
	whole   bool   // no spot is left unknown
	busy    int    // places under way
	waiters []*item
}

// A spot is what is known of a flight at one place.
type spot struct {
	state    state
	owed     bool // the journal says so
	attempts int  // failed ones, as the journal counts them
	location string
	err      error
}

type state uint8

const (
	unknown  state = iota // the journal may know more
	underWay              // in the place's queue, or being put
	holds
	failed   // the last attempt did
	deferred // the queue was full: the outbox will come to it
)

// errNoAnswer stands for a place that has not said anything yet.
var errNoAnswer = errors.New("no answer yet")

// fly makes a flight of which nothing is known.
func (in *Intake) fly(e journal.Entry) *flight {
	f := &flight{entry: e, spots: make([]spot, len(in.places))}
	in.flights[e.Hash] = f
	return f
}

// start marks a place as under way and returns the job for it.
func (f *flight) start(place int, v module.Verified, owed bool, attempts int) job {
	f.spots[place] = spot{state: underWay}
	f.busy++
	return job{f, v, owed, attempts}
}

// finish notes a place's outcome and answers whom it helps.
func (f *flight) finish(in *Intake, place int, s spot) {
	f.spots[place] = s
	f.busy--
	for i := 0; i < len(f.waiters); {
		if f.answer(in, f.waiters[i]) {
			f.waiters = slices.Delete(f.waiters, i, i+1)
		} else {
			i++
		}
	}
	f.land(in)
}

// land forgets a flight that nobody needs.
func (f *flight) land(in *Intake) {
	if f.busy == 0 && len(f.waiters) == 0 && in.flights[f.entry.Hash] == f {
		delete(in.flights, f.entry.Hash)
	}
}

// join answers the item, or has it wait.
func (f *flight) join(in *Intake, it *item) {
	if !it.settled && !f.answer(in, it) {
		it.flight = f
		f.waiters = append(f.waiters, it)
	}
	f.land(in)
}

// drop takes a waiter out.
func (f *flight) drop(in *Intake, it *item) {
	if i := slices.Index(f.waiters, it); i >= 0 {
		f.waiters = slices.Delete(f.waiters, i, i+1)
	}
	f.land(in)
}

// answer settles the item if what it waits for is there, or cannot come any
// more because every place has answered. It reports whether it did.
func (f *flight) answer(in *Intake, it *item) bool {
	if it.wait == Journaled || in.enough(it.wait, f.spots) {
		if it.wait != Journaled {
			in.m.quorum.Observe(time.Since(it.begun).Seconds())
		}
		in.settle(it, f.receipt(in, it), nil, true)
		return true
	}
	for _, s := range f.spots {
		if s.state == underWay || s.state == deferred {
			return false
		}
	}
	r, err := f.insufficient(in, it)
	in.settle(it, r, err, true)
	return true
}

// enough reports whether spots are what wait waits for.
func (in *Intake) enough(wait Wait, spots []spot) bool {
	durable := 0
	for i, s := range spots {
		if s.state != holds {
			if wait == All {
				return false
			}
			continue
		}
		if in.places[i].Counts {
			durable++
		}
	}
	return wait == Journaled || durable >= in.o.MinRedundancy
}

// receipt tells what is known now.
func (f *flight) receipt(in *Intake, it *item) Receipt {
	r := Receipt{
		Hash: f.entry.Hash, Epoch: in.o.Journal.Epoch(), Sequence: f.entry.Sequence, Created: it.created,
		Required: in.o.MinRedundancy, Locations: make([]Location, len(in.places)),
	}
	for i, s := range f.spots {
		p := in.places[i]
		l := &r.Locations[i]
		l.Replica, l.Kind, l.Counts = p.Name, p.Kind, p.Counts
		switch s.state {
		case holds:
			l.Location = s.location
			if p.Counts {
				r.Durable++
			}
		case failed:
			l.Error = s.err.Error()
		}
	}
	return r
}

// insufficient is the answer when what the item waits for did not come.
func (f *flight) insufficient(in *Intake, it *item) (Receipt, error) {
	r := f.receipt(in, it)
	e := &InsufficientError{Receipt: r}
	for i, s := range f.spots {
		if s.state == holds {
			continue
		}
		err := s.err
		if s.state != failed {
			err = errNoAnswer
		}
		e.Replicas = append(e.Replicas, ReplicaError{in.places[i].Name, err})
	}
	return r, e
}

package intake

import (
	"errors"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
)

// lately is how old a place's word may be for an answer to rest on it: stores
// of one event within it share their puts.
const lately = time.Second

// A flight is an event of which something is under way in this process, or
// for which somebody waits. There is one for each event at most. Everything in
// it is under Intake.mu.
type flight struct {
	entry   journal.Entry
	v       module.Verified // the journal's record; zero: not at hand
	spots   []spot          // by place
	busy    int             // places under way
	waiters []*item
}

// A spot is what is known of a flight's event at one place. Answers rest on
// Confirmed alone, which is what the place said in this flight; what the
// journal believes is Held.
type spot struct {
	state    custody.State
	stage    stage
	at       time.Time // of the place's last word in this flight, good or bad; zero: none yet
	location string    // with a state that is Held
	attempts int       // failed ones since the copy became owed, as the journal counts them
	err      error     // of the last failed attempt
}

// A stage says whether something is going on with a spot.
type stage uint8

const (
	landed   stage = iota // nothing
	underWay              // it is in the place's queue, or being put
	deferred              // the queue was full: the outbox will come to it
)

var (
	// errNoAnswer stands for a place that has not said anything yet.
	errNoAnswer = errors.New("no answer yet")
	// errNoCopy: the record to be put is nowhere.
	errNoCopy = errors.New("no good copy of the event could be read anywhere")
)

// fly makes a flight of which nothing is known.
func (in *Intake) fly(e journal.Entry) *flight {
	f := &flight{entry: e, spots: make([]spot, len(in.places))}
	in.flights[e.Hash] = f
	return f
}

// wants reports whether an item of such a wait needs a put to a place: what
// the place said lately is enough, what the journal believes is not.
func (f *flight) wants(in *Intake, place int, wait Wait) bool {
	s := &f.spots[place]
	if s.stage != landed || !s.at.IsZero() && time.Since(s.at) < lately {
		return false
	}
	return in.places[place].Counts || wait == All || !s.state.Held()
}

// start marks a place as under way and returns the job for it.
func (f *flight) start(place int, again bool) job {
	s := &f.spots[place]
	s.stage = underWay
	f.busy++
	return job{f: f, sequence: f.entry.Sequence, v: f.v, again: again, was: s.state, location: s.location, attempts: s.attempts}
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
	if it.wait == Journaled || f.enough(in, it.wait) {
		if it.wait != Journaled {
			in.m.quorum.Observe(time.Since(it.begun).Seconds())
		}
		in.settle(it, f.receipt(in, it), nil, true)
		return true
	}
	for _, s := range f.spots {
		if s.stage != landed {
			return false
		}
	}
	r, err := f.insufficient(in, it)
	in.settle(it, r, err, true)
	return true
}

// enough reports whether the places have said what wait waits for.
func (f *flight) enough(in *Intake, wait Wait) bool {
	durable := 0
	for i, s := range f.spots {
		if s.state != custody.Confirmed {
			if wait == All {
				return false
			}
			continue
		}
		if in.places[i].Counts {
			durable++
		}
	}
	return durable >= in.o.MinRedundancy
}

// receipt tells what is known now.
func (f *flight) receipt(in *Intake, it *item) Receipt {
	r := Receipt{
		Hash: f.entry.Hash, Epoch: in.o.Journal.Epoch(), Sequence: f.entry.Sequence, Created: it.created,
		Required: in.o.MinRedundancy, Locations: make([]Location, len(in.places)),
		RecordDigest: f.entry.RecordDigest, AdmittedAt: f.entry.AdmittedAt,
	}
	for i, s := range f.spots {
		p := in.places[i]
		l := &r.Locations[i]
		l.Replica, l.Kind, l.Counts = p.Name, p.Kind, p.Counts
		switch {
		case s.state == custody.Confirmed, s.state.Held() && !p.Counts:
			l.Location = s.location
			if p.Counts {
				r.Durable++
				r.Holders = append(r.Holders, p.Name)
			}
		case s.err != nil:
			l.Error = s.err.Error()
		}
	}
	return r
}

// insufficient is the answer when what the item waits for did not come.
func (f *flight) insufficient(in *Intake, it *item) (Receipt, error) {
	r := f.receipt(in, it)
	e := &InsufficientError{Receipt: r, nowhere: f.v.Meta() == nil}
	for i, s := range f.spots {
		if s.state == custody.Confirmed {
			continue
		}
		err := s.err
		switch {
		case err != nil:
		case e.nowhere:
			err = errNoCopy
		default:
			err = errNoAnswer
		}
		e.Replicas = append(e.Replicas, ReplicaError{in.places[i].Name, err})
	}
	return r, e
}

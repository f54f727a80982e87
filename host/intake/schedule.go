package intake

import "time"

// A schedule says when the outbox of a place does what. It knows no clock: the
// time comes with each call.
//
// While the place works, each event that failed is retried after its own
// growing pause, and now and then the journal is looked through for what
// nobody told of. When the place stores nothing at all, only its Check is
// called, and as soon as that succeeds, or some put does, all that is owed goes
// out, whatever the pauses; if that stores nothing either, after ever longer
// pauses.
type schedule struct {
	pace      *pace
	failing   bool          // the last batch stored nothing, by the place's fault
	all       bool          // the next delivery is of all that is owed
	missed    bool          // something became owed that has no time of its own
	due       time.Time     // of the next retry that is known of; zero: none
	notBefore time.Time     // of the next look at a failing place
	fruitful  bool          // something was stored since the last delivery began
	check     time.Duration // the last pause between looks
	fruitless time.Duration // the next one between deliveries that store nothing
}

// An act is what is to be done.
type act uint8

const (
	rest    act = iota // nothing
	look               // call Check, and say with looked what it said
	deliver            // what is owed, and then say so with delivered
)

func newSchedule(p *pace) schedule {
	// What an earlier process left is owed.
	return schedule{pace: p, all: true, check: p.probe, fruitless: p.probe}
}

// next returns what to do at now: to rest for so long, or to deliver what is due
// within ahead from now, a time that can be negative.
func (s *schedule) next(now time.Time) (what act, rests, ahead time.Duration) {
	if s.failing {
		if wait := s.notBefore.Sub(now); wait > 0 {
			return rest, wait, 0
		}
		return look, 0, 0
	}
	return deliver, 0, s.horizon(now)
}

// looked notes what Check said, and when ok how far to deliver.
func (s *schedule) looked(now time.Time, ok bool) (ahead time.Duration) {
	if !ok {
		s.check = min(2*s.check, slowestCheck)
		s.notBefore = now.Add(jitter(s.check))
		return 0
	}
	s.all = true
	return s.horizon(now)
}

// horizon begins a delivery.
func (s *schedule) horizon(now time.Time) (ahead time.Duration) {
	// What is in flight is owed as well, and usually all there is: what nobody
	// told of has been due for a while when it is looked for.
	ahead = -s.pace.sweep
	if s.missed || !s.due.IsZero() && !s.due.After(now) {
		ahead, s.due = 0, time.Time{}
	}
	if s.all {
		ahead = 2 * s.pace.maxRetry // but not what waits because it is no use
	}
	s.all, s.missed, s.fruitful = false, false, false
	return ahead
}

// delivered notes the end of a delivery and returns how long to rest.
func (s *schedule) delivered(now time.Time) time.Duration {
	if s.failing {
		if s.fruitful {
			s.fruitless = s.pace.probe
		}
		s.notBefore = now.Add(jitter(s.fruitless))
		s.fruitless = min(2*s.fruitless, slowestPass)
		return s.notBefore.Sub(now)
	}
	s.check, s.fruitless = s.pace.probe, s.pace.probe
	next := jitter(s.pace.sweep)
	if !s.due.IsZero() {
		next = min(next, max(0, s.due.Sub(now)))
	}
	return next
}

// A turn is what a batch changed about a place.
type turn uint8

const (
	asBefore turn = iota
	heals         // it stores again
	fails         // it has begun to store nothing
)

// put notes a batch of which so many were stored, or there already; troubled
// says that some were not, and again when the first of these is due. sooner
// says that the schedule has changed, and next is to be asked.
func (s *schedule) put(now time.Time, stored int, troubled bool, again time.Duration) (t turn, sooner bool) {
	switch {
	case stored > 0:
		s.fruitful = true
		if s.failing {
			s.failing, s.all = false, true
			t, sooner = heals, true
		}
	case troubled && !s.failing:
		s.failing = true
		t, sooner = fails, true
	}
	if again > 0 {
		if at := now.Add(again); s.due.IsZero() || at.Before(s.due) {
			s.due, sooner = at, true
		}
	}
	return t, sooner
}

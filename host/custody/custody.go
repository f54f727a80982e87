// Package custody names what is known about copies: of one copy at one place,
// and of an event by all of its copies. Whoever decides something by it asks
// the functions here, so that there is one rule for each question.
package custody

import "fmt"

// A State is what is known of one event's copy at one place.
type State uint8

const (
	// None: nothing is known, and nothing is owed.
	None State = iota
	// Owed: the place has to be given the copy. What it has was not looked at.
	Owed
	// Held: the place said once that it has the copy, or it was read there once.
	// That is a belief: it is no evidence of what the place has now.
	Held
	// Confirmed: the place was given the copy, or was found to hold it, for the
	// very answer that rests on it.
	Confirmed
	// Missing: the place answered, and had nothing where it should. It is owed.
	Missing
	// Damaged: the place had something that cannot be the event. It is owed.
	Damaged
	// Foreign: the place has the event under another valid signature than the
	// journal's. It stays there, and is no copy of the journal's record.
	Foreign
)

var words = [...]string{"none", "owed", "held", "confirmed", "missing", "damaged", "foreign"}

// String returns the word that documents and logs use.
func (s State) String() string {
	if int(s) < len(words) {
		return words[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Held reports whether the place is believed to have the journal's record.
func (s State) Held() bool { return s == Held || s == Confirmed }

// Owed reports whether the outbox has to store the copy.
func (s State) Owed() bool { return s == Owed || s == Missing || s == Damaged }

// Gone reports whether the place was looked at and has no good copy.
func (s State) Gone() bool { return s == Missing || s == Damaged }

// A Standing is how an event stands by all that is known of its copies.
type Standing uint8

const (
	Pending  Standing = iota // the journal has its bytes; too few places are known to hold it
	Durable                  // enough counting places hold it, and nobody is owed it
	Degraded                 // somebody is owed it
	Lost                     // every place was looked at and has no good copy, nor has the journal
)

// String returns the word that documents and logs use.
func (s Standing) String() string {
	return [...]string{"pending", "durable", "degraded", "lost"}[s]
}

// A Tally counts the copies of one event.
type Tally struct {
	Counting int // copies held at places that count
	Held     int // copies held anywhere
	Foreign  int
	Owed     int
	Gone     int  // of Owed, those that were looked for
	Bytes    bool // the journal has the record
}

// Add counts one copy.
func (t *Tally) Add(s State, counts bool) {
	switch {
	case s.Held():
		t.Held++
		if counts {
			t.Counting++
		}
	case s == Foreign:
		t.Foreign++
	case s.Owed():
		t.Owed++
		if s.Gone() {
			t.Gone++
		}
	}
}

// Lost reports whether the event is nowhere: all who should have it were looked
// at, and there is no other signature of it either.
func (t Tally) Lost() bool {
	return !t.Bytes && t.Held+t.Foreign == 0 && t.Owed > 0 && t.Owed == t.Gone
}

// Standing derives how the event stands when so many counting places are required.
func (t Tally) Standing(required int) Standing {
	switch {
	case t.Lost():
		return Lost
	case t.Counting >= required && t.Owed == 0:
		return Durable
	case t.Counting >= required || !t.Bytes:
		return Degraded
	}
	return Pending
}

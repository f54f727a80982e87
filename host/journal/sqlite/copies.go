package sqlite

import (
	"encoding/binary"
	"errors"

	"github.com/eventseal/eventseal/host/custody"
)

// A copyState is one copy as the tables have it.
type copyState struct {
	replica  int64
	state    custody.State
	implied  bool // it is owed because of arrears; no row says so
	location string
	attempts int64
	due      int64 // milliseconds of the journal's clock, while owed
	err      string
	updated  int64 // milliseconds of the journal's clock
}

// owedRow reports whether a row of owed stands for the copy.
func (c copyState) owedRow() bool { return c.state.Owed() && !c.implied }

// derive returns what is known of an event's copies at places that are bound,
// by the places' numbers: the one rule for readers and the writer. set is that
// of its row in fresh, 0 without one, since when it is owed to all of these;
// stored are those of its row in copies, owed the rows of owed.
func (n *names) derive(seq uint64, set, since int64, stored, owed []copyState) map[int64]copyState {
	cs := make(map[int64]copyState, len(n.bound))
	for _, r := range n.sets[set] {
		cs[r] = copyState{replica: r, state: custody.Owed, due: since, updated: since}
	}
	for _, c := range stored {
		cs[c.replica] = c
	}
	for _, c := range owed {
		cs[c.replica] = c
	}
	for r := range cs {
		if n.places[r].name == "" {
			delete(cs, r) // another place is meant by its name now
		}
	}
	for _, r := range n.bound {
		if _, known := cs[r]; !known && n.places[r].inArrears(seq) {
			cs[r] = copyState{replica: r, state: custody.Owed, implied: true, err: n.places[r].why, due: since, updated: since}
		}
	}
	return cs
}

// appendCopy appends the form that copies.state holds of a copy that is Held,
// or, with an error, Foreign: replica, updated, attempts (unsigned varints), location and error
// (length as unsigned varint, bytes).
func appendCopy(b []byte, c copyState) []byte {
	b = binary.AppendUvarint(b, uint64(c.replica))
	b = binary.AppendUvarint(b, uint64(c.updated))
	b = binary.AppendUvarint(b, uint64(c.attempts))
	b = binary.AppendUvarint(b, uint64(len(c.location)))
	b = append(b, c.location...)
	b = binary.AppendUvarint(b, uint64(len(c.err)))
	return append(b, c.err...)
}

var errCopies = errors.New("a row of copies is damaged")

func parseCopies(b []byte) (cs []copyState, err error) {
	number := func() uint64 {
		x, n := binary.Uvarint(b)
		if n <= 0 {
			err, b = errCopies, nil
			return 0
		}
		b = b[n:]
		return x
	}
	text := func() string {
		n := number()
		if n > uint64(len(b)) {
			err, b = errCopies, nil
			return ""
		}
		s := string(b[:n])
		b = b[n:]
		return s
	}
	for len(b) > 0 && err == nil {
		c := copyState{replica: int64(number()), updated: int64(number()), attempts: int64(number())}
		c.location, c.err = text(), text()
		if c.state = custody.Held; c.err != "" {
			c.state = custody.Foreign
		}
		cs = append(cs, c)
	}
	return cs, err
}

// maxError bounds what is kept of an error's text.
const maxError = 500

// apply returns the copy after the news.
func (c copyState) apply(n news) copyState {
	was := c.state
	c = copyState{replica: c.replica, state: n.State, attempts: c.attempts, updated: n.at}
	if n.State.Held() {
		c.state, c.location, c.attempts = custody.Held, n.Location, 0
		return c
	}
	if !was.Owed() {
		c.attempts = 0
	}
	c.attempts++
	if c.err = n.Err; len(c.err) > maxError {
		c.err = c.err[:maxError]
	}
	if c.err == "" {
		c.err = n.State.String()
	}
	if n.State == custody.Owed && was.Gone() {
		c.state = was // an attempt that failed changes nothing about that
	}
	if c.state.Owed() {
		c.due = n.at + n.RetryIn.Milliseconds()
	}
	return c
}

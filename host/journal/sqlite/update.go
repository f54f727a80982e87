package sqlite

import (
	"cmp"
	"database/sql/driver"
	"maps"
	"slices"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
)

// learn makes news durable.
func (w *writer) learn(ns []news) error {
	ns = slices.Clone(ns) // a failed transaction puts them back in their order
	slices.SortStableFunc(ns, func(a, b news) int { return cmp.Compare(a.Sequence, b.Sequence) })
	var copies []driver.Value
	var done []uint64
	for len(ns) > 0 {
		n := 1
		for n < len(ns) && ns[n].Sequence == ns[0].Sequence {
			n++
		}
		seq := ns[0].Sequence
		if state, ok, err := w.complete(ns[:n]); err != nil {
			return err
		} else if ok {
			copies = append(copies, int64(seq), state)
			done = append(done, seq)
		} else if err := w.learnOne(seq, ns[:n]); err != nil {
			return err
		}
		ns = ns[n:]
	}
	if err := w.rows(insertCopies, 2, copies); err != nil {
		return err
	}
	w.unfresh = append(w.unfresh, done...)
	// Neighbours leave together: the usual case is one range.
	for len(done) > 0 {
		n := 1
		for n < len(done) && done[n] == done[0]+uint64(n) {
			n++
		}
		from, to := int64(done[0]), int64(done[n-1])
		if err := w.c.exec(`DELETE FROM fresh WHERE seq BETWEEN ? AND ?`, from, to); err != nil {
			return err
		}
		if err := w.c.exec(`DELETE FROM pending WHERE seq BETWEEN ? AND ?`, from, to); err != nil {
			return err
		}
		done = done[n:]
	}
	return nil
}

// complete is the usual case without a look at the tables: the first news of
// an event say that every replica has it. It returns the row for copies.
func (w *writer) complete(ns []news) (state []byte, ok bool, err error) {
	set, ok := w.fresh[ns[0].Sequence]
	if !ok || len(w.names.sets[set]) == 0 || w.names.anyArrears(ns[0].Sequence) {
		return nil, false, nil
	}
	cs := make([]copyState, 0, len(ns))
	for _, n := range ns {
		id, known := w.names.replica(n.Replica)
		if !known || !n.State.Held() || !slices.Contains(w.names.sets[set], id) {
			return nil, false, nil
		}
		cs = slices.DeleteFunc(cs, func(c copyState) bool { return c.replica == id })
		cs = append(cs, copyState{replica: id}.apply(n))
	}
	if len(cs) != len(w.names.sets[set]) {
		return nil, false, nil
	}
	for _, c := range cs {
		state = appendCopy(state, c)
		w.owed[c.replica]--
	}
	return state, true, nil
}

// learnOne is the general case.
func (w *writer) learnOne(seq uint64, ns []news) error {
	s, err := w.state(seq)
	if err != nil {
		return err
	}
	for _, n := range ns {
		id, err := w.replica(n.Replica)
		if err != nil {
			return err
		}
		if n.State == custody.None {
			delete(s.copies, id)
			s.waives = true
			continue
		}
		c := s.copies[id]
		c.replica = id
		s.copies[id] = c.apply(n)
		if n.State.Owed() && n.Keep.Meta() != nil {
			s.keep = &n.Keep
		}
	}
	return w.save(s)
}

// A state is everything about one event's copies, with what the tables hold.
type state struct {
	seq    uint64
	copies map[int64]copyState
	before map[int64]copyState
	fresh  bool             // a row of fresh stands for the owed ones
	row    bool             // there is a row of copies
	waives bool             // a place is not to have a copy any more
	keep   *module.Verified // whose bytes are to be held, if it is the event's record
}

func (w *writer) state(seq uint64) (*state, error) {
	s := &state{seq: seq}
	arg := []driver.Value{int64(seq)}
	var set, since int64
	var stored, owed []copyState
	err := w.c.query(`SELECT owed FROM fresh WHERE seq = ?`, arg, func(v []driver.Value) error {
		s.fresh, set, since = true, v[0].(int64), w.j.clock.since(seq) // what is fresh has waited since its admission
		return nil
	})
	if err == nil && !s.fresh {
		err = w.c.query(`SELECT state FROM copies WHERE seq = ?`, arg, func(v []driver.Value) (err error) {
			s.row = true
			stored, err = parseCopies(v[0].([]byte))
			return err
		})
		if err == nil {
			err = w.c.query(owedText, arg, func(v []driver.Value) error {
				owed = append(owed, copyState{
					replica: v[0].(int64), due: v[1].(int64), attempts: v[2].(int64), err: v[3].(string), updated: v[4].(int64), state: custody.State(v[5].(int64)),
				})
				return nil
			})
		}
	}
	if err != nil {
		return nil, err
	}
	s.before = w.names.derive(seq, set, since, stored, owed)
	s.copies = maps.Clone(s.before)
	return s, nil
}

// save writes what has changed. The bytes go when every replica that was to have
// the event holds it: one that has another signature may have been needed.
func (w *writer) save(s *state) error {
	seq := int64(s.seq)
	if s.fresh {
		if err := w.c.exec(`DELETE FROM fresh WHERE seq = ?`, seq); err != nil {
			return err
		}
		w.unfresh = append(w.unfresh, s.seq)
	}
	var tally custody.Tally
	var row []byte
	for _, r := range slices.Sorted(maps.Keys(s.copies)) {
		c, before := s.copies[r], s.before[r]
		tally.Add(c.state, false)
		if !c.state.Owed() {
			row = appendCopy(row, c)
			continue
		}
		if c.implied || !s.fresh && c == before {
			continue
		}
		if !before.owedRow() {
			w.owed[r]++
		}
		err := w.c.exec(`INSERT INTO owed (seq, replica, due, attempts, error, updated, state) VALUES (?,?,?,?,?,?,?) ON CONFLICT (seq, replica) DO UPDATE
			SET due = excluded.due, attempts = excluded.attempts, error = excluded.error, updated = excluded.updated, state = excluded.state`,
			seq, r, c.due, c.attempts, c.err, c.updated, int64(c.state))
		if err != nil {
			return err
		}
	}
	for r, before := range s.before {
		if !before.owedRow() || s.copies[r].owedRow() {
			continue
		}
		w.owed[r]--
		if s.fresh {
			continue
		}
		if err := w.c.exec(`DELETE FROM owed WHERE seq = ? AND replica = ?`, seq, r); err != nil {
			return err
		}
	}
	switch {
	case row != nil:
		if err := w.c.exec(`INSERT INTO copies VALUES (?,?) ON CONFLICT (seq) DO UPDATE SET state = excluded.state`, seq, row); err != nil {
			return err
		}
	case s.row:
		if err := w.c.exec(`DELETE FROM copies WHERE seq = ?`, seq); err != nil {
			return err
		}
	}
	if tally.Owed+tally.Foreign == 0 && tally.Held > 0 {
		if err := w.c.exec(`DELETE FROM pending WHERE seq = ?`, seq); err != nil {
			return err
		}
	} else if err := w.hold(s); err != nil {
		return err
	}
	if s.waives || tally.Foreign > 0 { // what nobody is owed is found again by it
		if err := w.c.exec(`INSERT OR IGNORE INTO waived VALUES (?)`, seq); err != nil {
			return err
		}
	}
	return w.judge(s.seq, tally)
}

// hold puts the bytes that an event's news came with into the journal, where
// they are its record.
func (w *writer) hold(s *state) error {
	if s.keep == nil {
		return nil
	}
	e, err := w.entry(s.seq)
	if err != nil || e.RecordDigest != s.keep.Meta().RecordDigest {
		return err
	}
	return w.c.exec(`INSERT OR IGNORE INTO pending VALUES (?,?)`, int64(s.seq), s.keep.Record())
}

// restoreCopies records what is known of a restored event's copies.
func (w *writer) restoreCopies(r *journal.Restored, a journal.Admission, now int64) error {
	if a.Entry.RecordDigest != r.Meta.RecordDigest {
		return nil // another record stands; the copy is not of it
	}
	s := &state{seq: a.Entry.Sequence, copies: map[int64]copyState{}}
	if a.Known {
		var err error
		if s, err = w.state(a.Entry.Sequence); err != nil {
			return err
		}
	}
	for _, c := range r.Copies {
		id, err := w.replica(c.Replica)
		if err != nil {
			return err
		}
		have, known := s.copies[id]
		switch {
		case c.State.Held():
			n := news{journal.Update{Sequence: s.seq, Replica: c.Replica, State: c.State, Location: c.Location}, now, 0}
			s.copies[id] = copyState{replica: id}.apply(n)
		case !known || have.implied:
			s.copies[id] = copyState{replica: id, state: custody.Owed, due: now, updated: now}
		}
	}
	var ids []int64
	for id, c := range s.copies {
		if !c.implied {
			ids = append(ids, id)
		}
	}
	if _, err := w.setOf(ids); err != nil { // Short goes by the sets of places that events have had
		return err
	}
	return w.save(s)
}

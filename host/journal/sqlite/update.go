package sqlite

import (
	"cmp"
	"database/sql/driver"
	"slices"

	"github.com/eventseal/eventseal/host/journal"
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
	if !ok || len(w.names.sets[set]) == 0 {
		return nil, false, nil
	}
	cs := make([]copyState, 0, len(ns))
	for _, n := range ns {
		id, known := w.names.replica(n.Replica)
		if !known || n.Err != "" || !slices.Contains(w.names.sets[set], id) {
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
		id, err := w.name(name{kind: kindReplica, text: n.Replica})
		if err != nil {
			return err
		}
		s.copies[id] = s.copies[id].of(id).apply(n)
	}
	return w.save(s)
}

func (c copyState) of(replica int64) copyState {
	c.replica = replica
	return c
}

// A state is everything about one event's copies, with what the tables hold.
type state struct {
	seq    uint64
	copies map[int64]copyState
	before map[int64]copyState
	fresh  bool // a row of fresh stands for the owed ones
	row    bool // there is a row of copies
}

func (w *writer) state(seq uint64) (*state, error) {
	s := &state{seq: seq, copies: map[int64]copyState{}, before: map[int64]copyState{}}
	arg := []driver.Value{int64(seq)}
	err := w.c.query(`SELECT owed FROM fresh WHERE seq = ?`, arg, func(v []driver.Value) error {
		s.fresh = true
		for _, r := range w.names.sets[v[0].(int64)] {
			s.before[r] = copyState{replica: r, owed: true}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !s.fresh {
		err = w.c.query(`SELECT state FROM copies WHERE seq = ?`, arg, func(v []driver.Value) error {
			s.row = true
			cs, err := parseCopies(v[0].([]byte))
			for _, c := range cs {
				s.before[c.replica] = c
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		err = w.c.query(`SELECT replica, due, attempts, error, updated FROM owed WHERE seq = ?`, arg, func(v []driver.Value) error {
			r := v[0].(int64)
			s.before[r] = copyState{replica: r, owed: true, due: v[1].(int64), attempts: v[2].(int64), err: v[3].(string), updated: v[4].(int64)}
			return nil
		})
		if err != nil {
			return nil, err
		}
	} else {
		// What is fresh has waited since its admission.
		at := w.j.clock.since(seq)
		for r, c := range s.before {
			c.due, c.updated = at, at
			s.before[r] = c
		}
	}
	for r, c := range s.before {
		s.copies[r] = c
	}
	return s, nil
}

// save writes what has changed. The bytes go when no replica is owed them;
// but never as long as nobody is known to hold the event.
func (w *writer) save(s *state) error {
	seq := int64(s.seq)
	if s.fresh {
		if err := w.c.exec(`DELETE FROM fresh WHERE seq = ?`, seq); err != nil {
			return err
		}
		w.unfresh = append(w.unfresh, s.seq)
	}
	owed, held := 0, 0
	var row []byte
	replicas := make([]int64, 0, len(s.copies))
	for r := range s.copies {
		replicas = append(replicas, r)
	}
	slices.Sort(replicas)
	for _, r := range replicas {
		c, before := s.copies[r], s.before[r]
		if c.owed && !before.owed {
			w.owed[r]++
		}
		if !c.owed && before.owed {
			w.owed[r]--
		}
		if !c.owed {
			row = appendCopy(row, c)
			if c.err == "" {
				held++
			}
			if before.owed && !s.fresh {
				if err := w.c.exec(`DELETE FROM owed WHERE seq = ? AND replica = ?`, seq, r); err != nil {
					return err
				}
			}
			continue
		}
		owed++
		if s.fresh || c != before {
			err := w.c.exec(`INSERT INTO owed VALUES (?,?,?,?,?,?) ON CONFLICT (seq, replica) DO UPDATE
				SET due = excluded.due, attempts = excluded.attempts, error = excluded.error, updated = excluded.updated`,
				seq, r, c.due, c.attempts, c.err, c.updated)
			if err != nil {
				return err
			}
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
	if owed == 0 && held > 0 {
		return w.c.exec(`DELETE FROM pending WHERE seq = ?`, seq)
	}
	return nil
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
		id, err := w.name(name{kind: kindReplica, text: c.Replica})
		if err != nil {
			return err
		}
		_, known := s.copies[id]
		switch {
		case !c.Owed:
			n := news{journal.Update{Sequence: s.seq, Replica: c.Replica, Location: c.Location}, now}
			s.copies[id] = copyState{replica: id}.apply(n)
		case !known:
			s.copies[id] = copyState{replica: id, owed: true, due: now, updated: now}
		}
	}
	return w.save(s)
}

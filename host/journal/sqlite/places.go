package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
)

// A place is what stands behind a replica's number.
type place struct {
	name        string // that it is bound to; "": none
	identity    string // "": none is known
	after, upto uint64 // its arrears
	why         string // there are any
	mounted     bool   // it was a disk of its own
}

func (p place) inArrears(seq uint64) bool { return seq > p.after && seq <= p.upto }

func (p place) arrears() int { return int(p.upto - min(p.after, p.upto)) }

// set makes p stand behind a number.
func (n *names) set(id int64, p place) {
	if old := n.places[id]; old.name != "" && n.bound[old.name] == id {
		delete(n.bound, old.name)
	}
	if n.places[id] = p; p.name != "" {
		n.bound[p.name] = id
	}
}

// anyArrears reports whether an event is in some place's arrears.
func (n *names) anyArrears(seq uint64) bool {
	for _, id := range n.bound {
		if n.places[id].inArrears(seq) {
			return true
		}
	}
	return false
}

// replica returns the number of the place that is bound to a name, and gives
// one to a name that nothing is bound to, in the writer's transaction.
func (w *writer) replica(text string) (int64, error) {
	if id, ok := w.names.replica(text); ok {
		return id, nil
	}
	return w.place(place{name: text})
}

// place gives a new place a number.
func (w *writer) place(p place) (int64, error) {
	x := name{kind: kindReplica, text: p.name}
	for _, taken := w.names.ids[x]; taken; _, taken = w.names.ids[x] {
		x.code++ // how many there were before under this name
	}
	id, err := w.name(x)
	if err != nil {
		return 0, err
	}
	return id, w.put(id, p)
}

// put writes what stands behind a number.
func (w *writer) put(id int64, p place) error {
	w.names = w.names.clone()
	w.names.set(id, p)
	return w.c.exec(`INSERT OR REPLACE INTO places VALUES (?,?,?,?,?,?,?)`, id, p.name, p.identity, int64(p.after), int64(p.upto), p.why, p.mounted)
}

// ID implements journal.Placer.
func (j *Journal) ID() string { return j.id }

// Bind implements journal.Placer.
func (j *Journal) Bind(ctx context.Context, bs []journal.Binding) (out []journal.Bound, err error) {
	seen := map[string]string{}
	for _, b := range bs {
		if other, twice := seen[b.Identity]; twice && b.Identity != "" {
			return nil, fmt.Errorf("journal: %s and %s are one place", other, b.Replica)
		}
		seen[b.Identity] = b.Replica
	}
	return out, j.do(ctx, func(w *writer) error {
		out, err = w.bind(bs)
		return err
	})
}

func (w *writer) bind(bs []journal.Binding) ([]journal.Bound, error) {
	out := make([]journal.Bound, len(bs))
	ids := make([]int64, len(bs))
	was := w.names // before any of it
	byIdentity := map[string]int64{}
	for id, p := range was.places {
		if p.identity != "" {
			byIdentity[p.identity] = id
		}
	}
	for i, b := range bs {
		current, known := was.replica(b.Replica)
		id, found := byIdentity[b.Identity]
		away := found && was.places[id].name == "" // what is known of it was not kept up meanwhile
		switch {
		case found && !away && b.Doubt == "":
			if ids[i] = id; !known || id != current {
				out[i].Former = was.places[id].name
			}
		case !found && known && b.Doubt == "" && (b.Identity == "" || was.places[current].identity == ""):
			ids[i] = current
		default: // a number of its own, of which nothing is known
			out[i].New = !known && !found
			out[i].Replaced = known && (!found || id != current)
		}
	}
	// All names first: places may have changed theirs with each other.
	for i, b := range bs {
		if current, known := was.replica(b.Replica); known && current != ids[i] {
			p := was.places[current]
			if p.name = ""; b.Identity != "" && p.identity == b.Identity {
				p.identity = "" // in doubt: its number is given up
			}
			if err := w.put(current, p); err != nil {
				return nil, err
			}
		}
	}
	for i, b := range bs {
		p := place{name: b.Replica, identity: b.Identity, mounted: b.Mounted}
		if ids[i] == 0 {
			if p.upto = w.last; p.upto > 0 {
				if p.why = b.Doubt; p.why == "" {
					p.why = "the place is new to the journal, or was away"
				}
			}
			if old, ok := byIdentity[b.Identity]; ok && w.names.places[old].identity != "" {
				q := w.names.places[old]
				q.identity, q.name = "", ""
				if err := w.put(old, q); err != nil {
					return nil, err
				}
			}
			id, err := w.place(p)
			if err != nil {
				return nil, err
			}
			ids[i] = id
		} else {
			known := was.places[ids[i]]
			p.after, p.upto, p.why = known.after, known.upto, known.why
			if p.identity == "" {
				p.identity = known.identity
			}
			if p != known || w.names.places[ids[i]] != known {
				if err := w.put(ids[i], p); err != nil {
					return nil, err
				}
			}
		}
		out[i].Arrears = uint64(p.arrears())
	}
	return out, w.release()
}

// release drops the debts to places that have no name any more.
func (w *writer) release() error {
	for id, p := range w.names.places {
		if p.name == "" {
			if err := w.c.exec(`DELETE FROM owed WHERE replica = ?`, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// Standing implements journal.Placer.
func (j *Journal) Standing(ctx context.Context) (map[string]journal.Standing, error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	n, out := j.names.Load(), map[string]journal.Standing{}
	for name, id := range n.bound {
		out[name] = journal.Standing{Identity: n.places[id].identity, Mounted: n.places[id].mounted}
	}
	return out, nil
}

// Arrears implements journal.Placer.
func (j *Journal) Arrears(ctx context.Context, replica string, limit int) ([]journal.Entry, uint64, error) {
	if err := j.usable(ctx); err != nil {
		return nil, 0, err
	}
	n := j.names.Load()
	p := n.places[n.bound[replica]]
	if p.arrears() == 0 {
		return nil, 0, nil
	}
	s, err := j.Walk(ctx, journal.Filter{After: p.after, Before: p.upto + 1, Limit: limit})
	if err != nil {
		return nil, 0, err
	}
	for _, d := range s.Damaged {
		if errors.Is(d.Err, journal.ErrReserved) {
			continue // what comes to such a number is owed then
		}
		j.o.Log.Error("what a replica holds of an event cannot be found out", "replica", replica, "from", d.From, "to", d.To, "error", d.Err)
	}
	if s.Next == 0 {
		s.Next = p.upto
	}
	return s.Entries, s.Next, nil
}

// Settle implements journal.Placer.
func (j *Journal) Settle(ctx context.Context, replica string, upto uint64) error {
	if err := j.Flush(ctx); err != nil {
		return err
	}
	return j.do(ctx, func(w *writer) error {
		id, ok := w.names.replica(replica)
		if p := w.names.places[id]; ok && p.upto > 0 && upto > p.after {
			if p.after = min(upto, p.upto); p.after == p.upto {
				p.after, p.upto, p.why = 0, 0, ""
			}
			return w.put(id, p)
		}
		return nil
	})
}

// judge notes whether an event is lost, by what save knows of its copies.
func (w *writer) judge(seq uint64, t custody.Tally) error {
	lost := t.Lost()
	if !lost && w.j.lost.Load() == 0 && w.lost <= 0 {
		return nil
	}
	there := func(table string) (found bool, err error) {
		err = w.c.query(`SELECT 1 FROM `+table+` WHERE seq = ?`, []driver.Value{int64(seq)}, func([]driver.Value) error {
			found = true
			return nil
		})
		return found, err
	}
	var err error
	if lost {
		if t.Bytes, err = there("pending"); err != nil {
			return err
		}
		lost = t.Lost()
	}
	was, err := there("lost")
	switch {
	case err != nil || was == lost:
		return err
	case !lost:
		w.lost--
		return w.c.exec(`DELETE FROM lost WHERE seq = ?`, int64(seq))
	}
	e, err := w.entry(seq)
	if err != nil {
		return err
	}
	w.lost++
	w.losing = append(w.losing, journal.Losing{Sequence: seq, Hash: e.Hash})
	return w.c.exec(`INSERT INTO lost VALUES (?)`, int64(seq))
}

// Lost implements journal.Loser.
func (j *Journal) Lost(ctx context.Context, after uint64, limit int) ([]journal.Entry, uint64, error) {
	if err := j.usable(ctx); err != nil {
		return nil, 0, err
	}
	total := j.lost.Load()
	if total == 0 || limit <= 0 {
		return nil, total, nil
	}
	es, err := j.entries(ctx, nil, `SELECT `+entryColumns+` FROM events WHERE seq IN (SELECT seq FROM lost WHERE seq > ? ORDER BY seq LIMIT ?) ORDER BY seq`, int64(after), limit)
	return es, total, j.reading("lost", err)
}

// loadStanding reads the epoch and how many events are lost.
func (w *writer) loadStanding() error {
	if err := w.loadEpoch(); err != nil {
		return err
	}
	err := w.c.query(`SELECT name, value FROM settings WHERE name IN ('id', ?)`, []driver.Value{unwatchedSetting}, func(v []driver.Value) error {
		if v[0] == "id" {
			w.j.id = hex.EncodeToString(v[1].([]byte))
		} else {
			w.j.unwatched = v[1].(int64)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.c.query(`SELECT count(*) FROM lost`, nil, func(v []driver.Value) error {
		w.j.lost.Store(uint64(v[0].(int64)))
		return nil
	})
}

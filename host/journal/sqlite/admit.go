package sqlite

import (
	"database/sql/driver"
	"encoding/binary"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// rowsPerInsert events share one run of a statement: the fixed cost of a run
// is more than that of a row.
const rowsPerInsert = 8

// probesPerQuery hashes are looked up by one query.
const probesPerQuery = 16

// OR ROLLBACK, because any failure fails the transaction, and SQLite need not
// note how to undo a statement of several rows alone.
var (
	insertEvents  = [2]string{"INSERT OR ROLLBACK INTO events VALUES " + values(10, 1), "INSERT OR ROLLBACK INTO events VALUES " + values(10, rowsPerInsert)}
	insertPending = [2]string{"INSERT OR ROLLBACK INTO pending VALUES " + values(2, 1), "INSERT OR ROLLBACK INTO pending VALUES " + values(2, rowsPerInsert)}
	insertFresh   = [2]string{"INSERT OR ROLLBACK INTO fresh VALUES " + values(2, 1), "INSERT OR ROLLBACK INTO fresh VALUES " + values(2, rowsPerInsert)}
	insertCopies  = [2]string{"INSERT OR ROLLBACK INTO copies VALUES " + values(2, 1), "INSERT OR ROLLBACK INTO copies VALUES " + values(2, rowsPerInsert)}
	insertPosts   = [2]string{"INSERT OR ROLLBACK INTO posts VALUES " + values(2, 1), "INSERT OR ROLLBACK INTO posts VALUES " + values(2, rowsPerInsert)}
	probeEvents   = "SELECT seq, hash FROM events WHERE prefix IN " + values(probesPerQuery, 1)
)

// A newcomer is an event that a caller wants admitted.
type newcomer struct {
	meta   *module.Meta
	record []byte // nil: restored, its bytes are elsewhere
	set    int64  // owed to
	at     int64  // Unix milliseconds
	answer *journal.Admission
}

// admit admits the events of all tasks and fills in their answers.
func (w *writer) admit(tasks []*task) error {
	var ns []newcomer
	now := w.j.clock.wall().UnixMilli()
	for _, t := range tasks {
		t.out = make([]journal.Admission, len(t.events)+len(t.restored))
		if len(t.events) > 0 {
			set, err := w.set(t.owed)
			if err != nil {
				return err
			}
			for i, v := range t.events {
				ns = append(ns, newcomer{v.Meta(), v.Record(), set, now, &t.out[i]})
			}
		}
		for i := range t.restored {
			at := now
			if r := &t.restored[i]; !r.AdmittedAt.IsZero() {
				at = r.AdmittedAt.UnixMilli()
			}
			ns = append(ns, newcomer{&t.restored[i].Meta, nil, 0, at, &t.out[i]})
		}
	}
	if err := w.insert(ns); err != nil {
		return err
	}
	for _, t := range tasks {
		for i := range t.restored {
			if err := w.restoreCopies(&t.restored[i], t.out[i], w.j.clock.now()); err != nil {
				return err
			}
		}
	}
	return nil
}

// insert gives sequence numbers to the events that are not known yet, the
// reserved ones where there are such and else in the order of ns, and writes
// their rows.
func (w *writer) insert(ns []newcomer) error {
	known, err := w.lookup(ns)
	if err != nil {
		return err
	}
	reserved, err := w.lookupReserved(ns)
	if err != nil {
		return err
	}
	var events, pending, fresh []driver.Value
	first := make(map[digest.Hash]*newcomer, len(ns))
	for i := range ns {
		n := &ns[i]
		if seq, ok := known[n.meta.Hash]; ok {
			e, err := w.entry(seq)
			if err != nil {
				return err
			}
			*n.answer = journal.Admission{Entry: e, Known: true}
			continue
		}
		if f, ok := first[n.meta.Hash]; ok {
			*n.answer = journal.Admission{Entry: f.answer.Entry, Known: true}
			continue
		}
		first[n.meta.Hash] = n
		kind, err := w.name(name{kindType, n.meta.Type, n.meta.TypeCode})
		if err != nil {
			return err
		}
		m := n.meta
		r := w.j.terms.row(kind, m)
		at, ok := reserved[m.Hash]
		if ok {
			if err := w.fill(at, r); err != nil {
				return err
			}
		} else {
			w.last++
			at, w.tail = w.last, append(w.tail, r)
		}
		seq := int64(at)
		*n.answer = journal.Admission{Entry: journal.Entry{Meta: *m, Sequence: at, AdmittedAt: time.UnixMilli(n.at).UTC()}}
		events = append(events, seq, prefix(m.Hash), m.Hash[:], m.RecordDigest[:], kind, m.Author, m.AuthorKey[:],
			int64(m.CreatedAt), n.at, packHashes(m.Parents))
		if n.record != nil {
			pending = append(pending, seq, n.record)
			fresh = append(fresh, seq, n.set)
			w.refresh[at] = n.set
			for _, r := range w.names.sets[n.set] {
				w.owed[r]++
			}
		}
		w.admitted++
	}
	if err := w.rows(insertEvents, 10, events); err != nil {
		return err
	}
	if err := w.rows(insertPending, 2, pending); err != nil {
		return err
	}
	return w.rows(insertFresh, 2, fresh)
}

// lookup finds the sequence numbers of those events that are in the journal.
func (w *writer) lookup(ns []newcomer) (map[digest.Hash]uint64, error) {
	var known map[digest.Hash]uint64
	wanted := make(map[digest.Hash]bool, probesPerQuery)
	args := make([]driver.Value, probesPerQuery)
	for len(ns) > 0 {
		n := min(len(ns), probesPerQuery)
		clear(wanted)
		for i := range args {
			m := ns[min(i, n-1)].meta // the last stands for what is missing
			args[i] = prefix(m.Hash)
			wanted[m.Hash] = true
		}
		err := w.c.query(probeEvents, args, func(v []driver.Value) error {
			h := digest.Hash(v[1].([]byte))
			if wanted[h] {
				if known == nil {
					known = map[digest.Hash]uint64{}
				}
				known[h] = uint64(v[0].(int64))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		ns = ns[n:]
	}
	return known, nil
}

// rows inserts values of so many columns, several rows a run.
func (w *writer) rows(insert [2]string, columns int, vs []driver.Value) error {
	for n := columns * rowsPerInsert; len(vs) >= n; vs = vs[n:] {
		if err := w.c.exec(insert[1], vs[:n]...); err != nil {
			return err
		}
	}
	for ; len(vs) > 0; vs = vs[columns:] {
		if err := w.c.exec(insert[0], vs[:columns]...); err != nil {
			return err
		}
	}
	return nil
}

// entry reads an entry in the writer's transaction.
func (w *writer) entry(seq uint64) (e journal.Entry, err error) {
	err = w.c.query(`SELECT `+entryColumns+` FROM events WHERE seq = ?`, []driver.Value{int64(seq)}, func(v []driver.Value) error {
		parents, _ := v[8].([]byte) // NULL: none
		e = makeEntry(w.names, rawEntry{
			v[0].(int64), v[1].([]byte), v[2].([]byte), v[3].(int64), []byte(v[4].(string)), v[5].([]byte), v[6].(int64), v[7].(int64), parents,
		})
		return nil
	})
	return e, err
}

// prefix is what events_prefix holds of a hash.
func prefix(h digest.Hash) int64 { return int64(binary.BigEndian.Uint64(h[:8])) }

// packHashes returns the hashes one after the other, nil (NULL) for none.
func packHashes(hs []digest.Hash) driver.Value {
	if len(hs) == 0 {
		return nil
	}
	b := make([]byte, 0, len(hs)*digest.Size)
	for _, h := range hs {
		b = append(b, h[:]...)
	}
	return b
}

func unpackHashes(b []byte) []digest.Hash {
	if len(b) == 0 {
		return nil
	}
	hs := make([]digest.Hash, len(b)/digest.Size)
	for i := range hs {
		hs[i] = digest.Hash(b[i*digest.Size:])
	}
	return hs
}

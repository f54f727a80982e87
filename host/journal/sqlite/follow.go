package sqlite

import (
	"context"
	"database/sql/driver"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A successor is a record that comes in the place of a lost one.
type successor struct {
	v    module.Verified
	lost digest.Hash // of the record that it replaces
	owed []string
}

// Follow implements journal.Follower.
func (j *Journal) Follow(ctx context.Context, v module.Verified, lost digest.Hash, owed []string) (journal.Entry, error) {
	t := &task{follow: &successor{v, lost, owed}}
	if err := j.submit(ctx, t); err != nil {
		return journal.Entry{}, err
	}
	if len(t.out) == 0 {
		return journal.Entry{}, journal.ErrNotFound
	}
	return t.out[0].Entry, nil
}

// follow has events take their successors' records, before the news of the
// same group, which may be of them.
func (w *writer) follow(tasks []*task) error {
	for _, t := range tasks {
		if t.follow == nil {
			continue
		}
		m := t.follow.v.Meta()
		known, err := w.lookup([]newcomer{{meta: m}})
		if err != nil {
			return err
		}
		seq, ok := known[m.Hash]
		if !ok {
			continue
		}
		e, err := w.entry(seq)
		if err != nil {
			return err
		}
		if e.RecordDigest == t.follow.lost {
			if err := w.succeed(seq, t.follow); err != nil {
				return err
			}
			e.RecordDigest = m.RecordDigest
		}
		t.out = []journal.Admission{{Entry: e, Known: true}}
	}
	return nil
}

// succeed replaces the record. All else in an entry is of the bytes that the
// hash stands for, and the same.
func (w *writer) succeed(seq uint64, f *successor) error {
	m := f.v.Meta()
	if err := w.c.exec(`UPDATE events SET digest = ? WHERE seq = ?`, m.RecordDigest[:], int64(seq)); err != nil {
		return err
	}
	s, err := w.state(seq)
	if err != nil {
		return err
	}
	now := w.j.clock.now()
	for _, replica := range f.owed {
		id, err := w.name(name{kind: kindReplica, text: replica})
		if err != nil {
			return err
		}
		s.copies[id] = copyState{replica: id, owed: true, due: now, updated: now}
	}
	if err := w.save(s); err != nil {
		return err
	}
	const keep = `INSERT INTO pending VALUES (?,?) ON CONFLICT (seq) DO UPDATE SET record = excluded.record`
	return w.c.exec(keep, []driver.Value{int64(seq), f.v.Record()}...)
}

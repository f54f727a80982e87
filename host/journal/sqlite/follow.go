package sqlite

import (
	"context"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Follow implements journal.Follower. An event that has another record than
// the lost one keeps that, and whoever is named is owed nothing.
func (j *Journal) Follow(ctx context.Context, v module.Verified, lost digest.Hash, owed []string) (e journal.Entry, err error) {
	found := false
	err = j.do(ctx, func(w *writer) error {
		m := v.Meta()
		known, err := w.lookup([]newcomer{{meta: m}})
		if err != nil {
			return err
		}
		var seq uint64
		if seq, found = known[m.Hash]; !found {
			return nil
		}
		if e, err = w.entry(seq); err != nil || e.RecordDigest != lost {
			return err
		}
		e.RecordDigest = m.RecordDigest
		return w.succeed(seq, v, owed)
	})
	if err == nil && !found {
		err = journal.ErrNotFound
	}
	if err != nil {
		return journal.Entry{}, err
	}
	return e, nil
}

// succeed replaces the record. All else in an entry is of the bytes that the
// hash stands for, and the same.
func (w *writer) succeed(seq uint64, v module.Verified, owed []string) error {
	if err := w.c.exec(`UPDATE events SET digest = ? WHERE seq = ?`, v.Meta().RecordDigest[:], int64(seq)); err != nil {
		return err
	}
	const keep = `INSERT INTO pending VALUES (?,?) ON CONFLICT (seq) DO UPDATE SET record = excluded.record`
	if err := w.c.exec(keep, int64(seq), v.Record()); err != nil {
		return err
	}
	s, err := w.state(seq)
	if err != nil {
		return err
	}
	now := w.j.clock.now()
	for _, replica := range owed {
		id, err := w.replica(replica)
		if err != nil {
			return err
		}
		s.copies[id] = copyState{replica: id, state: custody.Owed, due: now, updated: now}
	}
	return w.save(s)
}

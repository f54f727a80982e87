package sqlite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/journal"
)

// waiting returns the news of an event that are not durable yet.
func (j *Journal) waiting(seq uint64) []news {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.overlay[seq])
}

type work struct {
	seq           uint64
	due, attempts int64
}

// Owed implements journal.Journal. Copies with news on their way to a commit
// are left out: the outbox would do them twice.
func (j *Journal) Owed(ctx context.Context, replica string, ahead time.Duration, limit int) ([]journal.Owed, error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	n := j.names.Load()
	id, ok := n.replica(replica)
	if !ok || limit <= 0 {
		return nil, nil
	}
	skip := map[uint64]bool{}
	j.mu.Lock()
	for seq, ns := range j.overlay {
		if slices.ContainsFunc(ns, func(n news) bool { return n.Replica == replica }) {
			skip[seq] = true
		}
	}
	j.mu.Unlock()
	ws, err := j.owed(ctx, n, id, j.clock.until(ahead), limit, skip)
	if err != nil {
		return nil, j.reading("owed", err)
	}
	seqs := make([]uint64, len(ws))
	for i, w := range ws {
		seqs[i] = w.seq
	}
	slices.Sort(seqs)
	es, err := j.bySequence(ctx, nil, seqs)
	if damaged(err) {
		es, err = j.readable(ctx, seqs) // the others are not held up by it
	}
	if err != nil {
		return nil, j.reading("owed", err)
	}
	bySeq := make(map[uint64]journal.Entry, len(es))
	for _, e := range es {
		bySeq[e.Sequence] = e
	}
	out := make([]journal.Owed, 0, len(ws))
	for _, w := range ws {
		if e, ok := bySeq[w.seq]; ok {
			out = append(out, journal.Owed{Entry: e, Attempts: int(w.attempts)})
		}
	}
	return out, nil
}

// owed merges the two places that know of owed copies.
func (j *Journal) owed(ctx context.Context, n *names, id, at int64, limit int, skip map[uint64]bool) ([]work, error) {
	var ws []work
	collect := func(query string, args ...any) error {
		rows, err := j.query(ctx, nil, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for found := 0; found < limit && rows.Next(); {
			var w work
			if err := rows.Scan(&w.seq, &w.due, &w.attempts); err != nil {
				return err
			}
			if !skip[w.seq] {
				ws = append(ws, w)
				found++
			}
		}
		return rows.Err()
	}
	if err := collect(owedQuery, id, at); err != nil {
		return nil, err
	}
	for set, members := range n.sets {
		if !slices.Contains(members, id) {
			continue
		}
		if err := collect(freshQuery, set, int64(j.clock.reached(at))); err != nil {
			return nil, err
		}
	}
	for i := range ws {
		if ws[i].due == 0 { // of fresh
			ws[i].due = j.clock.since(ws[i].seq)
		}
	}
	slices.SortFunc(ws, func(a, b work) int { return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.seq, b.seq)) })
	// The same event can come from both when a commit fell in between.
	seen := make(map[uint64]bool, len(ws))
	ws = slices.DeleteFunc(ws, func(w work) bool {
		again := seen[w.seq]
		seen[w.seq] = true
		return again
	})
	return ws[:min(len(ws), limit)], nil
}

const (
	owedQuery  = `SELECT seq, due, attempts FROM owed WHERE replica = ? AND due <= ? ORDER BY due`
	freshQuery = `SELECT seq, 0, 0 FROM fresh WHERE owed = ? AND seq <= ? ORDER BY seq`
)

// Backlog implements journal.Journal. News count once they are durable.
func (j *Journal) Backlog(ctx context.Context) (map[string]int, error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	n := j.names.Load()
	out := map[string]int{}
	for name, r := range n.bound {
		if count := j.backlog[r] + n.places[r].arrears(); count > 0 {
			out[name] = count
		}
	}
	return out, nil
}

package sqlite

import (
	"context"
	"database/sql"
	"slices"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Location implements journal.Journal.
func (j *Journal) Location(ctx context.Context, h digest.Hash, replica string) (string, error) {
	if err := j.usable(ctx); err != nil {
		return "", err
	}
	found, err := j.locate(ctx, []digest.Hash{h}, replica)
	if err != nil {
		return "", j.reading("location", err)
	}
	location, ok := found[h]
	if !ok {
		return "", journal.ErrNotFound
	}
	return location, nil
}

// Locations implements journal.Locator.
func (j *Journal) Locations(ctx context.Context, hs []digest.Hash, replica string) ([]string, error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	out := make([]string, 0, len(hs))
	for chunk := range slices.Chunk(hs, inChunk) {
		found, err := j.locate(ctx, chunk, replica)
		if err != nil {
			return nil, j.reading("locations", err)
		}
		for _, h := range chunk {
			out = append(out, found[h])
		}
	}
	return out, nil
}

var (
	locateOne  = `SELECT e.seq, e.hash, c.state FROM events e LEFT JOIN copies c ON c.seq = e.seq WHERE e.prefix = ?`
	locateMany = `SELECT e.seq, e.hash, c.state FROM events e LEFT JOIN copies c ON c.seq = e.seq WHERE e.prefix IN ` + inMarks
)

// locate returns the locations of at most inChunk events that are known, with
// news that are not durable yet. News that are committed between its two looks
// can escape it: then the caller asks the replica by the hash alone, as it
// would have done a moment before.
func (j *Journal) locate(ctx context.Context, hs []digest.Hash, replica string) (map[digest.Hash]string, error) {
	query, args := locateOne, []any{prefix(hs[0])}
	if len(hs) > 1 {
		query, args = locateMany, make([]any, inChunk)
		for i := range args {
			args[i] = prefix(hs[min(i, len(hs)-1)])
		}
	}
	rows, err := j.query(ctx, nil, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make(map[digest.Hash]string, len(hs))
	seqs := make(map[digest.Hash]uint64, len(hs))
	for rows.Next() {
		var seq uint64
		var hash, state sql.RawBytes
		if err := rows.Scan(&seq, &hash, &state); err != nil {
			return nil, err
		}
		h := digest.Hash(hash)
		seqs[h], found[h] = seq, ""
		if len(state) == 0 {
			continue
		}
		cs, err := parseCopies(state)
		if err != nil {
			return nil, err
		}
		// The name may be newer than this reader's view of the names.
		if id, ok := j.names.Load().replica(replica); ok {
			for _, c := range cs {
				if c.replica == id {
					found[h] = c.location
				}
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for h, seq := range seqs {
		for _, n := range j.overlay[seq] {
			if n.Replica == replica {
				found[h] = n.Location // "" when it failed
			}
		}
	}
	return found, nil
}

package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/digest"
)

// numberedText reads which hashes have the numbers of a range.
const numberedText = `SELECT seq, hash FROM events WHERE seq BETWEEN ?1 AND ?2 UNION ALL SELECT seq, hash FROM reserved WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq`

// Hashes implements journal.Logged.
func (j *Journal) Hashes(ctx context.Context, after uint64, limit int) ([]digest.Hash, error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	last := j.last.Load()
	if after >= last || limit <= 0 {
		return nil, nil
	}
	high := min(last, after+uint64(limit))
	hs, err := j.hashes(ctx, after, high)
	if err == nil && after+uint64(len(hs)) < high {
		err = fmt.Errorf("%w: event %d is missing", journal.ErrDamaged, after+uint64(len(hs))+1)
	}
	if len(hs) > 0 && damaged(err) {
		return hs, nil // the next one fails when it is asked for
	}
	return hs, j.reading("hashes", err)
}

// hashes reads up to the first that is missing.
func (j *Journal) hashes(ctx context.Context, after, high uint64) ([]digest.Hash, error) {
	rows, err := j.query(ctx, nil, numberedText, int64(after)+1, int64(high))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	hs := make([]digest.Hash, 0, high-after)
	var seq uint64
	var hash sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&seq, &hash); err != nil {
			return hs, err
		}
		if seq != after+uint64(len(hs))+1 || len(hash) != digest.Size {
			return hs, nil
		}
		hs = append(hs, digest.Hash(hash))
	}
	return hs, rows.Err()
}

// Head implements journal.Logged.
func (j *Journal) Head(ctx context.Context) (journal.Head, error) {
	if err := j.usable(ctx); err != nil {
		return journal.Head{}, err
	}
	h := *j.head.Load()
	h.Checkpoint = slices.Clone(h.Checkpoint)
	return h, nil
}

// SwapHead implements journal.Logged.
func (j *Journal) SwapHead(ctx context.Context, was, now journal.Head, tiles []journal.Tile) error {
	for _, t := range tiles {
		if n := len(t.Hashes); t.Level < 1 || n == 0 || n%digest.Size != 0 || n > tile.Width*digest.Size || t.Level > 7 || t.Number>>56 != 0 {
			return fmt.Errorf("journal: a tile of level %d and %d bytes", t.Level, n)
		}
	}
	j.swapping.Lock() // so that Head is what the last commit says
	defer j.swapping.Unlock()
	if err := j.usable(ctx); err != nil {
		return err
	}
	have := j.head.Load()
	if have.Log != was.Log || have.Size != was.Size {
		return fmt.Errorf("%w: the head is that of log %q with %d leaves", journal.ErrOutdated, have.Log, have.Size)
	}
	now.Checkpoint = slices.Clone(now.Checkpoint)
	if now.Log == have.Log {
		now.Why = have.Why
	}
	value, err := json.Marshal(now)
	if err != nil {
		return err
	}
	err = j.do(ctx, func(w *writer) error {
		if now.Log != have.Log {
			if err := w.c.exec(`DELETE FROM tiles`); err != nil {
				return err
			}
		}
		for _, t := range tiles {
			if err := w.c.exec(`INSERT INTO tiles VALUES (?,?) ON CONFLICT (id) DO UPDATE SET hashes = excluded.hashes`, tileID(t.Level, t.Number), t.Hashes); err != nil {
				return err
			}
		}
		return w.c.exec(`INSERT OR REPLACE INTO settings VALUES ('head', ?)`, value)
	})
	if err == nil {
		j.head.Store(&now)
	}
	return err
}

// Tile implements journal.Logged.
func (j *Journal) Tile(ctx context.Context, level int, number uint64) (hashes []byte, err error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	err = j.queryRow(ctx, nil, `SELECT hashes FROM tiles WHERE id = ?`, []any{tileID(level, number)}, &hashes)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, journal.ErrNotFound
	}
	return hashes, j.reading("tile", err)
}

func tileID(level int, number uint64) int64 { return int64(level)<<56 | int64(number) }

// loadHead reads the head, which is a setting.
func (w *writer) loadHead() error {
	var h journal.Head
	w.j.head.Store(&h)
	return w.c.query(`SELECT value FROM settings WHERE name = 'head'`, nil, func(v []driver.Value) error {
		return json.Unmarshal(v[0].([]byte), &h)
	})
}

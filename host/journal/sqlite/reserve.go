package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Reserve implements journal.Logged, so many numbers in a transaction.
func (j *Journal) Reserve(ctx context.Context, first uint64, hs []digest.Hash) error {
	if err := j.usable(ctx); err != nil {
		return err
	}
	for chunk := range slices.Chunk(hs, maxGroupEvents) {
		var refused error // of this call, which is no reason to fail the others of the group
		err := j.do(ctx, func(w *writer) (err error) {
			refused, err = w.reserve(first, chunk)
			return err
		})
		if err == nil {
			err = refused
		}
		if err != nil {
			return err
		}
		first += uint64(len(chunk))
	}
	return nil
}

// Reserved returns how many numbers have no event.
func (j *Journal) Reserved() uint64 { return uint64(j.reserved.Load()) }

// reserve gives the numbers from first+1 on to hashes, unless it refuses to.
func (w *writer) reserve(first uint64, hs []digest.Hash) (refused, err error) {
	if first > w.last {
		return fmt.Errorf("journal: the next number is %d, not %d", w.last+1, first+1), nil
	}
	given := hs[:min(uint64(len(hs)), w.last-first)]
	var forgotten []uint64
	next := first + 1
	err = w.c.query(numberedText, []driver.Value{int64(next), int64(first) + int64(len(given))}, func(v []driver.Value) error {
		seq, hash := uint64(v[0].(int64)), v[1].([]byte)
		switch {
		case seq != next:
			return fmt.Errorf("%w: event %d is missing", journal.ErrDamaged, next)
		case len(hash) == 0:
			forgotten = append(forgotten, seq)
		case string(hash) != string(given[seq-first-1][:]) && refused == nil:
			refused = fmt.Errorf("%w: %d is that of %x, not of %s", journal.ErrTaken, seq, hash, given[seq-first-1])
		}
		next++
		return nil
	})
	if err == nil && next != first+uint64(len(given))+1 {
		err = fmt.Errorf("%w: event %d is missing", journal.ErrDamaged, next)
	}
	if err != nil || refused != nil {
		return refused, err
	}
	for _, seq := range forgotten {
		h := given[seq-first-1]
		if err := w.c.exec(`UPDATE reserved SET prefix = ?, hash = ? WHERE seq = ?`, prefix(h), h[:], int64(seq)); err != nil {
			return nil, err
		}
	}
	for _, h := range hs[len(given):] {
		w.last++
		w.tail = append(w.tail, row{none: true})
		w.reserved++
		if err := w.c.exec(`INSERT INTO reserved VALUES (?,?,?)`, int64(w.last), prefix(h), h[:]); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// lookupReserved finds the numbers that are reserved for events, the least of each.
func (w *writer) lookupReserved(ns []newcomer) (map[digest.Hash]uint64, error) {
	if w.j.reserved.Load()+w.reserved == 0 {
		return nil, nil
	}
	found := map[digest.Hash]uint64{}
	for i := range ns {
		h := ns[i].meta.Hash
		err := w.c.query(`SELECT seq, hash FROM reserved WHERE prefix = ? ORDER BY seq DESC`, []driver.Value{prefix(h)}, func(v []driver.Value) error {
			if string(v[1].([]byte)) == string(h[:]) {
				found[h] = uint64(v[0].(int64))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// fill takes a number out of the reservation, for an event whose row is r.
func (w *writer) fill(seq uint64, r row) error {
	w.reserved--
	if packed := w.last - uint64(len(w.tail)); seq > packed {
		if !w.tailMine { // a rollback takes it back as it was
			w.tail, w.tailMine = slices.Clone(w.tail), true
		}
		w.tail[seq-packed-1] = r
	} else {
		w.opened[int64(seq-1)/blockEvents]--
	}
	return w.c.exec(`DELETE FROM reserved WHERE seq = ?`, int64(seq))
}

func holes(rows []row) (n int) {
	for i := range rows {
		if rows[i].none {
			n++
		}
	}
	return n
}

// readRows reads what a search compares of the events of a range, in the
// writer's transaction.
func (w *writer) readRows(low, high int64) ([]row, error) {
	rows := make([]row, 0, high-low+1)
	reserved, err := w.readReserved(low, high)
	if err != nil {
		return nil, err
	}
	upto := func(seq int64) error {
		for ; low < seq; low++ {
			if len(reserved) == 0 || reserved[0] != low {
				return fmt.Errorf("%w: event %d is missing", journal.ErrDamaged, low)
			}
			rows, reserved = append(rows, row{none: true}), reserved[1:]
		}
		return nil
	}
	err = w.c.query(`SELECT * FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq`, []driver.Value{low, high}, func(v []driver.Value) error {
		seq := v[0].(int64)
		if err := upto(seq); err != nil {
			return err
		}
		r, err := parseRow(w.names, &w.j.terms, v, seq)
		rows = append(rows, r)
		low++
		return err
	})
	if err == nil {
		err = upto(high + 1)
	}
	return rows, err
}

// readReserved returns the reserved numbers of a range, ascending.
func (w *writer) readReserved(low, high int64) (seqs []int64, err error) {
	err = w.c.query(`SELECT seq FROM reserved WHERE seq BETWEEN ? AND ? ORDER BY seq`, []driver.Value{low, high}, func(v []driver.Value) error {
		seqs = append(seqs, v[0].(int64))
		return nil
	})
	return seqs, err
}

// loadOpen finds the blocks that are not there, and returns how many there are
// with them, of which at least n.
func (w *writer) loadOpen(n int64) (int64, error) {
	open := map[int64]int{}
	total := int64(0)
	err := w.c.query(`SELECT (seq - 1) / 512, count(*) FROM reserved GROUP BY 1`, nil, func(v []driver.Value) error {
		open[v[0].(int64)] = int(v[1].(int64))
		total += v[1].(int64)
		return nil
	})
	if err != nil {
		return 0, err
	}
	w.j.reserved.Store(total)
	for (n+1)*blockEvents <= int64(w.last) && open[n] > 0 {
		n++
	}
	there := int64(0)
	err = w.c.query(`SELECT count(*) FROM blocks`, nil, func(v []driver.Value) error {
		there = v[0].(int64)
		return nil
	})
	if err != nil || there == n {
		return n, err
	}
	next := int64(0)
	missing := func(upto int64) {
		for ; next < upto; next++ {
			w.j.open[next] = open[next]
		}
		next++
	}
	err = w.c.query(`SELECT block FROM blocks ORDER BY block`, nil, func(v []driver.Value) error {
		missing(v[0].(int64))
		return nil
	})
	missing(n)
	return n, err
}

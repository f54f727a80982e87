package sqlite

import (
	"database/sql/driver"
	"fmt"

	"github.com/eventseal/eventseal/host/journal"
)

// refuse has a journal whose end cannot be read take no more events; what can be
// read is still served.
func (w *writer) refuse(err error) {
	w.j.mu.Lock()
	defer w.j.mu.Unlock()
	if w.j.failure == nil {
		w.j.failure = fmt.Errorf("%w: %w; %s", journal.ErrFailed, asDamage(err), mend)
		w.j.o.Log.Error("the journal is damaged where it grows, and accepts no events", "error", err, "then", mend)
	}
}

// loadLast finds the last sequence number.
func (w *writer) loadLast() error {
	b := rebuilder{from: w.c, version: len(migrations)}
	high, sure, err := b.highest()
	if err == nil && !sure {
		w.refuse(fmt.Errorf("%w: the last events", journal.ErrDamaged))
	}
	w.last = uint64(high)
	return err
}

// count counts the rows of a table by one of its columns, as far as they can be read.
func (w *writer) count(table, column string, add func(value int64, n int)) error {
	text := `SELECT ` + column + `, count(*) FROM ` + table
	row := func(got map[int64]int) func(v []driver.Value) error {
		return func(v []driver.Value) error {
			got[v[0].(int64)] += int(v[1].(int64))
			return nil
		}
	}
	got := map[int64]int{}
	err := w.c.query(text+` GROUP BY `+column, nil, row(got))
	if damaged(err) {
		b := rebuilder{from: w.c}
		clear(got)
		var high int64
		if high, _, err = b.lastRow(table); err != nil {
			return err
		}
		_, err = past(1, high, func(low, high int64) error {
			part := map[int64]int{}
			err := w.c.query(text+` NOT INDEXED WHERE rowid BETWEEN ? AND ? GROUP BY `+column, []driver.Value{low, high}, row(part))
			if err == nil {
				for value, n := range part {
					got[value] += n
				}
			}
			return err
		})
		w.j.o.Log.Error("some of what is owed cannot be read", "error", err, "then", mend)
	}
	for value, n := range got {
		add(value, n)
	}
	return err
}

// split cuts a group in two or three, so that what is damaged fails alone;
// nothing when there is nothing to cut.
func (g group) split() (parts []group) {
	if len(g.tasks)+len(g.news) < 2 {
		return nil
	}
	if n := len(g.tasks); n > 0 {
		parts = append(parts, group{tasks: g.tasks[:(n+1)/2]})
		if n > 1 {
			parts = append(parts, group{tasks: g.tasks[(n+1)/2:]})
		}
	}
	if n := len(g.news); n > 0 {
		parts = append(parts, group{news: g.news[:(n+1)/2]})
		if n > 1 {
			parts = append(parts, group{news: g.news[(n+1)/2:]})
		}
	}
	return parts
}

package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"sync"
)

// maxLooked bounds the memory for events that were looked at and are short.
const maxLooked = 1 << 16

// What was looked at need not be again: an event that enough places held, none
// of them in arrears, lacks a copy later only where a row says so. Of the
// others it is kept which they are. It is of the places and the number that were
// asked for last, from the first event on; a place that is not the same any
// more has another number.
type looked struct {
	mu       sync.Mutex
	places   []int64 // sorted
	required int
	upto     int64
	short    []int64 // of those up to it, ascending
}

// at returns up to which event each was looked at, and those of a range, at
// most so many, that were short.
func (l *looked) at(places []int64, required int, low, high int64, most int) (upto int64, short []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.required != required || !slices.Equal(l.places, places) {
		return 0, nil
	}
	for i, _ := slices.BinarySearch(l.short, low); i < len(l.short) && l.short[i] <= high && len(short) < most; i++ {
		short = append(short, l.short[i])
	}
	return l.upto, short
}

// add notes that each of a range was looked at, and which are short.
func (l *looked) add(places []int64, required int, low, high int64, found []suspect) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.required != required || !slices.Equal(l.places, places) {
		if low > 1 {
			return
		}
		l.places, l.required, l.upto, l.short = places, required, 0, nil
	}
	if low > l.upto+1 || high <= l.upto || len(l.short)+len(found) > maxLooked {
		return
	}
	for _, s := range found {
		if s.seq > l.upto {
			l.short = append(l.short, s.seq)
		}
	}
	l.upto = high
}

// drop notes which of some that were short are not any more.
func (l *looked) drop(places []int64, required int, were []int64, found []suspect) {
	gone := map[int64]bool{}
	for _, seq := range were {
		gone[seq] = true
	}
	for _, s := range found {
		delete(gone, s.seq)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(gone) > 0 && l.required == required && slices.Equal(l.places, places) {
		l.short = slices.DeleteFunc(l.short, func(seq int64) bool { return gone[seq] })
	}
}

// again returns what is known of the copies of some events now.
func (j *Journal) again(ctx context.Context, tx *sql.Tx, seqs []int64) (found []suspect, err error) {
	for _, seq := range seqs {
		rows, err := j.rows(ctx, tx, shortCopies, seq, seq, 1)
		switch {
		case damaged(err):
			found = append(found, suspect{seq: seq, unknown: true})
		case err != nil:
			return nil, err
		case len(rows) == 0:
			found = append(found, suspect{seq: seq})
		default:
			found = append(found, suspected(rows[0], false))
		}
	}
	return found, nil
}

package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"

	"github.com/eventseal/eventseal/host/journal"
)

const (
	codeCorrupt = 11
	codeNotADB  = 26
	codeData    = 10 | 32<<8 // a page is not what its sum says
)

// damaged says whether err tells of a part of the file that is not what was written.
func damaged(err error) bool {
	if errors.Is(err, journal.ErrDamaged) || errors.Is(err, errBlock) || errors.Is(err, errCopies) || errors.Is(err, errPost) {
		return true
	}
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == codeCorrupt || e.Code()&0xff == codeNotADB || e.Code() == codeData)
}

// asDamage wraps what damaged knows in ErrDamaged.
func asDamage(err error) error {
	if !damaged(err) || errors.Is(err, journal.ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: %w", journal.ErrDamaged, err)
}

// mend is what an operator can do.
const mend = "stop the host and run `eventseal reindex --in-place`"

// A span is a range of keys, both included.
type span struct{ low, high int64 }

// past calls read for low … high, and where that meets damage for ever smaller
// parts of it, in order, so that all is read that can be. It returns the keys
// that cannot, and any other error at once.
func past(low, high int64, read func(low, high int64) error) (bad []span, err error) {
	if low > high {
		return nil, nil
	}
	err = read(low, high)
	switch {
	case err == nil:
		return nil, nil
	case !damaged(err):
		return nil, err
	case low == high:
		return []span{{low, high}}, nil
	}
	middle := low + (high-low)/2
	if bad, err = past(low, middle, read); err != nil {
		return nil, err
	}
	more, err := past(middle+1, high, read)
	if err != nil {
		return nil, err
	}
	return joined(append(bad, more...)), nil
}

// joined makes one of spans, which are in order, that touch.
func joined(ss []span) []span {
	var out []span
	for _, s := range ss {
		if n := len(out); n > 0 && out[n-1].high+1 >= s.low {
			out[n-1].high = max(out[n-1].high, s.high)
			continue
		}
		out = append(out, s)
	}
	return out
}

// gaps returns which numbers of a range are not those of es, in which they are
// all in their order.
func gaps(es []journal.Entry, low, high uint64, down bool) (out []span) {
	next := low
	gap := func(upto uint64) {
		if next < upto {
			out = append(out, span{int64(next), int64(upto - 1)})
		}
		next = upto + 1
	}
	for i := range es {
		if down {
			gap(es[len(es)-1-i].Sequence)
		} else {
			gap(es[i].Sequence)
		}
	}
	gap(high + 1)
	return out
}

// check says whether a row can be one of this program's.
func (r *rawEntry) check() error {
	if len(r.hash) != 32 || len(r.digest) != 32 || len(r.key) != 34 || len(r.parents)%32 != 0 || r.created < 0 {
		return fmt.Errorf("%w: the row of event %d", journal.ErrDamaged, r.seq)
	}
	return nil
}

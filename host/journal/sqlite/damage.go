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
	if errors.Is(err, journal.ErrDamaged) || errors.Is(err, errBlock) || errors.Is(err, errCopies) {
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

// contiguous compares the entries of a range with what must be in it: want
// numbers from first on, without a gap, since none is ever taken back.
func contiguous(es []journal.Entry, first, want uint64, down bool) error {
	for i := range es {
		n := first + uint64(i)
		if down {
			n = first - uint64(i)
		}
		if es[i].Sequence != n {
			return fmt.Errorf("%w: event %d is missing", journal.ErrDamaged, n)
		}
	}
	if n := uint64(len(es)); n < want {
		if down {
			return fmt.Errorf("%w: event %d is missing", journal.ErrDamaged, first-n)
		}
		return fmt.Errorf("%w: event %d is missing", journal.ErrDamaged, first+n)
	}
	return nil
}

// check says whether a row can be one of this program's.
func (r *rawEntry) check() error {
	if len(r.hash) != 32 || len(r.digest) != 32 || len(r.key) != 34 || len(r.parents)%32 != 0 || r.created < 0 {
		return fmt.Errorf("%w: the row of event %d", journal.ErrDamaged, r.seq)
	}
	return nil
}

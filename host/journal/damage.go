package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// ErrDamaged: a part of the journal's file cannot be read, or is not what was
// written there. What does not need that part goes on working. HTTP 503.
var ErrDamaged = errors.New("journal: damaged")

// ErrBusy: another program holds the file, or the process has no more files or
// memory; nothing of the call was kept. Later calls may succeed. HTTP 503.
var ErrBusy = errors.New("journal: not at the moment")

// A Damage is a range of events that are in the journal and cannot be read.
type Damage struct {
	From, To uint64 // sequences, both included
	Err      error  // wraps ErrDamaged
}

func (d Damage) String() string {
	if d.From == d.To {
		return fmt.Sprintf("event %d: %v", d.From, d.Err)
	}
	return fmt.Sprintf("events %d … %d: %v", d.From, d.To, d.Err)
}

// A Stretch is what Walk found.
type Stretch struct {
	Entries []Entry
	// Damaged lists, in the order of the walk, what could not be read between the
	// entries. Whether it matches the filter is not known.
	Damaged []Damage
	// Next is the After (Before when Descending) of the call that goes on; 0 at the end.
	Next uint64
}

// Ascending yields what an ascending walk found, in its order: an entry, or nil
// and what cannot be read before the next one.
func (s *Stretch) Ascending() iter.Seq2[*Entry, Damage] {
	return func(yield func(*Entry, Damage) bool) {
		bad := s.Damaged
		for i := range s.Entries {
			for ; len(bad) > 0 && bad[0].From < s.Entries[i].Sequence; bad = bad[1:] {
				if !yield(nil, bad[0]) {
					return
				}
			}
			if !yield(&s.Entries[i], Damage{}) {
				return
			}
		}
		for _, d := range bad {
			if !yield(nil, d) {
				return
			}
		}
	}
}

// A Walker is a Journal whose reader can go past damage.
type Walker interface {
	// Walk is Query for readers that must come to the end: what cannot be read is
	// named and gone past. Nothing is left out in silence: of all sequence numbers
	// between f.After and Next, each either is in Damaged or was compared with f.
	Walk(ctx context.Context, f Filter) (Stretch, error)

	// Check reads the whole file, compares the index with the events, and returns
	// what is wrong in words, nothing when all is well. It takes as long as
	// reading takes, and holds up nobody.
	Check(ctx context.Context) ([]string, error)
}

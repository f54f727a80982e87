package sqlite

import (
	"context"
	"fmt"
	"slices"

	"github.com/eventseal/eventseal/host/journal"
)

var _ journal.Walker = (*Journal)(nil)

const (
	walkAtOnce = 512     // sequence numbers read by one query
	walkMost   = 1 << 16 // gone through by one call, so that it ends
)

// Walk implements journal.Walker: a Query, and where that meets damage, every
// event of the range one after the other.
func (j *Journal) Walk(ctx context.Context, f journal.Filter) (journal.Stretch, error) {
	var out journal.Stretch
	if err := j.usable(ctx); err != nil {
		return out, err
	}
	if f.Limit < 1 || f.Limit > journal.MaxPage {
		f.Limit = journal.MaxPage
	}
	s, ok := j.search(&f)
	if !ok {
		return out, nil
	}
	es, err := j.find(ctx, s, f.Limit)
	if err == nil {
		if out.Entries = es; len(es) == f.Limit {
			out.Next = es[len(es)-1].Sequence
		}
		return out, nil
	}
	if !damaged(err) {
		return out, j.reading("walk", err)
	}
	for done := uint64(0); s.low <= s.high; done += walkAtOnce {
		if done >= walkMost {
			out.Next = s.low - 1
			if f.Descending {
				out.Next = s.high + 1
			}
			return out, nil
		}
		low, high := s.low, min(s.high, s.low+walkAtOnce-1)
		if f.Descending {
			high = s.high
			low = max(s.low, high-min(high, walkAtOnce)+1)
		}
		full, err := j.pass(ctx, s, &out, low, high)
		if err != nil || full {
			return out, j.reading("walk", err)
		}
		s.low = high + 1
		if f.Descending {
			s.low, s.high = s.j.After+1, low-1
		}
	}
	return out, nil
}

// pass adds what matches of low … high, and what cannot be read. full says
// that the limit was reached.
func (j *Journal) pass(ctx context.Context, s *search, out *journal.Stretch, low, high uint64) (full bool, err error) {
	var es []journal.Entry
	bad, err := past(int64(low), int64(high), func(low, high int64) error {
		got, err := j.between(ctx, uint64(low), uint64(high), int(high-low+1), false)
		if err == nil {
			es = append(es, got...)
		}
		return err
	})
	if err != nil {
		return false, err
	}
	if s.j.Descending {
		slices.Reverse(es)
		slices.Reverse(bad)
	}
	beyond := func(a, b uint64) bool { return a > b != s.j.Descending }
	flush := func(upto uint64, all bool) {
		for len(bad) > 0 && (all || beyond(upto, uint64(bad[0].low))) {
			out.Damaged = append(out.Damaged, journal.Damage{From: uint64(bad[0].low), To: uint64(bad[0].high),
				Err: fmt.Errorf("%w: cannot be read", journal.ErrDamaged)})
			bad = bad[1:]
		}
	}
	for i := range es {
		if !s.matches(&es[i]) {
			continue
		}
		flush(es[i].Sequence, false)
		out.Entries = append(out.Entries, es[i])
		if len(out.Entries) == s.j.Limit {
			out.Next = es[i].Sequence
			return true, nil
		}
	}
	flush(0, true)
	return false, nil
}

// readable returns those of the entries that can be read.
func (j *Journal) readable(ctx context.Context, seqs []uint64) ([]journal.Entry, error) {
	var es []journal.Entry
	_, err := past(0, int64(len(seqs))-1, func(low, high int64) error {
		got, err := j.bySequence(ctx, nil, seqs[low:high+1])
		if err == nil {
			es = append(es, got...)
		}
		return err
	})
	return es, err
}

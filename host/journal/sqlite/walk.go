package sqlite

import (
	"cmp"
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
	s.walks = true
	end := s.cut(walkMost / blockEvents)
	es, err := j.find(ctx, s, f.Limit)
	if err == nil {
		if out.Entries, out.Next = es, end; len(es) == f.Limit {
			out.Next = es[len(es)-1].Sequence
		}
		for _, d := range s.damage(nil) {
			if out.Next == 0 || !s.beyond(d.From, out.Next) {
				out.Damaged = append(out.Damaged, d)
			}
		}
		return out, nil
	}
	if !damaged(err) {
		return out, j.reading("walk", err)
	}
	first := s.low
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
			s.low, s.high = first, low-1
		}
	}
	out.Next = end
	return out, nil
}

// cut bounds a search to so many open blocks, and returns the last number that
// it has then, 0 if it had no more.
func (s *search) cut(most int) uint64 {
	if len(s.open) <= most {
		return 0
	}
	low, high := s.within(s.open[most-1])
	if s.open = s.open[:most]; s.j.Descending {
		s.low = low
		return low
	}
	s.high = high
	return high
}

// beyond reports whether a comes after b in the order of the search.
func (s *search) beyond(a, b uint64) bool { return a != b && a > b != s.j.Descending }

// damage returns what cannot be read, and what is reserved, in the order of the
// search.
func (s *search) damage(bad []span) (ds []journal.Damage) {
	for _, b := range bad {
		ds = append(ds, journal.Damage{From: uint64(b.low), To: uint64(b.high), Err: fmt.Errorf("%w: cannot be read", journal.ErrDamaged)})
	}
	for _, r := range s.reserved {
		ds = append(ds, journal.Damage{From: uint64(r.low), To: uint64(r.high), Err: journal.ErrReserved})
	}
	slices.SortFunc(ds, func(a, b journal.Damage) int {
		if s.j.Descending {
			a, b = b, a
		}
		return cmp.Compare(a.From, b.From)
	})
	return ds
}

// pass adds what matches of low … high, and what cannot be read. full says
// that the limit was reached.
func (j *Journal) pass(ctx context.Context, s *search, out *journal.Stretch, low, high uint64) (full bool, err error) {
	var es []journal.Entry
	s.reserved = nil
	bad, err := past(int64(low), int64(high), func(low, high int64) error {
		got, err := j.between(ctx, s, uint64(low), uint64(high), int(high-low+1), false)
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
	}
	ds := s.damage(bad)
	flush := func(upto uint64, all bool) {
		for len(ds) > 0 && (all || s.beyond(upto, ds[0].From)) {
			out.Damaged, ds = append(out.Damaged, ds[0]), ds[1:]
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

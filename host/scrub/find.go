package scrub

import (
	"bytes"
	"context"
	"errors"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
)

// find takes the record from whoever has it. Its error is the journal's, or ctx's.
func (s *scrubber) find(ctx context.Context, x *subject) error {
	s.match(x)
	if x.v.Meta() == nil && s.search(ctx, x) {
		s.match(x)
	}
	switch {
	case x.v.Meta() != nil:
		return nil
	case !x.sure:
		s.report.Unread++
		return nil
	}
	other, err := s.other(ctx, x)
	if err != nil {
		return err
	}
	if other.Meta() == nil {
		s.report.Lost++
		s.Log.Error("an event has no good copy anywhere", "hash", x.entry.Hash, "sequence", x.entry.Sequence)
		return nil
	}
	s.report.Displaced++
	return s.follow(ctx, x, other)
}

// match looks for the journal's record.
func (s *scrubber) match(x *subject) {
	x.sure, x.holders = true, 0
	for i := range x.fetched {
		f := &x.fetched[i]
		switch {
		case f.Err == nil:
			if v, err := module.Match(&x.entry.Meta, f.Record); err == nil {
				x.v = v
				if !s.Places[i].Cache() && !x.loose[i] {
					x.holders++
				}
			}
		case !errors.Is(f.Err, replica.ErrNotFound) && !errors.Is(f.Err, replica.ErrCorrupt):
			x.sure = false
		}
	}
	if x.record != nil {
		if v, err := module.Match(&x.entry.Meta, x.record); err == nil {
			x.v = v
			x.holders++
		}
	}
}

// search asks places that have nothing where the journal says it is for what
// they have under the hash, and reports whether one of them answers otherwise.
func (s *scrubber) search(ctx context.Context, x *subject) (news bool) {
	for i, p := range s.Places {
		f, c := &x.fetched[i], x.copy(p.Name)
		if c == nil || c.Location == "" || !errors.Is(f.Err, replica.ErrNotFound) && !errors.Is(f.Err, replica.ErrCorrupt) {
			continue
		}
		record, err := p.Replica.Get(ctx, replica.Ref{Hash: x.entry.Hash})
		if !errors.Is(err, replica.ErrNotFound) && !errors.Is(err, replica.ErrCorrupt) {
			*f, news = replica.Fetched{Record: record, Err: err}, true
		}
	}
	return news
}

// other returns the event under another valid signature, the one that most
// places hold, those that last first; zero where there is none.
func (s *scrubber) other(ctx context.Context, x *subject) (best module.Verified, err error) {
	most := 0
	for i := range x.fetched {
		record := x.fetched[i].Record
		if x.fetched[i].Err != nil || replica.Damaged(x.entry.Hash, record) {
			continue
		}
		weight := 0
		for k := range x.fetched {
			if x.fetched[k].Err == nil && bytes.Equal(x.fetched[k].Record, record) {
				if weight++; !s.Places[k].Cache() {
					weight += len(x.fetched)
				}
			}
		}
		if weight <= most {
			continue
		}
		results, err := verify(ctx, s.Module, [][]byte{record})
		if err != nil {
			return best, err
		}
		v := results[0].Verified
		if results[0].Err != nil || v.Hash() != x.entry.Hash || !bytes.Equal(v.Record(), record) {
			continue
		}
		if s.SecondOpinion != nil && s.SecondOpinion(ctx, v) != nil {
			continue
		}
		best, most = v, weight
	}
	return best, ctx.Err()
}

// follow has the journal take up another record, unless nothing is to be changed.
func (s *scrubber) follow(ctx context.Context, x *subject, other module.Verified) error {
	f, ok := s.Journal.(journal.Follower)
	if s.ReadOnly || !ok {
		s.Log.Warn("an event is left under another signature than the journal's alone", "hash", x.entry.Hash, "sequence", x.entry.Sequence)
		return nil
	}
	// A cache that has nothing is not filled for this.
	var owed []string
	for i, p := range s.Places {
		if !p.Cache() || x.fetched[i].Err == nil {
			owed = append(owed, p.Name)
		}
	}
	e, err := f.Follow(ctx, other, x.entry.RecordDigest, owed)
	if err != nil {
		return err
	}
	s.Log.Warn("an event was left under another signature than the journal's alone, which the journal follows", "hash", x.entry.Hash, "sequence", x.entry.Sequence)
	if x.follows = e.RecordDigest == other.Meta().RecordDigest; x.follows {
		x.entry, x.record = e, other.Record()
		s.match(x)
	}
	return nil
}

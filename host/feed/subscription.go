package feed

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// What Next returns at most, one large event excepted: so much memory can a
// subscriber keep from being freed that does not come back.
const (
	handEvents = 64
	handBytes  = 64 << 10
)

// A Subscription is one subscriber's place in the sequence. It holds no
// events. It is for one goroutine, which closes it.
type Subscription struct {
	f       *Feed
	epoch   string         // of the order that after is a place in
	filter  journal.Filter // types, authors and parents
	types   map[string]bool
	authors map[[34]byte]bool
	parents map[digest.Hash]bool
	after   uint64 // sequence of the last event that was looked at
	live    bool   // the held events are enough
	closed  bool
}

// Subscribe begins after a position with the events that filter chooses by
// type, author and parent; its other members must be zero.
func (f *Feed) Subscribe(filter journal.Filter, after journal.Position) (*Subscription, error) {
	s := &Subscription{
		f: f, epoch: after.Epoch, filter: filter, after: after.Sequence,
		types: set(filter.Types), authors: set(filter.Authors), parents: set(filter.Parents),
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, ErrClosed
	}
	f.subscribers++
	f.nudge()
	return s, nil
}

func set[T comparable](values []T) map[T]bool {
	if len(values) == 0 {
		return nil
	}
	m := make(map[T]bool, len(values))
	for _, v := range values {
		m[v] = true
	}
	return m
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.f.subscribers--
	}
}

// After returns the position up to which everything that the filter chooses
// was returned.
func (s *Subscription) After() journal.Position {
	return journal.Position{Epoch: s.epoch, Sequence: s.after}
}

// Next waits for events that follow, at most until wait is over, and returns
// some of them in order; none when there were none. The errors are ErrBehind,
// ErrReordered, ErrClosed, ctx's and the journal's; After says where to go on.
func (s *Subscription) Next(ctx context.Context, wait time.Duration) ([]*Item, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		items, changed, err := s.look()
		if err != nil {
			return nil, err
		}
		if len(items) > 0 {
			return items, nil
		}
		if changed == nil { // something lies between here and what is held
			before := s.after
			items, err := s.backlog(ctx)
			if err != nil || len(items) > 0 {
				return items, err
			}
			if s.after > before {
				continue
			}
			s.f.mu.Lock()
			changed = s.f.changed
			known := s.f.next != 0 && s.f.epoch == s.epoch
			s.f.mu.Unlock()
			if known { // it was published in between
				continue
			}
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// look takes what is held. changed is nil when the subscriber has to read the
// journal to get there.
func (s *Subscription) look() (items []*Item, changed <-chan struct{}, err error) {
	f := s.f
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil, nil, ErrClosed
	}
	held, epoch, next, changed := f.held, f.epoch, f.next, f.changed
	f.mu.Unlock()
	if f.o.Journal.Epoch() != s.epoch {
		return nil, nil, ErrReordered
	}
	if next == 0 || epoch != s.epoch { // the feed has not come to this order yet
		return nil, nil, nil
	}
	oldest := next - uint64(len(held))
	if s.after+1 < oldest {
		if s.live {
			return nil, nil, ErrBehind
		}
		return nil, nil, nil
	}
	s.live = true
	if s.after >= next { // the feed is not as far as the journal yet
		return nil, changed, nil
	}
	size := 0
	for _, it := range held[s.after+1-oldest:] {
		if it.Damaged || s.matches(&it.Entry) {
			if size += len(it.Data); len(items) == handEvents || (size > handBytes && len(items) > 0) {
				return items, changed, nil
			}
			items = append(items, it)
		}
		s.after = it.Entry.Sequence
	}
	return items, changed, nil
}

func (s *Subscription) matches(e *journal.Entry) bool {
	return (s.types == nil || s.types[e.Type]) && (s.authors == nil || s.authors[e.AuthorKey]) &&
		(s.parents == nil || slices.ContainsFunc(e.Parents, func(p digest.Hash) bool { return s.parents[p] }))
}

// backlog reads one page of the journal.
func (s *Subscription) backlog(ctx context.Context) ([]*Item, error) {
	select {
	case s.f.reading <- struct{}{}:
		defer func() { <-s.f.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.f.ctx.Done():
		return nil, ErrClosed
	}
	last, err := s.f.o.Journal.Last(ctx)
	if err != nil {
		return nil, err
	}
	if last <= s.after {
		return nil, nil
	}
	q := s.filter
	q.After, q.Before, q.Limit = s.after, last+1, handEvents
	found, err := s.f.o.Journal.Walk(ctx, q)
	if err != nil {
		return nil, err
	}
	items, err := s.f.items(ctx, s.epoch, found.Entries, handBytes)
	if err != nil {
		return nil, err
	}
	switch {
	case len(items) < len(found.Entries):
		s.after = items[len(items)-1].Entry.Sequence
	case found.Next > 0:
		s.after = found.Next
	default:
		s.after = last // nothing more was chosen up to there
	}
	return s.f.between(s.epoch, &found, items), nil
}

// passing reports whether a record may be had a little later.
func passing(err error) bool {
	var c *code.Error
	if !errors.As(err, &c) {
		return true
	}
	switch c.Code {
	case code.Unavailable, code.Timeout, code.Overloaded, code.JournalUnavailable:
		return true
	}
	return false
}

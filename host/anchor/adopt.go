package anchor

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// adoptHeads is how many heads are taken up that no post is known of: a later one
// covers all that an earlier one does.
const adoptHeads = 64

// adopt makes posts of what is on the chain and in none of the posts that are
// kept: a wallet put it there, or the journal is another one than it was.
// blocked, where it is not nil, says why nothing may be posted.
func (a *Anchor) adopt(ctx context.Context, l *line, s *sight, kept []journal.Post, c *journal.PostChange) (blocked, err error) {
	var unknown []uint64
	for _, n := range slices.Sorted(maps.Keys(s.rows)) {
		if l.top != nil && n <= end(l.top) || slices.ContainsFunc(kept, func(p journal.Post) bool { return n >= p.Number && n <= end(&p) }) {
			continue
		}
		unknown = append(unknown, n)
	}
	if l.kind == journal.PostHead {
		return a.adoptHeads(ctx, s, unknown, c)
	}
	return a.adoptEvents(ctx, l, s, unknown, c)
}

func (a *Anchor) adoptHeads(ctx context.Context, s *sight, unknown []uint64, c *journal.PostChange) (blocked, err error) {
	for _, n := range unknown {
		if n+adoptHeads <= s.last {
			continue
		}
		r := s.rows[n]
		root, err := a.o.Log.Root(ctx, r.size)
		var refused *code.Error
		switch {
		case errors.As(err, &refused) && refused.Code == code.ProofPending:
			last, err := a.o.Journal.Last(ctx)
			if err != nil {
				return nil, own(err)
			}
			if r.size > last {
				return stops("the contract has a head of %d events, and this journal has %d: it is an older copy, or another host uses this contract; "+
					"put the journal right (eventseal reindex), or give this host a contract account of its own", r.size, last), nil
			}
			return waits("the log has to serve a head before what is on the chain can be compared with it"), nil
		case errors.As(err, &refused):
			return waits("the log is stopped: %s", refused.Detail), nil
		case err != nil:
			return nil, own(err)
		case root != r.root:
			return stops("number %d of the contract is a head of another log: another host uses this contract, or the log was begun anew; "+
				"give this host a contract account of its own", n), nil
		}
		c.Put = append(c.Put, journal.Post{
			Kind: journal.PostHead, Number: n, Size: r.size, Root: r.root, State: journal.PostIncluded,
			BlockTime: utc(r.time), SubmittedAt: utc(r.time),
		})
	}
	return nil, nil
}

func (a *Anchor) adoptEvents(ctx context.Context, l *line, s *sight, unknown []uint64, c *journal.PostChange) (blocked, err error) {
	hashes := make([]digest.Hash, len(unknown))
	for i, n := range unknown {
		hashes[i] = s.rows[n].hash
	}
	entries, err := a.o.Journal.Entries(ctx, hashes)
	if err != nil {
		return nil, own(err)
	}
	cursor, _, err := a.o.Journal.Cursor(ctx)
	if err != nil {
		return nil, own(err)
	}
	_, passed, err := a.o.Journal.Passed(ctx, 0, 1)
	if err != nil {
		return nil, own(err)
	}
	// A journal that knows of no post is a new one: what the contract has says
	// better than it how far events were anchored.
	fresh := l.known() == 0 && passed == 0
	adopted := map[uint64]bool{}
	var posts []journal.Post
	for i, n := range unknown {
		e := entries[i]
		if e == nil {
			return stops("number %d of the contract is an event that this journal does not have (%s): it is an older copy, or another host uses this contract; "+
				"put the journal right (eventseal reindex), or give this host a contract account of its own", n, hashes[i]), nil
		}
		again := adopted[e.Sequence]
		if other, at, err := a.o.Journal.PostOf(ctx, e.Sequence); err == nil && at != n {
			again = again || !slices.ContainsFunc(c.Drop, func(d journal.Post) bool { return d.Number == other.Number })
		} else if err != nil && !errors.Is(err, journal.ErrNotFound) {
			return nil, own(err)
		}
		if again {
			return stops("number %d of the contract is event %d, which it has under another number already: another host uses this contract; "+
				"give this host a contract account of its own", n, e.Sequence), nil
		}
		adopted[e.Sequence] = true
		at := utc(s.rows[n].time)
		if k := len(posts) - 1; k >= 0 && end(&posts[k])+1 == n && posts[k].BlockTime.Equal(at) && len(posts[k].Events) < a.o.Batch {
			posts[k].Events = append(posts[k].Events, e.Sequence)
			continue
		}
		posts = append(posts, journal.Post{
			Kind: journal.PostEvents, Number: n, Events: []uint64{e.Sequence}, State: journal.PostIncluded, BlockTime: at, SubmittedAt: at,
		})
	}
	c.Put = append(c.Put, posts...)
	c.Unpass = append(c.Unpass, slices.Sorted(maps.Keys(adopted))...)
	// What else was in posts that are dropped, or was gone past on the way to what
	// is adopted, comes later. Where rows are not kept any more that is not known,
	// and what lies before the greatest event on the chain counts as anchored.
	for i := range c.Drop {
		for _, sequence := range c.Drop[i].Events {
			if !adopted[sequence] {
				c.Pass = append(c.Pass, sequence)
			}
		}
	}
	greatest := cursor
	if fresh && len(adopted) > 0 {
		greatest = 0
	}
	for sequence := range adopted {
		greatest = max(greatest, sequence)
	}
	if greatest != cursor {
		c.Cursor = &greatest
		if !fresh && (len(unknown) == 0 || unknown[0] <= l.known()+1) {
			between, err := a.between(ctx, cursor, greatest+1)
			if err != nil {
				return nil, own(err)
			}
			for _, sequence := range between {
				if !adopted[sequence] {
					c.Pass = append(c.Pass, sequence)
				}
			}
		}
	}
	return nil, nil
}

// between returns the events between two sequence numbers that are to be
// anchored one by one, or that cannot be read.
func (a *Anchor) between(ctx context.Context, after, before uint64) (sequences []uint64, err error) {
	for f := (journal.Filter{Types: a.types(), After: after, Before: before}); ; {
		stretch, err := a.o.Journal.Walk(ctx, f)
		if err != nil {
			return nil, err
		}
		for e, d := range stretch.Ascending() {
			if e != nil {
				sequences = append(sequences, e.Sequence)
				continue
			}
			for n := d.From; n <= d.To; n++ {
				sequences = append(sequences, n)
			}
		}
		if f.After = stretch.Next; f.After == 0 {
			return sequences, nil
		}
	}
}

// types returns the types of a.o.Events for a Filter.
func (a *Anchor) types() []string {
	if slices.Contains(a.o.Events, "*") {
		return nil
	}
	return a.o.Events
}

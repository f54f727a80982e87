package anchor

import (
	"context"

	"github.com/eventseal/eventseal/host/journal"
)

// next sends what was not taken yet, or makes the line's next post.
func (a *Anchor) next(ctx context.Context, n node, l *line, s *sight) error {
	for i := range l.open {
		if p := l.open[i]; p.State == journal.PostSubmitted || p.State == journal.PostFailed {
			return a.resume(ctx, n, l, s, p)
		}
	}
	if l.pending() >= uint64(a.o.Window) {
		return waits("%d numbers are not final yet: the chain's irreversible block has to come nearer", l.pending())
	}
	p, c, err := a.dueNext(ctx, l, s.last+1)
	if err != nil {
		return err
	}
	if p == nil {
		if c.Cursor != nil || len(c.Pass)+len(c.Unpass) > 0 {
			return a.put(ctx, l, c.PostChange)
		}
		return nil
	}
	if a.o.Key == nil {
		return a.request(ctx, l, s, *p, c.codes)
	}
	if err := a.build(ctx, s, p, c.codes); err != nil {
		return err
	}
	c.Put = []journal.Post{*p}
	if err := a.put(ctx, l, c.PostChange); err != nil {
		return err
	}
	a.due.mark(p)
	return a.send(ctx, n, l, s, *p)
}

// mark remembers when a head was made.
func (d *dueHead) mark(p *journal.Post) {
	if p.Kind == journal.PostHead {
		*d = dueHead{posted: p.SubmittedAt}
	}
}

// dueNext returns the post that is to be made now; nil: none. number is the
// next one of the contract.
func (a *Anchor) dueNext(ctx context.Context, l *line, number uint64) (*journal.Post, choice, error) {
	p := &journal.Post{Kind: l.kind, Number: number}
	if l.kind == journal.PostHead {
		head, why, err := a.nextHead(ctx, l, false)
		l.waits(why, &a.due)
		if head == nil || err != nil {
			return nil, choice{}, err
		}
		p.Size, p.Root = head.Size, head.Root
		return p, choice{}, nil
	}
	c, err := a.nextEvents(ctx)
	l.waits(c.why, nil)
	if len(c.events) == 0 || err != nil {
		return nil, c, err
	}
	for i := range c.events {
		p.Events = append(p.Events, c.events[i].Sequence)
	}
	return p, c, nil
}

// waits notes what is due and waits for its quorum.
func (l *line) waits(why string, d *dueHead) {
	if why == "" {
		return
	}
	l.queued = &Post{Kind: postKinds[l.kind], State: Queued, Reason: why}
	if d != nil {
		since := utc(d.since)
		l.queued.Count, l.queued.Size, l.queued.Root, l.queued.QueuedAt = 1, d.Size, d.Root.String(), &since
	}
}

// resume goes on with the first post that the chain does not have: the same
// bytes again, or new ones when those can no longer get there.
func (a *Anchor) resume(ctx context.Context, n node, l *line, s *sight, p journal.Post) error {
	if p.Number != s.last+1 {
		return errAgain
	}
	if !s.dead(&p) {
		if a.o.Key == nil {
			l.why = "what was sent with a key may get onto the chain yet"
			return nil
		}
		return a.send(ctx, n, l, s, p)
	}
	codes, err := a.codes(ctx, &p)
	if err != nil {
		return err
	}
	if p.Kind == journal.PostHead && end(&p) == l.known() {
		// Nothing rests on it: the newest head takes its place. Its own size is no bar.
		head, _, err := a.nextHead(ctx, l, true)
		if err != nil {
			return err
		}
		if head != nil {
			p.Size, p.Root = head.Size, head.Root
		}
	}
	if a.o.Key == nil {
		return a.request(ctx, l, s, p, codes)
	}
	p.State, p.Reason = journal.PostSubmitted, ""
	if err := a.build(ctx, s, &p, codes); err != nil {
		return err
	}
	if err := a.put(ctx, l, journal.PostChange{Put: []journal.Post{p}}); err != nil {
		return err
	}
	a.due.mark(&p)
	return a.send(ctx, n, l, s, p)
}

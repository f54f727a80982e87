package anchor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// idle is how many polls pass between two looks at a chain on which nothing is to
// be seen.
const idle = 30

// still is for how long, and how many polls at least, a node may have no new
// block before another one is asked: who stands still can be told neither from an
// answer nor from others that are not asked.
const still, stills = 15 * time.Second, 30

// inner is an error of this host, which no other node mends.
type inner struct{ error }

func (e inner) Unwrap() error { return e.error }

// own marks an error as one of this host.
func own(err error) error {
	if err != nil {
		return inner{err}
	}
	return nil
}

func (a *Anchor) lines() []*line {
	if a.events == nil {
		return []*line{a.heads}
	}
	return []*line{a.heads, a.events}
}

// round does what there is to do. At each of its steps the process may end: all
// that the next one needs is in the journal and on the chain.
func (a *Anchor) round(ctx context.Context) {
	a.rounds++
	err := a.work(ctx)
	if e := a.findStuck(ctx); err == nil {
		err = e
	}
	if ctx.Err() == nil {
		a.tell(err)
	}
}

func (a *Anchor) work(ctx context.Context) error {
	due, err := a.wanted(ctx)
	if err != nil {
		return err
	}
	now := a.o.now()
	if !due && !a.seen.IsZero() && now.Sub(a.seen) < idle*a.o.Poll && now.After(a.seen) {
		return nil
	}
	var ours inner
	err = a.use(ctx, func(ctx context.Context, n node) error {
		ours = inner{}
		err := a.look(ctx, n)
		if errors.As(err, &ours) {
			return nil
		}
		return err
	})
	if err == nil {
		err = ours.error
	}
	if err == nil {
		a.seen = now
	}
	return err
}

// wanted reports whether the chain has to be looked at now.
func (a *Anchor) wanted(ctx context.Context) (bool, error) {
	if err := a.begin(ctx); err != nil {
		return false, err
	}
	for _, l := range a.lines() {
		if err := l.load(ctx, a.o.Journal); err != nil {
			return false, err
		}
		if len(l.open) > 0 || l.request != nil || l.state != Anchoring {
			return true, nil
		}
	}
	if head, _, err := a.nextHead(ctx, a.heads, false); head != nil || err != nil {
		return true, err
	}
	if a.events == nil {
		return false, nil
	}
	c, err := a.nextEvents(ctx)
	return c.any(), err
}

// look is one look at one node, and what follows from it. Nothing of an earlier
// look at another node is used.
func (a *Anchor) look(ctx context.Context, n node) error {
	info, err := n.Info(ctx)
	if err != nil {
		return err
	}
	if now := a.o.now(); info.HeadTime.After(a.head.block) {
		a.head.block, a.head.seen = info.HeadTime, now
	} else if stale := now.Sub(a.head.seen); stale > max(still, stills*a.o.Poll) {
		return n.Blame(fmt.Errorf("it has had no new block for %v, the last is of %s", stale.Round(time.Second), info.HeadTime.Format(time.RFC3339)))
	}
	if err := a.aim(ctx, info.ChainID); err != nil {
		return own(err)
	}
	a.trail.budget = stride
	s := sight{info: info}
	walked := false
	for _, l := range a.lines() {
		if err := l.load(ctx, a.o.Journal); err != nil {
			return own(err)
		}
		if walked = walked || len(l.open) > 0; len(l.open) > 0 && s.irreversible.IsZero() {
			tip, err := a.trail.tip(ctx, n, info)
			if errors.Is(err, errAgain) {
				return nil // the next look may see more
			}
			if err != nil {
				return err
			}
			s.irreversible = tip.Time
		}
	}
	var late error
	for _, l := range a.lines() {
		s := s
		l.state, l.why, l.queued, l.request = Anchoring, "", nil, nil
		err := a.advance(ctx, n, l, &s)
		l.last = s.last
		var h *halt
		switch {
		case errors.As(err, &h):
			l.state, l.why = h.state, h.why
		case errors.Is(err, errAgain), errors.Is(err, errFar):
			l.why = err.Error()
		case busy(err):
			late = err // which does not hold up the other line
		case err != nil:
			return err
		}
	}
	if !walked {
		a.trail.forget()
	}
	return late
}

// aim notes which contract of which chain is posted to. Another one than before
// begins anew, since its numbers do: posts that were final stay so where they
// are, and what was handed out of them goes on to hold; events of the others are
// put on this one.
func (a *Anchor) aim(ctx context.Context, chain digest.Hash) error {
	a.mu.Lock()
	aimed := a.state.ChainID == chain.String()
	a.mu.Unlock()
	if aimed {
		return nil
	}
	target := chain.String() + " " + a.o.Contract.String()
	was, err := a.o.Journal.Target(ctx, target)
	if err != nil {
		return err
	}
	if was != "" && was != target {
		a.o.Logger.Warn("the settings name another chain or contract than before: what was put there is not gone on with, and not in proofs any more", "was", was, "is", target)
	}
	a.mu.Lock()
	a.state.ChainID = chain.String()
	a.mu.Unlock()
	return nil
}

// A halt is why a line does not go on: an error with the state that it means.
type halt struct{ state, why string }

func (h *halt) Error() string { return h.why }

func waits(format string, args ...any) error { return &halt{Waiting, fmt.Sprintf(format, args...)} }
func stops(format string, args ...any) error { return &halt{Stopped, fmt.Sprintf(format, args...)} }

// advance brings a line as far as it can be brought now.
func (a *Anchor) advance(ctx context.Context, n node, l *line, s *sight) error {
	if err := a.see(ctx, n, l, l.floor(), s); err != nil {
		return err
	}
	if err := a.uphold(ctx, n, l, s); err != nil {
		return err
	}
	blocked, err := a.reconcile(ctx, l, s)
	if err != nil {
		return err
	}
	if err := a.settle(ctx, n, l, s); err != nil && !errors.Is(err, errAgain) && !errors.Is(err, errFar) {
		return err
	} else if err != nil {
		l.why = err.Error()
	}
	if blocked != nil {
		return blocked
	}
	return a.next(ctx, n, l, s)
}

// put makes a change durable, counts it, and reads the line anew.
func (a *Anchor) put(ctx context.Context, l *line, c journal.PostChange) error {
	if err := a.o.Journal.PutPosts(ctx, c); err != nil {
		return own(err)
	}
	for i := range c.Put {
		a.metrics.posts.WithLabelValues(postKinds[l.kind], postStates[c.Put[i].State]).Inc()
	}
	return own(l.load(ctx, a.o.Journal))
}

// utc returns a time as the journal keeps it.
func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

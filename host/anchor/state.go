package anchor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/journal"
)

const (
	shownPosts = 20
	shownStuck = 100
)

// tell notes what a round has found, and tells the operator of a change once.
func (a *Anchor) tell(err error) {
	outcome := "ok"
	if err != nil {
		outcome = "error"
	}
	a.metrics.rounds.WithLabelValues(outcome).Inc()
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.state
	a.state.State, a.state.Why, a.state.Requests = Anchoring, "", nil
	for _, l := range a.lines() {
		state, why := l.state, l.why
		if err != nil && state != Stopped {
			state, why = Waiting, err.Error()
		}
		k := Kind{State: state, Why: why, Number: l.last, Queued: l.queued}
		if l.kind == journal.PostHead {
			a.state.Heads = k
		} else {
			a.state.Events = &k
		}
		if worse(state, a.state.State) {
			a.state.State = state
			a.state.Why = why
			if err == nil {
				a.state.Why = postKinds[l.kind] + ": " + why
			}
		}
		if l.request != nil {
			a.state.Requests = append(a.state.Requests, *l.request)
		}
	}
	if a.state.State != was.State {
		a.state.Since = a.o.now()
	}
	close(a.changed)
	a.changed = make(chan struct{})
	if was.State == a.state.State && (was.Why == a.state.Why || a.state.State == Anchoring) {
		return
	}
	switch a.state.State {
	case Stopped:
		a.o.Logger.Error("anchoring is stopped: "+a.state.Why, "contract", a.state.Contract)
	case Waiting:
		a.o.Logger.Warn("anchoring waits: "+a.state.Why, "contract", a.state.Contract)
	case Anchoring:
		a.o.Logger.Info("what is due is anchored", "contract", a.state.Contract)
	}
}

func worse(state, than string) bool {
	order := []string{Anchoring, Starting, Waiting, Stopped}
	return slices.Index(order, state) > slices.Index(order, than)
}

// State returns how anchoring stands. What the journal cannot tell now is left
// out, and said in Why.
func (a *Anchor) State(ctx context.Context) State {
	a.mu.Lock()
	s := a.state
	s.Stuck = a.stuck.found
	if s.Events != nil {
		k := *s.Events
		s.Events = &k
	}
	a.mu.Unlock()
	if err := a.fill(ctx, &s); err != nil {
		s.Why = cmp.Or(s.Why, err.Error())
	}
	// In JSON a list is never null.
	s.Posts, s.Stuck, s.Requests = append([]Post{}, s.Posts...), append([]Stuck{}, s.Stuck...), append([]Request{}, s.Requests...)
	return s
}

// fill adds to a state what the journal knows.
func (a *Anchor) fill(ctx context.Context, s *State) error {
	j := a.o.Journal
	last, err := j.Last(ctx)
	if err != nil {
		return err
	}
	for _, l := range a.lines() {
		k := &s.Heads
		if l.kind == journal.PostEvents {
			k = s.Events
		}
		open, err := j.Unfinished(ctx, l.kind)
		if err != nil {
			return err
		}
		k.Posts = len(open)
		posts, err := j.Posts(ctx, l.kind, 0, max(shownPosts, len(open)+1))
		if err != nil {
			return err
		}
		for i := range posts {
			shown, err := a.show(ctx, &posts[i])
			if err != nil {
				return err
			}
			if posts[i].State == journal.PostFinal && k.Final == nil {
				k.Final = &shown
			}
			if i < shownPosts {
				s.Posts = append(s.Posts, shown)
			}
			if at := posts[i].FinalAt; !at.IsZero() && (s.LastFinalAt == nil || at.After(*s.LastFinalAt)) {
				s.LastFinalAt = &at
			}
		}
		if l.kind == journal.PostHead {
			k.Backlog = last
			if k.Final != nil {
				k.Backlog = last - min(last, k.Final.Size)
			}
			continue
		}
		cursor, begun, err := j.Cursor(ctx)
		if err != nil || !begun {
			return err
		}
		_, passed, err := j.Passed(ctx, 0, 1)
		if err != nil {
			return err
		}
		fresh, err := j.Count(ctx, journal.Filter{Types: a.types(), After: cursor})
		if err != nil {
			return err
		}
		k.Backlog = passed + fresh
		for i := range open {
			k.Backlog += open[i].Count()
		}
	}
	slices.SortStableFunc(s.Posts, func(x, y Post) int { return newest(y).Compare(newest(x)) })
	s.Posts = s.Posts[:min(len(s.Posts), shownPosts)]
	return nil
}

func newest(p Post) time.Time {
	if p.SubmittedAt != nil {
		return *p.SubmittedAt
	}
	return time.Time{}
}

// show returns a post as it is shown.
func (a *Anchor) show(ctx context.Context, p *journal.Post) (Post, error) {
	shown := Post{
		Kind: postKinds[p.Kind], Number: p.Number, Count: p.Count(), State: postStates[p.State], Reason: p.Reason,
		BlockNum: p.BlockNum, BlockTime: moment(p.BlockTime), SubmittedAt: moment(p.SubmittedAt), FinalAt: moment(p.FinalAt),
	}
	if p.Transaction != nil {
		shown.TransactionID = antelope.ID(p.Transaction).String()
	}
	if p.BlockNum != 0 {
		shown.BlockID = p.BlockID.String()
	}
	if p.Kind == journal.PostHead {
		shown.Size, shown.Root = p.Size, p.Root.String()
		return shown, nil
	}
	content, err := a.content(ctx, p)
	if err != nil {
		return shown, err
	}
	for i, r := range content {
		shown.Events = append(shown.Events, PostEvent{Sequence: p.Events[i], Hash: r.hash.String(), Code: r.code, Number: p.Number + uint64(i)})
	}
	return shown, nil
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// For returns how the event of a sequence number stands.
func (a *Anchor) For(ctx context.Context, sequence uint64) (Event, error) {
	e := Event{State: Queued}
	p, err := a.o.Journal.Covering(ctx, sequence)
	if errors.Is(err, journal.ErrNotFound) {
		p, err = a.coming(ctx, sequence)
	}
	switch {
	case err == nil:
		shown, err := a.show(ctx, &p)
		if err != nil {
			return e, err
		}
		e.Head, e.State = &shown, shown.State
	case !errors.Is(err, journal.ErrNotFound):
		return e, err
	}
	if a.events == nil {
		return e, nil
	}
	single, number, err := a.o.Journal.PostOf(ctx, sequence)
	if errors.Is(err, journal.ErrNotFound) {
		entry, err := a.entry(ctx, sequence)
		if err == nil && a.wants(entry.Type) {
			e.State = Queued
		}
		return e, nil
	}
	if err != nil {
		return e, err
	}
	shown, err := a.show(ctx, &single)
	if err != nil {
		return e, err
	}
	at := int(number - single.Number)
	shown.Events = shown.Events[at : at+1]
	e.Single, e.State = &shown, shown.State
	return e, nil
}

// coming returns the head that is not final, or cannot be shown, of the least
// size that covers an event.
func (a *Anchor) coming(ctx context.Context, sequence uint64) (journal.Post, error) {
	open, err := a.o.Journal.Unfinished(ctx, journal.PostHead)
	if err != nil {
		return journal.Post{}, err
	}
	for _, p := range open {
		if p.Size >= sequence {
			return p, nil
		}
	}
	return journal.Post{}, fmt.Errorf("no head covers event %d yet: %w", sequence, journal.ErrNotFound)
}

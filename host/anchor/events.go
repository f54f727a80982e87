package anchor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
)

// pick is what is remembered of the events that are to be picked.
type pick struct {
	waiting uint64    // the event that is waited for
	since   time.Time // from then on
	passed  uint64    // up to where those that were passed were looked at again
	look    time.Time // when they are the next time
}

// A choice is the events that are to be posted next, and what that changes.
type choice struct {
	events []journal.Entry
	codes  []uint32
	journal.PostChange
	why string // what is waited for
}

// any reports whether there is something to be made durable.
func (c *choice) any() bool { return len(c.events)+len(c.Pass)+len(c.Unpass) > 0 }

const (
	relook = 64   // passed events that are looked at in one round
	far    = 4096 // events that may be gone past before that is made durable
)

// begin sets the cursor where there is none: events from now on are anchored one
// by one, whenever the chain comes to answer.
func (a *Anchor) begin(ctx context.Context) error {
	if a.events == nil || a.begun {
		return nil
	}
	_, begun, err := a.o.Journal.Cursor(ctx)
	if err != nil {
		return err
	}
	if !begun {
		last, err := a.o.Journal.Last(ctx)
		if err != nil {
			return err
		}
		if err := a.o.Journal.PutPosts(ctx, journal.PostChange{Cursor: &last}); err != nil {
			return err
		}
	}
	a.begun = true
	return nil
}

// nextEvents chooses the events that are posted next: those that were passed and
// can go now, then those after the cursor, in order, up to the first one that is
// not in enough places yet. One that is stuck is passed.
func (a *Anchor) nextEvents(ctx context.Context) (c choice, err error) {
	cursor, begun, err := a.o.Journal.Cursor(ctx)
	if err != nil || !begun {
		return choice{}, own(err)
	}
	if err := a.repick(ctx, &c); err != nil {
		return choice{}, own(err)
	}
	if err := a.advancePick(ctx, cursor, &c); err != nil {
		return choice{}, own(err)
	}
	return c, nil
}

// repick chooses among the events that were passed.
func (a *Anchor) repick(ctx context.Context, c *choice) error {
	now := a.o.now()
	if now.Before(a.pick.look) && a.pick.look.Sub(now) <= idle*a.o.Poll {
		return nil
	}
	passed, total, err := a.o.Journal.Passed(ctx, a.pick.passed, relook)
	if err != nil {
		return err
	}
	next := uint64(0)
	if len(passed) == relook {
		next = passed[relook-1]
	}
	for _, sequence := range passed {
		if len(c.events) == a.o.Batch {
			next = sequence - 1
			break
		}
		short, err := a.o.Journal.Short(ctx, sequence-1, sequence, a.counting, a.o.MinRedundancy, 1)
		if err != nil {
			return err
		}
		if len(short) > 0 {
			continue
		}
		e, err := a.entry(ctx, sequence)
		if err != nil {
			continue // it cannot be read, and stays where it is
		}
		if !a.wants(e.Type) {
			c.Unpass = append(c.Unpass, sequence)
		} else if a.take(c, e) {
			c.Unpass = append(c.Unpass, sequence)
		}
	}
	if !c.any() { // what was found is looked at again until it is posted
		a.pick.passed = next
		if next == 0 && total > 0 {
			a.pick.look = now.Add(idle * a.o.Poll)
		}
	}
	return nil
}

// advancePick chooses among the events after the cursor.
func (a *Anchor) advancePick(ctx context.Context, cursor uint64, c *choice) error {
	last, err := a.o.Journal.Last(ctx)
	if err != nil {
		return err
	}
	room := a.o.Batch - len(c.events)
	if room == 0 || cursor >= last {
		return nil
	}
	// One more than there is room for costs nothing, and an end is seen as one.
	stretch, err := a.o.Journal.Walk(ctx, journal.Filter{Types: a.types(), After: cursor, Before: last + 1, Limit: room + 1})
	if err != nil {
		return err
	}
	upto := last
	if stretch.Next != 0 {
		upto = stretch.Next
	}
	short, err := a.o.Journal.Short(ctx, cursor, upto, a.counting, a.o.MinRedundancy, journal.MaxPage)
	if err != nil {
		return err
	}
	if len(short) == journal.MaxPage {
		upto = short[len(short)-1].Sequence
	}
	at := cursor
	for e, d := range stretch.Ascending() {
		if e == nil {
			for n := d.From; n <= min(d.To, upto) && n-d.From < far; n++ {
				c.Pass, at = append(c.Pass, n), n
			}
			if at < d.To {
				upto = at
			}
			continue
		}
		if e.Sequence > upto || len(c.events) == a.o.Batch {
			upto = at
			break
		}
		if i, found := slices.BinarySearchFunc(short, e.Sequence, func(s journal.Entry, n uint64) int { return int(int64(s.Sequence) - int64(n)) }); found {
			if a.pick.waiting != e.Sequence {
				a.pick.waiting, a.pick.since = e.Sequence, a.o.now()
			}
			if !a.late(&short[i], a.pick.since) {
				c.why = fmt.Sprintf("event %d is not in enough places yet", e.Sequence)
				upto = at
				break
			}
			c.Pass = append(c.Pass, e.Sequence)
			a.stuck.pass(e.Sequence)
		} else if !a.take(c, *e) {
			c.Pass = append(c.Pass, e.Sequence)
			a.stuck.pass(e.Sequence)
		}
		at = e.Sequence
	}
	if at = max(at, min(upto, last)); c.any() && at > cursor || at-cursor > far {
		c.Cursor = &at
	}
	return nil
}

// take puts an event among those that are to be posted, unless the module does
// not know its type any more.
func (a *Anchor) take(c *choice, e journal.Entry) bool {
	code, known := a.code(e.Type)
	if known {
		c.events, c.codes = append(c.events, e), append(c.codes, code)
	}
	return known
}

// code returns the module's code for a type, which may be another one than when
// the event was admitted.
func (a *Anchor) code(typ string) (code uint32, known bool) {
	types := a.o.Module.Types()
	i := slices.IndexFunc(types, func(t module.Type) bool { return t.Name == typ })
	if i < 0 {
		return 0, false
	}
	return types[i].Code, true
}

func (a *Anchor) knows(typ string) bool {
	_, known := a.code(typ)
	return known
}

// codes returns the module's codes for the events of a post.
func (a *Anchor) codes(ctx context.Context, p *journal.Post) (codes []uint32, err error) {
	for _, sequence := range p.Events {
		e, err := a.entry(ctx, sequence)
		if err != nil {
			return nil, own(err)
		}
		code, known := a.code(e.Type)
		if !known {
			return nil, waits("event %d is of type %s, which is not known any more: event.types has to name it", sequence, e.Type)
		}
		codes = append(codes, code)
	}
	return codes, nil
}

func (a *Anchor) wants(typ string) bool {
	return slices.Contains(a.o.Events, "*") || slices.Contains(a.o.Events, typ)
}

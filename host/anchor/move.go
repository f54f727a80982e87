package anchor

import (
	"context"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/journal"
)

// move forgets the posts of another contract, once the one that the settings
// name now has answered: its numbers begin anew. Events of posts that were not
// final are put on this one; what was final stays so on the other, and what was
// handed out of it goes on to hold.
func (a *Anchor) move(ctx context.Context, l *line) error {
	newest := l.top
	if len(l.open) > 0 {
		newest = &l.open[len(l.open)-1]
	}
	if newest == nil {
		return nil
	}
	if elsewhere, known := a.elsewhere(newest); known && !elsewhere {
		return nil
	}
	for {
		posts, err := a.o.Journal.Posts(ctx, l.kind, 0, 100)
		if err != nil {
			return own(err)
		}
		var c journal.PostChange
		for i := range posts {
			switch elsewhere, known := a.elsewhere(&posts[i]); {
			case known && elsewhere || len(c.Drop) > 0:
				c.Drop = append(c.Drop, posts[i])
				if posts[i].State != journal.PostFinal {
					c.Pass = append(c.Pass, posts[i].Events...)
				}
			}
		}
		if len(c.Drop) == 0 {
			return nil
		}
		a.o.Logger.Warn("what was put on another contract is not gone on with", "kind", postKinds[l.kind], "posts", len(c.Drop), "contract", a.o.Contract)
		if err := a.put(ctx, l, c); err != nil {
			return err
		}
	}
}

// elsewhere reports whether a post's bytes are for another contract; known is
// false where they are not kept.
func (a *Anchor) elsewhere(p *journal.Post) (elsewhere, known bool) {
	t, err := antelope.Unpack(p.Transaction)
	if err != nil || len(t.Actions) == 0 {
		return false, false
	}
	for _, act := range t.Actions {
		if act.Account == a.o.Contract {
			return false, true
		}
	}
	return true, true
}

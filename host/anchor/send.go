package anchor

import (
	"context"
	"fmt"
	"time"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/journal"
)

// The longest times between two sendings of the same bytes, as multiples of Resend.
const (
	doubtful = 30 // what became of them is not known
	refused  = 60 // the chain has said no
	// forgetful is how often a node may take the same bytes, without a block having
	// them, before another one is asked, too.
	forgetful = 3
)

// send sends a post's bytes, which are durable, unless that was done a moment
// ago. Whether they get into a block is seen by a later look; an answer is only
// a hint. The error is one of the way to the node.
func (a *Anchor) send(ctx context.Context, n node, l *line, s *sight, p journal.Post) error {
	now := a.o.now()
	id := antelope.ID(p.Transaction)
	if l.sent.id != id {
		l.sent.id, l.sent.tries, l.sent.next = id, 0, time.Time{}
	}
	if l.sent.round != a.rounds && now.Before(l.sent.next) && l.sent.next.Sub(now) <= refused*a.o.Resend {
		return told(&p)
	}
	l.sent.round = a.rounds // in which several nodes may be asked
	err := n.Send(ctx, p.Transaction, p.Signatures)
	switch {
	case err == nil, duplicate(err):
		// Taken: by this node, which may forget it.
		l.pause(now, a.o.Resend, doubtful)
		if p.State == journal.PostFailed {
			p.State, p.Reason = journal.PostSubmitted, ""
			if err := a.put(ctx, l, journal.PostChange{Put: []journal.Post{p}}); err != nil {
				return err
			}
		}
		if l.sent.tries%forgetful == 0 {
			return n.Blame(fmt.Errorf("it took number %d %d times, and no block has it", p.Number, l.sent.tries))
		}
		return nil
	case !antelope.Refused(err):
		return err
	case moved(err):
		// The contract went on since the look, or the node is at another block than
		// the one that was looked at.
		l.pause(now, a.o.Resend, doubtful)
		return errAgain
	}
	l.pause(now, a.o.Resend, refused)
	if p.State != journal.PostFailed || p.Reason != err.Error() {
		p.State, p.Reason = journal.PostFailed, err.Error()
		a.o.Logger.Warn("the chain refuses what is to be anchored; it is tried again", "kind", postKinds[l.kind], "number", p.Number, "reason", p.Reason)
		if err := a.put(ctx, l, journal.PostChange{Put: []journal.Post{p}}); err != nil {
			return err
		}
	}
	return told(&p)
}

// pause sets when the same bytes are sent again.
func (l *line) pause(now time.Time, first time.Duration, most int) {
	l.sent.next = now.Add(first * time.Duration(min(most, 1<<min(l.sent.tries, 10))))
	l.sent.tries++
}

// told is why a line does not go on with a post that the chain refuses.
func told(p *journal.Post) error {
	if p.State == journal.PostFailed {
		return waits("the chain refuses number %d: %s", p.Number, p.Reason)
	}
	return nil
}

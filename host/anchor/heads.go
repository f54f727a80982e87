package anchor

import (
	"context"
	"fmt"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/journal"
)

// dueHead is the head that is to be posted next: it stays the same from when it
// is due until it is posted, however many others the log makes meanwhile.
type dueHead struct {
	checkpoint.Checkpoint
	since   time.Time
	checked uint64    // the events up to this one hold it back no longer
	posted  time.Time // when the last one was made
}

// nextHead returns the head that is to be posted now; nil: none is, for what why
// says, if anything. again: one that was posted is to be built anew, so that no
// time has to pass first.
func (a *Anchor) nextHead(ctx context.Context, l *line, again bool) (head *checkpoint.Checkpoint, why string, err error) {
	d, now := &a.due, a.o.now()
	if served, ok := a.o.Log.Head(); !ok {
		return nil, "", nil
	} else if d.Size <= l.size() || d.Size > served.Size {
		if served.Size <= l.size() {
			*d = dueHead{posted: d.posted}
			return nil, "", nil
		}
		if !again && now.Sub(a.lastHead(l, now)) < a.o.Every {
			return nil, "", nil
		}
		*d = dueHead{Checkpoint: served, since: now, checked: l.size(), posted: d.posted}
	}
	for {
		short, err := a.o.Journal.Short(ctx, d.checked, d.Size, a.counting, a.o.MinRedundancy, journal.MaxPage)
		if err != nil {
			return nil, "", own(err)
		}
		for i := range short {
			if !a.late(&short[i], d.since) {
				return nil, fmt.Sprintf("event %d is not in enough places yet", short[i].Sequence), nil
			}
			d.checked = short[i].Sequence
			a.stuck.pass(d.checked)
		}
		if len(short) < journal.MaxPage {
			d.checked = d.Size
			return &d.Checkpoint, "", nil
		}
	}
}

// lastHead returns when the last head was made, as far as the clock can be
// believed.
func (a *Anchor) lastHead(l *line, now time.Time) time.Time {
	last := a.due.posted
	if last.IsZero() && l.top != nil {
		last = l.top.SubmittedAt
	}
	for i := range l.open {
		if a.due.posted.IsZero() {
			last = l.open[i].SubmittedAt
		}
	}
	if last.After(now) {
		return time.Time{}
	}
	return last
}

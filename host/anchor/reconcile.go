package anchor

import (
	"context"
	"errors"
	"time"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// uphold looks whether what was found final still stands. A node that does not
// show it is behind, as long as there is no other irreversible block in the place of
// the post's: then the chain itself went back, and the post goes the way of one
// that a fork took.
func (a *Anchor) uphold(ctx context.Context, n node, l *line, s *sight) error {
	for l.top != nil {
		p := l.top
		content, err := a.content(ctx, p)
		if err != nil {
			return err
		}
		f := judge(p, content, s)
		if f == gone || f == there && s.rows[p.Number].time.Equal(p.BlockTime) {
			return nil
		}
		if p.BlockNum == 0 || s.info.LIBNum < p.BlockNum {
			return waits("the chain's nodes do not show what is final already (number %d, block %d): they are behind, or the chain went back", p.Number, p.BlockNum)
		}
		b, err := a.trail.number(ctx, n, s.info, p.BlockNum)
		if err != nil {
			return err
		}
		if b.ID == p.BlockID {
			return errAgain // the node that gave the rows is another one
		}
		a.o.Logger.Error("the chain went back behind what was final: another irreversible block is in its place", "kind", postKinds[l.kind], "number", p.Number, "block", p.BlockNum)
		back := *p
		back.State, back.Reason = journal.PostSubmitted, ""
		back.BlockNum, back.BlockID, back.BlockTime, back.FinalAt = 0, digest.Hash{}, time.Time{}, time.Time{}
		if err := a.put(ctx, l, journal.PostChange{Put: []journal.Post{back}}); err != nil {
			return err
		}
		// The rows of what is below it were not asked for yet.
		if err := a.rows(ctx, n, l, l.floor(), s.last, s); err != nil {
			return err
		}
	}
	return nil
}

// reconcile makes the journal say what the chain shows. blocked, where it is not
// nil, is why nothing may be posted.
func (a *Anchor) reconcile(ctx context.Context, l *line, s *sight) (blocked, err error) {
	var c journal.PostChange
	var kept []journal.Post
	for _, p := range l.open {
		content, err := a.content(ctx, &p)
		if err != nil {
			return nil, err
		}
		was := p
		switch judge(&p, content, s) {
		case absent:
			if p.State == journal.PostIncluded {
				a.o.Logger.Warn("a fork took what was on the chain; the same bytes are sent again", "kind", postKinds[l.kind], "number", p.Number)
				p.State, p.BlockTime, p.BlockNum, p.BlockID = journal.PostSubmitted, time.Time{}, 0, digest.Hash{}
			}
		case there:
			p.State, p.Reason, p.BlockTime = journal.PostIncluded, "", utc(s.rows[p.Number].time)
		case gone: // with what the contract counts; where, nobody can say any more
			if s.dead(&p) {
				p.State, p.Reason, p.FinalAt = journal.PostFinal, "", utc(a.o.now())
				p.Transaction, p.Signatures = nil, nil
			}
		case unseen:
			blocked = errAgain
		case differs:
			if s.dead(&p) {
				c.Drop = append(c.Drop, p)
				continue
			}
			blocked = waits("the contract has something else under number %d than what was sent; nothing is posted until that can no longer get there", p.Number)
		}
		if p.State != was.State || !p.BlockTime.Equal(was.BlockTime) {
			c.Put = append(c.Put, p)
		}
		kept = append(kept, p)
	}
	if blocked == nil {
		blocked, err = a.adopt(ctx, l, s, kept, &c)
		if err != nil {
			return nil, err
		}
	}
	if blocked != nil {
		c.Drop = nil // what is in its place is not known to be ours
	}
	if len(c.Put)+len(c.Drop) == 0 && c.Cursor == nil {
		return blocked, nil
	}
	return blocked, a.put(ctx, l, c)
}

// content returns what a post puts under each of its numbers.
func (a *Anchor) content(ctx context.Context, p *journal.Post) ([]row, error) {
	if p.Kind == journal.PostHead {
		return []row{{size: p.Size, root: p.Root}}, nil
	}
	if rows, err := said(p); err == nil {
		return rows, nil
	}
	var rows []row
	for _, sequence := range p.Events {
		e, err := a.entry(ctx, sequence)
		if err != nil {
			return nil, own(err)
		}
		rows = append(rows, row{hash: e.Hash, code: e.TypeCode})
	}
	return rows, nil
}

// said returns what the events of a post's own bytes are.
func said(p *journal.Post) ([]row, error) {
	if p.Transaction == nil {
		return nil, errNoBytes
	}
	t, err := antelope.Unpack(p.Transaction)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, act := range t.Actions {
		seq, code, hash, err := antelope.ParseEvent(act.Data)
		if err != nil {
			continue
		}
		if seq >= p.Number && seq < p.Number+p.Count() {
			rows = append(rows, row{code: code, hash: hash})
		}
	}
	if uint64(len(rows)) != p.Count() {
		return nil, errNoBytes
	}
	return rows, nil
}

var errNoBytes = errors.New("the post's bytes do not say what it puts on the chain")

// entry reads one event.
func (a *Anchor) entry(ctx context.Context, sequence uint64) (journal.Entry, error) {
	stretch, err := a.o.Journal.Walk(ctx, journal.Filter{After: sequence - 1, Before: sequence + 1, Limit: 1})
	if err != nil {
		return journal.Entry{}, err
	}
	if len(stretch.Entries) == 0 {
		if len(stretch.Damaged) > 0 {
			return journal.Entry{}, stretch.Damaged[0].Err
		}
		return journal.Entry{}, journal.ErrNotFound
	}
	return stretch.Entries[0], nil
}

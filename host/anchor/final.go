package anchor

import (
	"context"
	"errors"
	"slices"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/journal"
)

const (
	// buried is how many blocks below the last irreversible one a block is that a
	// node may have thrown away.
	buried = 1200
	// vainly is how many looks in a row have to miss such a block before the row
	// alone is relied on.
	vainly = 3
)

// settle finds out which of the line's included posts are final: those whose
// row is of an irreversible block, which has the post's transaction, executed, and
// whose rows are the same when they are read again. The bytes and signatures
// that the block has are the ones that are kept.
func (a *Anchor) settle(ctx context.Context, n node, l *line, s *sight) error {
	var c journal.PostChange
	var later error
	for _, p := range slices.Backward(l.open) { // the trail leads downwards
		if p.State != journal.PostIncluded || p.BlockTime.After(s.irreversible) {
			continue
		}
		finals, err := a.final(ctx, n, l, p, s)
		if errors.Is(err, errAgain) || errors.Is(err, errFar) || errors.Is(err, errOffChain) {
			later = errAgain
			if errors.Is(err, errFar) {
				later = err
			}
			continue
		}
		if err != nil {
			return err
		}
		c.Put = append(c.Put, finals...)
	}
	if len(c.Put) == 0 {
		return later
	}
	// Read again, from whichever node answers now.
	low, high := c.Put[len(c.Put)-1].Number, end(&c.Put[0])
	for i := range c.Put {
		low, high = min(low, c.Put[i].Number), max(high, end(&c.Put[i]))
	}
	again := sight{info: s.info, last: s.last, rows: map[uint64]row{}}
	if err := a.rows(ctx, n, l, low, high, &again); err != nil {
		return err
	}
	for i := range c.Put {
		for k := c.Put[i].Number; k <= end(&c.Put[i]); k++ {
			if again.rows[k] != s.rows[k] {
				return errAgain
			}
		}
		c.Put[i].State, c.Put[i].Reason, c.Put[i].FinalAt = journal.PostFinal, "", utc(a.o.now())
		delete(l.vain, c.Put[i].Number)
	}
	if err := a.put(ctx, l, c); err != nil {
		return err
	}
	return later
}

// final returns a post with the block that has it, several where its events
// were put there by several transactions.
func (a *Anchor) final(ctx context.Context, n node, l *line, p journal.Post, s *sight) ([]journal.Post, error) {
	b, err := a.trail.at(ctx, n, s.info, p.BlockTime)
	var block antelope.Block
	if err == nil {
		block, err = n.Block(ctx, b.Num)
	}
	if antelope.Unserved(err) {
		if l.vain[p.Number]++; l.vain[p.Number] < vainly || s.irreversible.Sub(p.BlockTime) < buried*slot {
			return nil, errAgain
		}
		p.Transaction, p.Signatures = nil, nil // it cannot be shown
		return []journal.Post{p}, nil
	}
	delete(l.vain, p.Number)
	if err != nil {
		return nil, err
	}
	if block.ID != b.ID {
		return nil, errAgain
	}
	parts := a.carriers(l, p, block, s)
	var covered uint64
	for i := range parts {
		parts[i].BlockNum, parts[i].BlockID, parts[i].BlockTime = b.Num, b.ID, utc(b.Time)
		covered += parts[i].Count()
	}
	if covered != p.Count() {
		return nil, errAgain
	}
	return parts, nil
}

// carriers returns what of a post the executed transactions of a block put
// there, each with its transaction.
func (a *Anchor) carriers(l *line, p journal.Post, block antelope.Block, s *sight) (parts []journal.Post) {
	for _, bt := range block.Transactions {
		if bt.Status != "executed" {
			continue
		}
		t, err := antelope.Unpack(bt.Packed)
		if err != nil || antelope.ID(bt.Packed) != bt.ID {
			continue
		}
		part := p
		part.Transaction, part.Signatures, part.Expires = bt.Packed, bt.Signatures, expires(t)
		part.Events = nil
		count := uint64(0)
		for _, act := range t.Actions {
			if act.Account != a.o.Contract || act.Name != l.action {
				continue
			}
			if l.kind == journal.PostHead {
				if seq, size, root, err := antelope.ParsePost(act.Data); err == nil && seq == p.Number && size == p.Size && root == p.Root {
					count++
				}
				continue
			}
			seq, _, hash, err := antelope.ParseEvent(act.Data)
			if err != nil || seq < p.Number || seq > end(&p) || hash != s.rows[seq].hash {
				continue
			}
			if count == 0 {
				part.Number = seq
			}
			if seq == part.Number+count {
				part.Events = append(part.Events, p.Events[seq-p.Number])
				count++
			}
		}
		if count > 0 {
			parts = append(parts, part)
		}
	}
	return parts
}

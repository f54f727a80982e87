package anchor

import (
	"context"
	"time"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/journal"
)

const (
	// lifetime is how long after the head block a transaction can get into a
	// block: the chain's clock alone counts.
	lifetime = 120 * time.Second
	// slot is the time from one block to the next.
	slot = 500 * time.Millisecond
)

// actions returns what a post does, one action for each of its numbers.
func (a *Anchor) actions(ctx context.Context, p *journal.Post, codes []uint32) ([]antelope.Action, error) {
	by := []antelope.Permission{{Actor: a.o.Contract, Permission: a.o.Permission}}
	if p.Kind == journal.PostHead {
		return []antelope.Action{{
			Account: a.o.Contract, Name: a.heads.action, Authorization: by, Data: antelope.PostData(p.Number, p.Size, p.Root),
		}}, nil
	}
	rows, err := a.content(ctx, p)
	if err != nil {
		return nil, err
	}
	acts := make([]antelope.Action, len(rows))
	for i, r := range rows {
		acts[i] = antelope.Action{
			Account: a.o.Contract, Name: a.events.action, Authorization: by, Data: antelope.EventData(p.Number+uint64(i), codes[i], r.hash),
		}
	}
	return acts, nil
}

// build gives a post new bytes, signed. Nothing was sent yet.
func (a *Anchor) build(ctx context.Context, s *sight, p *journal.Post, codes []uint32) error {
	acts, err := a.actions(ctx, p, codes)
	if err != nil {
		return err
	}
	t := antelope.Transaction{Expiration: uint32(s.info.HeadTime.Add(lifetime).Unix()), Actions: acts}
	t.SetReference(s.info.LIBID)
	packed := t.Pack()
	signature, err := a.o.Module.SignDigest(ctx, antelope.Digest(s.info.ChainID, packed), a.o.Key)
	if err != nil {
		return own(err)
	}
	p.State, p.Transaction, p.Signatures, p.Expires = journal.PostSubmitted, packed, []string{signature}, expires(t)
	p.SubmittedAt = utc(a.o.now())
	return nil
}

// request has a wallet do what a post does.
func (a *Anchor) request(ctx context.Context, l *line, s *sight, p journal.Post, codes []uint32) error {
	acts, err := a.actions(ctx, &p, codes)
	if err != nil {
		return err
	}
	shown, err := a.show(ctx, &p)
	if err != nil {
		return err
	}
	shown.State = Queued
	l.queued = &shown
	l.request = &Request{Kind: postKinds[l.kind], URI: antelope.RequestURI(s.info.ChainID, acts), Post: shown}
	return nil
}

// expires returns until when a transaction can get into a block.
func expires(t antelope.Transaction) time.Time { return time.Unix(int64(t.Expiration), 0).UTC() }

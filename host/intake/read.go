package intake

import (
	"context"
	"errors"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// readTimeout bounds how long a place that may be silent keeps the outbox of another.
const readTimeout = 10 * time.Second

// read fills in those of the entries numbered rest that the place has a good
// copy of, and returns the numbers of the others.
func (p *place) read(ctx context.Context, entries []journal.Entry, found []sought, rest []int) []int {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	refs := make([]replica.Ref, len(rest))
	hashes := make([]digest.Hash, len(rest))
	for k, i := range rest {
		hashes[k] = entries[i].Hash
		refs[k].Hash = entries[i].Hash
	}
	if l, ok := p.in.o.Journal.(journal.Locator); ok {
		if locations, err := l.Locations(ctx, hashes, p.Name); err == nil {
			for k := range refs {
				refs[k].Location = locations[k]
			}
		}
	}
	var left []int
	for k, f := range replica.GetBatch(ctx, p.Replica, refs) {
		i := rest[k]
		if f.Err == nil {
			if found[i].v, f.Err = module.Match(&entries[i].Meta, f.Record); f.Err == nil {
				continue
			}
		}
		s := &found[i].at[p.index]
		var refused *code.Error
		switch {
		case errors.Is(f.Err, replica.ErrNotFound):
			*s = custody.Missing
		case errors.Is(f.Err, replica.ErrCorrupt):
			*s = custody.Damaged
		case errors.As(f.Err, &refused): // it is not the journal's record
			if *s = custody.Foreign; replica.Damaged(entries[i].Hash, f.Record) {
				*s = custody.Damaged
			}
		default:
			found[i].nowhere = false
		}
		left = append(left, i)
	}
	return left
}

// forget drops the debts to places that are no longer configured: they would
// keep records in the journal for ever.
func (in *Intake) forget() {
	backlog, err := in.o.Journal.Backlog(in.base)
	if err != nil {
		return
	}
	for _, name := range in.names {
		delete(backlog, name)
	}
	for name, n := range backlog {
		in.o.Log.Warn("the journal owes events to a replica that is no longer configured; the debt is dropped", "replica", name, "events", n)
		if err := in.forgetPlace(name); err != nil && in.base.Err() == nil {
			in.o.Log.Warn("the debt to a replica that is no longer configured stays until the next start", "replica", name, "error", err)
		}
	}
}

func (in *Intake) forgetPlace(name string) error {
	for {
		list, err := in.o.Journal.Owed(in.base, name, never, outboxEvents)
		if err != nil || len(list) == 0 {
			return err
		}
		var us []journal.Update
		for _, o := range list {
			_, copies, err := in.o.Journal.Get(in.base, o.Entry.Hash)
			if err != nil {
				return err
			}
			us = append(us, in.instead(o.Entry.Sequence, copies)...)
			us = append(us, journal.Update{Sequence: o.Entry.Sequence, Replica: name, State: custody.None})
		}
		in.o.Journal.Update(us...)
		if err := in.o.Journal.Flush(in.base); err != nil {
			return err
		}
	}
}

// instead owes an event to counting places as long as too few hold it or are owed it.
func (in *Intake) instead(sequence uint64, copies []journal.Copy) (us []journal.Update) {
	sure := 0
	var others []*place
	spots := in.spots(copies)
	for i, p := range in.places {
		switch {
		case !p.Counts:
		case spots[i].state.Held() || spots[i].state.Owed():
			sure++
		default:
			others = append(others, p)
		}
	}
	for _, p := range others[:min(len(others), max(0, in.o.MinRedundancy-sure))] {
		us = append(us, journal.Update{Sequence: sequence, Replica: p.Name, State: custody.Owed, Err: "in the place of one that is no longer configured"})
	}
	return us
}

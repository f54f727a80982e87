package placement

import (
	"context"
	"errors"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
)

const (
	windowEvents = 128
	slowestRetry = time.Minute
)

// settle goes through a place's arrears whenever there are any, until ctx ends.
func (k *Keeper) settle(ctx context.Context, s *spot) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	pause := time.Second
	for {
		err := k.arrears(ctx, s)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			pause = min(2*pause, slowestRetry)
			k.o.Log.Warn("a replica cannot be looked through yet", "replica", s.Name, "error", err)
		default:
			pause = time.Second
		}
		wait := time.Hour
		if err != nil {
			wait = pause
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-s.kick:
		case <-timer.C:
		}
	}
}

// arrears finds out of each event that the place is in arrears with whether it
// holds it. What it does not is owed.
func (k *Keeper) arrears(ctx context.Context, s *spot) error {
	var looked, held uint64
	for {
		begun := time.Now()
		es, upto, err := k.o.Journal.Arrears(ctx, s.Name, windowEvents)
		if err != nil {
			return err
		}
		if upto == 0 {
			if looked > 0 {
				k.o.Log.Info("a replica was looked through", "replica", s.Name, "events", looked, "held", held, "owed", looked-held)
				s.tell("")
			}
			return nil
		}
		good, err := k.window(ctx, s, es)
		if err != nil {
			return err
		}
		if err := k.o.Journal.Settle(ctx, s.Name, upto); err != nil {
			return err
		}
		looked, held = looked+uint64(len(es)), held+uint64(good)
		// Others want the place and the journal, too.
		select {
		case <-time.After(time.Since(begun)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// window reads the place's copies of some events and records what is found. A
// good one is put again, which costs little and tells where it is; it holds
// whatever a put of the kind makes hold.
func (k *Keeper) window(ctx context.Context, s *spot, es []journal.Entry) (good int, err error) {
	if len(es) == 0 {
		return 0, nil
	}
	refs := make([]replica.Ref, len(es))
	for i, e := range es {
		refs[i].Hash = e.Hash
	}
	fetched := replica.GetBatch(ctx, s.Replica, refs)
	if len(fetched) != len(es) {
		return 0, errors.New("the replica did not answer for every event")
	}
	var vs []module.Verified
	var whose []journal.Entry
	var us []journal.Update
	note := func(e journal.Entry, state custody.State, why string) {
		us = append(us, journal.Update{Sequence: e.Sequence, Replica: s.Name, State: state, Err: why})
	}
	for i, f := range fetched {
		switch {
		case f.Err == nil:
			if v, err := module.Match(&es[i].Meta, f.Record); err == nil {
				vs, whose = append(vs, v), append(whose, es[i])
			} else if replica.Damaged(es[i].Hash, f.Record) {
				note(es[i], custody.Damaged, "found damaged")
			} else {
				note(es[i], custody.Owed, replica.ErrConflict.Error()) // a put decides about it
			}
		case errors.Is(f.Err, replica.ErrNotFound):
			note(es[i], custody.Missing, "found missing")
		case errors.Is(f.Err, replica.ErrCorrupt):
			note(es[i], custody.Damaged, "found damaged")
		default:
			return 0, f.Err
		}
	}
	if len(vs) > 0 {
		for i, o := range replica.PutBatch(ctx, s.Replica, vs) {
			if o.Err != nil {
				return 0, o.Err
			}
			us = append(us, journal.Update{Sequence: whose[i].Sequence, Replica: s.Name, State: custody.Held, Location: o.Location})
		}
	}
	k.o.Journal.Update(us...)
	return len(vs), ctx.Err()
}

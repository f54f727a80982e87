package placement

import (
	"context"
	"errors"
	"fmt"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// How many of the newest events are looked at for those that a place should
// hold, at the start and later.
const (
	firstSample  = 128
	newestSample = 16
)

// sample reports whether the place lacks any of the newest events that the
// journal believes it to hold. A place that was put back to an earlier state
// lacks just these.
func (k *Keeper) sample(ctx context.Context, s *spot, n int) (lacks bool, err error) {
	es, err := k.o.Journal.Query(ctx, journal.Filter{Descending: true, Limit: n})
	if err != nil {
		return false, err
	}
	var refs []replica.Ref
	for _, e := range es {
		_, copies, err := k.o.Journal.Get(ctx, e.Hash)
		if err != nil {
			return false, err
		}
		for _, c := range copies {
			if c.Replica == s.Name && c.State.Held() {
				refs = append(refs, replica.Ref{Hash: e.Hash, Location: c.Location})
			}
		}
	}
	if len(refs) == 0 {
		return false, nil
	}
	for _, f := range replica.GetBatch(ctx, s.Replica, refs) {
		if errors.Is(f.Err, replica.ErrNotFound) {
			return true, nil
		}
	}
	return false, nil
}

// compare finds out whether the journal is the one that was kept beside these
// places. A journal that is older than a place does not know the newest event
// there, and is about to give its number to another one: the order gets another
// epoch. An empty journal beside places that hold events is told.
func (k *Keeper) compare(ctx context.Context) error {
	last, err := k.o.Journal.Last(ctx)
	if err != nil {
		return err
	}
	for _, s := range k.spots {
		look, cancel := context.WithTimeout(ctx, k.o.Patience)
		h, found, err := k.newest(look, s, last)
		cancel()
		if err != nil || !found {
			continue // it says nothing; whether it answers is found out otherwise
		}
		if last == 0 {
			k.journal = fmt.Sprintf("the journal is empty, and %s holds events: they are served by their hashes, and are in no query and no stream. "+
				"If the journal was lost, stop the host and run eventseal reindex --from %s", s.Name, s.Name)
			k.o.Log.Warn("the journal is empty beside a replica that holds events; if it was lost, stop the host and run eventseal reindex --from "+s.Name, "replica", s.Name, "example", h)
			return nil
		}
		es, err := k.o.Journal.Entries(ctx, []digest.Hash{h})
		if err != nil {
			return err
		}
		if es[0] != nil {
			continue
		}
		epoch, err := k.o.Journal.Renew(ctx, last)
		if err != nil {
			return err
		}
		k.journal = fmt.Sprintf("the journal does not know the newest event that %s holds: it is an older copy, or another host's. "+
			"Stop the host and run eventseal reindex --from %s, and what was stored meanwhile is in queries and streams again", s.Name, s.Name)
		k.o.Log.Warn("the journal does not know the newest event of a replica: it is an older copy, or another host's. Its order has another epoch now; stop the host and run eventseal reindex --from "+s.Name,
			"replica", s.Name, "hash", h, "epoch", epoch)
		return nil
	}
	return nil
}

// newest returns the event that the place stored last, or, for an empty
// journal, any that it holds.
func (k *Keeper) newest(ctx context.Context, s *spot, last uint64) (h digest.Hash, found bool, err error) {
	if r, ok := replica.As[replica.Recent](s.Replica); ok {
		hs, err := r.Newest(ctx, 1)
		if err != nil || len(hs) == 0 {
			return h, false, err
		}
		return hs[0], true, nil
	}
	if l, ok := replica.As[replica.Lister](s.Replica); ok && last == 0 {
		for ref, err := range l.List(ctx) {
			return ref.Hash, err == nil, err
		}
	}
	return h, false, nil
}

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
	newest, err := k.o.Journal.Walk(ctx, journal.Filter{Descending: true, Limit: n})
	if err != nil {
		return false, err
	}
	es := newest.Entries
	var refs []replica.Ref
	for _, e := range es {
		_, copies, err := k.o.Journal.Get(ctx, e.Hash)
		if errors.Is(err, journal.ErrDamaged) {
			continue // of that one nothing is known
		}
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
// places. One that is older than they are is about to give numbers to events
// that other ones had: its order gets another epoch. An empty journal beside
// places that hold events is told.
func (k *Keeper) compare(ctx context.Context) error {
	last, err := k.o.Journal.Last(ctx)
	if err != nil {
		return err
	}
	var renew *spot
	strangers := make([]digest.Hash, len(k.spots))
	for i, s := range k.spots {
		look, cancel := context.WithTimeout(ctx, k.o.Patience)
		h, found, err := k.any(look, s, last)
		older, stranger := false, digest.Hash{}
		if err == nil && last > 0 {
			older, stranger, err = k.older(look, s, last)
		}
		cancel()
		switch {
		case err != nil: // it says nothing; whether it answers is found out otherwise
		case found:
			k.journal = fmt.Sprintf("the journal is empty, and %s holds events: they are served by their hashes, and are in no query and no stream. "+
				"If the journal was lost, stop the host and run eventseal reindex --from %s", s.Name, s.Name)
			k.o.Log.Warn("the journal is empty beside a replica that holds events; if it was lost, stop the host and run eventseal reindex --from "+s.Name, "replica", s.Name, "example", h)
			return nil
		case older && renew == nil:
			renew = s
			fallthrough
		case stranger != digest.Hash{}:
			k.journal = fmt.Sprintf("the journal does not know all that %s holds: it is an older copy, or another host's. "+
				"Stop the host and run eventseal reindex --from %s, and what was stored meanwhile is in queries and streams again", s.Name, s.Name)
		}
		strangers[i] = stranger
	}
	if renew != nil {
		epoch, err := k.o.Journal.Renew(ctx, last)
		if err != nil {
			return err
		}
		k.o.Log.Warn("the journal is older than a replica: an older copy, or another host's. Its order has another epoch now; stop the host and run eventseal reindex --from "+renew.Name,
			"replica", renew.Name, "epoch", epoch)
	}
	for i, s := range k.spots {
		s.marked = mark{stranger: strangers[i]} // to be kept with the present epoch
	}
	return nil
}

// any returns an event that the place holds beside an empty journal.
func (k *Keeper) any(ctx context.Context, s *spot, last uint64) (h digest.Hash, found bool, err error) {
	if l, ok := replica.As[replica.Lister](s.Replica); ok && last == 0 {
		for ref, err := range l.List(ctx) {
			return ref.Hash, err == nil, err
		}
	}
	return h, false, nil
}

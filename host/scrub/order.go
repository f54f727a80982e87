package scrub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/log"
	"github.com/eventseal/eventseal/wasm/digest"
)

// An Order says how a reindex finds the order of the events that the host's log
// vouches for.
type Order struct {
	Key           *log.Key // the host's; nil: the order is not looked for
	Name          string   // the host's public name, which origins begin with
	MinRedundancy int      // as the log has it
	Log           string   // the name of the log, where the host had several; "": the last one
	New           bool     // begin a new log, whatever there is
}

// reserveAtOnce hashes are given their numbers at once.
const reserveAtOnce = 4096

// order gives the numbers back that events had in the host's log, to those that
// are not there yet by their hashes alone, and the head to the journal, so that
// the log goes on where it was. It may be interrupted and run again.
func (x *indexer) order(ctx context.Context) error {
	if x.Order.Key == nil {
		return nil
	}
	logged, ok := x.Journal.(journal.Logged)
	if !ok {
		return errors.New("this journal keeps no log")
	}
	head, err := logged.Head(ctx)
	if err != nil {
		return err
	}
	if x.Order.New {
		return x.begin(ctx, logged, head)
	}
	name := x.Order.Log
	if name == "" {
		name = head.Log
	}
	found, err := log.Find(ctx, x.Places, x.Order.MinRedundancy, x.Order.Key, name)
	switch {
	case err != nil:
		return err
	case found == nil && x.Order.Log != "":
		return fmt.Errorf("no replica has a head of log %s by this host's key", x.Order.Log)
	case found == nil || found.Log == head.Log && found.Size <= head.Size && x.reserved() == 0:
		return nil // the journal knows all of it
	}
	at, pending := uint64(0), make([]digest.Hash, 0, 2*reserveAtOnce)
	reserve := func() error {
		if err := logged.Reserve(ctx, at, pending); errors.Is(err, journal.ErrTaken) {
			return fmt.Errorf("the journal has given the log's numbers to other events: %w. Move the journal and its -wal and -shm files away and run reindex again, "+
				"which restores the log's order and brings the other events in behind it; or begin a new log with eventseal reindex --new-log", err)
		} else if errors.Is(err, journal.ErrDamaged) {
			return fmt.Errorf("%w; rebuild the journal with eventseal reindex --in-place first", err)
		} else if err != nil {
			return err
		}
		at, pending = at+uint64(len(pending)), pending[:0]
		x.done.Ordered = at
		x.tell()
		return nil
	}
	for hs, err := range found.Hashes(ctx) {
		if err != nil {
			return err
		}
		if pending = append(pending, hs...); len(pending) < reserveAtOnce {
			continue
		}
		if err := reserve(); err != nil {
			return err
		}
	}
	if err := reserve(); err != nil {
		return err
	}
	if found.Log == head.Log && found.Size <= head.Size {
		return nil
	}
	now := journal.Head{Log: found.Log, Origin: found.Origin, Size: found.Size, Checkpoint: found.Head}
	if err := logged.SwapHead(ctx, head, now, found.Tiles()); err != nil {
		return err
	}
	x.Log.Info("the events have the order of the host's log, which goes on", "log", now.Log, "events", now.Size)
	return nil
}

// reserved returns how many numbers of the journal have no event.
func (x *indexer) reserved() uint64 {
	if r, ok := x.Journal.(interface{ Reserved() uint64 }); ok {
		return r.Reserved()
	}
	return 0
}

// begin has the journal's order be that of a new log, which is told why it
// begins. One that was begun like this and has published nothing stays.
func (x *indexer) begin(ctx context.Context, logged journal.Logged, head journal.Head) error {
	if head.Log != "" && head.Size == 0 && head.Why != "" {
		return nil
	}
	last, err := x.Journal.Last(ctx)
	if err != nil {
		return err
	}
	for at := uint64(0); at < last; {
		hs, err := logged.Hashes(ctx, at, reserveAtOnce)
		if errors.Is(err, journal.ErrDamaged) {
			return fmt.Errorf("a log needs every event's hash: %w; rebuild the journal with eventseal reindex --in-place --new-log", err)
		} else if err != nil {
			return err
		}
		at += uint64(len(hs))
	}
	epoch, err := x.renewer.Renew(ctx, last)
	if err != nil {
		return err
	}
	x.renewed = true
	now := journal.Head{Log: epoch, Origin: log.Origin(x.Order.Name, epoch)}
	now.Why = "begun by eventseal reindex --new-log at " + time.Now().UTC().Format(time.RFC3339) + ", because the order of the events could not be restored; what the former log vouched for, it does not"
	if head.Log != "" {
		now.Why += fmt.Sprintf(" (log %s, %d events)", head.Log, head.Size)
	}
	if err := logged.SwapHead(ctx, head, now, nil); err != nil {
		return err
	}
	x.Log.Warn("a new log begins", "origin", now.Origin, "why", now.Why)
	return nil
}

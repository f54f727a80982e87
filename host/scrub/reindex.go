package scrub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// ReindexOptions say from what a journal is rebuilt. All but the last four are required.
type ReindexOptions struct {
	Module  *module.Pool
	Journal journal.Journal // also a journal.Restorer and a journal.Renewer
	// From must be able to list (replica.Lister).
	From replica.Place
	// Places are all of the host's, From included. Those that last, others than
	// From, are owed every event of which the journal does not know that they hold
	// it; an Intake's outbox then finds out and puts what is missing.
	Places []replica.Place
	// Order is how the order of the events is found, which is done first.
	Order Order
	// Progress is told after every few events. nil: nobody.
	Progress func(Reindexed)
	Log      *slog.Logger // nil: slog.Default()
}

// Reindexed counts what was found.
type Reindexed struct {
	Ordered     uint64 `json:"ordered"` // numbers of the host's log that were given to its events
	Listed      uint64 `json:"listed"`
	Restored    uint64 `json:"restored"`    // new to the journal
	Known       uint64 `json:"known"`       // were in it
	Refused     uint64 `json:"refused"`     // copies that are not the event they are stored as; not restored
	Conflicting uint64 `json:"conflicting"` // the journal has the event under another signature
	Unread      uint64 `json:"unread"`      // listed, but could not be read
	Damaged     uint64 `json:"damaged"`     // the journal is damaged where it has them, or would have them; passed over
	Absent      uint64 `json:"absent"`      // numbers of the log whose events are not in the journal yet
	Complete    bool   `json:"complete"`
}

// Reindex makes every event that From holds part of the journal: it reads each
// record, has the module verify it, and restores what is found, durably, batch
// by batch. It may be interrupted and run again, and run for one place after
// the other. What is known with its copy at From is passed over, so that
// running it again is quick; scrub is what looks at those. Events of the host's
// log get the numbers that they have there. The others come after those that the
// journal has, in the order of the listing: before the first one is added, the
// order gets another epoch.
func Reindex(ctx context.Context, o ReindexOptions) (Reindexed, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	lister, ok := replica.As[replica.Lister](o.From.Replica)
	if !ok {
		return Reindexed{}, fmt.Errorf("replica %s (%s) cannot list what it holds", o.From.Name, o.From.Kind)
	}
	restorer, ok := o.Journal.(journal.Restorer)
	if !ok {
		return Reindexed{}, errors.New("this journal cannot be restored")
	}
	renewer, ok := o.Journal.(journal.Renewer)
	if !ok {
		return Reindexed{}, errors.New("the order of this journal cannot be given another epoch")
	}
	x := &indexer{ReindexOptions: o, restorer: restorer, renewer: renewer, known: map[digest.Hash]copyAt{}}
	if err := x.order(ctx); err != nil {
		return x.done, err
	}
	size := max(8, min(windowEvents, windowBytes/o.Module.MaxEvent()))
	var refs []replica.Ref
	for ref, err := range lister.List(ctx) {
		if err != nil {
			return x.done, fmt.Errorf("replica %s: %w", o.From.Name, err)
		}
		if refs = append(refs, ref); len(refs) < size {
			continue
		}
		if err := x.batch(ctx, refs); err != nil {
			return x.done, err
		}
		refs = refs[:0]
	}
	if err := x.batch(ctx, refs); err != nil {
		return x.done, err
	}
	if err := o.Journal.Flush(ctx); err != nil {
		return x.done, err
	}
	x.done.Absent = x.reserved()
	x.done.Complete = true
	x.tell()
	return x.done, nil
}

type indexer struct {
	ReindexOptions
	restorer journal.Restorer
	renewer  journal.Renewer
	renewed  bool // the epoch, in this run
	done     Reindexed
	known    map[digest.Hash]copyAt // of the batch: what the journal knows
}

// copyAt is what the journal knows of an event's copy at From.
type copyAt struct {
	sequence uint64
	state    custody.State
}

// found has the journal note that From does not have its record of an event
// that it knows: the place is owed it.
func (x *indexer) found(h digest.Hash, seen custody.State) {
	at, ok := x.known[h]
	if !ok || x.From.Cache() {
		return
	}
	// That nobody said it should be there is no reason not to give it to a place that lasts.
	if now, news := custody.Found(at.state, seen, false, true); news {
		x.Journal.Update(journal.Update{Sequence: at.sequence, Replica: x.From.Name, State: now, Err: "found by a reindex: " + now.String()})
	}
}

func (x *indexer) tell() {
	if x.Progress != nil {
		x.Progress(x.done)
	}
}

func (x *indexer) batch(ctx context.Context, refs []replica.Ref) error {
	if err := ctx.Err(); err != nil || len(refs) == 0 {
		return err
	}
	listed := uint64(len(refs))
	news, err := x.news(ctx, refs)
	if err != nil {
		return err
	}
	restored, err := x.read(ctx, news)
	if err != nil {
		return err
	}
	if err := x.renew(ctx, restored); err != nil {
		return err
	}
	restored, admissions, err := x.restore(ctx, restored)
	if err != nil {
		return err
	}
	for i, a := range admissions {
		switch {
		case a.Entry.RecordDigest != restored[i].Meta.RecordDigest:
			x.done.Conflicting++
			x.found(a.Entry.Hash, custody.Foreign)
			x.Log.Warn("a replica holds another record of an event than the journal", "replica", x.From.Name, "hash", a.Entry.Hash)
		case a.Known:
			x.done.Known++
		default:
			x.done.Restored++
		}
	}
	x.done.Listed += listed
	x.tell()
	return nil
}

// news leaves out what the journal knows to be held at From.
func (x *indexer) news(ctx context.Context, refs []replica.Ref) ([]replica.Ref, error) {
	hashes := make([]digest.Hash, len(refs))
	for i, ref := range refs {
		hashes[i] = ref.Hash
	}
	entries, err := x.Journal.Entries(ctx, hashes)
	alone := errors.Is(err, journal.ErrDamaged) // then one after the other, and what can be read is
	if err != nil && !alone {
		return nil, err
	}
	clear(x.known)
	news := make([]replica.Ref, 0, len(refs))
	for i, ref := range refs {
		if !alone && entries[i] == nil {
			news = append(news, ref)
			continue
		}
		e, copies, err := x.Journal.Get(ctx, ref.Hash)
		switch {
		case alone && errors.Is(err, journal.ErrNotFound):
			news = append(news, ref)
			continue
		case errors.Is(err, journal.ErrDamaged):
			x.pass(ref.Hash, err)
			continue
		case err != nil:
			return nil, err
		}
		at := copyAt{sequence: e.Sequence}
		for _, c := range copies {
			if c.Replica == x.From.Name {
				at.state = c.State
			}
		}
		if at.state.Held() {
			x.done.Known++
		} else {
			x.known[ref.Hash], news = at, append(news, ref)
		}
	}
	return news, nil
}

// pass leaves out an event of which the journal cannot tell, or take, anything.
func (x *indexer) pass(h digest.Hash, err error) {
	x.done.Damaged++
	x.Log.Error("the journal is damaged where it has an event, or would have it; it is passed over", "hash", h, "error", err, "then", "rebuild it with eventseal reindex --in-place")
}

// restore adds events, and where the journal is damaged ever fewer at once, so
// that all are added that can be. What was not is left out of both answers.
func (x *indexer) restore(ctx context.Context, rs []journal.Restored) ([]journal.Restored, []journal.Admission, error) {
	as, err := x.restorer.Restore(ctx, rs)
	switch {
	case !errors.Is(err, journal.ErrDamaged) || errors.Is(err, journal.ErrFailed):
		return rs, as, err
	case len(rs) == 1:
		x.pass(rs[0].Meta.Hash, err)
		return nil, nil, nil
	}
	first, as, err := x.restore(ctx, rs[:len(rs)/2])
	if err != nil {
		return nil, nil, err
	}
	second, more, err := x.restore(ctx, rs[len(rs)/2:])
	return slices.Concat(first, second), slices.Concat(as, more), err
}

// renew gives the order another epoch before the first event gets a number:
// what is restored comes in no order that readers knew, and may have had numbers
// that they know. What the journal has keeps its own.
func (x *indexer) renew(ctx context.Context, rs []journal.Restored) error {
	if x.renewed || len(rs) == 0 {
		return nil
	}
	hashes := make([]digest.Hash, len(rs))
	for i := range rs {
		hashes[i] = rs[i].Meta.Hash
	}
	entries, err := x.Journal.Entries(ctx, hashes)
	if err != nil && !errors.Is(err, journal.ErrDamaged) || err == nil && !slices.Contains(entries, nil) {
		return err
	}
	last, err := x.Journal.Last(ctx)
	if err != nil {
		return err
	}
	epoch, err := x.renewer.Renew(ctx, last)
	if err != nil {
		return err
	}
	x.renewed = true
	x.Log.Info("the order of the events has another epoch", "epoch", epoch, "kept", last)
	return nil
}

// read fetches and verifies records.
func (x *indexer) read(ctx context.Context, refs []replica.Ref) ([]journal.Restored, error) {
	var records [][]byte
	var found []replica.Ref
	for i, f := range replica.GetBatch(ctx, x.From.Replica, refs) {
		switch {
		case f.Err == nil:
			records, found = append(records, f.Record), append(found, refs[i])
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(f.Err, replica.ErrCorrupt):
			x.refuse(refs[i], f.Err)
			x.found(refs[i].Hash, custody.Damaged)
		case errors.Is(f.Err, replica.ErrNotFound): // removed meanwhile
			x.done.Unread++
			x.found(refs[i].Hash, custody.Missing)
		default:
			// Going on would leave out what a second look could find.
			return nil, fmt.Errorf("replica %s: %s: %w", x.From.Name, refs[i].Hash, f.Err)
		}
	}
	results, err := verify(ctx, x.Module, records)
	if err != nil {
		return nil, err
	}
	var out []journal.Restored
	for i, r := range results {
		ref := found[i]
		bad := replica.Damaged(ref.Hash, records[i]) || forged(r, ref.Hash, records[i])
		if r.Err == nil && bad {
			r.Err = errors.New("it is another event, or not in its canonical form")
		}
		if r.Err != nil {
			x.refuse(ref, r.Err)
			if bad {
				x.found(ref.Hash, custody.Damaged)
			}
			continue
		}
		out = append(out, journal.Restored{Meta: *r.Verified.Meta(), Copies: x.copies(ref)})
	}
	return out, nil
}

func (x *indexer) refuse(ref replica.Ref, err error) {
	x.done.Refused++
	x.Log.Warn("a stored record is not restored", "replica", x.From.Name, "hash", ref.Hash, "error", err)
}

func (x *indexer) copies(ref replica.Ref) []journal.Copy {
	cs := []journal.Copy{{Replica: x.From.Name, State: custody.Held, Location: ref.Location}}
	for _, p := range x.Places {
		if p.Name != x.From.Name && !p.Cache() {
			cs = append(cs, journal.Copy{Replica: p.Name, State: custody.Owed})
		}
	}
	return cs
}

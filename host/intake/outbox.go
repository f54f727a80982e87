package intake

import (
	"context"
	"errors"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// The outbox of a place delivers what the journal owes it and its queue does
// not hold: what an earlier process left, what failed, what there was no room
// for, what was found missing. Its schedule says when.
const (
	outboxEvents = 256              // of one batch
	outboxLoad   = 32               // whose records are read at once
	slowestCheck = time.Second      // between looks at a place that fails
	slowestPass  = 30 * time.Second // between attempts at one that says it works and stores nothing
	never        = 100 * 365 * 24 * time.Hour
)

func (p *place) nudge() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// report tells the schedule how a batch went; stored counts what the place had
// already, too.
func (p *place) report(stored int, troubled bool, again time.Duration) {
	p.mu.Lock()
	turn, sooner := p.schedule.put(time.Now(), stored, troubled, again)
	p.mu.Unlock()
	switch turn {
	case heals:
		p.in.o.Log.Info("a replica stores again", "replica", p.Name)
	case fails:
		p.in.o.Log.Warn("a replica does not store", "replica", p.Name)
	}
	if sooner {
		p.nudge()
	}
}

// outbox runs until the base context ends.
func (p *place) outbox() {
	ctx := p.in.base
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.kick:
		case <-timer.C:
		}
		p.mu.Lock()
		what, rests, ahead := p.schedule.next(time.Now())
		p.mu.Unlock()
		if what == look {
			ok := p.check(ctx) == nil
			p.mu.Lock()
			ahead = p.schedule.looked(time.Now(), ok)
			if what = deliver; !ok {
				what, rests, _ = p.schedule.next(time.Now())
			}
			p.mu.Unlock()
		}
		if what == deliver {
			p.pass(ctx, ahead)
			p.mu.Lock()
			rests = p.schedule.delivered(time.Now())
			p.mu.Unlock()
		}
		timer.Reset(rests)
	}
}

func (p *place) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return p.Replica.Check(ctx)
}

// pass delivers what is owed and due within ahead, until nothing is left or
// nothing gets through.
func (p *place) pass(ctx context.Context, ahead time.Duration) {
	tried := map[uint64]struct{}{} // and failed, in this pass
	for ctx.Err() == nil {
		backlog, err := p.in.o.Journal.Backlog(ctx)
		if err != nil || backlog[p.Name] == 0 {
			return
		}
		jobs, more := p.owed(ctx, ahead, tried)
		if len(jobs) > 0 {
			stored, decided := p.put(jobs)
			if stored+decided == 0 {
				return
			}
			if stored < len(jobs) {
				for _, j := range jobs {
					tried[j.sequence] = struct{}{}
				}
			}
		}
		if !more || len(tried) > 1<<20 {
			return
		}
		// A journal that notes nothing any more would name the same ones for ever.
		if err := p.in.o.Journal.Flush(ctx); err != nil {
			return
		}
	}
}

// owed starts flights for the next events that the place is owed; more says
// whether it is worth asking again.
func (p *place) owed(ctx context.Context, ahead time.Duration, tried map[uint64]struct{}) (jobs []job, more bool) {
	in := p.in
	// What is in flight is owed as well; it must not hide what is not.
	p.mu.Lock()
	limit := outboxEvents + len(p.queue) + p.lively*p.batch
	p.mu.Unlock()
	list, err := in.o.Journal.Owed(ctx, p.Name, ahead, limit)
	if err != nil {
		if ctx.Err() == nil {
			in.o.Log.Warn("the journal does not tell what is owed", "replica", p.Name, "error", err)
		}
		return nil, false
	}
	more = len(list) == limit
	free := list[:0]
	in.mu.Lock()
	for _, o := range list {
		if f := in.flights[o.Entry.Hash]; f != nil && f.spots[p.index].stage == underWay {
			continue
		}
		if _, again := tried[o.Entry.Sequence]; !again && len(free) < outboxEvents {
			free = append(free, o)
		}
	}
	in.mu.Unlock()
	if len(free) == 0 {
		return nil, false
	}
	full := len(free) == outboxEvents
	var found []sought
	for size := 0; len(found) < len(free); {
		if size > batchBytes {
			free, full = free[:len(found)], true
			break
		}
		var entries []journal.Entry
		for _, o := range free[len(found):min(len(free), len(found)+outboxLoad)] {
			entries = append(entries, o.Entry)
		}
		for _, f := range in.seek(ctx, entries, p.index) {
			found = append(found, f)
			if f.v.Meta() != nil {
				size += len(f.v.Record())
			}
		}
	}
	var without []int
	in.mu.Lock()
	for i, o := range free {
		f := in.flights[o.Entry.Hash]
		if f != nil && f.spots[p.index].stage == underWay {
			continue // meanwhile
		}
		if found[i].v.Meta() == nil {
			without = append(without, i)
			continue
		}
		if f == nil {
			f = in.fly(o.Entry)
		}
		f.v = found[i].v
		s := &f.spots[p.index]
		s.state, s.attempts = custody.Owed, o.Attempts
		jobs = append(jobs, f.start(p.index, false))
	}
	in.mu.Unlock()
	if len(without) > 0 && ctx.Err() == nil {
		p.undeliverable(free, found, without)
		for _, i := range without {
			tried[free[i].Entry.Sequence] = struct{}{}
		}
	}
	return jobs, more || full
}

// undeliverable puts off those of the owed events, numbered without, of which
// no good copy could be read.
func (p *place) undeliverable(free []journal.Owed, found []sought, without []int) {
	in := p.in
	var us []journal.Update
	for _, i := range without {
		o := free[i]
		u := journal.Update{Sequence: o.Entry.Sequence, Replica: p.Name, State: custody.Owed, Err: errNoCopy.Error(), RetryIn: in.o.pace.backoff(o.Attempts + 3)}
		if found[i].nowhere {
			in.notice(o.Entry, found[i])
			u.State, u.RetryIn = custody.Missing, in.o.pace.rarely(in.o.pace.maxRetry, o.Attempts)
		}
		us = append(us, u)
	}
	in.o.Log.Warn("events are owed of which no good copy could be read", "replica", p.Name, "events", len(us), "first", free[without[0]].Entry.Hash)
	in.m.unreadable.Add(float64(len(us)))
	in.o.Journal.Update(us...)
}

// Found takes note of what was found of an event's copy at a place where a good
// one should be: from then on it is Missing, Damaged, and so owed, or Foreign, or,
// of a cache that forgot it, None. It is for news (custody.Found), and never
// waits for a place.
func (in *Intake) Found(sequence uint64, h digest.Hash, name string, state custody.State) {
	for _, p := range in.places {
		if p.Name != name {
			continue
		}
		in.mu.Lock()
		f := in.flights[h]
		under := f != nil && f.spots[p.index].stage == underWay || in.closed
		in.mu.Unlock()
		if under {
			return // what comes of that is newer
		}
		u := journal.Update{Sequence: sequence, Replica: name, State: state, Err: "found " + state.String()}
		if state == custody.Foreign && !in.safe(h, p.index) {
			u.State, u.Err, u.RetryIn = custody.Owed, replica.ErrConflict.Error(), in.o.pace.conflict
		}
		in.o.Journal.Update(u)
		if state.Owed() {
			in.m.repairs.WithLabelValues(name).Inc()
			// The journal tells of it once it has committed it.
			p.report(0, false, in.o.pace.retry)
		}
		return
	}
}

// notice has the journal learn what a search for a record found in vain.
func (in *Intake) notice(e journal.Entry, s sought) {
	_, copies, err := in.o.Journal.Get(in.base, e.Hash)
	if err != nil {
		return
	}
	for i, spot := range in.spots(copies) {
		if s.at[i] == custody.None {
			continue
		}
		state, news := custody.Found(spot.state, s.at[i], in.places[i].cache, s.nowhere)
		if news {
			in.o.Journal.Update(journal.Update{Sequence: e.Sequence, Replica: in.places[i].Name, State: state, Err: "found " + state.String(), RetryIn: in.o.pace.maxRetry})
		}
	}
}

// A sought is what came of the search for an event's record.
type sought struct {
	v       module.Verified // zero: nobody has it
	at      []custody.State // by place, while there is no v: Missing, Damaged or Foreign; None: it was not asked, or did not say
	nowhere bool            // every place has answered, and the journal too
}

// seek returns the records of entries, from the journal while it holds them,
// else from the places but one, which is asked last.
func (in *Intake) seek(ctx context.Context, entries []journal.Entry, but int) []sought {
	found := make([]sought, len(entries))
	var rest []int
	for i := range entries {
		record, err := in.o.Journal.Record(ctx, entries[i].Hash)
		found[i].nowhere = errors.Is(err, journal.ErrNotFound)
		if err == nil {
			found[i].v, err = module.Match(&entries[i].Meta, record)
		}
		if err != nil {
			found[i].at = make([]custody.State, len(in.places))
			rest = append(rest, i)
		}
	}
	// The one that is to be repaired comes last: its copy may be fine after all.
	order := make([]int, 0, len(in.places))
	for i := range in.places {
		if i != but {
			order = append(order, i)
		}
	}
	if but >= 0 {
		order = append(order, but)
	}
	for _, i := range order {
		if len(rest) > 0 {
			rest = in.places[i].read(ctx, entries, found, rest)
		}
	}
	return found
}

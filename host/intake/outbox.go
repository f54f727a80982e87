package intake

import (
	"context"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// The outbox of a place delivers what the journal owes it and its queue does
// not hold: what an earlier process left, what failed, what there was no room
// for, what is to be repaired. While the place works, each event that failed is
// retried after its own growing pause. When it stores nothing at all, only its
// Check is called, and as soon as that succeeds, or some put does, everything
// owed goes out, whatever the pauses.
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

// report notes how a batch went; stored counts what the place had already, too.
func (p *place) report(stored int, troubled bool, again time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case stored > 0:
		p.fruitful = true
		if p.failing {
			p.failing, p.healed = false, true
			p.in.o.Log.Info("a replica stores again", "replica", p.Name)
			p.nudge()
		}
	case troubled && !p.failing:
		p.failing = true
		p.in.o.Log.Warn("a replica does not store", "replica", p.Name)
		p.nudge()
	}
	if again > 0 {
		if at := time.Now().Add(again); p.due.IsZero() || at.Before(p.due) {
			p.due = at
			p.nudge()
		}
	}
}

// outbox runs until the base context ends.
func (p *place) outbox() {
	ctx := p.in.base
	everything := true // what an earlier process left
	check, fruitless := p.in.o.pace.probe, p.in.o.pace.probe
	var notBefore time.Time // of the next look at a failing place
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.kick:
		case <-timer.C:
		}
		now := time.Now()
		p.mu.Lock()
		failing := p.failing
		if p.healed {
			everything = true
		}
		// What is in flight is owed as well, and usually all there is: what nobody
		// told of has been due for a while when it is looked for.
		now = now.Add(-p.in.o.pace.sweep)
		if p.missed || !p.due.IsZero() && !p.due.After(time.Now()) {
			now, p.due = time.Now(), time.Time{}
		}
		p.missed, p.healed, p.fruitful = false, false, false
		p.mu.Unlock()

		if wait := time.Until(notBefore); failing && wait > 0 {
			timer.Reset(wait)
			continue
		}
		if failing {
			if err := p.check(ctx); err != nil {
				check = min(2*check, slowestCheck)
				notBefore = time.Now().Add(jitter(check))
				timer.Reset(time.Until(notBefore))
				continue
			}
			everything = true
		}
		if everything {
			now = time.Now().Add(never)
		}
		p.pass(ctx, now)
		everything = false

		p.mu.Lock()
		next := time.Now().Add(jitter(p.in.o.pace.sweep))
		switch {
		case p.failing:
			if p.fruitful {
				fruitless = p.in.o.pace.probe
			}
			notBefore = time.Now().Add(jitter(fruitless))
			fruitless = min(2*fruitless, slowestPass)
			next = notBefore
		default:
			check, fruitless = p.in.o.pace.probe, p.in.o.pace.probe
			if !p.due.IsZero() && p.due.Before(next) {
				next = p.due
			}
		}
		p.mu.Unlock()
		timer.Reset(time.Until(next))
	}
}

func (p *place) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return p.Replica.Check(ctx)
}

// pass delivers what is owed and due at now, until nothing is left or nothing
// gets through.
func (p *place) pass(ctx context.Context, now time.Time) {
	tried := map[uint64]struct{}{} // and failed, in this pass
	for ctx.Err() == nil {
		backlog, err := p.in.o.Journal.Backlog(ctx)
		if err != nil || backlog[p.Name] == 0 {
			return
		}
		jobs, more := p.owed(ctx, now, tried)
		if len(jobs) > 0 {
			stored, conflicts := p.put(jobs)
			if stored+conflicts == 0 {
				return
			}
			if stored < len(jobs) {
				for _, j := range jobs {
					tried[j.f.entry.Sequence] = struct{}{}
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
func (p *place) owed(ctx context.Context, now time.Time, tried map[uint64]struct{}) (jobs []job, more bool) {
	in := p.in
	// What is in flight is owed as well; it must not hide what is not.
	p.mu.Lock()
	limit := outboxEvents + len(p.queue) + p.lively*p.batch
	p.mu.Unlock()
	list, err := in.o.Journal.Owed(ctx, p.Name, time.Until(now), limit)
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
		if f := in.flights[o.Entry.Hash]; f != nil && f.spots[p.index].state == underWay {
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
	var vs []module.Verified
	for size := 0; len(vs) < len(free); {
		if size > batchBytes {
			free, full = free[:len(vs)], true
			break
		}
		var entries []journal.Entry
		for _, o := range free[len(vs):min(len(free), len(vs)+outboxLoad)] {
			entries = append(entries, o.Entry)
		}
		for _, v := range in.load(ctx, entries, p.index) {
			vs = append(vs, v)
			if v.Meta() != nil {
				size += len(v.Record())
			}
		}
	}
	var lost []journal.Update
	in.mu.Lock()
	for i, o := range free {
		f := in.flights[o.Entry.Hash]
		if f != nil && f.spots[p.index].state == underWay {
			continue // meanwhile
		}
		if vs[i].Meta() == nil {
			lost = append(lost, journal.Update{
				Sequence: o.Entry.Sequence, Replica: p.Name, State: custody.Owed, RetryIn: in.o.pace.backoff(o.Attempts + 3),
				Err: "no good copy could be read anywhere",
			})
			continue
		}
		if f == nil {
			f = in.fly(o.Entry)
		}
		jobs = append(jobs, f.start(p.index, vs[i], true, o.Attempts))
	}
	in.mu.Unlock()
	if len(lost) > 0 && ctx.Err() == nil {
		in.o.Log.Error("events are owed of which no good copy could be read", "replica", p.Name, "events", len(lost), "first", free[0].Entry.Hash)
		in.m.unreadable.Add(float64(len(lost)))
		in.o.Journal.Update(lost...)
		for _, u := range lost {
			tried[u.Sequence] = struct{}{}
		}
	}
	return jobs, more || full
}

// A repair is one that was asked for.
type repair struct {
	sequence uint64
	place    string
}

// Repair owes a place its copy of an event again, which was found missing or
// damaged there. It never blocks, and asking again soon does nothing more.
func (in *Intake) Repair(sequence uint64, h digest.Hash, name string) {
	for _, p := range in.places {
		if p.Name != name {
			continue
		}
		r := repair{sequence, name}
		now := time.Now()
		in.mu.Lock()
		f := in.flights[h]
		again := f != nil && f.spots[p.index].state == underWay
		if at, ok := in.repaired[r]; ok && now.Sub(at) < repairAgain || in.closed {
			again = true
		}
		if !again {
			if len(in.repaired) >= maxRepaired {
				clear(in.repaired)
			}
			in.repaired[r] = now
		}
		in.mu.Unlock()
		if again {
			return
		}
		in.m.repairs.WithLabelValues(name).Inc()
		in.o.Journal.Update(journal.Update{Sequence: sequence, Replica: name, State: custody.Owed, Err: "missing or damaged where it should be"})
		// The journal tells of it once it has committed it.
		p.report(0, false, in.o.pace.retry)
		return
	}
}

const (
	repairAgain = 10 * time.Second
	maxRepaired = 1 << 16
)

// load returns the records of entries, from the journal while it holds them,
// else from the places but one; a zero Verified where no good copy was read.
func (in *Intake) load(ctx context.Context, entries []journal.Entry, but int) []module.Verified {
	vs := make([]module.Verified, len(entries))
	var rest []int
	for i := range entries {
		record, err := in.o.Journal.Record(ctx, entries[i].Hash)
		if err == nil {
			vs[i], err = module.Match(&entries[i].Meta, record)
		}
		if err != nil {
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
		if len(rest) > 0 && ctx.Err() == nil {
			rest = in.places[i].read(ctx, entries, vs, rest)
		}
	}
	return vs
}

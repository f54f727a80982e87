package intake

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/breaker"
	"github.com/eventseal/eventseal/wasm/digest"
)

// maxQueuedBytes bounds a place's queue, beside pace.queued: what is over stays
// owed in the journal.
const maxQueuedBytes = 64 << 20

// Bounds of one batch, and how many batches are at a place at once: one is
// being written while the next is on its way. A kind without batches gets as
// many single puts.
const (
	batchEvents = 512
	batchBytes  = 8 << 20
	batchLanes  = 3
	singleLanes = 32
)

// A place is where copies go: its queue, what takes from it, and its outbox.
type place struct {
	replica.Place
	in    *Intake
	index int
	lanes int
	batch int
	m     placeMetrics

	mu     sync.Mutex
	queue  []job
	bytes  int
	lively int           // lanes that run
	quiet  chan struct{} // closed when none does; nil: nobody waits

	// Of the outbox.
	kick     chan struct{} // holds one
	missed   bool          // something did not get into the queue, or became owed
	failing  bool          // the last batch stored nothing
	healed   bool          // a batch stored something after failing
	due      time.Time     // of the next retry that is known of; zero: none
	fruitful bool          // something was stored since the last look at this
}

// A job is one copy to be stored.
type job struct {
	f        *flight
	v        module.Verified
	owed     bool // the journal says so already
	attempts int  // failed ones
}

func newPlace(in *Intake, i int, r replica.Place) *place {
	p := &place{Place: r, in: in, index: i, lanes: singleLanes, batch: 1, kick: make(chan struct{}, 1)}
	if _, ok := replica.As[replica.BatchPutter](r.Replica); ok {
		p.lanes, p.batch = batchLanes, batchEvents
	}
	return p
}

// enqueue takes what there is room for; the rest waits in the journal.
func (p *place) enqueue(jobs []job) {
	if len(jobs) == 0 {
		return
	}
	p.mu.Lock()
	n := 0
	for ; n < len(jobs); n++ {
		size := len(jobs[n].v.Record())
		if len(p.queue) >= p.in.o.pace.queued || len(p.queue) > 0 && p.bytes+size > maxQueuedBytes {
			p.missed = true
			break
		}
		p.queue = append(p.queue, jobs[n])
		p.bytes += size
	}
	for range min(p.lanes-p.lively, (len(p.queue)+p.batch-1)/p.batch) {
		p.lively++
		p.in.running.Go(p.lane)
	}
	p.mu.Unlock()
	if jobs = jobs[n:]; len(jobs) == 0 {
		return
	}
	// A known event that the journal does not count as owed has to be from now on.
	var us []journal.Update
	for _, j := range jobs {
		if !j.owed {
			us = append(us, journal.Update{Sequence: j.f.entry.Sequence, Replica: p.Name, Err: "its queue is full", State: custody.Owed})
		}
	}
	p.in.o.Journal.Update(us...)
	p.in.mu.Lock()
	for _, j := range jobs {
		j.f.finish(p.in, p.index, spot{state: deferred})
	}
	p.in.mu.Unlock()
}

// take removes a batch from the queue; nil ends the lane.
func (p *place) take() []job {
	p.mu.Lock()
	defer p.mu.Unlock()
	size, n := 0, 0
	for n < len(p.queue) && n < p.batch && (n == 0 || size+len(p.queue[n].v.Record()) <= batchBytes) {
		size += len(p.queue[n].v.Record())
		n++
	}
	if n == 0 {
		if p.lively--; p.lively == 0 {
			if p.quiet != nil {
				close(p.quiet)
				p.quiet = nil
			}
			if p.missed {
				p.nudge()
			}
		}
		return nil
	}
	jobs := p.queue[:n:n]
	p.bytes -= size
	if p.queue = p.queue[n:]; len(p.queue) == 0 {
		p.queue = nil
	}
	return jobs
}

// lane stores what is queued until nothing is.
func (p *place) lane() {
	for {
		jobs := p.take()
		if jobs == nil {
			return
		}
		p.put(jobs)
	}
}

// put stores a batch, has the journal note the outcomes, and tells those who
// wait for them. It returns how many were stored, and of how many the place
// holds other records.
func (p *place) put(jobs []job) (stored, conflicts int) {
	begun := time.Now()
	outcomes := p.call(jobs)
	p.displace(jobs, outcomes)
	p.m.took.Observe(time.Since(begun).Seconds())
	p.m.batch.Observe(float64(len(jobs)))

	us := make([]journal.Update, 0, len(jobs))
	spots := make([]spot, len(jobs))
	troubled := false
	closing := p.in.base.Err() != nil
	var again time.Duration
	for i, j := range jobs {
		u := journal.Update{Sequence: j.f.entry.Sequence, Replica: p.Name}
		switch err := outcomes[i].Err; {
		case err == nil:
			stored++
			u.State, u.Location = custody.Held, outcomes[i].Location
			spots[i] = spot{state: holds, location: u.Location}
			us = append(us, u)
			continue
		case errors.Is(err, replica.ErrConflict):
			// Trying again ends the same way until a scrub has put the journal's
			// record in the other one's place. As long as too few places hold that, the
			// debt keeps its bytes in the journal.
			conflicts++
			u.State, u.Err, u.RetryIn = custody.Foreign, err.Error(), jitter(p.in.o.pace.conflict)
			if !p.in.safe(j.f.entry.Hash) {
				u.State = custody.Owed
			}
			spots[i] = spot{state: failed, err: err, owed: u.State.Owed(), attempts: j.attempts + 1}
			us = append(us, u)
		case closing, j.owed && errors.Is(err, breaker.ErrOpen):
			// Nothing was tried, so the debt stands as it is. With a place down for
			// hours that is one row less to write for every event.
			troubled = true
			spots[i] = spot{state: failed, err: err, owed: j.owed, attempts: j.attempts}
		default:
			troubled = true
			u.State, u.Err, u.RetryIn = custody.Owed, err.Error(), p.in.o.pace.backoff(j.attempts)
			spots[i] = spot{state: failed, err: err, owed: true, attempts: j.attempts + 1}
			if again == 0 || u.RetryIn < again {
				again = u.RetryIn
			}
			us = append(us, u)
		}
		p.m.failed(outcomes[i].Err)
	}
	if conflicts > 0 {
		p.in.o.Log.Warn("a replica holds other records of events", "replica", p.Name, "events", conflicts)
	}
	p.m.stored.Add(float64(stored))
	p.in.o.Journal.Update(us...)
	p.in.mu.Lock()
	for i, j := range jobs {
		j.f.finish(p.in, p.index, spots[i])
	}
	p.in.mu.Unlock()
	p.report(stored+conflicts, troubled, again) // either way the place works
	return stored, conflicts
}

// safe reports whether enough counting places are known to hold the journal's
// record of an event.
func (in *Intake) safe(h digest.Hash) bool {
	_, copies, err := in.o.Journal.Get(in.base, h)
	return err == nil && in.enough(Quorum, in.spots(copies))
}

// call puts the jobs. A replica that answers for another number of events than
// it was asked has stored nothing that one can rely on.
func (p *place) call(jobs []job) []replica.Outcome {
	ctx, cancel := context.WithTimeout(p.in.base, p.in.o.pace.put)
	defer cancel()
	if len(jobs) == 1 {
		location, err := p.Replica.Put(ctx, jobs[0].v)
		return []replica.Outcome{{Location: location, Err: err}}
	}
	vs := make([]module.Verified, len(jobs))
	for i, j := range jobs {
		vs[i] = j.v
	}
	outcomes := replica.PutBatch(ctx, p.Replica, vs)
	if len(outcomes) != len(jobs) {
		err := fmt.Errorf("replica %s answered for %d of %d events", p.Name, len(outcomes), len(jobs))
		outcomes = make([]replica.Outcome, len(jobs))
		for i := range outcomes {
			outcomes[i].Err = err
		}
	}
	return outcomes
}

// drained waits until the queue is empty and no lane runs.
func (p *place) drained(ctx context.Context) error {
	p.mu.Lock()
	if p.lively == 0 {
		p.mu.Unlock()
		return nil
	}
	if p.quiet == nil {
		p.quiet = make(chan struct{})
	}
	quiet := p.quiet
	p.mu.Unlock()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

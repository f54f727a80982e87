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
	cache bool // it may forget what it was given
	lanes int
	batch int
	m     placeMetrics

	mu     sync.Mutex
	queue  []job
	bytes  int
	lively int           // lanes that run
	quiet  chan struct{} // closed when none does; nil: nobody waits

	kick     chan struct{} // for the outbox; holds one
	schedule schedule      // of the outbox
}

// A job is one copy to be stored.
type job struct {
	f        *flight
	sequence uint64
	v        module.Verified
	again    bool          // the event was known before: the journal may not have its bytes
	was      custody.State // what the journal knows of the copy
	location string        // with a state that is Held
	attempts int           // failed ones
}

// debt is the news that the copy is owed from now on, or still.
func (j *job) debt(place string, err error, in time.Duration) journal.Update {
	u := journal.Update{Sequence: j.sequence, Replica: place, State: custody.Owed, Err: err.Error(), RetryIn: in}
	if j.again {
		u.Keep = j.v
	}
	return u
}

// errFull: the place's queue has no room.
var errFull = errors.New("its queue is full")

func newPlace(in *Intake, i int, r replica.Place) *place {
	p := &place{Place: r, in: in, index: i, lanes: singleLanes, batch: 1, kick: make(chan struct{}, 1), cache: r.Cache(), schedule: newSchedule(&in.o.pace)}
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
			p.schedule.missed = true
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
	for i := range jobs {
		if j := &jobs[i]; !j.was.Owed() {
			us = append(us, j.debt(p.Name, errFull, 0))
		}
	}
	p.in.o.Journal.Update(us...)
	p.in.mu.Lock()
	for _, j := range jobs {
		j.f.finish(p.in, p.index, spot{state: custody.Owed, stage: deferred, attempts: j.attempts})
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
			if p.schedule.missed {
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
// wait for them. It returns how many were stored, and how many the place
// decided about otherwise: it holds another record, or does not take this one.
func (p *place) put(jobs []job) (stored, decided int) {
	begun := time.Now()
	outcomes := p.call(jobs)
	p.displace(jobs, outcomes)
	p.m.took.Observe(time.Since(begun).Seconds())
	p.m.batch.Observe(float64(len(jobs)))

	us := make([]journal.Update, 0, len(jobs))
	spots := make([]spot, len(jobs))
	troubled := false
	conflicts, refused := 0, 0
	closing := p.in.base.Err() != nil
	var again time.Duration
	for i := range jobs {
		u, tried := p.judge(&jobs[i], outcomes[i], closing, &spots[i])
		switch err := outcomes[i].Err; {
		case err == nil:
			stored++
		case errors.Is(err, replica.ErrConflict):
			conflicts++
			p.m.failed(err)
		case errors.Is(err, replica.ErrRefused):
			refused++
			p.m.failed(err)
		default:
			troubled = true
			if tried && (again == 0 || u.RetryIn < again) {
				again = u.RetryIn
			}
			p.m.failed(err)
		}
		if tried {
			us = append(us, u)
		}
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
	if refused > 0 {
		p.in.o.Log.Warn("a replica does not take events", "replica", p.Name, "events", refused)
	}
	decided = conflicts + refused
	p.report(stored+decided, troubled, again) // either way the place works
	return stored, decided
}

// judge makes of a place's word what is known of the copy now, and what the
// journal has to learn of it, if anything.
func (p *place) judge(j *job, o replica.Outcome, closing bool, s *spot) (u journal.Update, news bool) {
	*s = spot{state: j.was, at: time.Now(), location: j.location, attempts: j.attempts + 1, err: o.Err}
	switch err := o.Err; {
	case err == nil:
		*s = spot{state: custody.Confirmed, at: s.at, location: o.Location}
		known := j.was.Held() && j.location == o.Location
		return journal.Update{Sequence: j.sequence, Replica: p.Name, State: custody.Confirmed, Location: o.Location}, !known
	case errors.Is(err, replica.ErrConflict):
		// It stays. As long as too few places hold the journal's record, the debt
		// keeps that one's bytes in the journal.
		u = j.debt(p.Name, err, p.in.o.pace.rarely(p.in.o.pace.conflict, j.attempts))
		u.Keep = j.v
		if s.state = custody.Owed; p.in.safe(j.v.Hash(), p.index) {
			s.state = custody.Foreign
		}
		u.State = s.state
		return u, true
	case closing, j.was.Owed() && errors.Is(err, breaker.ErrOpen):
		// Nothing was tried, so what is known stands as it is. With a place down for
		// hours that is one row less to write for every event.
		s.attempts = j.attempts
		return u, false
	}
	s.state = custody.Owed
	pause := p.in.o.pace.backoff(j.attempts)
	if errors.Is(o.Err, replica.ErrRefused) { // and so it will the next time
		pause = p.in.o.pace.rarely(p.in.o.pace.maxRetry, j.attempts)
	}
	return j.debt(p.Name, o.Err, pause), true
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

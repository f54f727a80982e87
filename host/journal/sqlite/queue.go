package sqlite

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
)

// One commit takes at most so much; what is over waits for the next.
const (
	maxGroupEvents = 4096
	maxGroupBytes  = 32 << 20
	maxGroupNews   = 4096
	maxNews        = 1 << 20 // queued; beyond it the newest are dropped, which is harmless
)

// A task is one call that waits for the writer.
type task struct {
	state    atomic.Int32 // taskWaiting, then once one of the others
	events   []module.Verified
	owed     []string
	restored []journal.Restored
	do       func(w *writer) error // anything else, in the same transaction; it may run again when that fails
	upto     uint64                // a Flush: how many news must be durable

	out  []journal.Admission
	err  error
	done chan struct{}
}

const (
	taskWaiting = iota
	taskTaken   // by the writer: the outcome is awaited whatever the context says
	taskGone    // its caller left before the writer came
)

// news is a queued Update.
type news struct {
	journal.Update
	at int64  // of the journal's clock, milliseconds
	id uint64 // counted since Open
}

// Admit implements journal.Journal. A context that ends before the writer has
// taken the call up withdraws it; afterwards the outcome is waited for, a
// matter of one fsync, because an error would not be true.
func (j *Journal) Admit(ctx context.Context, vs []module.Verified, owed []string) ([]journal.Admission, error) {
	if len(vs) == 0 {
		return nil, j.usable(ctx)
	}
	t := &task{events: vs, owed: owed}
	if err := j.submit(ctx, t); err != nil {
		return nil, err
	}
	return t.out, nil
}

// Restore implements journal.Restorer.
func (j *Journal) Restore(ctx context.Context, rs []journal.Restored) ([]journal.Admission, error) {
	if len(rs) == 0 {
		return nil, j.usable(ctx)
	}
	t := &task{restored: rs}
	if err := j.submit(ctx, t); err != nil {
		return nil, err
	}
	return t.out, nil
}

// do has the writer run f in a transaction, and waits until that is durable.
func (j *Journal) do(ctx context.Context, f func(w *writer) error) error {
	return j.submit(ctx, &task{do: f})
}

// Flush implements journal.Journal.
func (j *Journal) Flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &task{done: make(chan struct{})}
	j.mu.Lock()
	switch t.upto = j.queued; {
	case j.closed:
		t.err = journal.ErrClosed
	case j.failure != nil:
		t.err = j.failure
	case j.learned < t.upto:
		j.flushes = append(j.flushes, t)
		j.mu.Unlock()
		j.nudge()
		select {
		case <-t.done:
			return t.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	j.mu.Unlock()
	return t.err
}

// Update implements journal.Journal.
func (j *Journal) Update(us ...journal.Update) {
	at := j.clock.now()
	last := j.last.Load()
	j.mu.Lock()
	if j.closed || j.failure != nil {
		j.mu.Unlock()
		return
	}
	for _, u := range us {
		if u.Sequence == 0 || u.Sequence > last || len(j.updates) >= maxNews {
			continue
		}
		j.queued++
		n := news{u, at, j.queued}
		j.updates = append(j.updates, n)
		j.overlay[u.Sequence] = append(j.overlay[u.Sequence], n)
	}
	j.mu.Unlock()
	j.nudge()
}

func (j *Journal) submit(ctx context.Context, t *task) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.done = make(chan struct{})
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return journal.ErrClosed
	}
	if j.failure != nil {
		defer j.mu.Unlock()
		return j.failure
	}
	j.queue = append(j.queue, t)
	j.mu.Unlock()
	j.nudge()
	select {
	case <-t.done:
	case <-ctx.Done():
		if t.state.CompareAndSwap(taskWaiting, taskGone) {
			return ctx.Err()
		}
		<-t.done
	}
	return t.err
}

// A group is what one commit does.
type group struct {
	tasks []*task
	news  []news
}

func (g group) empty() bool { return len(g.tasks)+len(g.news) == 0 }

// next waits for work, and if idle is not 0 no longer than that: then the group
// is empty. It returns false when the journal is closed and all is done.
func (j *Journal) next(retry time.Time, idle time.Duration) (group, bool) {
	begun := time.Now()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		g, wait, closed := j.take(retry)
		if !g.empty() {
			return g, true
		}
		if closed {
			return group{}, false
		}
		if left := idle - time.Since(begun); idle > 0 {
			if left <= 0 {
				return group{}, true
			}
			wait = min(wait, left)
		}
		timer.Reset(wait)
		select {
		case <-j.wake:
		case <-timer.C:
		}
	}
}

// take removes the next group from the queues. News are taken when they are
// old, when they are many, or when someone waits for them, at most
// maxGroupNews; not before retry, which follows a failed attempt.
func (j *Journal) take(retry time.Time) (g group, wait time.Duration, closed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	events, bytes, n := 0, 0, 0
	for _, t := range j.queue {
		if events > 0 && (events+len(t.events)+len(t.restored) > maxGroupEvents || bytes > maxGroupBytes) {
			break
		}
		n++
		if !t.state.CompareAndSwap(taskWaiting, taskTaken) {
			continue
		}
		g.tasks = append(g.tasks, t)
		events += len(t.events) + len(t.restored)
		for _, v := range t.events {
			bytes += len(v.Record())
		}
	}
	j.queue = j.queue[n:]
	if len(j.queue) == 0 {
		j.queue = nil
	}
	wait = time.Hour
	if len(j.updates) == 0 {
		return g, wait, j.closed
	}
	blocked := time.Until(retry)
	pause := max(blocked, j.o.UpdateDelay-time.Duration(j.clock.now()-j.updates[0].at)*time.Millisecond)
	if pause > 0 && len(j.flushes) == 0 && !j.closed && (len(j.updates) < maxGroupNews || blocked > 0) {
		return g, pause, j.closed
	}
	n = min(len(j.updates), maxGroupNews)
	g.news, j.updates = j.updates[:n:n], j.updates[n:]
	return g, wait, j.closed
}

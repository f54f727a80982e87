// Package intake is the way in. An event is verified, shown to the second
// opinion, journaled, and put to every place in parallel; the answer goes out
// when enough of them hold it, and what goes on afterwards is recorded, too.
//
// A caller's goroutine only waits. The stages work on batches of whatever
// waits for them: one call of the module, one journal transaction, one batch
// per place. What a place does not take now it stays owed in the journal, from
// where the place's outbox delivers it, in this process or a later one.
package intake

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// DefaultTimeout is how long a store waits for its quorum.
const DefaultTimeout = 10 * time.Second

// Options say what an Intake works with. Module, Journal and Places are required.
type Options struct {
	Module  *module.Pool
	Journal journal.Journal
	Places  []replica.Place // names are distinct; each with its own deadline and breaker
	// MinRedundancy is how many counting places must hold an event for the quorum.
	MinRedundancy int
	// Timeout is how long Store waits for the quorum. 0: DefaultTimeout.
	Timeout time.Duration
	// SecondOpinion is asked about every event that the module accepts; it
	// decides itself which to look at. An error refuses the event. nil: nobody is asked.
	SecondOpinion func(ctx context.Context, v module.Verified) error
	// Admitted is told of events once the journal has them, with the record that
	// it keeps. It must be quick. nil: nobody.
	Admitted func(vs []module.Verified)
	// Registerer takes the metrics. nil: there are none.
	Registerer prometheus.Registerer
	Log        *slog.Logger // nil: slog.Default()

	pace pace
}

// Bounds of what is between Store's entry and its end, beside pace.held events:
// more is refused with code.Overloaded.
const (
	maxHeldBytes = 128 << 20
	chunk        = 4096 // events of one StoreBatch that are under way at once
)

// An Intake stores events. Its methods are safe for concurrent use.
type Intake struct {
	o      Options
	names  []string // of the places: whom the journal owes
	places []*place
	m      *metrics

	base    context.Context // ends when Close gives up waiting
	stop    context.CancelFunc
	running sync.WaitGroup

	verifying verifying
	disagreed atomic.Uint64

	mu        sync.Mutex
	closed    bool
	held      int
	heldBytes int
	idle      chan struct{} // closed when nothing is held any more, after Close
	flights   map[digest.Hash]*flight
	repaired  map[repair]time.Time
}

// Open starts the outbox, which goes on with what an earlier process left. The
// caller must Close what it returns.
//
// A place that is new in the configuration is owed nothing of what was
// admitted before; a scrub owes it everything. Of a place that is no longer
// configured the debts are dropped, with a line in the log; where too few of
// the others hold an event then, they are owed it.
func Open(o Options) (*Intake, error) {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.pace.fill()
	in := &Intake{
		o: o, idle: make(chan struct{}), flights: map[digest.Hash]*flight{}, repaired: map[repair]time.Time{},
	}
	in.base, in.stop = context.WithCancel(context.Background())
	in.verifying.workers = o.Module.Stats().Instances
	for i, p := range o.Places {
		in.names = append(in.names, p.Name)
		in.places = append(in.places, newPlace(in, i, p))
	}
	var err error
	if in.m, err = newMetrics(in, o.Registerer); err != nil {
		return nil, err
	}
	for _, p := range in.places {
		in.running.Go(p.outbox)
	}
	in.running.Go(in.forget)
	return in, nil
}

// A call is one Store or StoreBatch that waits.
type call struct {
	ctx  context.Context
	wait Wait
	left int           // items that are not settled; under Intake.mu
	done chan struct{} // closed when none is left
}

// An item is one event on its way.
type item struct {
	*call
	event   []byte
	begun   time.Time
	v       module.Verified
	entry   journal.Entry // with flight
	created bool
	flight  *flight // once the journal has it

	// Under Intake.mu.
	settled bool // out is final; the caller has it or has left
	ended   bool // the stages before the places are done with it
	out     Stored
}

// Store admits one signed event, in any JSON spelling, and returns when wait
// says ("" is Quorum). With nil the event is in the journal and, unless wait is
// Journaled, in as many places as wait asks. Storing an event again is fine:
// Created is false then, and the same is waited for. Of two valid signatures of
// one event the first is kept and the second answered as if it were that.
//
// The bytes must not be changed any more, also after Store has returned.
//
// Errors: *code.Error for refusals, JournalUnavailable, StorageFull (nothing was
// kept), Overloaded, ShuttingDown, Timeout (before the journal answered: unknown);
// *InsufficientError; ctx's. After an error that is no refusal the event may be
// in the journal nevertheless; storing it again is safe.
func (in *Intake) Store(ctx context.Context, event []byte, wait Wait) (Receipt, error) {
	one := struct {
		call  call
		item  item
		items [1]*item
	}{call: call{ctx: ctx, wait: wait, done: make(chan struct{})}}
	one.item = item{call: &one.call, event: event}
	one.items[0] = &one.item
	in.run(&one.call, one.items[:])
	return one.item.out.Receipt, one.item.out.Err
}

// StoreBatch is Store for many events, in their order, for less each.
func (in *Intake) StoreBatch(ctx context.Context, events [][]byte, wait Wait) []Stored {
	out := make([]Stored, 0, len(events))
	for len(events) > 0 {
		n := min(len(events), chunk)
		c := &call{ctx: ctx, wait: wait, done: make(chan struct{})}
		items := make([]item, n)
		pointers := make([]*item, n)
		for i := range items {
			items[i] = item{call: c, event: events[i]}
			pointers[i] = &items[i]
		}
		in.run(c, pointers)
		for i := range items {
			out = append(out, items[i].out)
		}
		events = events[n:]
	}
	return out
}

// run has every item settled when it returns.
func (in *Intake) run(c *call, items []*item) {
	if c.wait == "" {
		c.wait = Quorum
	}
	begun := time.Now()
	for _, it := range items {
		it.begun = begun
	}
	c.left = len(items)
	entered := in.enter(c, items)
	if len(entered) > 0 {
		in.verify(entered)
	}
	timer := time.NewTimer(in.o.Timeout)
	defer timer.Stop()
	var err error
	select {
	case <-c.done:
	case <-timer.C:
		err = &code.Error{Code: code.Timeout, Detail: "the journal did not answer in time"}
	case <-c.ctx.Done():
		err = c.ctx.Err()
	case <-in.base.Done():
		err = &code.Error{Code: code.ShuttingDown}
	}
	if err != nil {
		in.mu.Lock()
		for _, it := range items {
			in.leave(it, err)
		}
		in.mu.Unlock()
	}
	in.m.stored(items)
}

// enter takes the items in for which there is room and settles the others.
func (in *Intake) enter(c *call, items []*item) []*item {
	var refusal error
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case c.wait != Quorum && c.wait != All && c.wait != Journaled:
		refusal = &code.Error{Code: code.InvalidParameter, Pointer: "wait", Detail: "one of quorum, all and journal"}
	case c.ctx.Err() != nil:
		refusal = c.ctx.Err()
	case in.closed:
		refusal = &code.Error{Code: code.ShuttingDown}
	}
	n := 0
	for ; n < len(items) && refusal == nil; n++ {
		size := len(items[n].event)
		if in.held >= in.o.pace.held || in.held > 0 && in.heldBytes+size > maxHeldBytes {
			refusal = &code.Error{Code: code.Overloaded, Detail: "too many events are under way"}
			break
		}
		in.held++
		in.heldBytes += size
	}
	for _, it := range items[n:] {
		it.ended = true
		in.settle(it, Receipt{}, refusal, false)
	}
	return items[:n]
}

// settle gives an item its outcome, once. in.mu is held.
func (in *Intake) settle(it *item, r Receipt, err error, entered bool) {
	if it.settled {
		return
	}
	it.settled = true
	it.out = Stored{r, err}
	if it.left--; it.left == 0 {
		close(it.done)
	}
	if it.ended && entered {
		in.release(it)
	}
}

// end is called once for every item that entered, when the journal's stage is
// done with it. in.mu is held.
func (in *Intake) end(it *item) {
	it.ended = true
	if it.settled {
		in.release(it)
	}
}

// release makes room. in.mu is held.
func (in *Intake) release(it *item) {
	in.held--
	in.heldBytes -= len(it.event)
	if in.held == 0 && in.closed {
		close(in.idle)
	}
}

// leave settles an item whose caller waits no longer. in.mu is held.
func (in *Intake) leave(it *item, err error) {
	if it.settled {
		return
	}
	if f := it.flight; f != nil {
		r, short := f.insufficient(in, it)
		if it.ctx.Err() == nil {
			err = short
		}
		in.settle(it, r, err, true)
		f.drop(in, it)
		return
	}
	in.settle(it, Receipt{}, err, true)
}

// fail settles items that the journal does not have, and ends them.
func (in *Intake) fail(items []*item, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, it := range items {
		in.settle(it, Receipt{}, err, true)
		in.end(it)
	}
}

// Disagreements returns how many events the second opinion has refused.
func (in *Intake) Disagreements() uint64 { return in.disagreed.Load() }

// Close refuses new events and lets what is in flight finish until ctx ends.
// What is not stored then stays owed in the journal, which the caller closes
// afterwards. It returns ctx's error when something was cut short.
func (in *Intake) Close(ctx context.Context) error {
	in.mu.Lock()
	again := in.closed
	in.closed = true
	if !again && in.held == 0 {
		close(in.idle)
	}
	in.mu.Unlock()
	err := in.quiet(ctx)
	in.verifying.stop()
	in.stop()
	ended := make(chan struct{})
	go func() {
		in.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(5 * time.Second): // a place that does not heed its context
		in.o.Log.Warn("a replica does not end its work")
	}
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if e := in.o.Journal.Flush(flush); e != nil {
		in.o.Log.Warn("the last outcomes were not recorded; they will be found out again", "error", e)
	}
	return err
}

// quiet waits until no caller waits and no queue holds anything.
func (in *Intake) quiet(ctx context.Context) error {
	select {
	case <-in.idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, p := range in.places {
		if err := p.drained(ctx); err != nil {
			return err
		}
	}
	return nil
}

// A pace is how long things wait, and how many may; tests are in more of a hurry.
type pace struct {
	retry    time.Duration // the first, doubled by each failure
	maxRetry time.Duration
	probe    time.Duration // between looks at a place that fails
	sweep    time.Duration // between looks into the journal for what nobody told of
	put      time.Duration // a batch at a place that has no deadline of its own
	held     int           // events between Store's entry and its end
	queued   int           // events in a place's queue
}

func (p *pace) fill() {
	p.retry = cmp.Or(p.retry, 250*time.Millisecond)
	p.maxRetry = cmp.Or(p.maxRetry, 5*time.Minute)
	p.probe = cmp.Or(p.probe, 500*time.Millisecond)
	p.sweep = cmp.Or(p.sweep, 5*time.Second)
	p.put = cmp.Or(p.put, time.Minute)
	p.held = cmp.Or(p.held, 16384)
	p.queued = cmp.Or(p.queued, 8192)
}

// backoff returns how long to wait after so many failures, between half and one
// and a half of it, so that what failed together does not come back together.
func (p *pace) backoff(failures int) time.Duration {
	d := p.maxRetry
	if failures < 20 {
		d = min(d, p.retry<<failures)
	}
	return jitter(d)
}

func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d+1) }

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
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
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
	// Permit is asked about every event that the module accepts whether it may be
	// stored. Its error, a *code.Error, refuses the event. nil: all may be.
	Permit func(ctx context.Context, v module.Verified) error
	// Admitted is told of events once the journal has them, with the record that
	// it keeps. It must be quick. nil: nobody.
	Admitted func(vs []module.Verified)
	// Registerer takes the metrics. nil: there are none.
	Registerer prometheus.Registerer
	Log        *slog.Logger // nil: slog.Default()

	pace pace
}

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
	gathering gathering
	disagreed atomic.Uint64

	mu        sync.Mutex
	closed    bool
	held      int
	lone      int // of them, those that are a call of their own
	heldBytes int
	idle      chan struct{} // closed when nothing is held any more, after Close
	flights   map[digest.Hash]*flight
}

// Open starts the outbox, which goes on with what an earlier process left. The
// caller must Close what it returns.
//
// Which places these are, and what they are owed of what was admitted before
// they came, is settled before (host/placement). Of a place that is no longer
// configured the debts are dropped, with a line in the log; where too few of the
// others hold an event then, they are owed it.
func Open(o Options) (*Intake, error) {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.pace.fill()
	in := &Intake{
		o: o, idle: make(chan struct{}), flights: map[digest.Hash]*flight{},
	}
	in.base, in.stop = context.WithCancel(context.Background())
	in.verifying.workers = o.Module.Stats().Instances
	in.verifying.news = make(chan struct{}, 1)
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
	in.run(&one.call, one.items[:], in.verify)
	in.m.stored(one.items[:])
	return one.item.out.Receipt, one.item.out.Err
}

// StoreBatch is Store for many events, for less each. The journal admits them
// in their order, and the outcomes are in it.
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
		in.run(c, pointers, in.verify)
		in.m.stored(pointers)
		for i := range items {
			out = append(out, items[i].out)
		}
		events = events[n:]
	}
	return out
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

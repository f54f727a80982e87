// Package breaker is a policy around a replica: a deadline for every call, and
// a circuit breaker that stops asking a place that keeps failing, so that
// nobody waits for it, and finds out by itself when it works again.
package breaker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/portion"
	"github.com/eventseal/eventseal/host/replica"
)

// ErrOpen: the place was not asked, because it keeps failing. HTTP 503.
var ErrOpen = errors.New("breaker: the replica is not asked while it keeps failing")

// Options may be left zero, but for Name.
type Options struct {
	Timeout  time.Duration // of one call, beside a second for every 256 KiB that it moves; 0: 5 s
	Failures int           // in a row that open the breaker; 0: 5
	Cooldown time.Duration // before the first probe of an open breaker; then it doubles, up to 1 s; 0: 200 ms
	Log      *slog.Logger  // nil: the default one
	Name     string        // of the place, for the log

	// Observe is told of every call, those that were not let through included
	// (ErrOpen). Of a batch err is the first one. nil: nobody.
	Observe func(op string, took time.Duration, err error)
}

const (
	// An open breaker is noticed to be needless within about this time, so it
	// bounds the pause between probes, too.
	maxCooldown = time.Second
	// maxHung bounds the calls that a replica did not return from although their
	// time was up. While so many are stuck in it, no further one is made, be it
	// a probe.
	maxHung = 64
	// Probes that get no answer overlap, so that it is not the timeout which
	// decides how soon the end of the silence is noticed.
	maxProbes = 8
)

// State is what is known of a place.
type State struct {
	Breaker       string    // closed (it is asked), open (it is not), half-open (one call at a time tries it)
	LastError     string    // "": none yet
	LastErrorAt   time.Time // zero: never
	LastSuccessAt time.Time // of a call other than Check
	Refuses       string    // why it stores nothing: the ErrFull or ErrReadOnly of its last store; "": nothing of that kind
	Latency       time.Duration
	Calls         uint64 // let through, a batch being one
	Failures      uint64 // of them, those that failed by the place's fault
}

// Breaker states.
const (
	Closed   = "closed"
	Open     = "open"
	HalfOpen = "half-open"
)

// New returns r behind a breaker. Its optional powers are those of r, found with
// replica.As. A batch is sent in portions of what was seen to pass. It is an
// io.Closer that closes r. Calls return
// when their time is up even where r does not; ErrNotFound, ErrConflict,
// ErrCorrupt, ErrFull, ErrReadOnly, ErrRefused, ErrClosed and the caller's own cancellation
// are no reason to stop asking.
func New(r replica.Replica, o Options) replica.Replica {
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Failures <= 0 {
		o.Failures = 5
	}
	if o.Cooldown <= 0 {
		o.Cooldown = 200 * time.Millisecond
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	ctx, stop := context.WithCancel(context.Background())
	return &core{
		inner: r, o: o, state: Closed, tripped: make(chan struct{}, 1), ctx: ctx, stop: stop,
		puts: portion.New(512, 256<<10, 4096, 8<<20),
		gets: portion.New(256, 256, 1024, 1024),       // its bytes are refs
		objs: portion.New(512, 512<<10, 512, 512<<10), // a part of the room, so that events have theirs
	}
}

// StateOf returns what is known of a place; ok is false when r was not made by New.
func StateOf(r replica.Replica) (s State, ok bool) {
	c, ok := r.(interface{ current() State })
	if !ok {
		return State{}, false
	}
	return c.current(), true
}

// core is the breaker.
type core struct {
	inner replica.Replica
	o     Options
	ctx   context.Context // ends with Close
	stop  context.CancelFunc
	done  sync.WaitGroup // the prober

	puts, gets, objs *portion.Size // of a batch
	room             room          // of what is being stored

	tripped  chan struct{} // tells the prober
	mu       sync.Mutex
	state    string
	row      int           // failures since the last success
	openErr  error         // what calls get while it is open
	trips    int           // how often it opened
	pause    time.Duration // before the next probe
	since    time.Time     // when it became half-open
	trying   bool          // half-open: a call is on its way
	probing  bool          // the prober runs
	hung     int
	closed   bool
	known    State
	smoothed float64 // seconds
}

var (
	_ replica.Replica = (*core)(nil)
	_ io.Closer       = (*core)(nil)
)

func (c *core) current() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.known
	s.Breaker = c.state
	s.Latency = time.Duration(c.smoothed * float64(time.Second))
	return s
}

// Put implements replica.Replica.
func (c *core) Put(ctx context.Context, v module.Verified) (string, error) {
	sent, err := c.enter(ctx, len(v.Record()), len(v.Record()))
	if err != nil {
		return "", err
	}
	defer c.leave(len(v.Record()))
	begun := time.Now()
	location, err := call(ctx, c, put, span{sent: sent}, func(ctx context.Context) (string, error) { return c.inner.Put(ctx, v) }, one[string])
	if _, batches := replica.As[replica.BatchPutter](c.inner); !batches && ctx.Err() == nil { // else batches tell more
		c.learn(c.puts, 1, len(v.Record()), time.Since(begun), err)
	}
	return location, err
}

// Get implements replica.Replica.
func (c *core) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	return call(ctx, c, "get", span{reads: 1}, func(ctx context.Context) ([]byte, error) { return c.inner.Get(ctx, ref) }, one[[]byte])
}

// Delete implements replica.Replica.
func (c *core) Delete(ctx context.Context, ref replica.Ref) error {
	return call0(ctx, c, "delete", span{}, func(ctx context.Context) error { return c.inner.Delete(ctx, ref) })
}

// Check implements replica.Replica. It is a call like any other, but its
// success alone proves little.
func (c *core) Check(ctx context.Context) error { return call0(ctx, c, check, span{}, c.inner.Check) }

// The operations that are judged apart.
const (
	check    = "check"
	list     = "list" // takes as long as there is to list
	put      = "put"
	putBatch = "put_batch"
	fill     = "fill"

	putObjects  = "put_objects"
	swapObject  = "swap_object"
	listObjects = "list_objects"
)

// Close ends the probing and closes the replica, when it can be closed.
func (c *core) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.stop()
	c.done.Wait()
	if closer, ok := c.inner.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

func one[T any](_ T, err error) error { return err }

func call0(ctx context.Context, c *core, op string, s span, f func(context.Context) error) error {
	_, err := call(ctx, c, op, s, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) }, one[struct{}])
	return err
}

// call makes one call, if the breaker lets it through. verdict returns the
// error by which the place is judged.
func call[T any](ctx context.Context, c *core, op string, s span, f func(context.Context) (T, error), verdict func(T, error) error) (out T, err error) {
	if err := ctx.Err(); err != nil {
		return out, err
	}
	t, err := c.begin(op)
	if err != nil {
		c.observe(op, 0, err)
		return out, err
	}
	begun := time.Now()
	out, err = run(ctx, c, s, f)
	judged := verdict(out, err)
	took := time.Since(begun)
	c.end(op, t, took, judged, ctx.Err() != nil)
	c.observe(op, took, judged)
	return out, err
}

func (c *core) observe(op string, took time.Duration, err error) {
	if c.o.Observe != nil {
		c.o.Observe(op, took, err)
	}
}

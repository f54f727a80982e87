// Package module runs eventseal.wasm on wazero. It is the only importer of
// wazero and the only maker of a Verified event.
package module

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/eventseal/eventseal/wasm"
	"github.com/eventseal/eventseal/wasm/code"
)

// Defaults and limits of a Config.
const (
	DefaultMaxEvent    = 256 << 10
	DefaultCallTimeout = 5 * time.Second
	abiVersion         = 1
)

// Errors of the pool itself; a refusal is a *code.Error.
var (
	// ErrTrapped: the module trapped. The instance was thrown away. HTTP 500.
	ErrTrapped = errors.New("module: trapped")
	// ErrTimeout: a call took longer than its deadline; its instance is thrown away. HTTP 504.
	ErrTimeout = errors.New("module: deadline exceeded")
	// ErrClosed: the pool was closed. HTTP 503.
	ErrClosed = errors.New("module: closed")
)

// Config says how a Pool runs the module. The zero value is the default.
type Config struct {
	Instances   int           // how many calls run at a time; 0: one per core
	CacheDir    string        // where compiled code is kept between runs; "": nowhere
	MaxEvent    int           // largest event in bytes; 0: 262,144; at most 4 MiB
	Types       []Type        // registered beside the built-in ones
	CallTimeout time.Duration // for each call; 0: 5 s
	Interpreter bool          // run without compiling: slow, for machines that wazero has no compiler for
}

// A Type is a registered event type: its name in events and its code on chain.
type Type struct {
	Name string `json:"name"`
	Code uint32 `json:"code"`
}

// A Pool holds instances of the module. Its methods are safe for concurrent
// use; each waits for a free instance until its context ends. What they return
// is the caller's own.
type Pool struct {
	config   Config
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	cache    wazero.CompilationCache
	free     chan *instance
	types    []Type
	closed   chan struct{}
	once     sync.Once

	busy                   atomic.Int64
	calls, traps, timeouts atomic.Uint64
}

// Stats are counters since the pool was opened, and what goes on now.
type Stats struct {
	Instances int    // that there are
	Busy      int    // that work now
	Calls     uint64 // of the module
	Traps     uint64 // calls that trapped
	Timeouts  uint64 // calls that were stopped
}

// Open compiles the module, or takes it from the cache, and starts the
// instances. Types that the module does not take are an error.
func Open(ctx context.Context, c Config) (*Pool, error) {
	if c.Instances <= 0 {
		c.Instances = runtime.GOMAXPROCS(0)
	}
	if c.MaxEvent <= 0 {
		c.MaxEvent = DefaultMaxEvent
	}
	if c.MaxEvent > MaxRecordBytes {
		return nil, fmt.Errorf("module: an event limit of %d bytes is over %d", c.MaxEvent, MaxRecordBytes)
	}
	if c.CallTimeout <= 0 {
		c.CallTimeout = DefaultCallTimeout
	}
	rc := wazero.NewRuntimeConfig()
	if c.Interpreter {
		rc = wazero.NewRuntimeConfigInterpreter()
	}
	// 512 MiB bounds an instance: the worst texts of 4 MiB, all kinds in turn, take less.
	rc = rc.WithMemoryLimitPages(8192)
	p := &Pool{config: c, free: make(chan *instance, c.Instances), closed: make(chan struct{})}
	if c.CacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(c.CacheDir)
		if err != nil {
			return nil, fmt.Errorf("module: compilation cache: %w", err)
		}
		p.cache = cache
		rc = rc.WithCompilationCache(cache)
	}
	p.runtime = wazero.NewRuntimeWithConfig(ctx, rc)
	if err := p.start(ctx); err != nil {
		p.Close(ctx)
		return nil, err
	}
	return p, nil
}

func (p *Pool) start(ctx context.Context) (err error) {
	if p.compiled, err = p.runtime.CompileModule(ctx, wasm.Module); err != nil {
		return fmt.Errorf("module: compile: %w", err)
	}
	for range p.config.Instances {
		in, err := p.instantiate(ctx)
		if err != nil {
			return err
		}
		p.free <- in
	}
	p.types, err = do(ctx, p, func(ctx context.Context, in *instance, _ []byte) ([]Type, error) { return in.listTypes(ctx) })
	return err
}

// Close waits for running calls. If ctx ends first, its error is the answer,
// and those calls go on: nothing can stop them, and what they work on stays.
// Later calls fail with ErrClosed.
func (p *Pool) Close(ctx context.Context) error {
	var err error
	p.once.Do(func() {
		close(p.closed)
		for p.busy.Load() > 0 {
			if err = ctx.Err(); err != nil {
				err = fmt.Errorf("module: %d calls still run: %w", p.busy.Load(), err)
				return
			}
			time.Sleep(time.Millisecond)
		}
		err = p.runtime.Close(context.WithoutCancel(ctx))
		if p.cache != nil {
			err = errors.Join(err, p.cache.Close(context.WithoutCancel(ctx)))
		}
	})
	return err
}

// Types returns every type that the pool knows, the built-in ones first.
func (p *Pool) Types() []Type { return slices.Clone(p.types) }

// MaxEvent returns the limit on an event, in bytes.
func (p *Pool) MaxEvent() int { return p.config.MaxEvent }

// Stats returns the counters.
func (p *Pool) Stats() Stats {
	return Stats{p.config.Instances, int(p.busy.Load()), p.calls.Load(), p.traps.Load(), p.timeouts.Load()}
}

// do copies the parts, one behind the other, and runs f on them and a free
// instance under the deadline of a call. It wipes the copy. An instance that
// trapped or is late is thrown away and replaced.
//
// A call whose caller has gone stays the one call of its instance until it
// ends: callers that come and go do not make more calls run at a time. What
// they passed is theirs again.
//
// A late call is left to itself: wazero can stop one only if the compiled code
// asks at every turn of a loop, which makes number-heavy texts ten times
// slower. The module's work is linear in its input, which is bounded, so that
// every call ends; its instance and its answer are dropped then.
func do[T any](ctx context.Context, p *Pool, f func(ctx context.Context, in *instance, input []byte) (T, error), parts ...[]byte) (none T, err error) {
	in, err := p.take(ctx)
	if err != nil {
		return none, err
	}
	p.calls.Add(1)
	type answer struct {
		t   T
		err error
	}
	done := make(chan answer, 1) // nobody may be waiting any more
	var settled atomic.Bool      // whoever sets it answers and sees to the instance's place
	late := time.AfterFunc(p.config.CallTimeout, func() {
		p.busy.Add(1) // Close waits for the replacement, too
		if settled.CompareAndSwap(false, true) {
			p.timeouts.Add(1)
			done <- answer{err: fmt.Errorf("%w after %v", ErrTimeout, p.config.CallTimeout)}
			p.replace()
		} else {
			p.busy.Add(-1)
		}
	})
	input := slices.Concat(parts...)
	go func() {
		t, err := f(context.Background(), in, input)
		clear(input)
		late.Stop()
		first := settled.CompareAndSwap(false, true)
		var refusal *code.Error
		switch sound := err == nil || errors.As(err, &refusal); {
		case sound && first:
			p.busy.Add(-1) // before another call can take it
			p.free <- in
		case sound:
			in.close() // was replaced
			p.busy.Add(-1)
		default:
			in.close()
			p.traps.Add(1)
			err = fmt.Errorf("%w: %w", ErrTrapped, err)
			if first {
				p.replace()
			} else {
				p.busy.Add(-1)
			}
		}
		if first {
			done <- answer{t, err}
		}
	}()
	select {
	case a := <-done:
		return a.t, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// take waits for a free instance, which then is busy.
func (p *Pool) take(ctx context.Context) (in *instance, err error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	select {
	case <-p.closed:
		return nil, ErrClosed
	default:
	}
	select {
	case in = <-p.free:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, ErrClosed
	}
	p.busy.Add(1)
	if in == nil { // an earlier replacement failed
		if in, err = p.instantiate(context.WithoutCancel(ctx)); err != nil {
			p.busy.Add(-1)
			p.free <- nil
			return nil, err
		}
	}
	return in, nil
}

// replace ends a call with a fresh instance among the free ones.
func (p *Pool) replace() {
	in, err := p.instantiate(context.Background())
	if err != nil {
		in = nil
	}
	p.busy.Add(-1)
	p.free <- in
}

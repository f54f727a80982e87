package breaker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
)

// errSlow is the cause of a context that ended by the breaker's own timeout.
var errSlow = errors.New("no answer in time")

// leastRate is how many bytes a second a place has to move: a call has so much
// longer than the timeout as its bytes take at this rate.
const leastRate = 256 << 10

func slowest(bytes int) time.Duration {
	return time.Duration(bytes) * time.Second / leastRate
}

// A span is how long a call may take beyond the timeout.
type span struct {
	sent  int // bytes that it sends
	reads int // records that it reads: what comes of them puts the end off
}

// run calls f with the deadline and returns when it is over, whether f has
// returned or not. What f returns later is dropped.
func run[T any](ctx context.Context, c *core, s span, f func(context.Context) (T, error)) (T, error) {
	type result struct {
		out T
		err error
	}
	begun, allowed := time.Now(), c.o.Timeout+slowest(s.sent)
	last := allowed + slowest(s.reads*module.MaxRecordBytes)
	inner, cancel := context.WithTimeoutCause(ctx, last, errSlow)
	defer cancel()
	var moved atomic.Int64
	var early <-chan time.Time
	if last > allowed {
		inner = replica.WithMoved(inner, func(bytes int) { moved.Add(int64(bytes)) })
		timer := time.NewTimer(allowed)
		defer timer.Stop()
		early = timer.C
	}
	results := make(chan result, 1)
	go func() {
		out, err := f(inner)
		results <- result{out, err}
	}()
	var r result
	for over := false; !over; {
		select {
		case r = <-results:
			over = true
			continue
		case <-early:
			if now := c.o.Timeout + slowest(int(moved.Load())); now > allowed { // it moves
				allowed = now
				early = time.After(time.Until(begun.Add(allowed)))
				continue
			}
		case <-inner.Done():
			allowed = last
		}
		over = true
		select {
		case r = <-results: // both at once
		default:
			c.abandon(1)
			go func() {
				<-results
				c.abandon(-1)
			}()
			if r.err = inner.Err(); r.err == nil {
				r.err = errSlow
			}
		}
	}
	if r.err != nil && ctx.Err() == nil && (errors.Is(r.err, errSlow) || errors.Is(context.Cause(inner), errSlow)) {
		r.err = fmt.Errorf("breaker: no answer within %v: %w", allowed.Round(time.Millisecond), context.DeadlineExceeded)
	}
	return r.out, r.err
}

func (c *core) abandon(n int) {
	c.mu.Lock()
	c.hung += n
	c.mu.Unlock()
}

// A ticket is held by a call that was let through.
type ticket struct {
	trial bool // it is the one that tries a half-open breaker
	trips int  // how often the breaker had opened
}

// begin decides whether a call is let through.
func (c *core) begin(op string) (t ticket, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return t, replica.ErrClosed
	case c.hung >= maxHung:
		if c.state != Open {
			c.trip(fmt.Errorf("%d calls do not return", c.hung))
		}
		return t, c.openErr
	case c.state == Open, c.state == HalfOpen && c.trying:
		return t, c.openErr
	case c.state == HalfOpen && op != check:
		c.trying, t.trial = true, true
	}
	t.trips = c.trips
	c.known.Calls++
	return t, nil
}

// end learns from a call that was let through. left says that the caller's own
// context has ended, so that an error says nothing about the place. A call from
// before the breaker last opened is late news, which changes nothing.
func (c *core) end(op string, t ticket, took time.Duration, err error, left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	current := t.trips == c.trips
	if t.trial && current {
		c.trying = false
	}
	judgement := judge(err, left)
	if op == put || op == putBatch || op == fill || op == putObjects || op == swapObject {
		switch {
		case err == nil:
			c.known.Refuses = ""
		case errors.Is(err, replica.ErrFull), errors.Is(err, replica.ErrReadOnly):
			c.known.Refuses = err.Error()
		}
	}
	if err != nil && judgement != unknown && !answers(err) {
		c.known.LastError, c.known.LastErrorAt = err.Error(), time.Now()
	}
	switch judgement {
	case works:
		if op == check {
			return
		}
		if err == nil && op != list && op != listObjects {
			c.known.LastSuccessAt = time.Now()
			if c.smoothed == 0 {
				c.smoothed = took.Seconds()
			}
			c.smoothed += (took.Seconds() - c.smoothed) / 8
		}
		if current && t.trial {
			c.heal("a call succeeded")
		} else if current && c.state == Closed {
			c.row = 0
		}
	case fails:
		c.known.Failures++
		if !current {
			return
		}
		c.row++
		if t.trial || c.state == Closed && c.row >= c.o.Failures {
			c.trip(err)
		}
	}
}

type judgement int

const (
	unknown judgement = iota
	works
	fails
)

// judge says what the outcome of a call tells about the place.
func judge(err error, left bool) judgement {
	switch {
	case err == nil, answers(err), errors.Is(err, replica.ErrFull), errors.Is(err, replica.ErrReadOnly), errors.As(err, new(partlyError)):
		return works // it may refuse to store, but it still reads
	case left, errors.Is(err, replica.ErrClosed), errors.As(err, new(cutError)):
		return unknown
	}
	return fails
}

// answers reports whether err is an answer like any other.
func answers(err error) bool {
	return errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrConflict) || errors.Is(err, replica.ErrCorrupt) || errors.Is(err, replica.ErrLoose) || errors.Is(err, replica.ErrNoIdentity) || errors.Is(err, replica.ErrRefused)
}

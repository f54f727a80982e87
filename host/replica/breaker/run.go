package breaker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventseal/eventseal/host/replica"
)

// errSlow is the cause of a context that ended by the breaker's own timeout.
var errSlow = errors.New("no answer in time")

// run calls f with the deadline and returns when it is over, whether f has
// returned or not. What f returns later is dropped.
func run[T any](ctx context.Context, c *core, f func(context.Context) (T, error)) (T, error) {
	type result struct {
		out T
		err error
	}
	inner, cancel := context.WithTimeoutCause(ctx, c.o.Timeout, errSlow)
	results := make(chan result, 1)
	go func() {
		out, err := f(inner)
		results <- result{out, err}
	}()
	var r result
	select {
	case r = <-results:
	case <-inner.Done():
		select {
		case r = <-results: // both at once
		default:
			c.abandon(1)
			go func() {
				<-results
				c.abandon(-1)
			}()
			r.err = inner.Err()
		}
	}
	if r.err != nil && ctx.Err() == nil && errors.Is(context.Cause(inner), errSlow) {
		r.err = fmt.Errorf("breaker: no answer within %v: %w", c.o.Timeout, context.DeadlineExceeded)
	}
	cancel()
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
	if op == put || op == putBatch || op == fill {
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
		if err == nil && op != list {
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
	case err == nil, answers(err), errors.Is(err, replica.ErrFull), errors.Is(err, replica.ErrReadOnly):
		return works // it may refuse to store, but it still reads
	case left, errors.Is(err, replica.ErrClosed):
		return unknown
	}
	return fails
}

// answers reports whether err is an answer like any other.
func answers(err error) bool {
	return errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrConflict) || errors.Is(err, replica.ErrCorrupt) || errors.Is(err, replica.ErrLoose)
}

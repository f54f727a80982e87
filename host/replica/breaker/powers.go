package breaker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
)

// The methods of every optional power are here. Those that the replica inside
// has not are no powers (replica.As): called all the same, batches are taken
// apart, and the others fail with errors.ErrUnsupported.

// Unwrap implements replica.Wrapper.
func (c *core) Unwrap() replica.Replica { return c.inner }

var (
	_ replica.Wrapper     = (*core)(nil)
	_ replica.BatchPutter = (*core)(nil)
	_ replica.BatchGetter = (*core)(nil)
	_ replica.Filler      = (*core)(nil)
	_ replica.Lister      = (*core)(nil)
	_ replica.Auditor     = (*core)(nil)
)

// Audit implements replica.Auditor, as one call.
func (c *core) Audit(ctx context.Context, refs []replica.Ref, asOf time.Time) []error {
	if len(refs) == 0 {
		return nil
	}
	out, err := call(ctx, c, "audit", span{},
		func(ctx context.Context) ([]error, error) { return replica.Audit(ctx, c.inner, refs, asOf), nil },
		func(out []error, err error) error {
			return worst(err, len(out), func(i int) error { return out[i] })
		})
	if err != nil {
		out = make([]error, len(refs))
		for i := range out {
			out[i] = err
		}
	}
	return out
}

// Fill implements replica.Filler.
func (c *core) Fill(ctx context.Context, v module.Verified) error {
	inner, ok := replica.As[replica.Filler](c.inner)
	if !ok {
		return errors.ErrUnsupported
	}
	return call0(ctx, c, fill, span{}, func(ctx context.Context) error { return inner.Fill(ctx, v) })
}

// List implements replica.Lister. It takes as long as it takes, but ends when
// nothing comes for four times the timeout.
func (c *core) List(ctx context.Context) iter.Seq2[replica.Ref, error] {
	inner, ok := replica.As[replica.Lister](c.inner)
	if !ok {
		return func(yield func(replica.Ref, error) bool) { yield(replica.Ref{}, errors.ErrUnsupported) }
	}
	return listed(ctx, c, list, inner.List)
}

// listed is a list of the replica inside, as one call.
func listed[T any](ctx context.Context, c *core, op string, inner func(context.Context) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		if err := ctx.Err(); err != nil {
			yield(none, err)
			return
		}
		t, err := c.begin(op)
		begun := time.Now()
		if err == nil {
			err = guard(ctx, c, inner, yield)
			c.end(op, t, 0, err, ctx.Err() != nil)
		} else {
			yield(none, err)
		}
		c.observe(op, time.Since(begun), err)
	}
}

func guard[T any](outer context.Context, c *core, inner func(context.Context) iter.Seq2[T, error], yield func(T, error) bool) error {
	ctx, cancel := context.WithCancel(outer)
	defer cancel()
	type item struct {
		what T
		err  error
	}
	items := make(chan item, 64)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(items)
		for what, err := range inner(ctx) {
			select {
			case items <- item{what, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	patience := 4 * c.o.Timeout
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		var err error
		select {
		case i, more := <-items:
			if !more {
				return nil
			}
			if i.err == nil {
				if !yield(i.what, nil) {
					return nil
				}
				timer.Reset(patience)
				continue
			}
			err = i.err
		case <-ctx.Done():
			err = ctx.Err()
			c.abandonList(ended)
		case <-timer.C:
			err = fmt.Errorf("breaker: the list went on for no %v: %w", patience, context.DeadlineExceeded)
			c.abandonList(ended)
		}
		var none T
		yield(none, err)
		return err
	}
}

// abandonList counts a list that did not end in time among the calls that hang.
func (c *core) abandonList(ended <-chan struct{}) {
	c.abandon(1)
	go func() {
		<-ended
		c.abandon(-1)
	}()
}

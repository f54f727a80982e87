package breaker

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
)

// Each optional power is a type of its own, so that New can put together a
// replica that has those that the inner one has and no others.
type (
	batchPutter struct {
		c     *core
		inner replica.BatchPutter
	}
	batchGetter struct {
		c     *core
		inner replica.BatchGetter
	}
	filler struct {
		c     *core
		inner replica.Filler
	}
	lister struct {
		c     *core
		inner replica.Lister
	}
)

// PutBatch implements replica.BatchPutter. For the breaker it is one call,
// which fails when any of its parts does.
func (p batchPutter) PutBatch(ctx context.Context, vs []module.Verified) []replica.Outcome {
	out, err := call(ctx, p.c, putBatch,
		func(ctx context.Context) ([]replica.Outcome, error) { return p.inner.PutBatch(ctx, vs), nil },
		func(out []replica.Outcome, err error) error {
			return worst(err, len(out), func(i int) error { return out[i].Err })
		})
	if err != nil {
		out = make([]replica.Outcome, len(vs))
		for i := range out {
			out[i].Err = err
		}
	}
	return out
}

// GetBatch implements replica.BatchGetter, as one call like PutBatch.
func (p batchGetter) GetBatch(ctx context.Context, refs []replica.Ref) []replica.Fetched {
	out, err := call(ctx, p.c, "get_batch",
		func(ctx context.Context) ([]replica.Fetched, error) { return p.inner.GetBatch(ctx, refs), nil },
		func(out []replica.Fetched, err error) error {
			return worst(err, len(out), func(i int) error { return out[i].Err })
		})
	if err != nil {
		out = make([]replica.Fetched, len(refs))
		for i := range out {
			out[i].Err = err
		}
	}
	return out
}

// Audit implements replica.Auditor, as one call like PutBatch. Every breaker
// has it; where the inner replica has not, there is nothing to be said.
func (c *core) Audit(ctx context.Context, refs []replica.Ref, asOf time.Time) []error {
	inner, ok := c.inner.(replica.Auditor)
	if !ok || len(refs) == 0 {
		return make([]error, len(refs))
	}
	out, err := call(ctx, c, "audit",
		func(ctx context.Context) ([]error, error) { return inner.Audit(ctx, refs, asOf), nil },
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

// worst returns the first error of a batch that is the place's fault, else the
// first of any kind.
func worst(err error, n int, at func(int) error) error {
	for i := range n {
		if e := at(i); e != nil && (err == nil || judge(e, false) == fails) {
			if err = e; judge(e, false) == fails {
				break
			}
		}
	}
	return err
}

// Fill implements replica.Filler.
func (p filler) Fill(ctx context.Context, v module.Verified) error {
	return call0(ctx, p.c, fill, func(ctx context.Context) error { return p.inner.Fill(ctx, v) })
}

// List implements replica.Lister. It takes as long as it takes, but ends when
// nothing comes for four times the timeout.
func (p lister) List(ctx context.Context) iter.Seq2[replica.Ref, error] {
	return func(yield func(replica.Ref, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(replica.Ref{}, err)
			return
		}
		t, err := p.c.begin(list)
		begun := time.Now()
		if err == nil {
			err = p.list(ctx, yield)
			p.c.end(list, t, 0, err, ctx.Err() != nil)
		} else {
			yield(replica.Ref{}, err)
		}
		p.c.observe(list, time.Since(begun), err)
	}
}

func (p lister) list(outer context.Context, yield func(replica.Ref, error) bool) error {
	ctx, cancel := context.WithCancel(outer)
	defer cancel()
	type item struct {
		ref replica.Ref
		err error
	}
	items := make(chan item, 64)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(items)
		for ref, err := range p.inner.List(ctx) {
			select {
			case items <- item{ref, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	patience := 4 * p.c.o.Timeout
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
				if !yield(i.ref, nil) {
					return nil
				}
				timer.Reset(patience)
				continue
			}
			err = i.err
		case <-ctx.Done():
			err = ctx.Err()
			p.abandon(ended)
		case <-timer.C:
			err = fmt.Errorf("breaker: the list went on for no %v: %w", patience, context.DeadlineExceeded)
			p.abandon(ended)
		}
		yield(replica.Ref{}, err)
		return err
	}
}

// abandon counts a list that did not end in time among the calls that hang.
func (p lister) abandon(ended <-chan struct{}) {
	p.c.abandon(1)
	go func() {
		<-ended
		p.c.abandon(-1)
	}()
}

// withPowers returns c with the powers that its inner replica has.
func withPowers(c *core) replica.Replica {
	bp, isBP := c.inner.(replica.BatchPutter)
	bg, isBG := c.inner.(replica.BatchGetter)
	fi, isF := c.inner.(replica.Filler)
	li, isL := c.inner.(replica.Lister)
	p, g, f, l := batchPutter{c, bp}, batchGetter{c, bg}, filler{c, fi}, lister{c, li}
	powers := 0
	for i, has := range []bool{isBP, isBG, isF, isL} {
		if has {
			powers |= 1 << i
		}
	}
	return [16]replica.Replica{
		c,
		struct {
			*core
			batchPutter
		}{c, p},
		struct {
			*core
			batchGetter
		}{c, g},
		struct {
			*core
			batchPutter
			batchGetter
		}{c, p, g},
		struct {
			*core
			filler
		}{c, f},
		struct {
			*core
			batchPutter
			filler
		}{c, p, f},
		struct {
			*core
			batchGetter
			filler
		}{c, g, f},
		struct {
			*core
			batchPutter
			batchGetter
			filler
		}{c, p, g, f},
		struct {
			*core
			lister
		}{c, l},
		struct {
			*core
			batchPutter
			lister
		}{c, p, l},
		struct {
			*core
			batchGetter
			lister
		}{c, g, l},
		struct {
			*core
			batchPutter
			batchGetter
			lister
		}{c, p, g, l},
		struct {
			*core
			filler
			lister
		}{c, f, l},
		struct {
			*core
			batchPutter
			filler
			lister
		}{c, p, f, l},
		struct {
			*core
			batchGetter
			filler
			lister
		}{c, g, f, l},
		struct {
			*core
			batchPutter
			batchGetter
			filler
			lister
		}{c, p, g, f, l},
	}[powers]
}

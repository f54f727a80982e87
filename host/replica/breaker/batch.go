package breaker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/portion"
	"github.com/eventseal/eventseal/host/replica"
)

// A batch goes out in portions, each of them one call with a deadline of its
// own. One that fails as a whole is halved, down to one event, and what passes
// is remembered, so that neither a place that refuses much at once, nor a slow
// link, nor one event that the place refuses holds the others.

// A partlyError is that of a portion of which some passed: the place works.
type partlyError struct{ error }

func (e partlyError) Unwrap() error { return e.error }

// A cutError is a refusal of several events at once: what it says of the place
// shows when there is one.
type cutError struct{ error }

func (e cutError) Unwrap() error { return e.error }

// PutBatch implements replica.BatchPutter.
func (c *core) PutBatch(ctx context.Context, vs []module.Verified) []replica.Outcome {
	out := make([]replica.Outcome, len(vs))
	size := func(i int) int { return len(vs[i].Record()) }
	c.cut(ctx, c.puts, len(vs), size, func(which []int, bytes int) {
		part, largest := make([]module.Verified, len(which)), 0
		for k, i := range which {
			part[k], largest = vs[i], max(largest, size(i))
		}
		got, err := c.put(ctx, part, bytes, largest)
		for k, i := range which {
			if out[i] = (replica.Outcome{Err: err}); err == nil {
				out[i] = got[k]
			}
		}
	}, func(i int, err *error) error {
		if err != nil {
			out[i].Err = *err
		}
		return out[i].Err
	})
	return out
}

// put stores a portion when there is room for it.
func (c *core) put(ctx context.Context, vs []module.Verified, bytes, largest int) ([]replica.Outcome, error) {
	sent, err := c.enter(ctx, bytes, largest)
	if err != nil {
		return nil, err
	}
	defer c.leave(bytes)
	return call(ctx, c, putBatch, span{sent: sent},
		func(ctx context.Context) ([]replica.Outcome, error) {
			out := replica.PutBatch(ctx, c.inner, vs)
			return out, counted(len(out), len(vs))
		},
		func(out []replica.Outcome, err error) error {
			return verdict(err, len(out), func(i int) error { return out[i].Err })
		})
}

// GetBatch implements replica.BatchGetter. Nobody knows beforehand how many
// bytes come, so a portion is so many events.
func (c *core) GetBatch(ctx context.Context, refs []replica.Ref) []replica.Fetched {
	out := make([]replica.Fetched, len(refs))
	c.cut(ctx, c.gets, len(refs), func(int) int { return 1 }, func(which []int, _ int) {
		part := make([]replica.Ref, len(which))
		for k, i := range which {
			part[k] = refs[i]
		}
		got, err := call(ctx, c, "get_batch", span{reads: len(part)},
			func(ctx context.Context) ([]replica.Fetched, error) {
				out := replica.GetBatch(ctx, c.inner, part)
				return out, counted(len(out), len(part))
			},
			func(out []replica.Fetched, err error) error {
				return verdict(err, len(out), func(i int) error { return out[i].Err })
			})
		for k, i := range which {
			if out[i] = (replica.Fetched{Err: err}); err == nil {
				out[i] = got[k]
			}
		}
	}, func(i int, err *error) error {
		if err != nil {
			out[i].Err = *err
		}
		return out[i].Err
	})
	return out
}

// counted is an error where a batch was answered for another number of events
// than it has: then nothing that was said can be relied on.
func counted(got, want int) error {
	if got != want {
		return fmt.Errorf("breaker: the replica answered for %d of %d events", got, want)
	}
	return nil
}

// cut does n items in portions, in their order: do is given the numbers of some
// and their size, and result tells, or sets, the error of one. An item's error
// is final when it says something of the item, or when it was alone.
func (c *core) cut(ctx context.Context, s *portion.Size, n int, size func(i int) int, do func(which []int, size int), result func(i int, set *error) error) {
	todo := make([]int, n)
	for i := range todo {
		todo[i] = i
	}
	for silent := 0; len(todo) > 0; {
		items, bytes := s.Take(len(todo), func(k int) int { return size(todo[k]) })
		part := todo[:items:items]
		todo = todo[items:]
		begun := time.Now()
		do(part, bytes)
		took := time.Since(begun)
		if ctx.Err() != nil {
			for _, i := range todo {
				err := ctx.Err()
				result(i, &err)
			}
			return
		}
		var again []int
		var reason error
		for _, i := range part {
			if err := result(i, nil); tooMuch(err) {
				again, reason = append(again, i), err
			}
		}
		if len(again) < items {
			silent = 0
			if !mute(reason) { // of each that is left it was said by itself
				again, reason = nil, nil
			}
		} else if mute(reason) {
			silent++
		}
		c.learn(s, items, bytes, took, reason)
		if items == 1 {
			again = nil
		}
		todo = append(again, todo...)
		if silent == 2 {
			// Smaller ones have their turn when the place is asked next.
			for _, i := range todo {
				result(i, &reason)
			}
			return
		}
	}
}

// learn tells a size what became of a portion. What took long passed, but says
// nothing for a larger one.
func (c *core) learn(s *portion.Size, items, bytes int, took time.Duration, err error) {
	switch {
	case err == nil && took <= c.o.Timeout/4:
		s.Passed(items, bytes)
	case err == nil, !tooMuch(err) && items > 1:
	case items > 1, mute(err):
		s.Failed(items, bytes)
	default:
		s.Blame()
	}
}

// tooMuch reports whether an error may be one of too much at once: it says
// neither what the place holds, nor that it stores nothing, nor that nobody is there.
func tooMuch(err error) bool {
	if err == nil || errors.Is(err, errNoRoom) || errors.Is(err, ErrOpen) || errors.Is(err, replica.ErrClosed) || errors.Is(err, context.Canceled) {
		return false
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" || errors.Is(err, syscall.ECONNREFUSED) {
		return false
	}
	return judge(err, false) != works || errors.Is(err, replica.ErrRefused)
}

// mute reports whether an error is one of the way to the place, or of its
// silence, and not its answer.
func mute(err error) bool {
	var way net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &way) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// verdict returns the error by which the place is judged after a portion: none
// where all is well, else that of an item that is the place's fault, if there
// is one.
func verdict(err error, n int, at func(int) error) error {
	err = worst(err, n, at)
	if err == nil || judge(err, false) != fails {
		return err
	}
	for i := range n {
		if judge(at(i), false) == works {
			return partlyError{err}
		}
	}
	if n > 1 && !mute(err) {
		return cutError{err}
	}
	return err
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

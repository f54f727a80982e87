package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/eventseal/eventseal/host/intake"
)

// answers signs and writes what became of a batch's groups, in their order, while
// the next one is stored: signing takes as much of a processor as verifying, and
// storing waits for disks.
type answers struct {
	s      *Server
	ctx    context.Context
	st     *stream
	wait   intake.Wait
	signed bool // with the host's signature
	groups chan answered
	done   chan struct{}
	once   sync.Once
	broken atomic.Bool // the client takes no more
	err    error       // why; after done
}

// An answered group is one that was stored, as far as it could be.
type answered struct {
	group
	stored []intake.Stored // of its events
}

// answers starts the writing of answers to st, which nobody else writes to until
// end has returned. It calls broke when the client takes no more.
func (s *Server) answers(ctx context.Context, st *stream, wait intake.Wait, signed bool, broke func()) *answers {
	a := &answers{s: s, ctx: ctx, st: st, wait: wait, signed: signed, groups: make(chan answered), done: make(chan struct{})}
	go func() {
		defer close(a.done)
		for one := range a.groups {
			if a.err != nil {
				continue
			}
			if a.err = a.write(one); a.err != nil {
				a.broken.Store(true)
				broke()
			}
		}
	}()
	return a
}

// add hands a group on, when the one before it has been written.
func (a *answers) add(g group, stored []intake.Stored) { a.groups <- answered{g, stored} }

// end returns when all is written, or why it is not.
func (a *answers) end() error {
	a.once.Do(func() { close(a.groups) })
	<-a.done
	return a.err
}

func (a *answers) write(one answered) error {
	receipts := a.receipts(one.stored)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	n := 0
	for i, line := range one.lines {
		out.Reset()
		if err := one.errs[i]; err != nil {
			a.s.lineProblem(enc, "batch", err, problem{Line: line})
		} else {
			got := one.stored[n]
			if got.Err != nil {
				a.s.lineProblem(enc, "batch", got.Err, problem{Line: line})
			} else {
				a.s.metrics.lines.WithLabelValues("batch", "ok").Inc()
				r := receipts(n)
				r.Status = storedStatus(got.Receipt, a.wait)
				_ = enc.Encode(r) // into memory
			}
			n++
		}
		if err := a.st.write(out.Bytes()); err != nil {
			return err
		}
	}
	if one.end != nil && !errors.Is(one.end, io.EOF) {
		out.Reset()
		a.s.lineProblem(enc, "batch", one.end, problem{Line: one.line})
		if err := a.st.write(out.Bytes()); err != nil {
			return err
		}
	}
	return a.st.flush()
}

// receipts returns what waits for the n-th receipt of a group, once each and of
// those that are stored. As many are at work on them as the module has instances.
func (a *answers) receipts(stored []intake.Stored) func(n int) receipt {
	if !a.signed {
		return func(n int) receipt { return receiptOf(stored[n].Receipt) }
	}
	out := make([]chan receipt, len(stored))
	for i := range out {
		out[i] = make(chan receipt, 1)
	}
	var next atomic.Int64
	for range min(len(stored), a.s.o.Module.Stats().Instances) {
		go func() {
			for i := next.Add(1) - 1; i < int64(len(stored)); i = next.Add(1) - 1 {
				if stored[i].Err == nil {
					out[i] <- a.s.answer(a.ctx, stored[i].Receipt)
				}
			}
		}()
	}
	return func(n int) receipt { return <-out[n] }
}

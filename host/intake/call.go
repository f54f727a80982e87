package intake

import (
	"context"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

// Bounds of what is between Store's entry and its end, beside pace.held events:
// more is refused with code.Overloaded.
const (
	maxHeldBytes = 128 << 20
	chunk        = 4096 // events of one StoreBatch that are under way at once
)

// A call is one Store or StoreBatch that waits.
type call struct {
	ctx  context.Context
	wait Wait
	lone bool          // it has one event
	left int           // items that are not settled; under Intake.mu
	done chan struct{} // closed when none is left
	line line          // of more than one event
}

// An item is one event on its way.
type item struct {
	*call
	event   []byte
	begun   time.Time
	v       module.Verified // the journal's record, once admitted; zero where that is not at hand
	offered module.Verified // what was stored, where the journal's record has another signature
	entry   journal.Entry   // with flight
	created bool
	flight  *flight // once the journal has it

	valid  bool // of the judge's worker, then under line.mu
	judged bool // under line.mu

	// Under Intake.mu.
	settled bool // out is final; the caller has it or has left
	ended   bool // the stages before the places are done with it
	out     Stored
}

// run has every item settled when it returns; begin starts those on their way for
// which there is room.
func (in *Intake) run(c *call, items []*item, begin func([]*item)) {
	if c.wait == "" {
		c.wait = Quorum
	}
	begun := time.Now()
	for _, it := range items {
		it.begun = begun
	}
	c.left, c.lone = len(items), len(items) == 1
	entered := in.enter(c, items)
	if len(entered) > 0 {
		begin(entered)
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
		if c.lone {
			in.lone++
		}
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
	if it.lone {
		in.lone--
	}
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

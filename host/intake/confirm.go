package intake

import (
	"context"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

// Confirm asks the counting places anew for an event that the journal knows, by
// putting it to them again as Store does, and returns when a quorum of them has
// said that it holds it, with the record that they hold. v is the event as it was
// read, which is stored where the journal's record is gone everywhere.
//
// Nothing is admitted by it, so nobody is asked whether it may be. Errors: as
// Store's, and journal.ErrNotFound.
func (in *Intake) Confirm(ctx context.Context, v module.Verified) (Receipt, module.Verified, error) {
	e, _, err := in.o.Journal.Get(ctx, v.Hash())
	if err != nil {
		return Receipt{}, module.Verified{}, err
	}
	c := &call{ctx: ctx, wait: Quorum, done: make(chan struct{})}
	it := &item{call: c, event: v.Record(), v: v, entry: e}
	if v.Meta().RecordDigest != e.RecordDigest {
		it.offered, it.v = v, module.Verified{}
	}
	in.run(c, []*item{it}, func([]*item) { in.background(func() { in.revisit(it) }) })
	r, err := it.out.Receipt, it.out.Err
	switch {
	case err != nil:
		return r, module.Verified{}, err
	case it.v.Meta() == nil || it.v.Meta().RecordDigest != r.RecordDigest:
		// Others have stored it meanwhile, or another signature has just taken its place.
		return r, module.Verified{}, &code.Error{Code: code.Unavailable, Detail: "the event's record is on its way"}
	}
	return r, it.v, nil
}

// background starts f, unless the stages are ending: then the callers see that, too.
func (in *Intake) background(f func()) {
	in.verifying.mu.Lock()
	defer in.verifying.mu.Unlock()
	if !in.verifying.stopped {
		in.running.Go(f)
	}
}

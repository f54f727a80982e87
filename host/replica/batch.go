package replica

import (
	"context"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/module"
)

// parallel bounds the single calls that stand in for a missing batch power.
const parallel = 16

// PutBatch stores vs with r's own batch power, or else with bounded parallel
// Puts. The outcomes are in the order of vs and of the same number.
func PutBatch(ctx context.Context, r Replica, vs []module.Verified) []Outcome {
	if b, ok := As[BatchPutter](r); ok {
		return b.PutBatch(ctx, vs)
	}
	out := make([]Outcome, len(vs))
	Each(len(vs), parallel, func(i int) { out[i].Location, out[i].Err = r.Put(ctx, vs[i]) })
	return out
}

// GetBatch reads refs with r's own batch power, or else with bounded parallel
// Gets. The results are in the order of refs and of the same number.
func GetBatch(ctx context.Context, r Replica, refs []Ref) []Fetched {
	if b, ok := As[BatchGetter](r); ok {
		return b.GetBatch(ctx, refs)
	}
	out := make([]Fetched, len(refs))
	Each(len(refs), parallel, func(i int) { out[i].Record, out[i].Err = r.Get(ctx, refs[i]) })
	return out
}

// Audit asks r, if it is an Auditor; of others there is nothing to be said.
func Audit(ctx context.Context, r Replica, refs []Ref, asOf time.Time) []error {
	if a, ok := As[Auditor](r); ok && len(refs) > 0 {
		return a.Audit(ctx, refs, asOf)
	}
	return make([]error, len(refs))
}

// Each calls f for 0 … n-1, at most so many at once, and returns when all have.
func Each(n, atOnce int, f func(int)) {
	if n == 1 {
		f(0)
		return
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	wg.Wait()
}

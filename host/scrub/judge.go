package scrub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

// judge has the records verified once more.
func (s *scrubber) judge(ctx context.Context, subjects []*subject) error {
	var records [][]byte
	var whose []*subject
	for _, x := range subjects {
		if x.v.Meta() != nil {
			records, whose = append(records, x.v.Record()), append(whose, x)
		}
	}
	results, err := verify(ctx, s.Module, records)
	if err != nil {
		return err
	}
	valid := whose[:0:0]
	for i, r := range results {
		x := whose[i]
		if r.Err == nil && (r.Verified.Hash() != x.entry.Hash || !bytes.Equal(r.Verified.Record(), x.v.Record())) {
			r.Err = fmt.Errorf("it is event %s", r.Verified.Hash())
		}
		if r.Err != nil {
			// Its bytes are those that were admitted, which a type that is no longer
			// registered can explain. They are kept.
			s.report.Invalid++
			s.Log.Error("the module refuses a stored event", "hash", x.entry.Hash, "sequence", x.entry.Sequence, "error", r.Err)
			continue
		}
		valid = append(valid, x)
	}
	return s.second(ctx, valid)
}

// second asks the second opinion, on every core: it takes longer than anything else here.
func (s *scrubber) second(ctx context.Context, xs []*subject) error {
	if s.SecondOpinion == nil {
		return nil
	}
	errs := make([]error, len(xs))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(xs) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				errs[i] = s.SecondOpinion(ctx, xs[i].v)
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, err := range errs {
		if err != nil {
			s.report.Disagreements++
			s.Log.Error("the second opinion refuses a stored event", "hash", xs[i].entry.Hash, "sequence", xs[i].entry.Sequence, "error", err)
		}
	}
	return nil
}

// verify has records verified. Each result is a verdict on its record; a call
// of many that failed as a whole is none, so those are asked about alone.
func verify(ctx context.Context, m *module.Pool, records [][]byte) ([]module.Result, error) {
	results, err := m.VerifyBatch(ctx, records)
	if err != nil {
		return nil, err
	}
	for i := range results {
		r := &results[i]
		var refused *code.Error
		if r.Err == nil || errors.As(r.Err, &refused) {
			continue
		}
		r.Verified, r.Err = m.Verify(ctx, records[i])
		if r.Err != nil && !errors.As(r.Err, &refused) && !errors.Is(r.Err, module.ErrTrapped) {
			return nil, r.Err
		}
	}
	return results, nil
}

package api_test

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A lossy reader has lost one event.
type lossy struct {
	api.Reader
	gone *digest.Hash
}

func (r *lossy) Events(ctx context.Context, hs []digest.Hash) iter.Seq2[module.Verified, error] {
	return func(yield func(module.Verified, error) bool) {
		i := 0
		for v, err := range r.Reader.Events(ctx, hs) {
			if hs[i] == *r.gone {
				v, err = module.Verified{}, errCorrupt
			}
			i++
			if !yield(v, err) {
				return
			}
		}
	}
}

// A counted reader counts the records that it is asked for.
type counted struct {
	api.Reader
	reads atomic.Int64
}

func (r *counted) Events(ctx context.Context, hs []digest.Hash) iter.Seq2[module.Verified, error] {
	r.reads.Add(int64(len(hs)))
	return r.Reader.Events(ctx, hs)
}

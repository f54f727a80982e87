package api_test

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync/atomic"

	"github.com/eventseal/eventseal/host/api"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A lossy reader does not have one event.
type lossy struct {
	api.Reader
	gone *digest.Hash
	why  code.Code // Corrupt, unless it says
}

func (r *lossy) Events(ctx context.Context, hs []digest.Hash) iter.Seq2[module.Verified, error] {
	return func(yield func(module.Verified, error) bool) {
		i := 0
		for v, err := range r.Reader.Events(ctx, hs) {
			if hs[i] == *r.gone {
				v, err = module.Verified{}, &code.Error{Code: cmp.Or(r.why, code.Corrupt)}
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

// A gated reader stops before an event until it may go on.
type gated struct {
	api.Reader
	stop       atomic.Pointer[digest.Hash]
	held, goOn chan struct{}
}

func (r *gated) hold(h digest.Hash) {
	r.held, r.goOn = make(chan struct{}), make(chan struct{})
	r.stop.Store(&h)
}

func (r *gated) Events(ctx context.Context, hs []digest.Hash) iter.Seq2[module.Verified, error] {
	if h := r.stop.Load(); h != nil && slices.Contains(hs, *h) && r.stop.CompareAndSwap(h, nil) {
		close(r.held)
		<-r.goOn
	}
	return r.Reader.Events(ctx, hs)
}

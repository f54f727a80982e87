// Package retrieve is the way out: every copy is checked before it is served.
package retrieve

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Options say what a Reader reads from. Module, Journal and Places are required.
type Options struct {
	Module     *module.Pool
	Journal    journal.Journal
	Places     []replica.Place // in reading order
	HedgeAfter time.Duration   // how long a source may take before the next is asked beside it; 0: 50 ms
	CacheBytes int             // memory for recently read and stored records; 0: none
	// Repair is told of a place that should hold a good copy and does not. It must not block. nil: nobody.
	Repair     func(sequence uint64, h digest.Hash, place string)
	Registerer prometheus.Registerer // nil: there are no metrics
	Log        *slog.Logger          // nil: slog.Default()
}

// A Reader finds events. Its methods are safe for concurrent use.
type Reader struct{}

var errUnbuilt = errors.New("retrieve: not built yet")

// New returns a Reader; the caller must Close it.
func New(o Options) *Reader { return &Reader{} }

// Event returns the event of a hash. Errors: *code.Error of NotFound (nobody
// holds it), Corrupt (there are only bad copies), Unavailable (some source
// that may hold it could not be asked), Timeout, Overloaded; or ctx's.
func (r *Reader) Event(ctx context.Context, h digest.Hash) (module.Verified, error) {
	return module.Verified{}, errUnbuilt
}

// Events yields the events of hs, one item each, in their order, as they
// become known. The errors are Event's.
func (r *Reader) Events(ctx context.Context, hs []digest.Hash) iter.Seq2[module.Verified, error] {
	return func(yield func(module.Verified, error) bool) {
		for range hs {
			if !yield(module.Verified{}, errUnbuilt) {
				return
			}
		}
	}
}

// Add puts events into the cache.
func (r *Reader) Add(vs ...module.Verified) {}

// Close ends what goes on in the background.
func (r *Reader) Close() error { return nil }

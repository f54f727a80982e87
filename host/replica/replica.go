// Package replica defines what a place that holds events must do. The kinds
// are in the folders beside it; policies (retry, breaker, verified) are
// Replicas themselves; replicatest holds the conformance suite that every one
// of them passes.
package replica

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Errors that every Replica wraps (%w) where they apply, matched with errors.Is.
var (
	// ErrNotFound: the replica answered, and it does not hold the event. HTTP 404.
	ErrNotFound = errors.New("replica: event not found")
	// ErrConflict: the key already holds other bytes, and they were kept. HTTP 409.
	ErrConflict = errors.New("replica: other bytes are stored under this hash")
	// ErrCorrupt: the replica holds something under the key that cannot be the event. The copy should be repaired.
	ErrCorrupt = errors.New("replica: stored copy is damaged")
	// ErrLoose: the copy reads well, but not all of what Put made is there, or
	// nothing obliges the place to keep it. Putting it again mends that.
	ErrLoose = errors.New("replica: the copy is not kept")
	// ErrFull: the replica has no room. HTTP 507.
	ErrFull = errors.New("replica: no space left")
	// ErrRefused: the replica answered that it does not take this very event, too
	// large for it perhaps. Others may pass. HTTP 413.
	ErrRefused = errors.New("replica: this event is refused")
	// ErrReadOnly: the replica stores nothing until someone sees to it; what it holds can be read.
	ErrReadOnly = errors.New("replica: nothing is stored any more")
	// ErrClosed: the replica was closed.
	ErrClosed = errors.New("replica: closed")
)

// A Ref names one copy. Location is what Put returned for the event at this
// replica, or "" where the caller does not know it (a lost journal).
type Ref struct {
	Hash     digest.Hash
	Location string
}

// A Replica holds records under their event's hash. All methods are safe for
// concurrent use and return promptly, with the context's error, when it ends.
// An error says nothing about whether the operation took effect.
type Replica interface {
	// Put stores v.Record() and returns where: a short text for people and for
	// a later Ref, stable for equal bytes. When it returns nil the copy is as
	// durable as the kind gets. Putting equal bytes again succeeds with the same
	// location. Other bytes under the hash fail with ErrConflict and change
	// nothing, unless they are not the event at all (damage): then they are
	// replaced by v's.
	Put(ctx context.Context, v module.Verified) (location string, err error)

	// Get returns the stored bytes, not yet trusted: the caller checks them
	// (module.Match or Pool.Verify). Errors: ErrNotFound, ErrCorrupt. The
	// result is the caller's own and at most module.MaxRecordBytes long.
	Get(ctx context.Context, ref Ref) ([]byte, error)

	// Delete removes the copy; removing what is not there succeeds.
	Delete(ctx context.Context, ref Ref) error

	// Check reports whether the replica can serve and store right now.
	Check(ctx context.Context) error
}

// An Outcome is the result of one Put of a batch.
type Outcome struct {
	Location string
	Err      error
}

// A Fetched is the result of one Get of a batch.
type Fetched struct {
	Record []byte
	Err    error
}

// BatchPutter is an optional power: many Puts for about the price of one. The
// outcomes are in the order of vs and of the same number, each as Put's.
type BatchPutter interface {
	PutBatch(ctx context.Context, vs []module.Verified) []Outcome
}

// BatchGetter is an optional power: many Gets for about the price of one. The
// results are in the order of refs and of the same number, each as Get's.
type BatchGetter interface {
	GetBatch(ctx context.Context, refs []Ref) []Fetched
}

// Filler is an optional power of kinds that are caches: Fill keeps a copy that
// was just read elsewhere, for a shorter time than Put. What is stored already
// stays as it is. Callers need not wait for it, and its error loses nothing.
type Filler interface {
	Fill(ctx context.Context, v module.Verified) error
}

// Lister is an optional power: List yields each held event once, in no order
// that means anything, those stored while it runs perhaps. An error ends it.
// Reindexing needs it.
type Lister interface {
	List(ctx context.Context) iter.Seq2[Ref, error]
}

// Auditor is an optional power of kinds where reading a copy does not show all
// there is to it. Audit reports for each ref, in their order, nil where the
// copy is as Put left it, ErrLoose where it is not, or why it could not be looked
// at. What it knows of the place as a whole, at a price, is as of asOf or later.
type Auditor interface {
	Audit(ctx context.Context, refs []Ref, asOf time.Time) []error
}

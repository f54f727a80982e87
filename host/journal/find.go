package journal

import (
	"context"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// MaxPage is the largest number of entries that one Query returns.
const MaxPage = 1000

// A Filter chooses entries. Several values of one member are alternatives;
// different members must all hold; an empty member holds always.
type Filter struct {
	Types   []string      // registered names
	Authors [][34]byte    // keys in the form of module.Meta.AuthorKey, so every spelling of a key finds its events
	Parents []digest.Hash // events that name at least one of these as a parent
	Since   *uint64       // created_at not before, Unix seconds
	Until   *uint64       // created_at not after, Unix seconds

	After      uint64 // sequence greater than; 0: from the start
	Before     uint64 // sequence less than; 0: to the end
	Descending bool   // newest admission first
	Limit      int    // of Query, 1 … MaxPage; anything else is MaxPage
}

// A Finder is a Journal that can be searched and followed.
type Finder interface {
	// Query returns the chosen entries in the order of their sequence numbers.
	// The next page has the last entry's sequence as After (Before when
	// Descending): sequence numbers are given out in order and never reused, so
	// a reader that pages under concurrent writers misses none and sees none twice.
	Query(ctx context.Context, f Filter) ([]Entry, error)

	// Count returns how many entries a Query without limit would return. It is
	// exact for what was admitted before the call.
	Count(ctx context.Context, f Filter) (uint64, error)

	// Wait returns nil as soon as Last is greater than after: at once, or after
	// a later commit. It returns the context's error or ErrClosed otherwise.
	Wait(ctx context.Context, after uint64) error
}

// A Locator is a Journal that answers many Location calls for the price of
// about one.
type Locator interface {
	// Locations returns the locations of events at a replica, in their order; ""
	// where there is none or the event is unknown.
	Locations(ctx context.Context, hs []digest.Hash, replica string) ([]string, error)
}

// A Restored event is one that a replica was found to hold.
type Restored struct {
	Meta       module.Meta
	AdmittedAt time.Time // zero: now
	Copies     []Copy    // Held, with a Location, or Owed
}

// A Restorer is a Journal that can be rebuilt from what replicas hold.
type Restorer interface {
	// Restore makes events part of the journal without their bytes, durable when
	// it returns nil, all or nothing. Of an event that is known already the entry
	// stands, held copies are added, and owed ones only for replicas
	// of which nothing is known yet; when its record digest is another one (a
	// second valid signature) nothing is added, which the answer's entry shows.
	// So restoring from several replicas, and restoring again, is safe.
	Restore(ctx context.Context, rs []Restored) ([]Admission, error)
}

// A Follower is a Journal that can take up another valid record of an event
// when its own is lost.
type Follower interface {
	// Follow makes v's record the event's, durably and at once: its digest is the
	// entry's, its bytes are the journal's again, and every replica named in owed,
	// of which there must be one, is owed it. That happens only if the event's
	// record has the digest lost until then. The entry that stands afterwards is
	// returned. Errors: ErrNotFound, and those of Admit.
	Follow(ctx context.Context, v module.Verified, lost digest.Hash, owed []string) (Entry, error)
}

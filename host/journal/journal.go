// Package journal is the host's memory: the index of every admitted event,
// where its copies are, which replicas are still owed one, and, until they
// all have it, the event's bytes themselves.
package journal

import (
	"context"
	"errors"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Errors that every Journal wraps (%w) where they apply, matched with errors.Is.
var (
	// ErrNotFound: the journal does not know the event. HTTP 404.
	ErrNotFound = errors.New("journal: unknown event")
	// ErrFull: no space left; nothing of the call was kept. Later calls may succeed. HTTP 507.
	ErrFull = errors.New("journal: no space left")
	// ErrFailed: a write or an fsync failed in a way after which the file's state
	// is unknown. The journal accepts nothing more until the process restarts. HTTP 503.
	ErrFailed = errors.New("journal: failed, restart needed")
	// ErrClosed: the journal was closed. HTTP 503.
	ErrClosed = errors.New("journal: closed")
)

// An Entry is what the journal knows of one event.
type Entry struct {
	module.Meta
	Sequence   uint64    // 1, 2, … in the order of admission, without gaps visible to readers; never reused
	AdmittedAt time.Time // UTC, milliseconds
}

// A Copy is what is known of one event at one replica.
type Copy struct {
	Replica   string // the replica's configured name
	State     custody.State
	Location  string    // what the replica's Put returned; "" unless State.Held()
	Attempts  int       // failed ones since it became owed
	LastError string    // of the last failed attempt, or why the copy is owed
	UpdatedAt time.Time // when the state was learned
}

// An Admission is the answer for one event of Admit.
type Admission struct {
	Entry Entry
	Known bool // the event was in the journal before; Entry and its first record stand
}

// An Update is news about one event at one replica.
type Update struct {
	Sequence uint64
	Replica  string
	State    custody.State   // what is known from now on; None: nothing, as if it had never been there
	Location string          // with a State that is Held
	Err      string          // with any other: why
	RetryIn  time.Duration   // with a State that is Owed: how long the outbox waits
	Keep     module.Verified // with a State that is Owed: the record, whose bytes the journal is to hold until nobody is owed it; zero: none
}

// An Owed is one piece of outbox work.
type Owed struct {
	Entry    Entry
	Attempts int
}

// A Journal is durable when a call returns nil, unless the method says
// otherwise. All methods are safe for concurrent use. SQLite implements it;
// PostgreSQL can.
type Journal interface {
	// Admit makes events part of the journal, bytes included, each owed to every
	// replica named in owed, in one transaction shared with concurrent callers
	// (group commit, one fsync). The answers are in the order of vs. An event
	// that is known keeps its first record and gains nothing. On an error nothing
	// of this call was admitted.
	Admit(ctx context.Context, vs []module.Verified, owed []string) ([]Admission, error)

	// Update records outcomes. It returns at once; they become durable within
	// about a second, in order. Losing them in a crash is harmless: the outbox
	// finds the copy owed and stores it again. When a replica holds an event, and
	// none is owed it or has it under another signature, its bytes leave the
	// journal with the same commit.
	Update(us ...Update)

	// Flush waits until every Update before it is durable.
	Flush(ctx context.Context) error

	// Get returns the entry of an event and its copies, sorted by replica name. ErrNotFound.
	Get(ctx context.Context, h digest.Hash) (Entry, []Copy, error)

	// Entries returns the entries of many hashes at once, in their order; a nil
	// entry is unknown.
	Entries(ctx context.Context, hs []digest.Hash) ([]*Entry, error)

	// Location returns the location of h's copy at a replica, "" when there is none.
	Location(ctx context.Context, h digest.Hash, replica string) (string, error)

	// Record returns the bytes that the journal still holds; ErrNotFound once
	// they have left it (or the event is unknown).
	Record(ctx context.Context, h digest.Hash) ([]byte, error)

	// Owed returns up to limit events that a replica is owed and whose waiting
	// time ends within ahead from now, the longest waiting first. A negative ahead
	// asks for what has been due for so long. Clocks that are set change nothing.
	Owed(ctx context.Context, replica string, ahead time.Duration, limit int) ([]Owed, error)

	// Backlog counts the events owed, by replica name.
	Backlog(ctx context.Context) (map[string]int, error)

	// Scan returns up to limit entries with sequence > after, ascending.
	Scan(ctx context.Context, after uint64, limit int) ([]Entry, error)

	// Last returns the highest admitted sequence number, 0 when empty.
	Last(ctx context.Context) (uint64, error)

	// Epoch returns the name of the present order, 16 lower-case hex digits,
	// random, and another one whenever a sequence number may have come to stand
	// for another event: a number is worth something only together with it.
	Epoch() string

	// Kept returns up to which number the order that an epoch named is the
	// present one: who has all up to a number of that order has all up to the
	// lesser of the two here. 0 of an epoch that the journal does not know.
	Kept(ctx context.Context, epoch string) (uint64, error)

	// Close flushes and closes. Later calls fail with ErrClosed.
	Close() error
}

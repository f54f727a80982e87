package replica

import (
	"context"
	"errors"
	"fmt"

	"github.com/eventseal/eventseal/wasm/digest"
)

// ErrNoIdentity: the place cannot hold an id of its own, or is not allowed to.
var ErrNoIdentity = errors.New("replica: the place cannot hold an id")

// Identified is an optional power of places that can hold an id of their own: a
// short random text (32 hex digits) that tells this place from every other one.
type Identified interface {
	// Identity returns the id that the place holds, "" where it holds none.
	// known are ids that it may hold, for kinds that cannot look for what they
	// do not know. Errors: ErrNoIdentity; ErrCorrupt where what it holds is no id.
	// Any other one than the context's means that it could not be found out.
	Identity(ctx context.Context, known []string) (string, error)
	// Identify has the place hold id, durably when it returns nil, in the place
	// of the one that Identity returned last. Where others can give it an id and
	// somebody did since, it fails with ErrConflict and changes nothing, and so it
	// does until Identity has told that one.
	Identify(ctx context.Context, id string) error
}

// CheckID returns an error, ErrCorrupt, unless id is 32 lower-case hex digits.
func CheckID(id string) error {
	good := len(id) == 32
	for i := 0; i < len(id) && good; i++ {
		good = id[i] >= '0' && id[i] <= '9' || id[i] >= 'a' && id[i] <= 'f'
	}
	if !good {
		return fmt.Errorf("%.40q is no place's id: %w", id, ErrCorrupt)
	}
	return nil
}

// Marked is an optional power of places that keep a short text for each journal
// that is used with them, so that a journal that was put back to an earlier
// state can be told. A name is 32 hex digits, a text at most 256 bytes.
type Marked interface {
	// Mark returns the text that is kept under a name, "" where there is none.
	Mark(ctx context.Context, name string) (string, error)
	// SetMark keeps text in the place of what was kept, durably when it returns nil.
	SetMark(ctx context.Context, name, text string) error
}

// MaxMark bounds the text of a mark.
const MaxMark = 256

// Recent is an optional power of places that know in which order they were
// given what they hold. Newest returns the hashes of the last n puts that are
// still held, newest first; what the place itself has stored again since may
// stand before its time.
type Recent interface {
	Newest(ctx context.Context, n int) ([]digest.Hash, error)
}

// Suffered is an optional power of places that notice losses of their own.
// Suffered returns how many copies, of those that were acknowledged, the place
// itself has found gone or damaged since it was opened, the opening included,
// but for those that it told whoever asked for them. It only grows, and costs
// nothing to ask.
type Suffered interface {
	Suffered() uint64
}

package journal

import (
	"context"

	"github.com/eventseal/eventseal/wasm/digest"
)

// A Binding says which place stands behind a configured name now.
type Binding struct {
	Replica  string
	Identity string // the place's own; "": it has none, or could not be asked
	// Doubt, if not "", says why nothing that is known of the place is to be
	// believed any more: it was emptied, or is older than what is known of it.
	Doubt string
	// Mounted: the place is a folder that is a disk of its own.
	Mounted bool
}

// A Standing is what stands behind a name.
type Standing struct {
	Identity string // "": none is known
	Mounted  bool
}

// A Bound is what the journal makes of a Binding.
type Bound struct {
	Former   string // the name under which it knew this place until now; "": this one, or none
	Replaced bool   // it knew another place under this name
	New      bool   // it knew neither
	Arrears  uint64 // events of which it is to be found out whether the place holds them
}

// A Placer is a Journal that tells places apart by their identities.
//
// What is known of copies is known of a place, not of a name: a place that is
// configured under another name takes what is known of it along, and one that
// is not known, or in doubt, holds nothing until it has shown that it does. All
// that was admitted until then are its arrears: they count as owed, and who
// looks after the place goes through them in the order of their numbers,
// records what it finds with Update, and then says with Settle how far it came.
type Placer interface {
	// ID names the journal, 32 lower-case hex digits, random, and the same for as
	// long as it is this one, copies of its file included.
	ID() string

	// Bind makes the bindings hold, durably when it returns nil. Names that are
	// not in bs stay bound as they are. The answers are in the order of bs.
	// Two of bs must not have one identity.
	Bind(ctx context.Context, bs []Binding) ([]Bound, error)

	// Standing returns what stands behind each name.
	Standing(ctx context.Context) (map[string]Standing, error)

	// Arrears returns up to limit of the next entries in a place's arrears,
	// ascending, and up to which number these are all that can be read; 0 when
	// there are no arrears.
	Arrears(ctx context.Context, replica string, limit int) (es []Entry, upto uint64, err error)

	// Settle says that what was found of a place's arrears up to a sequence
	// number was recorded; it is durable when it returns nil, as are all
	// Updates before it.
	Settle(ctx context.Context, replica string, upto uint64) error
}

// A Loser is a Journal that knows which events are lost (custody.Lost).
type Loser interface {
	// Lost returns up to limit lost events with a sequence number after the
	// given one, ascending, and how many there are in all.
	Lost(ctx context.Context, after uint64, limit int) (es []Entry, total uint64, err error)
}

// A Renewer is a Journal whose order can be given another name.
type Renewer interface {
	// Renew gives the order another epoch, durably, because numbers above kept
	// may have come to stand for other events; 0 where nothing is known to stand.
	// Positions that readers keep are refused from then on, and Kept tells how
	// much of them stands.
	Renew(ctx context.Context, kept uint64) (epoch string, err error)
}

// A Losing is what a Journal tells of an event that has just become lost.
type Losing struct {
	Sequence uint64
	Hash     digest.Hash
}

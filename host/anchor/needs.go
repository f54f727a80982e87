package anchor

import (
	"context"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Journal is what an anchor needs of one.
type Journal interface {
	journal.Anchored
	Last(ctx context.Context) (uint64, error)
	Entries(ctx context.Context, hs []digest.Hash) ([]*journal.Entry, error)
	Walk(ctx context.Context, f journal.Filter) (journal.Stretch, error)
	Count(ctx context.Context, f journal.Filter) (uint64, error)
}

// A Log is what an anchor needs of the transparency log.
type Log interface {
	// Head returns the head that is served; ok is false while there is none.
	Head() (head checkpoint.Checkpoint, ok bool)
	// Root returns the root of the tree of the first size events.
	Root(ctx context.Context, size uint64) (digest.Hash, error)
	// Consistency returns the proof from the tree of a size to a larger one.
	Consistency(ctx context.Context, from, to uint64) ([]digest.Hash, error)
}

// A Module signs, and knows the types.
type Module interface {
	SignDigest(ctx context.Context, d digest.Hash, private []byte) (string, error)
	Recover(ctx context.Context, d digest.Hash, signature string) (module.KeyPair, error)
	Types() []module.Type
}

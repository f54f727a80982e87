package journal

import (
	"context"
	"errors"

	"github.com/eventseal/eventseal/wasm/digest"
)

var (
	// ErrOutdated: a compare-and-swap found another state than it was told.
	ErrOutdated = errors.New("journal: the state is another one by now")
	// ErrTaken: a number that was to be reserved is another event's.
	ErrTaken = errors.New("journal: the number is another event's")
	// ErrReserved: there is only the number of an event. To readers that is
	// ErrDamaged, too; the file is whole. HTTP 503.
	ErrReserved error = reserved{}
)

type reserved struct{}

func (reserved) Error() string        { return "journal: reserved: the number of an event that is not there" }
func (reserved) Is(target error) bool { return target == ErrDamaged }

// A Head is the last head of the transparency log that was made over the
// journal's order. The zero Head: there was none.
type Head struct {
	Log        string // the log's name: 16 lower-case hex digits, the epoch in which it began
	Origin     string // that its checkpoints bear
	Size       uint64 // leaves: the events 1 … Size
	Checkpoint []byte // the signed note (C2SP tlog-checkpoint); nil while Size is 0
	// Why, if not "", says why the log began although there was another one
	// before, which could not be gone on with. It stays as long as the log does.
	Why string
}

// A Tile is a tile of the tree (C2SP tlog-tiles) of level 1 or above, full or
// partial; those of level 0 and the entries follow from the events.
type Tile struct {
	Level  int
	Number uint64
	Hashes []byte // 1 to 256 hashes of 32 bytes
}

// Logged is a Journal that keeps what a transparency log over its order needs.
type Logged interface {
	// Hashes returns the hashes of up to limit events after a sequence number,
	// ascending and without a gap, reserved ones included. ErrDamaged where the
	// next one cannot be read.
	Hashes(ctx context.Context, after uint64, limit int) ([]digest.Hash, error)

	// Head returns the head that was swapped in last.
	Head(ctx context.Context) (Head, error)

	// SwapHead makes now the head where it is was (by Log and Size), and keeps the
	// tiles, each in the place of what was kept under its level and number, all of
	// it durably and in one transaction. ErrOutdated otherwise, and nothing changed.
	// With another Log than was had, the tiles that were kept are dropped first;
	// with the same, now.Why is what it was.
	SwapHead(ctx context.Context, was, now Head, tiles []Tile) error

	// Tile returns the hashes of a tile that SwapHead kept. ErrNotFound: it kept
	// none, or a rebuild of the file could not read it; it follows from the hashes.
	Tile(ctx context.Context, level int, number uint64) ([]byte, error)

	// Reserve gives numbers to events by their hashes alone, in this order, the
	// first one first+1, durably when it returns nil: an event that is admitted or
	// restored later gets the number that is reserved for it, and until then it
	// counts as an event that cannot be read. first is at most Last, and up to
	// Last the numbers must have these hashes already, or ones that are not known
	// any more: else ErrTaken. So an interrupted Reserve can be gone on with.
	Reserve(ctx context.Context, first uint64, hs []digest.Hash) error
}

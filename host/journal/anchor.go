package journal

import (
	"context"
	"time"

	"github.com/eventseal/eventseal/wasm/digest"
)

// A PostKind says what a post puts on the chain. Each kind has numbers of its own.
type PostKind uint8

const (
	PostHead   PostKind = 1 // one head of the log
	PostEvents PostKind = 2 // single events, each by its type code and hash
)

// A PostState is how far a post has come. What is only due has none.
type PostState uint8

const (
	PostSubmitted PostState = 1 // its bytes are kept, and may have been sent
	PostIncluded  PostState = 2 // the chain has it in a block that may be dropped yet
	PostFinal     PostState = 3 // in one that cannot
	PostFailed    PostState = 4 // the chain refuses it; Reason says why
)

// A Post is what one transaction puts on the chain.
type Post struct {
	Kind        PostKind
	Number      uint64      // that the contract gives the head, or the first of Events; from 1
	Size        uint64      // of the head
	Root        digest.Hash // of the head
	Events      []uint64    // sequence numbers, in the order of their numbers in the contract; at most 1,024
	State       PostState
	Reason      string   // of PostFailed
	Transaction []byte   // packed, without signatures; nil where it is not known
	Signatures  []string // texts
	Expires     time.Time
	BlockNum    uint32
	BlockID     digest.Hash
	BlockTime   time.Time // of the row; zero until it is included
	SubmittedAt time.Time // all times in UTC, milliseconds
	FinalAt     time.Time
}

// Count returns how many of the contract's numbers the post takes.
func (p *Post) Count() uint64 {
	if p.Kind == PostEvents {
		return uint64(len(p.Events))
	}
	return 1
}

// A PostChange is what PutPosts makes true, all of it or nothing. Its events, and
// its cursor, are ones that the journal has (ErrNotFound).
type PostChange struct {
	Put    []Post   // each in the place of what was kept under its kind and number; an event that several have is in the one put last
	Drop   []Post   // by kind and number, before Put; their events are in no post then
	Cursor *uint64  // events up to this one were looked at and are in a post, passed, or not wanted
	Pass   []uint64 // events that are to be looked at later
	Unpass []uint64 // after Pass: events that are not any more, such as those that Put has
}

// Anchored is a Journal that keeps what was put on a chain.
type Anchored interface {
	// PutPosts is durable when it returns nil. ErrFull, ErrBusy: nothing of it was
	// kept, and it may be tried again. ErrFailed: what was kept is known after a restart.
	PutPosts(ctx context.Context, c PostChange) error

	// Target says where posts are put, in words of the caller's, durably when it
	// returns nil. Where that was somewhere else until now, the posts are forgotten,
	// and the events of those that were not final are passed; was says where, and
	// is "" where nothing was said before.
	Target(ctx context.Context, target string) (was string, err error)

	// Unfinished returns the posts of a kind that are not final, ascending by number.
	Unfinished(ctx context.Context, kind PostKind) ([]Post, error)

	// Posts returns up to limit posts of a kind with a number below before (0: the
	// highest first), descending.
	Posts(ctx context.Context, kind PostKind, before uint64, limit int) ([]Post, error)

	// Covering returns the final head of the least size that is at least size
	// and has a transaction; ErrNotFound.
	Covering(ctx context.Context, size uint64) (Post, error)

	// PostOf returns the post that has a single event, and the event's number in the
	// contract; ErrNotFound.
	PostOf(ctx context.Context, sequence uint64) (Post, uint64, error)

	// Cursor returns how far events were looked at; ok is false before the first PutPosts
	// with a Cursor.
	Cursor(ctx context.Context) (upto uint64, ok bool, err error)

	// Passed returns up to limit events after a sequence number that are to be
	// looked at later, ascending, and how many there are in all.
	Passed(ctx context.Context, after uint64, limit int) (sequences []uint64, total uint64, err error)

	// Short returns up to limit events with after < sequence ≤ upto, ascending, of which fewer
	// than required of the named places are known to hold the journal's record
	// (custody.State.Held, of a State that is durable). An event whose number is only
	// reserved has its hash and a zero AdmittedAt, and is one of them. So is one of
	// which it cannot be read what is known of its copies; an event that cannot be
	// read itself has a zero AdmittedAt if it is one of them, and else is not
	// looked at.
	//
	// It costs what is owed, new or reserved in the range, not the range, as long as
	// events were always owed to as many of the named places. Where they were
	// not, because places were added, replaced or removed, or more are required now,
	// it looks at what is known of each event's copies, which is as right, and
	// costs the range.
	Short(ctx context.Context, after, upto uint64, counting []string, required, limit int) ([]Entry, error)
}

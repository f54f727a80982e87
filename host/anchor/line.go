package anchor

import (
	"context"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A line is the posts of one kind, one behind the other. The two kinds do not
// wait for each other.
type line struct {
	kind   journal.PostKind
	table  antelope.Name
	action antelope.Name

	// As the journal has it, read anew in each look.
	open []journal.Post // not final, ascending
	top  *journal.Post  // the newest that is final

	sent struct { // paces the sending of one post's bytes
		id    digest.Hash
		round uint64
		tries int
		next  time.Time
	}
	vain map[uint64]int // looks in which the block of an irreversible row could not be had

	// What the last look found, for State.
	state   string
	why     string
	last    uint64
	queued  *Post
	request *Request
}

func newLine(kind journal.PostKind) *line {
	l := &line{kind: kind, table: must("heads"), action: must("post"), vain: map[uint64]int{}, state: Starting}
	if kind == journal.PostEvents {
		l.table, l.action = must("events"), must("event")
	}
	return l
}

func must(name string) antelope.Name {
	n, err := antelope.ParseName(name)
	if err != nil {
		panic(err) // of a constant
	}
	return n
}

// load reads the line from the journal.
func (l *line) load(ctx context.Context, j Journal) (err error) {
	if l.open, err = j.Unfinished(ctx, l.kind); err != nil {
		return err
	}
	l.top = nil
	// Those that are not final are among the newest: there are few of them.
	posts, err := j.Posts(ctx, l.kind, 0, len(l.open)+1)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(posts, func(p journal.Post) bool { return p.State == journal.PostFinal }); i >= 0 {
		l.top = &posts[i]
	}
	return nil
}

// floor returns the first number whose row is of interest: that of the newest
// final post, or of one before it that is not final yet, and all behind it.
func (l *line) floor() uint64 {
	from := uint64(1)
	if l.top != nil {
		from = l.top.Number
	}
	if len(l.open) > 0 && (l.top == nil || l.open[0].Number < from) {
		from = l.open[0].Number
	}
	return from
}

// known returns the greatest number that a post of the line takes.
func (l *line) known() (n uint64) {
	if l.top != nil {
		n = end(l.top)
	}
	if len(l.open) > 0 {
		n = max(n, end(&l.open[len(l.open)-1]))
	}
	return n
}

// size returns the greatest size of the line's heads.
func (l *line) size() (size uint64) {
	if l.top != nil {
		size = l.top.Size
	}
	for i := range l.open {
		size = max(size, l.open[i].Size)
	}
	return size
}

// pending returns how many numbers are not final.
func (l *line) pending() (n uint64) {
	for i := range l.open {
		n += l.open[i].Count()
	}
	return n
}

// end returns the last number that a post takes.
func end(p *journal.Post) uint64 { return p.Number + p.Count() - 1 }

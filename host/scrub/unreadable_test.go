package scrub

import (
	"context"
	"testing"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/wasm/digest"
)

// halfRead cannot read some events of its journal, nor what it knows of another.
type halfRead struct {
	*sqlite.Journal
	from, to uint64
	copies   digest.Hash
}

func (s halfRead) Walk(ctx context.Context, f journal.Filter) (journal.Stretch, error) {
	out, err := s.Journal.Walk(ctx, f)
	kept := out.Entries[:0]
	for _, e := range out.Entries {
		if e.Sequence < s.from || e.Sequence > s.to {
			kept = append(kept, e)
			continue
		}
		out.Damaged = append(out.Damaged, journal.Damage{From: e.Sequence, To: e.Sequence, Err: journal.ErrDamaged})
	}
	out.Entries = kept
	return out, err
}

func (s halfRead) Get(ctx context.Context, h digest.Hash) (journal.Entry, []journal.Copy, error) {
	if h == s.copies {
		return journal.Entry{}, nil, journal.ErrDamaged
	}
	return s.Journal.Get(ctx, h)
}

func (s halfRead) Check(context.Context) ([]string, error) { return []string{"page 7"}, nil }

// What the journal cannot read ends no scrub: it is counted, and all else is
// looked at and repaired.
func TestScrubGoesPastWhatTheJournalCannotRead(t *testing.T) {
	b := start(t, 300)
	b.remove(0, 4)
	b.remove(0, 299)
	b.o.Journal = halfRead{b.journal, 100, 230, b.vs[50].Hash()}
	r := b.run()
	if r.Events != 300-131 || r.Unreadable != 132 || !r.Complete || r.Clean() || len(r.Journal) != 1 || r.Places[0].Repaired != 2 || r.Sequence != 300 {
		t.Fatalf("%+v", r)
	}
	if !b.holds(0, 4) || !b.holds(0, 299) {
		t.Fatal("behind the damage nothing was repaired")
	}
}

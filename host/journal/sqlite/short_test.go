package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
)

// delivered admits events that both places hold.
func delivered(t *testing.T, j *Journal, from, to uint64) {
	t.Helper()
	ctx := context.Background()
	for ; from < to; from += 2000 {
		as, err := j.Admit(ctx, journaltest.Events(from, min(to, from+2000), 100), both)
		if err != nil {
			t.Fatal(err)
		}
		var us []journal.Update
		for _, a := range as {
			for _, r := range both {
				us = append(us, journal.Update{Sequence: a.Entry.Sequence, Replica: r, Location: "x", State: custody.Held})
			}
		}
		j.Update(us...)
	}
	if err := j.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func short(t *testing.T, j *Journal, after, upto uint64, required int) (seqs []uint64) {
	t.Helper()
	es, err := j.Short(context.Background(), after, upto, both, required, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		seqs = append(seqs, e.Sequence)
	}
	return seqs
}

// script runs statements in a journal's file past the journal.
func script(t *testing.T, path, text string) {
	t.Helper()
	name, err := dsn(path, "", "busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	c, err := connect(name)
	if err == nil {
		err = errors.Join(c.script(text), c.close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What Short answers of events that both places hold rests on no row of theirs:
// without these it is the same. Of those that lack something it is a row each.
func TestShortReadsNothingOfTheDelivered(t *testing.T) {
	const events = 5000
	path := filepath.Join(t.TempDir(), "j.db")
	j := open(t, path, Options{})
	delivered(t, j, 0, events)
	ctx := context.Background()
	as, err := j.Admit(ctx, journaltest.Events(events, events+3, 100), both)
	if err != nil {
		t.Fatal(err)
	}
	j.Update(journal.Update{Sequence: 77, Replica: "a", Err: "gone", State: custody.Missing}, journal.Update{Sequence: 4001, Replica: "b", Err: "another", State: custody.Foreign},
		journal.Update{Sequence: events + 1, Replica: "a", Location: "x", State: custody.Held})
	if err := j.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	want := []uint64{77, 4001, as[0].Entry.Sequence, as[1].Entry.Sequence, as[2].Entry.Sequence}
	if got := short(t, j, 0, events+3, 2); !slices.Equal(got, want) {
		t.Fatalf("short are %v, want %v", got, want)
	}
	script(t, path, fmt.Sprintf(`DELETE FROM copies WHERE seq NOT IN (77, 4001, %[1]d); DELETE FROM events WHERE seq NOT IN (77, 4001) AND seq <= %[2]d`, events+1, events))
	if got := short(t, j, 0, events+3, 2); !slices.Equal(got, want) {
		t.Fatalf("without what is known of the others, short are %v, want %v", got, want)
	}
	if got := short(t, j, 77, 4000, 2); got != nil {
		t.Fatalf("between the two, short are %v", got)
	}
}

// Of events that were there before waived was kept, each is looked at.
func TestShortInAnOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	j := open(t, path, Options{})
	delivered(t, j, 0, 1000)
	ctx := context.Background()
	j.Update(journal.Update{Sequence: 600, Replica: "b", Err: "another", State: custody.Foreign})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	script(t, path, `DROP TABLE waived; DELETE FROM settings WHERE name = 'unwatched'; PRAGMA user_version = 11`)
	j = open(t, path, Options{})
	delivered(t, j, 1000, 1100)
	j.Update(journal.Update{Sequence: 1050, Replica: "a", Err: "another", State: custody.Foreign})
	if err := j.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if j.unwatched != 1000 {
			t.Fatalf("up to %d each is looked at", j.unwatched)
		}
		if got := short(t, j, 0, 1100, 2); !slices.Equal(got, []uint64{600, 1050}) {
			t.Fatalf("short are %v", got)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		// A rebuild keeps it, and moves it with the events.
		if r, err := Rebuild(ctx, path, false, quiet); err != nil || r.Rows+r.Posts+len(r.Lost) > 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		j = open(t, path, Options{})
	}
}

// Of events of which it cannot be read what is known, and of those that cannot be
// read themselves, it is said that they are short; the others are not held up.
func TestShortPastDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	j := open(t, path, Options{})
	delivered(t, j, 0, 1200)
	ctx := context.Background()
	j.Update(journal.Update{Sequence: 77, Replica: "a", Err: "gone", State: custody.Missing}, journal.Update{Sequence: 300, Replica: "a", Err: "gone", State: custody.Missing},
		journal.Update{Sequence: 900, Replica: "b", Err: "gone", State: custody.Missing})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	script(t, path, `UPDATE copies SET state = x'ff' WHERE seq = 300; UPDATE events SET hash = x'00' WHERE seq = 77`)
	j = open(t, path, Options{Log: quiet})
	es, err := j.Short(ctx, 0, 1200, both, 2, 10)
	if err != nil || len(es) != 3 || es[0].Sequence != 77 || !es[0].AdmittedAt.IsZero() || es[1].Sequence != 300 || es[1].Hash != journaltest.Hash(299) || es[2].Hash != journaltest.Hash(899) {
		t.Fatalf("%+v, %v", es, err)
	}
	if got := short(t, j, 0, 1200, 1); !slices.Equal(got, []uint64{300}) {
		t.Fatalf("short of one place are %v", got)
	}
}

// In a place's arrears, of which a rebuild makes some where it could not read all
// that was known of copies, each event is looked at, and only there.
func TestShortInArrears(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	j := open(t, path, Options{})
	delivered(t, j, 0, 1200)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	script(t, path, `UPDATE places SET after = 100, upto = 800, why = 'so' WHERE name = 'b'; DELETE FROM copies WHERE seq IN (50, 100, 101, 150, 800, 801, 900)`)
	j = open(t, path, Options{})
	for required := 1; required <= 2; required++ {
		want := []uint64{101, 150, 800}
		if required == 1 {
			want = nil // there is the other place
		}
		if got := short(t, j, 0, 1200, required); !slices.Equal(got, want) {
			t.Errorf("short of %d places are %v, want %v", required, got, want)
		}
	}
}

package journaltest

import (
	"errors"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
)

// A record takes a lost one's place, once, with its bytes and debts.
func follow(t *testing.T, s Subject) {
	f, ok := s.Journal.(journal.Follower)
	if !ok {
		t.Fatal("the journal is no Follower")
	}
	first, second, third := Event(1, 200, 0), Event(1, 200, 1), Event(1, 200, 2)
	if _, err := f.Follow(timeout(t), second, first.Meta().RecordDigest, both); !errors.Is(err, journal.ErrNotFound) {
		t.Fatalf("of an unknown event: %v", err)
	}
	a := admit(t, s.Journal, []module.Verified{Event(0, 200, 0), first}, "a", "b", "c")[1].Entry
	for _, replica := range []string{"a", "b", "c"} {
		s.Journal.Update(journal.Update{Sequence: a.Sequence, Replica: replica, Location: "the first at " + replica, State: custody.Held})
	}
	flush(t, s.Journal)
	gone(t, s.Journal, first.Hash())

	e, err := f.Follow(timeout(t), third, second.Meta().RecordDigest, both)
	if err != nil {
		t.Fatal(err)
	}
	sameEntry(t, e, a) // another one than expected stands, and stays
	gone(t, s.Journal, first.Hash())
	if e, err = f.Follow(timeout(t), second, first.Meta().RecordDigest, both); err != nil {
		t.Fatal(err)
	}
	want := a
	want.RecordDigest = second.Meta().RecordDigest
	sameEntry(t, e, want)
	check := func() {
		t.Helper()
		e, cs := get(t, s.Journal, first.Hash())
		sameEntry(t, e, want)
		if !cs["a"].State.Owed() || cs["a"].Location != "" || !cs["b"].State.Owed() || cs["c"].State.Owed() {
			t.Fatalf("%+v", cs)
		}
		holds(t, s.Journal, second)
		backlog(t, s.Journal, map[string]int{"a": 2, "b": 2, "c": 1})
		if os := owed(t, s.Journal, "a", time.Hour, 9); len(os) != 2 || os[1].Entry.RecordDigest != want.RecordDigest && os[0].Entry.RecordDigest != want.RecordDigest {
			t.Fatalf("%+v", os)
		}
	}
	check()
	s.Journal = s.Reopen(t)
	check()
	for _, replica := range both {
		s.Journal.Update(journal.Update{Sequence: a.Sequence, Replica: replica, Location: "the second at " + replica, State: custody.Held})
	}
	flush(t, s.Journal)
	gone(t, s.Journal, first.Hash())
}

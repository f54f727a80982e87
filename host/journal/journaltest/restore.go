package journaltest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
)

func restore(t *testing.T, s Subject) {
	r, ok := s.Journal.(journal.Restorer)
	if !ok {
		t.Fatal("the journal is no Restorer")
	}
	j := s.Journal
	held := func(seed uint64, variant int, replica string, owed ...string) journal.Restored {
		x := journal.Restored{Meta: *Event(seed, 200, variant).Meta(), AdmittedAt: time.UnixMilli(1758390021123), Copies: []journal.Copy{{Replica: replica, State: custody.Held, Location: "at " + replica}}}
		for _, o := range owed {
			x.Copies = append(x.Copies, journal.Copy{Replica: o, State: custody.Owed})
		}
		return x
	}
	var rs []journal.Restored
	for seed := range uint64(600) {
		rs = append(rs, held(seed, 0, "a", "b", "c"))
	}
	as, err := r.Restore(timeout(t), rs)
	if err != nil || len(as) != 600 || as[599].Known || as[599].Entry.Sequence != 600 {
		t.Fatalf("Restore: %v, %+v", err, as[len(as)-1])
	}
	if e, cs := get(t, j, Hash(5)); !e.AdmittedAt.Equal(rs[5].AdmittedAt) || cs["a"].State.Owed() || cs["a"].Location != "at a" || !cs["b"].State.Owed() || !cs["c"].State.Owed() {
		t.Fatalf("%+v %+v", e, cs)
	}
	gone(t, j, Hash(5))
	backlog(t, j, map[string]int{"b": 600, "c": 600})
	// The second replica: some are there already, one with another record, one is new.
	as, err = r.Restore(timeout(t), []journal.Restored{held(5, 0, "b", "a", "c"), held(6, 1, "b", "a", "c"), held(700, 0, "b", "a", "c")})
	if err != nil || !as[0].Known || !as[1].Known || as[2].Known || as[1].Entry.RecordDigest != rs[6].Meta.RecordDigest {
		t.Fatalf("Restore again: %v, %+v", err, as)
	}
	if _, cs := get(t, j, Hash(5)); cs["a"].State.Owed() || cs["b"].State.Owed() || cs["b"].Location != "at b" || !cs["c"].State.Owed() {
		t.Fatalf("%+v", cs)
	}
	if _, cs := get(t, j, Hash(6)); !cs["b"].State.Owed() {
		t.Fatalf("a copy of another record counts: %+v", cs)
	}
	backlog(t, j, map[string]int{"a": 1, "b": 599, "c": 601})
	if os := owed(t, j, "b", 0, 1000); len(os) != 599 {
		t.Fatalf("b is owed %d", len(os))
	}
	j.Update(journal.Update{Sequence: 7, Replica: "b", Location: "y", State: custody.Held})
	// And an admission of what was restored.
	if as := admit(t, j, Events(5, 6, 200), "d"); !as[0].Known {
		t.Fatalf("%+v", as)
	}
	flush(t, j)
	backlog(t, j, map[string]int{"a": 1, "b": 598, "c": 601})
}

func wait(t *testing.T, s Subject) {
	f, ok := s.Journal.(journal.Finder)
	if !ok {
		t.Fatal("the journal is no Finder")
	}
	short, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := f.Wait(short, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Wait on nothing: %v", err)
	}
	woken := make(chan error)
	for range 3 {
		go func() { woken <- f.Wait(timeout(t), 4) }()
	}
	admit(t, s.Journal, Events(0, 4, 100), both...)
	select {
	case err := <-woken:
		t.Fatalf("Wait(4) returned at 4: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	admit(t, s.Journal, Events(4, 5, 100), both...)
	for range 3 {
		if err := <-woken; err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Wait(timeout(t), 4); err != nil {
		t.Fatal(err)
	}
	go func() { woken <- f.Wait(timeout(t), 5) }()
	time.Sleep(5 * time.Millisecond)
	if err := s.Journal.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-woken; !errors.Is(err, journal.ErrClosed) {
		t.Fatalf("Wait on a closed journal: %v", err)
	}
}

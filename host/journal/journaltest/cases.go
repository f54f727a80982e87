package journaltest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

func empty(t *testing.T, s Subject) {
	j := s.Journal
	if last, err := j.Last(timeout(t)); last != 0 || err != nil {
		t.Fatalf("Last: %d, %v", last, err)
	}
	if _, _, err := j.Get(timeout(t), Hash(1)); !errors.Is(err, journal.ErrNotFound) {
		t.Fatalf("Get: %v, want ErrNotFound", err)
	}
	if _, err := j.Location(timeout(t), Hash(1), "a"); !errors.Is(err, journal.ErrNotFound) {
		t.Fatalf("Location: %v, want ErrNotFound", err)
	}
	gone(t, j, Hash(1))
	es, err := j.Entries(timeout(t), []digest.Hash{Hash(1), Hash(2)})
	if err != nil || len(es) != 2 || es[0] != nil || es[1] != nil {
		t.Fatalf("Entries: %v, %v", es, err)
	}
	if es, err := j.Scan(timeout(t), 0, 10); err != nil || len(es) != 0 {
		t.Fatalf("Scan: %v, %v", es, err)
	}
	if os := owed(t, j, "a", 0, 10); len(os) != 0 {
		t.Fatalf("Owed: %v", os)
	}
	backlog(t, j, nil)
	flush(t, j)
	if as, err := j.Admit(timeout(t), nil, both); err != nil || len(as) != 0 {
		t.Fatalf("Admit of nothing: %v, %v", as, err)
	}
}

func admitRead(t *testing.T, s Subject) {
	j := s.Journal
	before := time.Now().Truncate(time.Millisecond)
	var vs []module.Verified
	for seed := range uint64(150) {
		vs = append(vs, Event(seed, int(seed)*40, 0))
	}
	vs = append(vs, Event(1000, 300_000, 0))
	as := admit(t, j, vs, both...)
	var hs []digest.Hash
	for i, a := range as {
		if a.Known || a.Entry.Sequence != uint64(i+1) || a.Entry.AdmittedAt.Before(before) || a.Entry.AdmittedAt.After(time.Now()) {
			t.Fatalf("event %d: %+v", i, a)
		}
		sameEntry(t, a.Entry, journal.Entry{Meta: *vs[i].Meta(), Sequence: uint64(i + 1), AdmittedAt: a.Entry.AdmittedAt})
		holds(t, j, vs[i])
		e, cs := get(t, j, vs[i].Hash())
		sameEntry(t, e, a.Entry)
		if len(cs) != 2 || !cs["a"].State.Owed() || !cs["b"].State.Owed() || cs["a"].Location != "" {
			t.Fatalf("copies: %+v", cs)
		}
		hs = append(hs, vs[i].Hash())
	}
	hs = append(hs, Hash(77777), hs[3])
	es, err := j.Entries(timeout(t), hs)
	if err != nil || len(es) != len(hs) || es[len(vs)] != nil {
		t.Fatalf("Entries: %d, %v", len(es), err)
	}
	for i, a := range as {
		sameEntry(t, *es[i], a.Entry)
	}
	sameEntry(t, *es[len(es)-1], as[3].Entry)
	es2, err := j.Scan(timeout(t), 50, 30)
	if err != nil || len(es2) != 30 {
		t.Fatalf("Scan: %d, %v", len(es2), err)
	}
	for i, e := range es2 {
		sameEntry(t, e, as[50+i].Entry)
	}
	if last, err := j.Last(timeout(t)); last != uint64(len(vs)) || err != nil {
		t.Fatalf("Last: %d, %v", last, err)
	}
	if l, err := j.Location(timeout(t), vs[0].Hash(), "a"); l != "" || err != nil {
		t.Fatalf("Location: %q, %v", l, err)
	}
	locations(t, j, "a", 160, func(uint64) string { return "" })
	backlog(t, j, map[string]int{"a": len(vs), "b": len(vs)})
}

func known(t *testing.T, s Subject) {
	j := s.Journal
	first := admit(t, j, Events(0, 30, 200), both...)
	again := admit(t, j, []module.Verified{Event(50, 200, 0), Event(7, 200, 1), Event(51, 200, 0), Event(7, 200, 0)}, "c")
	if again[0].Known || !again[1].Known || again[2].Known || !again[3].Known {
		t.Fatalf("known: %+v", again)
	}
	sameEntry(t, again[1].Entry, first[7].Entry)
	sameEntry(t, again[3].Entry, first[7].Entry)
	if again[0].Entry.Sequence != 31 || again[2].Entry.Sequence != 32 {
		t.Fatalf("a known event used up a sequence number: %d, %d", again[0].Entry.Sequence, again[2].Entry.Sequence)
	}
	holds(t, j, Event(7, 200, 0)) // the first record stands
	if _, cs := get(t, j, Hash(7)); len(cs) != 2 {
		t.Fatalf("a known event gained a copy: %+v", cs)
	}
	backlog(t, j, map[string]int{"a": 30, "b": 30, "c": 2})
}

func twice(t *testing.T, s Subject) {
	as := admit(t, s.Journal, []module.Verified{Event(1, 100, 0), Event(2, 100, 0), Event(1, 100, 1), Event(3, 100, 0)}, both...)
	if as[0].Known || !as[2].Known || as[3].Entry.Sequence != 3 {
		t.Fatalf("%+v", as)
	}
	sameEntry(t, as[2].Entry, as[0].Entry)
	holds(t, s.Journal, Event(1, 100, 0))
}

func concurrent(t *testing.T, s Subject) {
	j := s.Journal
	const callers, calls = 16, 40
	var mu sync.Mutex
	fresh := map[uint64]digest.Hash{}
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range calls {
				// Neighbours overlap, so that the same event races with itself.
				from := uint64((c*calls + i) * 2)
				vs := Events(from, from+uint64(1+i%5), 300)
				as, err := j.Admit(timeout(t), vs, both)
				if err != nil {
					t.Errorf("Admit: %v", err)
					return
				}
				for k, a := range as {
					if a.Entry.Hash != vs[k].Hash() {
						t.Errorf("answer %d is of another event", k)
					}
					if !a.Known {
						mu.Lock()
						if _, dup := fresh[a.Entry.Sequence]; dup {
							t.Errorf("sequence %d was given twice", a.Entry.Sequence)
						}
						fresh[a.Entry.Sequence] = a.Entry.Hash
						mu.Unlock()
					}
				}
			}
		})
	}
	wg.Wait()
	es, err := j.Scan(timeout(t), 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[digest.Hash]bool{}
	for i, e := range es {
		if e.Sequence != uint64(i+1) || fresh[e.Sequence] != e.Hash || seen[e.Hash] {
			t.Fatalf("place %d: sequence %d, hash %v", i, e.Sequence, e.Hash)
		}
		seen[e.Hash] = true
	}
	if len(es) != len(fresh) {
		t.Fatalf("%d entries, %d were admitted as new", len(es), len(fresh))
	}
}

func withdrawn(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Journal.Admit(ctx, Events(0, 3, 100), both); !errors.Is(err, context.Canceled) {
		t.Fatalf("Admit: %v, want the context's error", err)
	}
	if last, _ := s.Journal.Last(timeout(t)); last != 0 {
		t.Fatalf("%d events were admitted all the same", last)
	}
}

func outcomes(t *testing.T, s Subject) {
	j := s.Journal
	vs := Events(0, 40, 200)
	as := admit(t, j, vs, both...)
	for _, a := range as[:20] {
		j.Update(journal.Update{Sequence: a.Entry.Sequence, Replica: "a", Location: "at a", State: custody.Held})
	}
	flush(t, j)
	holds(t, j, vs[0]) // b is still owed
	backlog(t, j, map[string]int{"a": 20, "b": 40})
	if _, cs := get(t, j, vs[0].Hash()); cs["a"].State.Owed() || cs["a"].Location != "at a" || !cs["b"].State.Owed() {
		t.Fatalf("copies: %+v", cs)
	}
	for _, a := range as {
		j.Update(journal.Update{Sequence: a.Entry.Sequence, Replica: "b", Location: "at b", State: custody.Held},
			journal.Update{Sequence: a.Entry.Sequence, Replica: "a", Location: "at a", State: custody.Held})
	}
	// Shown before it is durable: a reader need not know of the delay.
	if _, cs := get(t, j, vs[30].Hash()); cs["a"].State.Owed() || cs["b"].State.Owed() || cs["b"].Location != "at b" {
		t.Fatalf("copies: %+v", cs)
	}
	if os := owed(t, j, "b", 0, 100); len(os) != 0 {
		t.Fatalf("Owed names %d events whose outcome is known", len(os))
	}
	at := func(seed uint64) string {
		if seed < 40 {
			return "at b"
		}
		return ""
	}
	locations(t, j, "b", 100, at)
	flush(t, j)
	locations(t, j, "b", 100, at)
	backlog(t, j, nil)
	for _, v := range vs {
		gone(t, j, v.Hash())
		_, cs := get(t, j, v.Hash())
		if len(cs) != 2 || cs["a"].State.Owed() || cs["b"].State.Owed() || cs["a"].Location != "at a" || cs["b"].Location != "at b" || cs["a"].UpdatedAt.IsZero() {
			t.Fatalf("copies: %+v", cs)
		}
		if l, err := j.Location(timeout(t), v.Hash(), "b"); l != "at b" || err != nil {
			t.Fatalf("Location: %q, %v", l, err)
		}
	}
}

func outbox(t *testing.T, s Subject) {
	j := s.Journal
	vs := Events(0, 10, 200)
	as := admit(t, j, vs, both...)
	os := owed(t, j, "b", 0, 4)
	if len(os) != 4 {
		t.Fatalf("Owed gave %d events, want 4", len(os))
	}
	for i, o := range os {
		sameEntry(t, o.Entry, as[i].Entry) // the longest waiting first
		if o.Attempts != 0 {
			t.Fatalf("attempts: %d", o.Attempts)
		}
	}
	fail := func(i int, in time.Duration) {
		j.Update(journal.Update{Sequence: as[i].Entry.Sequence, Replica: "b", Err: "no route", RetryIn: in, State: custody.Owed})
	}
	fail(0, 10*time.Minute)
	fail(1, time.Minute)
	fail(1, 2*time.Minute)
	j.Update(journal.Update{Sequence: as[2].Entry.Sequence, Replica: "a", Location: "x", State: custody.Held})
	flush(t, j)
	if os := owed(t, j, "b", 0, 100); len(os) != 8 || os[0].Entry.Sequence != 3 {
		t.Fatalf("Owed gave %d events from %+v", len(os), os[0])
	}
	os = owed(t, j, "b", time.Hour, 100)
	if len(os) != 10 || os[8].Entry.Sequence != 2 || os[9].Entry.Sequence != 1 || os[8].Attempts != 2 || os[9].Attempts != 1 {
		t.Fatalf("Owed: %+v", os)
	}
	if os := owed(t, j, "a", 0, 100); len(os) != 9 {
		t.Fatalf("a is owed %d events, want 9", len(os))
	}
	if _, cs := get(t, j, vs[1].Hash()); !cs["b"].State.Owed() || cs["b"].Attempts != 2 || cs["b"].LastError != "no route" || cs["b"].Location != "" {
		t.Fatalf("copies: %+v", cs)
	}
	backlog(t, j, map[string]int{"a": 9, "b": 10})
	j.Update(journal.Update{Sequence: 2, Replica: "b", Location: "y", State: custody.Held}, journal.Update{Sequence: 2, Replica: "a", Location: "z", State: custody.Held})
	// Foreign: no longer owed, and not there either.
	j.Update(journal.Update{Sequence: 1, Replica: "b", Err: "conflict", State: custody.Foreign}, journal.Update{Sequence: 1, Replica: "a", Location: "z", State: custody.Held})
	flush(t, j)
	gone(t, j, vs[1].Hash())
	holds(t, j, vs[0])
	if _, cs := get(t, j, vs[0].Hash()); cs["b"].State.Owed() || cs["b"].LastError != "conflict" || cs["b"].Location != "" {
		t.Fatalf("copies: %+v", cs)
	}
	if os := owed(t, j, "nobody", 0, 10); len(os) != 0 {
		t.Fatalf("an unknown replica is owed %d", len(os))
	}
	if os := owed(t, j, "a", 0, 0); len(os) != 0 {
		t.Fatalf("limit 0 gave %d", len(os))
	}
	backlog(t, j, map[string]int{"a": 7, "b": 8})
}

func owedAgain(t *testing.T, s Subject) {
	j := s.Journal
	v := Event(1, 300, 0)
	admit(t, j, []module.Verified{v}, both...)
	j.Update(journal.Update{Sequence: 1, Replica: "a", Location: "x", State: custody.Held}, journal.Update{Sequence: 1, Replica: "b", Location: "y", State: custody.Held})
	flush(t, j)
	j.Update(journal.Update{Sequence: 1, Replica: "b", Err: "damaged", State: custody.Owed}, journal.Update{Sequence: 1, Replica: "new", Err: "added", State: custody.Owed})
	flush(t, j)
	backlog(t, j, map[string]int{"b": 1, "new": 1})
	if os := owed(t, j, "b", 0, 10); len(os) != 1 || os[0].Entry.Hash != v.Hash() || os[0].Attempts != 1 {
		t.Fatalf("Owed: %+v", os)
	}
	if _, cs := get(t, j, v.Hash()); len(cs) != 3 || cs["b"].Location != "" || cs["a"].Location != "x" {
		t.Fatalf("copies: %+v", cs)
	}
	j.Update(journal.Update{Sequence: 1, Replica: "b", Location: "y2", State: custody.Held}, journal.Update{Sequence: 1, Replica: "new", Location: "n", State: custody.Held})
	flush(t, j)
	backlog(t, j, nil)
	if _, cs := get(t, j, v.Hash()); cs["b"].Location != "y2" || cs["b"].Attempts != 0 || cs["b"].LastError != "" || cs["new"].Location != "n" {
		t.Fatalf("copies: %+v", cs)
	}
}

func bytesStay(t *testing.T, s Subject) {
	j := s.Journal
	v := Event(1, 300, 0)
	admit(t, j, []module.Verified{v}, both...)
	j.Update(journal.Update{Sequence: 1, Replica: "a", Err: "never", State: custody.Foreign}, journal.Update{Sequence: 1, Replica: "b", Err: "never", State: custody.Foreign})
	flush(t, j)
	holds(t, j, v)
	backlog(t, j, nil)
	j.Update(journal.Update{Sequence: 1, Replica: "b", Location: "y", State: custody.Held})
	flush(t, j)
	holds(t, j, v) // a has it under another signature alone
	j.Update(journal.Update{Sequence: 1, Replica: "a", State: custody.None})
	flush(t, j)
	gone(t, j, v.Hash())
}

func updatesOfNothing(t *testing.T, s Subject) {
	j := s.Journal
	j.Update()
	j.Update(journal.Update{Sequence: 5, Replica: "a", Location: "x", State: custody.Held}, journal.Update{Replica: "a", Location: "x", State: custody.Held})
	flush(t, j)
	admit(t, j, Events(0, 10, 100), both...)
	if _, cs := get(t, j, Hash(4)); !cs["a"].State.Owed() {
		t.Fatalf("news of an event that was not there yet: %+v", cs)
	}
}

func reopen(t *testing.T, s Subject) {
	j := s.Journal
	vs := Events(0, 1200, 150)
	as := admit(t, j, vs, both...)
	for i, a := range as {
		if i%3 == 0 {
			j.Update(journal.Update{Sequence: a.Entry.Sequence, Replica: "a", Location: "x", State: custody.Held})
		}
		if i%6 == 0 {
			j.Update(journal.Update{Sequence: a.Entry.Sequence, Replica: "b", Location: "y", State: custody.Held})
		}
	}
	j = s.Reopen(t) // closing makes the news durable
	backlog(t, j, map[string]int{"a": 800, "b": 1000})
	for i, a := range as {
		e, cs := get(t, j, a.Entry.Hash)
		sameEntry(t, e, a.Entry)
		if cs["a"].State.Owed() == (i%3 == 0) || cs["b"].State.Owed() == (i%6 == 0) {
			t.Fatalf("event %d: %+v", i, cs)
		}
		if i%6 == 0 {
			gone(t, j, a.Entry.Hash)
		} else {
			holds(t, j, vs[i])
		}
	}
	next := admit(t, j, []module.Verified{Event(2000, 100, 0), Event(3, 100, 1)}, "c")
	if next[0].Entry.Sequence != 1201 || !next[1].Known {
		t.Fatalf("after reopening: %+v", next)
	}
	// News of what was fresh before.
	for _, a := range as {
		j.Update(journal.Update{Sequence: a.Entry.Sequence, Replica: "a", Location: "x", State: custody.Held}, journal.Update{Sequence: a.Entry.Sequence, Replica: "b", Location: "y", State: custody.Held})
	}
	flush(t, j)
	backlog(t, j, map[string]int{"c": 1})
	gone(t, j, as[1].Entry.Hash)
}

func closed(t *testing.T, s Subject) {
	j := s.Journal
	admit(t, j, Events(0, 3, 100), both...)
	if err := j.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatalf("Close again: %v", err)
	}
	ctx := timeout(t)
	_, e1 := j.Admit(ctx, Events(5, 6, 100), both)
	_, _, e2 := j.Get(ctx, Hash(1))
	_, e3 := j.Entries(ctx, []digest.Hash{Hash(1)})
	_, e4 := j.Location(ctx, Hash(1), "a")
	_, e5 := j.Record(ctx, Hash(1))
	_, e6 := j.Owed(ctx, "a", 0, 1)
	_, e7 := j.Backlog(ctx)
	_, e8 := j.Scan(ctx, 0, 1)
	_, e9 := j.Last(ctx)
	for i, err := range []error{e1, e2, e3, e4, e5, e6, e7, e8, e9, j.Flush(ctx)} {
		if !errors.Is(err, journal.ErrClosed) {
			t.Errorf("call %d after Close: %v, want ErrClosed", i+1, err)
		}
	}
	j.Update(journal.Update{Sequence: 1, Replica: "a", Location: "x", State: custody.Held})
}

// locations asks for the copies of the events 0 … n−1 at once and one by one.
func locations(t *testing.T, j journal.Journal, replica string, n uint64, want func(seed uint64) string) {
	t.Helper()
	l, ok := j.(journal.Locator)
	if !ok {
		t.Fatal("the journal is no Locator")
	}
	var hs []digest.Hash
	for seed := range n {
		hs = append(hs, Hash(seed))
	}
	got, err := l.Locations(timeout(t), hs, replica)
	if err != nil || len(got) != len(hs) {
		t.Fatalf("Locations: %d, %v", len(got), err)
	}
	for seed := range n {
		if got[seed] != want(seed) {
			t.Fatalf("event %d is at %q, want %q", seed, got[seed], want(seed))
		}
		one, err := j.Location(timeout(t), Hash(seed), replica)
		if err != nil && !errors.Is(err, journal.ErrNotFound) || one != want(seed) {
			t.Fatalf("event %d: Location is %q (%v), want %q", seed, one, err, want(seed))
		}
	}
	if got, err := l.Locations(timeout(t), nil, replica); err != nil || len(got) != 0 {
		t.Fatalf("Locations of nothing: %v, %v", got, err)
	}
}

// A replica may answer within the millisecond in which the event was admitted,
// and whoever asks then is told so.
func outcomeAtOnce(t *testing.T, s Subject) {
	for seed := range uint64(100) {
		v := Event(seed, 100, 0)
		a := admit(t, s.Journal, []module.Verified{v}, both...)
		s.Journal.Update(journal.Update{Sequence: a[0].Entry.Sequence, Replica: "a", Location: "here", State: custody.Held})
		if _, cs := get(t, s.Journal, v.Hash()); cs["a"].State.Owed() || cs["a"].Location != "here" || !cs["b"].State.Owed() {
			t.Fatalf("event %d: %+v", seed, cs)
		}
	}
}

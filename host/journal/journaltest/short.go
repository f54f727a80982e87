package journaltest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// isShort wants the events of a range that too few places hold.
func isShort(t *testing.T, j journal.Journal, after, upto uint64, places []string, required int, want ...uint64) {
	t.Helper()
	es, err := anchored(t, j).Short(timeout(t), after, upto, places, required, 1<<20)
	var got []uint64
	for _, e := range es {
		got = append(got, e.Sequence)
	}
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("of %d … %d at %d of %v short are %v, %v; want %v", after+1, upto, required, places, got, err, want)
	}
	for limit := range len(want) {
		if es, err := anchored(t, j).Short(timeout(t), after, upto, places, required, limit); err != nil || len(es) != limit || limit > 0 && es[limit-1].Sequence != want[limit-1] {
			t.Fatalf("with limit %d: %d, %v", limit, len(es), err)
		}
		if limit > 3 {
			break
		}
	}
}

// is says what a place is known to have of events.
func is(t *testing.T, j journal.Journal, s custody.State, replica string, seqs ...uint64) {
	t.Helper()
	for _, seq := range seqs {
		u := journal.Update{Sequence: seq, Replica: replica, State: s}
		if s.Held() {
			u.Location = "there"
		} else if s != custody.None {
			u.Err = s.String()
		}
		j.Update(u)
	}
	flush(t, j)
}

// shortEvents follows events from their admission on until enough places have
// them, and back.
func shortEvents(t *testing.T, s Subject) {
	j := s.Journal
	abc := []string{"a", "b", "c"}
	isShort(t, j, 0, 0, both, 2)
	isShort(t, j, 0, 1<<64-1, both, 2)
	as := admit(t, j, Events(0, 600, 100), both...)
	isShort(t, j, 0, 600, both, 2, count(1, 600)...)
	isShort(t, j, 10, 20, both, 1, count(11, 20)...)
	isShort(t, j, 598, 1<<64-1, both, 2, 599, 600)
	isShort(t, j, 600, 1<<64-1, both, 2)
	isShort(t, j, 20, 10, both, 2)
	isShort(t, j, 0, 600, both, 0)
	es, err := anchored(t, j).Short(timeout(t), 6, 8, both, 2, 10)
	if err != nil || len(es) != 2 {
		t.Fatal(err)
	}
	sameEntry(t, es[0], as[6].Entry)
	is(t, j, custody.Held, "a", count(1, 600)...)
	isShort(t, j, 0, 600, both, 1)
	isShort(t, j, 0, 600, both, 2, count(1, 600)...)
	is(t, j, custody.Held, "b", count(1, 590)...)
	for range 2 {
		isShort(t, j, 0, 600, both, 2, count(591, 600)...)
		isShort(t, j, 0, 600, both, 1)
		isShort(t, j, 0, 590, both, 2)
		// Only those that are named count, each once, and one that nobody knows holds nothing.
		isShort(t, j, 585, 591, []string{"a"}, 1)
		isShort(t, j, 585, 591, []string{"b"}, 1, 591)
		isShort(t, j, 585, 588, []string{"a", "a"}, 2, 586, 587, 588)
		isShort(t, j, 585, 588, []string{"a", "x"}, 2, 586, 587, 588)
		isShort(t, j, 585, 588, nil, 1, 586, 587, 588)
		j = s.Reopen(t)
	}
	// What is lost is short, and what has another signature or nothing, though nobody is owed it.
	is(t, j, custody.Missing, "a", 20)
	is(t, j, custody.Damaged, "b", 21)
	is(t, j, custody.Owed, "b", 22)
	is(t, j, custody.Foreign, "b", 23)
	is(t, j, custody.None, "a", 24)
	for range 2 {
		isShort(t, j, 0, 590, both, 2, 20, 21, 22, 23, 24)
		isShort(t, j, 0, 590, both, 1)
		isShort(t, j, 0, 590, []string{"a"}, 1, 20, 24)
		isShort(t, j, 0, 590, []string{"b"}, 1, 21, 22, 23)
		j = s.Reopen(t)
	}
	is(t, j, custody.Held, "a", 20, 24)
	is(t, j, custody.Confirmed, "b", 21, 23)
	isShort(t, j, 0, 590, both, 2, 22)
	is(t, j, custody.Held, "b", 22)
	isShort(t, j, 0, 590, both, 2)
	// One place fewer was configured for a while.
	admit(t, j, Events(600, 610, 100), "a")
	is(t, j, custody.Held, "a", count(601, 605)...)
	isShort(t, j, 590, 610, both, 2, count(591, 610)...)
	isShort(t, j, 600, 610, both, 1, count(606, 610)...)
	// Another was there and is not any more.
	admit(t, j, Events(610, 620, 100), abc...)
	is(t, j, custody.Held, "c", count(611, 620)...)
	is(t, j, custody.Held, "a", count(611, 620)...)
	isShort(t, j, 610, 620, abc, 2)
	isShort(t, j, 610, 620, both, 2, count(611, 620)...)
	is(t, j, custody.Held, "b", count(611, 619)...)
	isShort(t, j, 610, 620, both, 2, 620)
	isShort(t, j, 610, 620, abc, 3, 620)
}

// shortPlaces has a place replaced by an empty one: what it is not known to hold
// is short as long as it has not shown that it does.
func shortPlaces(t *testing.T, s Subject) {
	j := s.Journal
	p := j.(journal.Placer)
	bind := func(name, identity string) {
		t.Helper()
		if _, err := p.Bind(timeout(t), []journal.Binding{{Replica: name, Identity: identity}}); err != nil {
			t.Fatal(err)
		}
	}
	bind("a", "1")
	bind("b", "2")
	admit(t, j, Events(0, 1000, 100), both...)
	is(t, j, custody.Held, "a", count(1, 1000)...)
	is(t, j, custody.Held, "b", count(1, 999)...)
	isShort(t, j, 0, 1000, both, 2, 1000)
	bind("b", "3")
	for range 2 {
		isShort(t, j, 0, 1000, both, 2, count(1, 1000)...)
		isShort(t, j, 0, 1000, both, 1)
		isShort(t, j, 0, 1000, []string{"a"}, 1)
		isShort(t, j, 0, 1000, []string{"b"}, 1, count(1, 1000)...)
		j = s.Reopen(t)
	}
	p = j.(journal.Placer)
	admit(t, j, Events(1000, 1010, 100), both...)
	is(t, j, custody.Held, "a", count(1001, 1010)...)
	is(t, j, custody.Held, "b", count(1001, 1009)...)
	// In its arrears, what it was found to hold counts, and what it lacks is owed.
	is(t, j, custody.Held, "b", count(1, 590)...)
	is(t, j, custody.Missing, "b", 591)
	isShort(t, j, 0, 2000, both, 2, append(count(591, 1000), 1010)...)
	if err := p.Settle(timeout(t), "b", 600); err != nil {
		t.Fatal(err)
	}
	// What nothing was found out of is not known to be there.
	isShort(t, j, 0, 2000, both, 2, append(count(591, 1000), 1010)...)
	is(t, j, custody.Held, "b", count(592, 1000)...)
	if err := p.Settle(timeout(t), "b", 1000); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		isShort(t, j, 0, 2000, both, 2, 591, 1010)
		isShort(t, j, 0, 2000, both, 1)
		j = s.Reopen(t)
	}
}

// shortNumbers has numbers that are only reserved, and events that were restored.
func shortNumbers(t *testing.T, s Subject) {
	j := s.Journal
	all := make([]digest.Hash, 700)
	for i := range all {
		all[i] = Hash(uint64(i))
	}
	if err := j.(journal.Logged).Reserve(timeout(t), 0, all); err != nil {
		t.Fatal(err)
	}
	check := func(e journal.Entry, seq uint64) {
		t.Helper()
		if e.Sequence != seq || e.Hash != Hash(seq-1) || !e.AdmittedAt.IsZero() {
			t.Fatalf("reserved number %d: %+v", seq, e)
		}
	}
	isShort(t, j, 0, 700, both, 0, count(1, 700)...)
	isShort(t, j, 0, 700, both, 2, count(1, 700)...)
	restored := func(seq uint64, places ...journal.Copy) journal.Restored {
		return journal.Restored{Meta: *Event(seq-1, 100, 0).Meta(), AdmittedAt: time.UnixMilli(1758390021123), Copies: places}
	}
	at := func(name string, s custody.State) journal.Copy {
		c := journal.Copy{Replica: name, State: s}
		if s.Held() {
			c.Location = "there"
		}
		return c
	}
	var rs []journal.Restored
	for seq := uint64(1); seq <= 690; seq++ {
		switch {
		case seq < 500:
			rs = append(rs, restored(seq, at("a", custody.Held), at("b", custody.Held)))
		case seq < 505:
			rs = append(rs, restored(seq, at("a", custody.Held), at("b", custody.Owed)))
		case seq < 690:
			rs = append(rs, restored(seq, at("a", custody.Held), at("b", custody.Held)))
		default: // nobody said anything of b
			rs = append(rs, restored(seq, at("a", custody.Held)))
		}
	}
	if _, err := j.(journal.Restorer).Restore(timeout(t), rs[:689]); err != nil {
		t.Fatal(err)
	}
	isShort(t, j, 0, 700, both, 2, append(count(500, 504), count(690, 700)...)...)
	if _, err := j.(journal.Restorer).Restore(timeout(t), rs[689:]); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		isShort(t, j, 0, 700, both, 2, append(count(500, 504), count(690, 700)...)...)
		isShort(t, j, 0, 700, both, 1, count(691, 700)...)
		es, err := anchored(t, j).Short(timeout(t), 503, 691, both, 2, 10)
		if err != nil || len(es) != 3 || es[0].AdmittedAt.UnixMilli() != 1758390021123 || es[1].Hash != Hash(689) {
			t.Fatalf("%+v, %v", es, err)
		}
		check(es[2], 691)
		j = s.Reopen(t)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := anchored(t, j).Short(timeout(t), 0, 10, both, 2, 10); !errors.Is(err, journal.ErrClosed) {
		t.Fatalf("Short of a closed journal: %v", err)
	}
}

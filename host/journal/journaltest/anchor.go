package journaltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/journal"
)

// HeadPost returns a post of a head, all members of which depend on its number
// and size; of no use but to be kept.
func HeadPost(number, size uint64, state journal.PostState) journal.Post {
	p := journal.Post{Kind: journal.PostHead, Number: number, Size: size, Root: Hash(size)}
	return sent(p, state)
}

// EventsPost returns a post of single events.
func EventsPost(number uint64, state journal.PostState, sequences ...uint64) journal.Post {
	return sent(journal.Post{Kind: journal.PostEvents, Number: number, Events: sequences}, state)
}

// sent fills in what posts of every kind have in a state.
func sent(p journal.Post, state journal.PostState) journal.Post {
	at := time.UnixMilli(1758390021123 + int64(p.Number)).UTC()
	p.State, p.Transaction, p.Signatures = state, bytes.Repeat([]byte{byte(p.Number), 0, 0xff}, 70), []string{"SIG_K1_one", "SIG_K1_\"two\""}
	p.Expires, p.SubmittedAt = at.Add(2*time.Minute), at
	switch state {
	case journal.PostFailed:
		p.Reason = "the next seq is another: \x00 \u00e9"
	case journal.PostIncluded, journal.PostFinal:
		p.BlockNum, p.BlockID, p.BlockTime = 1<<32-1, Hash(p.Number+1e6), at.Add(500*time.Millisecond)
	}
	if state == journal.PostFinal {
		p.FinalAt = at.Add(3 * time.Minute)
	}
	return p
}

func anchored(t *testing.T, j journal.Journal) journal.Anchored {
	t.Helper()
	a, ok := j.(journal.Anchored)
	if !ok {
		t.Fatal("it is no journal.Anchored")
	}
	return a
}

func putPosts(t *testing.T, j journal.Journal, c journal.PostChange) {
	t.Helper()
	if err := anchored(t, j).PutPosts(timeout(t), c); err != nil {
		t.Fatalf("PutPosts: %v", err)
	}
}

func unfinished(t *testing.T, j journal.Journal, kind journal.PostKind, want ...journal.Post) {
	t.Helper()
	got, err := anchored(t, j).Unfinished(timeout(t), kind)
	samePosts(t, "Unfinished", got, err, want...)
}

func posts(t *testing.T, j journal.Journal, kind journal.PostKind, before uint64, limit int, want ...journal.Post) {
	t.Helper()
	got, err := anchored(t, j).Posts(timeout(t), kind, before, limit)
	samePosts(t, fmt.Sprintf("Posts below %d", before), got, err, want...)
}

func samePosts(t *testing.T, what string, got []journal.Post, err error, want ...journal.Post) {
	t.Helper()
	if err != nil || len(got) != len(want) {
		t.Fatalf("%s: %d of %d, %v", what, len(got), len(want), err)
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("%s: %d is\n%+v, want\n%+v", what, i, got[i], want[i])
		}
	}
}

// covering wants the head that covers a size; 0: none does.
func covering(t *testing.T, j journal.Journal, size, number uint64) {
	t.Helper()
	p, err := anchored(t, j).Covering(timeout(t), size)
	switch {
	case number == 0 && errors.Is(err, journal.ErrNotFound):
	case number == 0 || err != nil || p.Number != number:
		t.Fatalf("size %d is covered by %d, %v; want %d", size, p.Number, err, number)
	}
}

// postOf wants an event in a post of the number of its first event, under a
// number of its own; 0: in none.
func postOf(t *testing.T, j journal.Journal, sequence, post, number uint64) {
	t.Helper()
	p, at, err := anchored(t, j).PostOf(timeout(t), sequence)
	switch {
	case post == 0 && errors.Is(err, journal.ErrNotFound) && at == 0:
	case post == 0 || err != nil || p.Kind != journal.PostEvents || p.Number != post || at != number || p.Events[at-post] != sequence:
		t.Fatalf("event %d is in %+v as %d, %v; want %d, %d", sequence, p, at, err, post, number)
	}
}

func passedOver(t *testing.T, j journal.Journal, after uint64, limit int, total uint64, want ...uint64) {
	t.Helper()
	got, n, err := anchored(t, j).Passed(timeout(t), after, limit)
	if err != nil || n != total || !slices.Equal(got, want) {
		t.Fatalf("Passed after %d: %v of %d, %v; want %v of %d", after, got, n, err, want, total)
	}
}

func cursor(t *testing.T, j journal.Journal, want uint64, known bool) {
	t.Helper()
	got, ok, err := anchored(t, j).Cursor(timeout(t))
	if err != nil || got != want || ok != known {
		t.Fatalf("the cursor is %d, %v, %v; want %d, %v", got, ok, err, want, known)
	}
}

func upto(n uint64) *uint64 { return &n }

// count returns from … to.
func count(from, to uint64) (seqs []uint64) {
	for seq := from; seq <= to; seq++ {
		seqs = append(seqs, seq)
	}
	return seqs
}

// anchors holds posts to what they were put as, each member of them, before and
// after a reopen.
func anchors(t *testing.T, s Subject) {
	j := s.Journal
	for range 2 { // nothing was put, and a reopen changes nothing about that
		unfinished(t, j, journal.PostHead)
		unfinished(t, j, journal.PostEvents)
		posts(t, j, journal.PostHead, 0, 10)
		covering(t, j, 0, 0)
		postOf(t, j, 1, 0, 0)
		postOf(t, j, 0, 0, 0)
		postOf(t, j, 1<<64-1, 0, 0)
		cursor(t, j, 0, false)
		passedOver(t, j, 0, 10, 0)
		j = s.Reopen(t)
	}
	admit(t, j, Events(0, 1200, 100), both...)
	// What a wallet sent is adopted without its bytes, and an attempt has no more than them.
	bare := journal.Post{Kind: journal.PostHead, Number: 2, Size: 20, Root: Hash(2), State: journal.PostIncluded, BlockTime: time.UnixMilli(1758390021500).UTC()}
	h1, h3 := HeadPost(1, 10, journal.PostFinal), HeadPost(3, 1<<40, journal.PostFailed)
	e1 := EventsPost(1, journal.PostFinal, 5)
	e2 := EventsPost(2, journal.PostSubmitted, 9, 7, 8) // a passed event comes after later ones
	all := EventsPost(5, journal.PostIncluded, count(100, 1123)...)
	putPosts(t, j, journal.PostChange{Put: []journal.Post{h3, e2, bare, e1, h1, all}, Cursor: upto(1123)})
	for range 2 {
		unfinished(t, j, journal.PostHead, bare, h3)
		unfinished(t, j, journal.PostEvents, e2, all)
		posts(t, j, journal.PostHead, 0, 10, h3, bare, h1)
		posts(t, j, journal.PostHead, 1<<64-1, 10, h3, bare, h1)
		posts(t, j, journal.PostHead, 0, 2, h3, bare)
		posts(t, j, journal.PostHead, 2, 2, h1)
		posts(t, j, journal.PostHead, 1, 2)
		posts(t, j, journal.PostHead, 0, 0)
		posts(t, j, journal.PostEvents, 0, 10, all, e2, e1)
		posts(t, j, journal.PostEvents, 5, 10, e2, e1)
		postOf(t, j, 5, 1, 1)
		postOf(t, j, 9, 2, 2)
		postOf(t, j, 7, 2, 3)
		postOf(t, j, 8, 2, 4)
		postOf(t, j, 100, 5, 5)
		postOf(t, j, 1123, 5, 1028)
		postOf(t, j, 6, 0, 0)
		cursor(t, j, 1123, true)
		j = s.Reopen(t)
	}
	// A post takes the place of what was kept under its number, its events too.
	h3 = HeadPost(3, 30, journal.PostIncluded)
	e2 = EventsPost(2, journal.PostSubmitted, 7, 11)
	e1.Reason, e1.Signatures = "again", nil
	putPosts(t, j, journal.PostChange{Put: []journal.Post{h3, e1, e2}, Cursor: upto(0)})
	unfinished(t, j, journal.PostHead, bare, h3)
	posts(t, j, journal.PostEvents, 0, 10, all, e2, e1)
	for range 2 {
		postOf(t, j, 5, 1, 1)
		postOf(t, j, 7, 2, 2)
		postOf(t, j, 11, 2, 3)
		postOf(t, j, 8, 0, 0)
		postOf(t, j, 9, 0, 0)
		cursor(t, j, 0, true)
		j = s.Reopen(t)
	}
	// What is dropped has no events any more; the numbers of the kinds are their own.
	putPosts(t, j, journal.PostChange{Drop: []journal.Post{{Kind: journal.PostEvents, Number: 5}, {Kind: journal.PostHead, Number: 2}, {Kind: journal.PostHead, Number: 77}}})
	for range 2 {
		posts(t, j, journal.PostHead, 0, 10, h3, h1)
		posts(t, j, journal.PostEvents, 0, 10, e2, e1)
		postOf(t, j, 100, 0, 0)
		postOf(t, j, 1123, 0, 0)
		postOf(t, j, 7, 2, 2)
		j = s.Reopen(t)
	}
	// Drop comes before Put: events move from one post to another in one change.
	next := EventsPost(3, journal.PostSubmitted, 11, 7)
	putPosts(t, j, journal.PostChange{Drop: []journal.Post{e2}, Put: []journal.Post{next}})
	postOf(t, j, 11, 3, 3)
	postOf(t, j, 7, 3, 4)
	// An event that two posts have is in the one that was put last, and stays there
	// when the other goes or is put with others.
	twice := EventsPost(9, journal.PostSubmitted, 7, 50)
	putPosts(t, j, journal.PostChange{Put: []journal.Post{twice}})
	putPosts(t, j, journal.PostChange{Put: []journal.Post{EventsPost(3, journal.PostSubmitted, 11)}})
	postOf(t, j, 7, 9, 9)
	putPosts(t, j, journal.PostChange{Drop: []journal.Post{{Kind: journal.PostEvents, Number: 3}}})
	postOf(t, j, 7, 9, 9)
	postOf(t, j, 11, 0, 0)
	s.Reopen(t)
}

// covers holds Covering to its choice.
func covers(t *testing.T, s Subject) {
	j := s.Journal
	final, other := journal.PostFinal, HeadPost(4, 40, journal.PostFinal)
	other.Transaction = nil
	putPosts(t, j, journal.PostChange{Put: []journal.Post{
		HeadPost(1, 10, final), HeadPost(2, 20, journal.PostIncluded), HeadPost(3, 30, final), other, HeadPost(5, 50, final),
		HeadPost(6, 60, journal.PostSubmitted), HeadPost(7, 70, journal.PostFailed),
	}})
	for range 2 {
		for size, number := range map[uint64]uint64{0: 1, 1: 1, 10: 1, 11: 3, 20: 3, 30: 3, 31: 5, 40: 5, 50: 5, 51: 0, 70: 0, 1<<64 - 1: 0} {
			covering(t, j, size, number)
		}
		j = s.Reopen(t)
	}
	putPosts(t, j, journal.PostChange{Put: []journal.Post{HeadPost(2, 20, final), HeadPost(3, 30, journal.PostFailed)}, Drop: []journal.Post{{Kind: journal.PostHead, Number: 1}}})
	for size, number := range map[uint64]uint64{0: 2, 10: 2, 20: 2, 21: 5} {
		covering(t, j, size, number)
	}
}

// target holds that the posts of one target are not another's.
func target(t *testing.T, s Subject) {
	j := s.Journal
	admit(t, j, Events(0, 50, 100), both...)
	aim := func(at, was string) {
		t.Helper()
		if got, err := anchored(t, j).Target(timeout(t), at); err != nil || got != was {
			t.Fatalf("Target %q: %q, %v; want %q", at, got, err, was)
		}
	}
	aim("here", "")
	putPosts(t, j, journal.PostChange{
		Put:  []journal.Post{HeadPost(1, 20, journal.PostFinal), HeadPost(2, 30, journal.PostSubmitted), EventsPost(1, journal.PostFinal, 1, 2), EventsPost(3, journal.PostIncluded, 3, 5)},
		Pass: []uint64{4}, Cursor: upto(9),
	})
	for range 2 {
		aim("here", "here")
		postOf(t, j, 3, 3, 3)
		covering(t, j, 0, 1)
		j = s.Reopen(t)
	}
	aim("there", "here")
	for range 2 {
		covering(t, j, 0, 0)
		for _, kind := range []journal.PostKind{journal.PostHead, journal.PostEvents} {
			if ps, err := anchored(t, j).Posts(timeout(t), kind, 0, 10); err != nil || len(ps) > 0 {
				t.Fatalf("%+v, %v", ps, err)
			}
		}
		for seq := uint64(1); seq <= 5; seq++ {
			postOf(t, j, seq, 0, 0)
		}
		passedOver(t, j, 0, 10, 3, 3, 4, 5) // what was final is there
		cursor(t, j, 9, true)
		aim("there", "there")
		j = s.Reopen(t)
	}
	putPosts(t, j, journal.PostChange{Put: []journal.Post{EventsPost(1, journal.PostSubmitted, 3)}, Unpass: []uint64{3}})
	postOf(t, j, 3, 1, 1)
}

// passedEvents holds the events that are to be looked at later.
func passedEvents(t *testing.T, s Subject) {
	j := s.Journal
	admit(t, j, Events(0, 50, 100), both...)
	putPosts(t, j, journal.PostChange{Pass: []uint64{40, 3, 50, 7, 3}, Cursor: upto(50)})
	for range 2 {
		passedOver(t, j, 0, 10, 4, 3, 7, 40, 50)
		passedOver(t, j, 0, 2, 4, 3, 7)
		passedOver(t, j, 7, 10, 4, 40, 50)
		passedOver(t, j, 50, 10, 4)
		passedOver(t, j, 1<<64-1, 10, 4)
		passedOver(t, j, 0, 0, 4)
		j = s.Reopen(t)
	}
	// One that was not passed may be named, and one that is a second time.
	putPosts(t, j, journal.PostChange{Pass: []uint64{8, 7}, Unpass: []uint64{3, 4, 50}, Put: []journal.Post{EventsPost(1, journal.PostSubmitted, 3)}})
	for range 2 {
		passedOver(t, j, 0, 10, 3, 7, 8, 40)
		postOf(t, j, 3, 1, 1)
		cursor(t, j, 50, true)
		j = s.Reopen(t)
	}
	putPosts(t, j, journal.PostChange{Unpass: []uint64{7, 8, 40}})
	passedOver(t, j, 0, 10, 0)
}

// impossible holds PutPosts to refusing as a whole what cannot be.
func impossible(t *testing.T, s Subject) {
	j := s.Journal
	admit(t, j, Events(0, 1100, 100), both...)
	good := HeadPost(1, 10, journal.PostFinal)
	for what, p := range map[string]journal.Post{
		"no kind":             {Number: 1, State: journal.PostFinal},
		"another kind":        {Kind: 3, Number: 1, State: journal.PostFinal},
		"no number":           {Kind: journal.PostHead, Size: 5, State: journal.PostFinal},
		"no state":            {Kind: journal.PostHead, Number: 2, Size: 5},
		"another state":       {Kind: journal.PostHead, Number: 2, Size: 5, State: 5},
		"a number too high":   {Kind: journal.PostHead, Number: 1 << 63, Size: 5, State: journal.PostFinal},
		"a size too high":     {Kind: journal.PostHead, Number: 2, Size: 1 << 63, State: journal.PostFinal},
		"a head with events":  {Kind: journal.PostHead, Number: 2, Size: 5, State: journal.PostFinal, Events: []uint64{1}},
		"no events":           {Kind: journal.PostEvents, Number: 2, State: journal.PostFinal},
		"too many events":     EventsPost(2, journal.PostFinal, count(1, 1025)...),
		"an event 0":          EventsPost(2, journal.PostFinal, 1, 0),
		"an unknown event":    EventsPost(2, journal.PostFinal, 1, 1101),
		"an impossible event": EventsPost(2, journal.PostFinal, 1<<64-1),
	} {
		if err := anchored(t, j).PutPosts(timeout(t), journal.PostChange{Put: []journal.Post{good, p}, Cursor: upto(1)}); err == nil {
			t.Errorf("%s is kept", what)
		}
	}
	for _, c := range []journal.PostChange{{Pass: []uint64{1101}}, {Pass: []uint64{0}}, {Unpass: []uint64{1101}}, {Cursor: upto(1101)}} {
		if c.Put = []journal.Post{good}; anchored(t, j).PutPosts(timeout(t), c) == nil {
			t.Errorf("%+v is kept", c)
		}
	}
	ctx, cancel := context.WithCancel(timeout(t))
	cancel()
	if err := anchored(t, j).PutPosts(ctx, journal.PostChange{Put: []journal.Post{good}}); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	for range 2 {
		posts(t, j, journal.PostHead, 0, 10)
		posts(t, j, journal.PostEvents, 0, 10)
		cursor(t, j, 0, false)
		passedOver(t, j, 0, 10, 0)
		j = s.Reopen(t)
	}
	putPosts(t, j, journal.PostChange{})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	a := anchored(t, j)
	_, e1 := a.Unfinished(timeout(t), journal.PostHead)
	_, e2 := a.Posts(timeout(t), journal.PostHead, 0, 1)
	_, e3 := a.Covering(timeout(t), 0)
	_, _, e4 := a.PostOf(timeout(t), 1)
	_, _, e5 := a.Cursor(timeout(t))
	_, _, e6 := a.Passed(timeout(t), 0, 1)
	e7 := a.PutPosts(timeout(t), journal.PostChange{Put: []journal.Post{good}})
	for i, err := range []error{e1, e2, e3, e4, e5, e6, e7} {
		if !errors.Is(err, journal.ErrClosed) {
			t.Errorf("call %d of a closed journal: %v", i+1, err)
		}
	}
}

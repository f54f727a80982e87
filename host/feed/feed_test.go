package feed_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/feed"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A library reads from a map, counts, and fails when it is told to.
type library struct {
	mu    sync.Mutex
	vs    map[digest.Hash]module.Verified
	fail  map[digest.Hash]error
	reads atomic.Int64
}

func (l *library) Events(_ context.Context, hs []digest.Hash) iter.Seq2[module.Verified, error] {
	return func(yield func(module.Verified, error) bool) {
		for _, h := range hs {
			l.reads.Add(1)
			l.mu.Lock()
			v, err := l.vs[h], l.fail[h]
			l.mu.Unlock()
			if err != nil {
				v = module.Verified{}
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

func (l *library) set(h digest.Hash, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail[h] = err
}

type world struct {
	*library
	t       *testing.T
	journal *sqlite.Journal
	feed    *feed.Feed
	next    uint64
}

func start(t *testing.T, o feed.Options) *world {
	t.Helper()
	j, err := sqlite.Open(filepath.Join(t.TempDir(), "journal.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, journal: j, library: &library{vs: map[digest.Hash]module.Verified{}, fail: map[digest.Hash]error{}}}
	o.Journal, o.Reader, o.Log = j, w.library, slog.New(slog.DiscardHandler)
	if o.Encode == nil {
		o.Encode = func(_ string, e *journal.Entry, v module.Verified, err error) []byte {
			if err != nil {
				return fmt.Appendf(nil, "%d %v", e.Sequence, err)
			}
			return fmt.Appendf(nil, "%d %s", e.Sequence, v.Record())
		}
	}
	w.feed = feed.New(o)
	t.Cleanup(func() {
		w.feed.Close()
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) admit(n int) {
	w.t.Helper()
	vs := journaltest.Events(w.next, w.next+uint64(n), 120)
	w.next += uint64(n)
	w.mu.Lock()
	for _, v := range vs {
		w.vs[v.Hash()] = v
	}
	w.mu.Unlock()
	if _, err := w.journal.Admit(context.Background(), vs, []string{"a"}); err != nil {
		w.t.Error(err)
	}
}

func (w *world) subscribe(f journal.Filter, after uint64) *feed.Subscription {
	w.t.Helper()
	s, err := w.feed.Subscribe(f, journal.Position{Epoch: w.journal.Epoch(), Sequence: after})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
	return s
}

// take reads until n events came, or an error.
func take(t *testing.T, s *feed.Subscription, n int) (seqs []uint64, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(seqs) < n {
		items, err := s.Next(ctx, time.Minute)
		if err != nil {
			return seqs, err
		}
		for _, it := range items {
			seqs = append(seqs, it.Entry.Sequence)
		}
	}
	return seqs, nil
}

func run(from, to uint64) (seqs []uint64) {
	for s := from; s <= to; s++ {
		seqs = append(seqs, s)
	}
	return seqs
}

func TestBacklogThenLive(t *testing.T) {
	w := start(t, feed.Options{})
	w.admit(500)
	s := w.subscribe(journal.Filter{}, 100)
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 50 {
			w.admit(20)
		}
	})
	got, err := take(t, s, 1400)
	wg.Wait()
	if err != nil || !slices.Equal(got, run(101, 1500)) {
		t.Fatalf("%d events from %v on, %v", len(got), got[:min(3, len(got))], err)
	}
	items, err := s.Next(t.Context(), time.Millisecond)
	if err != nil || len(items) != 0 || s.After().Sequence != 1500 {
		t.Errorf("%d more after %s, %v", len(items), s.After(), err)
	}
}

// Whatever is live is read once, however many listen, and every subscriber
// gets what its filter chooses, and nothing twice.
func TestManySubscribersOneReader(t *testing.T) {
	w := start(t, feed.Options{})
	const subscribers, events = 1000, 600
	filters := []journal.Filter{
		{}, {Types: []string{"VOTE"}}, {Authors: journaltest.Authors[:2]}, {Types: []string{"LIKE", "VOTE"}, Authors: journaltest.Authors[:1]},
		{Parents: []digest.Hash{journaltest.Hash(3), journaltest.Hash(5)}},
	}
	first := w.subscribe(journal.Filter{}, 0)
	w.admit(1)
	if _, err := take(t, first, 1); err != nil { // the feed runs
		t.Fatal(err)
	}
	var subs []*feed.Subscription
	for i := range subscribers {
		subs = append(subs, w.subscribe(filters[i%len(filters)], 1))
	}
	w.reads.Store(0)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	got := make([][]uint64, subscribers)
	for i, s := range subs {
		wg.Go(func() {
			for s.After().Sequence < events {
				// A filter that chooses nothing more shows its progress with the time.
				items, err := s.Next(ctx, 100*time.Millisecond)
				if err != nil {
					t.Errorf("subscriber %d, after %s: %v", i, s.After(), err)
					return
				}
				for _, it := range items {
					got[i] = append(got[i], it.Entry.Sequence)
				}
			}
		})
	}
	for w.next < events {
		w.admit(int(min(7, events-w.next)))
	}
	wg.Wait()
	for i, f := range filters {
		want, err := w.journal.Query(t.Context(), journal.Filter{Types: f.Types, Authors: f.Authors, Parents: f.Parents, After: 1, Before: events + 1})
		if err != nil {
			t.Fatal(err)
		}
		var seqs []uint64
		for _, e := range want {
			seqs = append(seqs, e.Sequence)
		}
		for n := i; n < subscribers; n += len(filters) {
			have := slices.DeleteFunc(got[n], func(s uint64) bool { return s > events })
			if !slices.Equal(have, seqs) {
				t.Fatalf("subscriber %d got %d events, want %d", n, len(have), len(seqs))
			}
		}
	}
	if n := w.reads.Load(); n > int64(w.next)+10 {
		t.Errorf("%d records were read for %d events and %d subscribers", n, w.next, subscribers)
	}
}

func TestSlowSubscriberIsDroppedAndResumes(t *testing.T) {
	for name, o := range map[string]feed.Options{"events": {Events: 50}, "bytes": {Bytes: 5000}} {
		t.Run(name, func(t *testing.T) {
			w := start(t, o)
			slow, quick := w.subscribe(journal.Filter{}, 0), w.subscribe(journal.Filter{}, 0)
			w.admit(10)
			for _, s := range []*feed.Subscription{slow, quick} {
				if _, err := take(t, s, 10); err != nil {
					t.Fatal(err)
				}
			}
			for range 40 {
				w.admit(5)
				if _, err := take(t, quick, 5); err != nil {
					t.Fatalf("the quick one: %v", err)
				}
			}
			got, err := take(t, slow, 200)
			if !errors.Is(err, feed.ErrBehind) || slow.After().Sequence != 10 || len(got) != 0 {
				t.Fatalf("%v, %v, after %s", got, err, slow.After())
			}
			again := w.subscribe(journal.Filter{}, slow.After().Sequence)
			if got, err := take(t, again, 200); err != nil || !slices.Equal(got, run(11, 210)) {
				t.Fatalf("%d events, %v", len(got), err)
			}
		})
	}
}

// What a subscriber is handed at once is bounded in bytes, in the backlog too:
// thousands may hold theirs for as long as they like to take it.
func TestHandsAreBounded(t *testing.T) {
	w := start(t, feed.Options{Encode: func(_ string, e *journal.Entry, _ module.Verified, _ error) []byte {
		if e.Sequence%7 == 0 {
			return make([]byte, 300_000)
		}
		return make([]byte, 20_000)
	}})
	w.admit(60)
	s := w.subscribe(journal.Filter{}, 0)
	var got []uint64
	for i := range 120 {
		if len(got) == 60 && i < 60 {
			w.admit(60) // and live
		}
		if len(got) == 120 {
			break
		}
		items, err := s.Next(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, it := range items {
			got = append(got, it.Entry.Sequence)
			size += len(it.Data)
		}
		if size > 64<<10 && len(items) > 1 {
			t.Fatalf("%d events of %d bytes at once", len(items), size)
		}
	}
	if !slices.Equal(got, run(1, 120)) {
		t.Fatalf("%v", got)
	}
}

// An event that cannot be read just now is waited for; one that cannot be read
// at all does not hold up the others.
func TestUnreadableEvents(t *testing.T) {
	w := start(t, feed.Options{Patience: 4 * time.Second})
	s := w.subscribe(journal.Filter{}, 0)
	w.set(journaltest.Hash(0), &code.Error{Code: code.Corrupt})
	w.set(journaltest.Hash(1), &code.Error{Code: code.Unavailable})
	w.set(journaltest.Hash(2), &code.Error{Code: code.Unavailable})
	go func() {
		time.Sleep(50 * time.Millisecond) // within the patience
		w.set(journaltest.Hash(1), nil)
	}()
	w.admit(4)
	var data []string
	for len(data) < 4 {
		items, err := s.Next(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range items {
			data = append(data, string(it.Data[:min(13, len(it.Data))]))
		}
	}
	if data[0] != "1 corrupt" || data[1] != `2 {"body":{"p` || data[2] != "3 unavailable" || data[3] != `4 {"body":{"p` {
		t.Errorf("%q", data)
	}
}

func TestNobodyListensAndAgain(t *testing.T) {
	w := start(t, feed.Options{})
	s := w.subscribe(journal.Filter{}, 0)
	w.admit(5)
	if _, err := take(t, s, 5); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Close() // twice is fine
	if n := w.feed.Subscribers(); n != 0 {
		t.Errorf("%d subscribers", n)
	}
	w.admit(300)
	s = w.subscribe(journal.Filter{}, 5)
	if got, err := take(t, s, 300); err != nil || !slices.Equal(got, run(6, 305)) {
		t.Fatalf("%d events, %v", len(got), err)
	}
	w.feed.Close()
	if _, err := s.Next(t.Context(), time.Minute); !errors.Is(err, feed.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := w.feed.Subscribe(journal.Filter{}, journal.Position{}); !errors.Is(err, feed.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	w := start(t, feed.Options{})
	s := w.subscribe(journal.Filter{}, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Next(ctx, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// When the order is another one, subscriptions in the one before end, and new
// ones are handed nothing that bears its name.
func TestAnotherOrder(t *testing.T) {
	w := start(t, feed.Options{Encode: func(epoch string, e *journal.Entry, _ module.Verified, _ error) []byte {
		return []byte(journal.Position{Epoch: epoch, Sequence: e.Sequence}.String())
	}})
	live, waiting := w.subscribe(journal.Filter{}, 0), w.subscribe(journal.Filter{}, 20)
	w.admit(20)
	if got, err := take(t, live, 20); err != nil || len(got) != 20 {
		t.Fatalf("%v, %v", got, err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := waiting.Next(t.Context(), time.Minute)
		ended <- err
	}()
	epoch, err := w.journal.Renew(t.Context(), 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{<-ended, next(t, live)} {
		if !errors.Is(err, feed.ErrReordered) {
			t.Errorf("it ended with %v", err)
		}
	}
	if live.After().Epoch == epoch || live.After().Sequence != 20 {
		t.Errorf("it ended after %s", live.After())
	}
	again := w.subscribe(journal.Filter{}, 15)
	w.admit(5)
	var got []string
	for len(got) < 10 {
		items, err := again.Next(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range items {
			got = append(got, string(it.Data))
		}
	}
	for i, text := range got {
		if want := (journal.Position{Epoch: epoch, Sequence: uint64(16 + i)}); text != want.String() {
			t.Errorf("%s, want %s", text, want)
		}
	}
}

func next(t *testing.T, s *feed.Subscription) error {
	_, err := s.Next(t.Context(), time.Minute)
	return err
}

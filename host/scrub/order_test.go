package scrub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/log"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/memory"
	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/digest"
)

func hostKey(t *testing.T) *log.Key {
	t.Helper()
	text, err := log.MakeKey(t.Context(), moduletest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	k, err := log.ParseKey(t.Context(), moduletest.Open(t), text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A host has events in its places and a log over them.
type host struct {
	*bench
	key *log.Key
}

func logged(t *testing.T, n int) *host {
	h := &host{start(t, n), hostKey(t)}
	h.publish()
	return h
}

// publish has the log cover all events, and returns how it is then.
func (h *host) publish() log.State {
	h.t.Helper()
	l, err := log.Open(h.t.Context(), log.Options{
		Journal: h.journal, Places: h.o.Places, MinRedundancy: 2, Module: h.o.Module, Key: h.key, Name: "example.org", Every: time.Millisecond, Log: quiet,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	defer l.Close()
	last, err := h.journal.Last(h.t.Context())
	if err == nil {
		_, err = l.Prove(h.t.Context(), last)
	}
	if err != nil {
		h.t.Fatalf("nothing is published: %v; %+v", err, l.State(h.t.Context()))
	}
	return l.State(h.t.Context())
}

func (h *host) head() journal.Head {
	h.t.Helper()
	head, err := h.journal.Head(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return head
}

// lose has the host go on with an empty journal.
func (h *host) lose() {
	h.journal = openJournal(h.t)
	h.o.Journal = h.journal
}

func (h *host) options(from int) ReindexOptions {
	return ReindexOptions{Module: h.o.Module, Journal: h.journal, From: h.o.Places[from], Places: h.o.Places, Log: quiet, Order: Order{Key: h.key, Name: "example.org", MinRedundancy: 2}}
}

func (h *host) reindex(from int) Reindexed {
	h.t.Helper()
	r, err := Reindex(h.t.Context(), h.options(from))
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *host) refused(o ReindexOptions, words string) {
	h.t.Helper()
	if r, err := Reindex(h.t.Context(), o); err == nil || !strings.Contains(err.Error(), words) {
		h.t.Fatalf("%+v, %v; want %q", r, err, words)
	}
}

// ordered checks that the first events have their numbers, but for those that are nowhere.
func (h *host) ordered(n int, nowhere ...int) {
	h.t.Helper()
	for i, v := range h.vs[:n] {
		e, _, err := h.journal.Get(h.t.Context(), v.Hash())
		if len(nowhere) > 0 && nowhere[0] == i {
			if nowhere = nowhere[1:]; !errors.Is(err, journal.ErrNotFound) {
				h.t.Fatalf("event %d is nowhere and has the number %d, %v", i, e.Sequence, err)
			}
			continue
		}
		if err != nil || e.Sequence != uint64(i+1) {
			h.t.Fatalf("event %d has the number %d, %v", i, e.Sequence, err)
		}
	}
}

// more stores further events, in all places.
func (h *host) more(n int) {
	h.t.Helper()
	for i := len(h.vs); n > 0; i, n = i+1, n-1 {
		v := moduletest.Event(h.t, i)
		h.vs = append(h.vs, v)
		for _, r := range h.r {
			if _, err := r.Put(h.t.Context(), v); err != nil {
				h.t.Fatal(err)
			}
		}
	}
}

func (h *host) admit(vs ...module.Verified) []journal.Admission {
	h.t.Helper()
	as, err := h.journal.Admit(h.t.Context(), vs, names)
	if err != nil {
		h.t.Fatal(err)
	}
	return as
}

// A lost journal comes back with every number, and the log goes on.
func TestReindexKeepsTheOrder(t *testing.T) {
	h := logged(t, 600)
	before := h.head()
	h.more(30) // stored, and not published when the journal was lost
	h.lose()
	r := h.reindex(0)
	if r.Ordered != 600 || r.Restored != 630 || r.Absent != 0 || !r.Complete {
		t.Fatalf("%+v", r)
	}
	h.ordered(600)
	if after := h.head(); after.Log != before.Log || after.Size != 600 || after.Origin != before.Origin || !bytes.Equal(after.Checkpoint, before.Checkpoint) {
		t.Fatalf("the head is %+v, it was %+v", after, before)
	}
	if r := h.reindex(1); r.Known != 630 || r.Restored != 0 || r.Ordered != 0 {
		t.Fatalf("once more: %+v", r)
	}
	if s := h.publish(); s.Published != 630 || s.Origin != before.Origin || s.Note != "" {
		t.Fatalf("%+v", s)
	}
}

// unasked is a place that does not answer for its objects.
type unasked struct{ *memory.Replica }

func (unasked) ListObjects(context.Context, string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { yield("", errDown) }
}
func (unasked) GetObject(context.Context, string) ([]byte, error) { return nil, errDown }
func (unasked) PutObjects(_ context.Context, os []replica.Object) []error {
	return make([]error, len(os))
}

// With fewer places than would show every head, nothing gets a number.
func TestReindexAsksThePlaces(t *testing.T) {
	h := logged(t, 300)
	places := h.o.Places
	down := func(which ...int) {
		h.o.Places = append([]replica.Place(nil), places...)
		for _, i := range which {
			h.o.Places[i].Replica = unasked{h.r[i]}
		}
	}
	h.lose()
	down(0, 1)
	h.refused(h.options(0), "a (connection refused), b (connection refused); bring them back, or begin a new log")
	if last, err := h.journal.Last(t.Context()); last != 0 || err != nil {
		t.Fatalf("there are %d numbers, %v", last, err)
	}
	down(0) // of two copies one is enough
	h.reindex(0)
	h.ordered(300)
}

// An event that is nowhere leaves its number, and gets it when it is stored again.
func TestReindexWithoutAnEvent(t *testing.T) {
	h := logged(t, 300)
	for i := range names {
		h.remove(i, 0)
		h.remove(i, 150)
		h.remove(i, 299)
	}
	h.remove(0, 7)
	h.lose()
	if r := h.reindex(0); r.Absent != 4 || r.Restored != 296 || r.Ordered != 300 {
		t.Fatalf("%+v", r)
	}
	if r := h.reindex(1); r.Absent != 3 || r.Restored != 1 || r.Ordered != 300 {
		t.Fatalf("from the other: %+v", r)
	}
	h.ordered(300, 0, 150, 299)
	h.o.State = ""
	if r := h.run(); r.Unreadable != 3 || len(r.Journal) != 0 || r.Events != 297 {
		t.Fatalf("a scrub: %+v", r)
	}
	h.more(10)
	h.reindex(0)
	if s := h.publish(); s.Published != 310 {
		t.Fatalf("%+v", s)
	}
	for _, i := range []int{150, 299, 0} {
		if as := h.admit(h.vs[i]); as[0].Known || as[0].Entry.Sequence != uint64(i+1) {
			t.Fatalf("%+v", as)
		}
	}
	h.ordered(300)
}

// What is damaged of the log in one place is had from another one; what is gone
// everywhere is an error, and a new log can begin.
func TestReindexEntries(t *testing.T) {
	h := logged(t, 300)
	name := "log/" + h.head().Log + "/" + tile.Name{Level: tile.Entries, Width: tile.Width}.Path()
	replace := func(i int, with []byte) {
		if err := h.r[i].DeleteObjects(t.Context(), []string{name}); err != nil {
			t.Fatal(err)
		}
		if with != nil {
			if errs := h.r[i].PutObjects(t.Context(), []replica.Object{{Name: name, Data: with}}); errs[0] != nil {
				t.Fatal(errs)
			}
		}
	}
	replace(0, tile.AppendEntries(nil, make([]digest.Hash, tile.Width)))
	h.lose()
	h.reindex(0)
	h.ordered(300)
	former := h.head()

	replace(1, nil)
	h.lose()
	h.refused(h.options(0), "cannot be had from the replicas")
	o := h.options(0)
	o.Order.New = true
	for range 2 {
		if r, err := Reindex(t.Context(), o); err != nil || r.Listed != 300 || r.Absent != 0 || r.Ordered != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	s := h.publish()
	head := h.head()
	if head.Log == former.Log || s.Origin != "example.org/log/"+head.Log || s.Published != 300 || !strings.Contains(s.Note, "--new-log") {
		t.Fatalf("%+v, %+v", s, head)
	}
	// From then on it is the one that is gone on with, and the other one is in the way of a later loss.
	if r := h.reindex(1); r.Ordered != 0 {
		t.Fatalf("%+v", r)
	}
	replace(1, tile.AppendEntries(nil, hashesOf(h.vs[:tile.Width])))
	h.lose()
	h.refused(h.options(0), "choose it with eventseal reindex --log NAME")
	o = h.options(0)
	o.Order.Log = head.Log
	if r, err := Reindex(t.Context(), o); err != nil || r.Ordered != 300 || h.head().Log != head.Log {
		t.Fatalf("%+v, %v", r, err)
	}
	o.Order.Log = "0000000000000000"
	h.lose()
	o.Journal = h.journal
	h.refused(o, "no replica has a head of log 0000000000000000")
}

func hashesOf(vs []module.Verified) (hs []digest.Hash) {
	for _, v := range vs {
		hs = append(hs, v.Hash())
	}
	return hs
}

// Without its key a host does not know its log; those of others are not its own.
func TestReindexOfOthers(t *testing.T) {
	h := logged(t, 20)
	former := h.head()
	h.lose()
	mine := h.key
	h.key = hostKey(t)
	h.refused(h.options(0), "none is by this host's key ("+former.Log+")")
	o := h.options(0)
	o.Order.New = true
	if r, err := Reindex(t.Context(), o); err != nil || r.Restored != 20 {
		t.Fatalf("%+v, %v", r, err)
	}
	h.publish()
	h.key = mine
	h.lose()
	if r := h.reindex(1); r.Ordered != 20 || h.head().Log != former.Log {
		t.Fatalf("beside another host's log: %+v", r)
	}
	h.ordered(20)
}

// A journal that is an older copy catches up with its log, unless it has given
// its numbers to others since.
func TestReindexOfAnOlderJournal(t *testing.T) {
	h := logged(t, 300)
	h.lose()
	h.admit(h.vs[:100]...)
	if r := h.reindex(0); r.Ordered != 300 || r.Known+r.Restored != 300 {
		t.Fatalf("%+v", r)
	}
	h.ordered(300)
	h.publish()
	h.lose()
	h.admit(h.vs[:100]...)
	h.admit(h.vs[200])
	h.refused(h.options(0), "the journal has given the log's numbers to other events")
	if h.head().Size != 0 {
		t.Fatal("the journal has a head that its events do not lead to")
	}
}

// faulty fails before the head is there.
type faulty struct {
	*sqlite.Journal
	reserve, swap bool
}

func (f *faulty) Reserve(ctx context.Context, first uint64, hs []digest.Hash) error {
	if f.reserve {
		if err := f.Journal.Reserve(ctx, first, hs[:100]); err != nil {
			return err
		}
		return errDown
	}
	return f.Journal.Reserve(ctx, first, hs)
}

func (f *faulty) SwapHead(ctx context.Context, was, now journal.Head, tiles []journal.Tile) error {
	if f.swap {
		return errDown
	}
	return f.Journal.SwapHead(ctx, was, now, tiles)
}

// Interrupted at any step, it is gone on with.
func TestReindexOrderInterrupted(t *testing.T) {
	h := logged(t, 300)
	h.lose()
	for _, f := range []*faulty{{h.journal, true, false}, {h.journal, false, true}} {
		o := h.options(0)
		o.Journal = f
		h.refused(o, "connection refused")
	}
	if r := h.reindex(0); r.Ordered != 300 || r.Restored != 300 || r.Absent != 0 {
		t.Fatalf("%+v", r)
	}
	h.ordered(300)
	h.publish()
}

// What a rebuild could not read of the published events comes back with its
// numbers.
func TestReindexAfterARebuild(t *testing.T) {
	h := logged(t, 300)
	before := h.head()
	path := filepath.Join(t.TempDir(), "j.db")
	j, err := sqlite.Open(path, sqlite.Options{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	h.journal = j
	h.reindex(0)
	if err := errors.Join(j.Close(), journaltest.Damage(path, h.vs[100].Hash())); err != nil {
		t.Fatal(err)
	}
	r, err := sqlite.Rebuild(t.Context(), path, false, quiet)
	if err != nil || r.Kept == 0 || r.Kept+r.Events != 300 {
		t.Fatalf("%+v, %v", r, err)
	}
	if j, err = sqlite.Open(path, sqlite.Options{Log: quiet}); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	h.journal = j
	o := h.options(0)
	o.Order.New = true
	h.refused(o, "eventseal reindex --in-place --new-log")
	if got := h.reindex(0); got.Restored != r.Kept || got.Absent != 0 || got.Ordered != 300 {
		t.Fatalf("%+v", got)
	}
	h.ordered(300)
	if after := h.head(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Fatalf("%+v, %+v", after, before)
	}
	h.more(1)
	h.admit(h.vs[300])
	h.publish()
}

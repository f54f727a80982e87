package anchor

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/wasm/digest"
)

// replay gives the world an empty journal and admits the events again.
func (w *world) replay(n int) {
	w.t.Helper()
	var vs []module.Verified
	for _, h := range w.log.leaves[:n] {
		b, err := w.journal.Record(w.t.Context(), h)
		if err != nil {
			w.t.Fatal(err)
		}
		v, err := moduletest.Open(w.t).Verify(w.t.Context(), b)
		if err != nil {
			w.t.Fatal(err)
		}
		vs = append(vs, v)
	}
	w.journal = w.open(filepath.Join(w.t.TempDir(), "journal.db"))
	for _, v := range vs {
		as, err := w.journal.Admit(w.t.Context(), []module.Verified{v}, []string{"a", "b", "c"})
		if err != nil {
			w.t.Fatal(err)
		}
		w.hold(as[0].Entry.Sequence, both...)
	}
}

// The journal is lost and rebuilt: what is on the chain is taken up, and what is
// new goes on from there.
func TestLostJournal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "VOTE")
	w.owed = "c" // so that the journal keeps the bytes
	a := w.start(fault{})
	w.step(a)
	for range 4 {
		w.admit("ADD_CLAIM", both...)
		w.admit("VOTE", both...)
		w.finish(a)
	}
	w.admit("VOTE", both...) // not anchored before the journal is lost
	w.replay(9)
	a = w.start(fault{})
	s := w.finish(a)
	if s.Heads.Number != 5 || s.Events.Number != 5 {
		t.Errorf("%+v", s)
	}
	if got := w.single(); !slices.Equal(got, []uint64{2, 4, 6, 8, 9}) {
		t.Errorf("%v", got)
	}
	for _, p := range append(w.posts(journal.PostHead), w.posts(journal.PostEvents)...) {
		if p.Transaction == nil || p.BlockNum == 0 || len(p.Signatures) != 1 {
			t.Errorf("number %d was taken up without its block's bytes", p.Number)
		}
	}
	w.admit("VOTE", both...)
	w.finish(a)
}

// The journal is put back to an older copy: what the chain has more is taken up.
func TestOlderJournal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "VOTE")
	w.options.Patience = 0 // ten minutes
	a := w.start(fault{})
	w.step(a)
	w.admit("VOTE", both...)
	w.finish(a)
	for range 3 {
		w.admit("VOTE", both...)
	}
	late := w.admit("VOTE", "a")
	for range 2 {
		w.admit("VOTE", both...)
	}
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	older := w.copy()
	a = w.start(fault{})
	w.clock = w.clock.Add(3 * 3600 * poll) // the one that is stuck is passed
	w.until(a, "all others are final", func(s State) bool { return s.Heads.Backlog == 0 && s.Events.Backlog == 1 })
	w.journal = w.open(older)
	a = w.start(fault{})
	w.until(a, "it is taken up", func(s State) bool { return s.Heads.Backlog == 0 && s.Events.Backlog == 1 && s.Events.Posts == 0 })
	if got := w.single(); !slices.Equal(got, []uint64{1, 2, 3, 4, 6, 7}) {
		t.Errorf("%v", got)
	}
	w.hold(late, "b")
	w.finish(a)
}

// copy copies the journal's file.
func (w *world) copy() string {
	w.t.Helper()
	if err := w.journal.Close(); err != nil {
		w.t.Fatal(err)
	}
	b, err := os.ReadFile(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(w.t.TempDir(), "older.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.journal = w.open(w.path)
	return path
}

// What is on the chain and not ours stops the kind, with what to do.
func TestForeign(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		action string
		data   []byte
		why    string
	}{
		"another log's head":  {"post", antelope.PostData(2, 2, digest.Hash{1}), "another log"},
		"a larger head":       {"post", antelope.PostData(2, 99, digest.Hash{1}), "99 events"},
		"an event of another": {"event", antelope.EventData(2, 5, digest.Hash{1}), "does not have"},
		"an event again":      {"event", nil, "already"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1, "VOTE")
			a := w.start(fault{})
			w.step(a)
			w.admit("VOTE", both...)
			w.finish(a)
			if c.data == nil {
				c.data = antelope.EventData(2, 5, w.log.leaves[0])
			}
			w.admit("VOTE", both...)
			if _, err := w.chain.Act(c.action, c.data); err != nil {
				t.Fatal(err)
			}
			w.chain.Produce(1)
			s := w.until(a, "it is stopped", func(s State) bool { return s.State == Stopped })
			w.steps(a, 5)
			if !strings.Contains(s.Why, c.why) || !strings.Contains(s.Why, "contract account of its own") {
				t.Error(s.Why)
			}
			head, event := len(w.onChain()[journal.PostHead]), len(w.onChain()[journal.PostEvents])
			if head != 2 || event != 2 {
				t.Errorf("%d heads, %d events: one kind stops, and the other goes on", head, event)
			}
		})
	}
}

// Nobody signs here: the request asks for what is due, and what appears is taken up.
func TestWallet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "VOTE")
	key := w.key
	w.key = nil
	a := w.start(fault{})
	w.step(a)
	w.admit("VOTE", both...)
	w.admit("VOTE", both...)
	s := w.steps(a, 10)
	if len(w.chain.Transactions()) != 0 || len(s.Requests) != 2 || s.Signer != "wallet" {
		t.Fatalf("%+v", s)
	}
	for _, r := range s.Requests {
		if u, err := url.Parse(r.URI); err != nil || u.Scheme != "esr" {
			t.Errorf("%s: %v", r.URI, err)
		}
	}
	chainID, _ := digest.ParseHash(w.chain.ID())
	acts, err := a.actions(t.Context(), &journal.Post{Kind: journal.PostHead, Number: 1, Size: 2, Root: w.root(2)}, nil)
	if err != nil || s.Requests[0].URI != antelope.RequestURI(chainID, acts) {
		t.Errorf("%v: the request is another one", err)
	}
	if again := w.steps(a, 3); again.Requests[0].URI != s.Requests[0].URI || again.Requests[1].URI != s.Requests[1].URI {
		t.Error("the requests change while nothing else does")
	}
	w.sign(key, s.Requests)
	s = w.finish(a)
	if s.Heads.Final.TransactionID == "" || s.Events.Final.TransactionID == "" || len(s.Requests) != 0 {
		t.Errorf("%+v", s)
	}
	// The same with a fork that drops it: it is asked for again.
	w.admit("VOTE", both...)
	s = w.until(a, "it is asked for", func(s State) bool { return len(s.Requests) == 2 })
	w.sign(key, s.Requests)
	w.chain.Produce(1)
	w.included(a)
	if err := w.chain.Fork(3, false); err != nil {
		t.Fatal(err)
	}
	s = w.until(a, "it is asked for again", func(s State) bool { return len(s.Requests) == 2 })
	w.sign(key, s.Requests)
	w.finish(a)
	// And on with a key.
	w.key = key
	a = w.start(fault{})
	w.admit("VOTE", both...)
	w.finish(a)
}

func (w *world) root(size uint64) digest.Hash {
	root, err := w.log.Root(w.t.Context(), size)
	if err != nil {
		w.t.Fatal(err)
	}
	return root
}

// sign does what requests ask for, in a process of its own.
func (w *world) sign(key []byte, requests []Request) {
	w.t.Helper()
	was := w.key
	w.key = key
	other := w.start(fault{})
	w.key = was
	for _, r := range requests {
		p := journal.Post{Kind: journal.PostHead, Number: r.Post.Number, Size: r.Post.Size}
		codes := []uint32(nil)
		if r.Kind == "events" {
			p.Kind = journal.PostEvents
			for _, e := range r.Post.Events {
				p.Events, codes = append(p.Events, e.Sequence), append(codes, e.Code)
			}
		} else {
			p.Root = w.root(p.Size)
		}
		err := other.use(w.t.Context(), func(ctx context.Context, n node) error {
			info, err := n.Info(ctx)
			if err != nil {
				return err
			}
			if err := other.build(ctx, &sight{info: info}, &p, codes); err != nil {
				return err
			}
			return n.Send(ctx, p.Transaction, p.Signatures)
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.chain.Produce(1)
}

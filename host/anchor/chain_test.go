package anchor

import (
	"cmp"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/servers/chain"
)

// begun returns a world in which a head and an event are in a block that can be
// dropped yet.
func begun(t *testing.T, nodes int) (*world, *Anchor) {
	w := newWorld(t, nodes, "VOTE")
	a := w.start(fault{})
	w.step(a)
	w.admit("VOTE", both...)
	w.included(a)
	return w, a
}

// included steps until the posts that are not final are in a block.
func (w *world) included(a *Anchor) {
	w.t.Helper()
	w.until(a, "both are included", func(s State) bool {
		n := 0
		for _, p := range s.Posts {
			if p.State == Included {
				n++
			}
		}
		return n == 2
	})
}

func TestFork(t *testing.T) {
	t.Parallel()
	for _, fate := range []chain.Fate{chain.Drop, chain.Keep} {
		w, a := begun(t, 1)
		was := append(w.posts(journal.PostHead), w.posts(journal.PostEvents)...)
		if err := w.chain.Fork(2, fate); err != nil {
			t.Fatal(err)
		}
		w.finish(a)
		for i, p := range append(w.posts(journal.PostHead), w.posts(journal.PostEvents)...) {
			if antelope.ID(p.Transaction) != antelope.ID(was[i].Transaction) {
				t.Error("other bytes were sent though the first could still get there")
			}
			if fate == chain.Drop && p.BlockTime.Equal(was[i].BlockTime) {
				t.Error("nothing was dropped")
			}
		}
	}
}

// A fork at each moment, again and again.
func TestForks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "VOTE")
	a := w.start(fault{})
	w.step(a)
	for i := range 40 {
		if i%3 == 0 {
			w.admit("VOTE", both...)
		}
		w.step(a)
		if err := w.chain.Fork(1+i%3, chain.Fate(i%2 == 0)); err != nil {
			t.Fatal(err)
		}
		w.check()
	}
	w.finish(a)
}

func TestOutage(t *testing.T) {
	t.Parallel()
	for _, o := range []chain.Outage{chain.Refused, chain.BadGateway, chain.Unavailable} {
		w, a := begun(t, 2)
		w.chain.Node(0).Down(o)
		w.finish(a)
		w.chain.Node(1).Down(o)
		w.admit("VOTE", both...)
		if s := w.step(a); s.State != Waiting || s.Why == "" || s.Heads.Backlog != 1 {
			t.Errorf("%+v", s)
		}
		w.chain.Node(0).Down(chain.Up)
		w.finish(a)
	}
}

// A node that stands still takes what it is sent, and nobody ever sees it.
func TestFrozenNode(t *testing.T) {
	t.Parallel()
	w, a := begun(t, 2)
	w.chain.Node(0).Freeze()
	w.admit("VOTE", both...)
	w.finish(a)
	w.chain.Node(0).Thaw()
	w.chain.Node(1).Freeze()
	w.admit("VOTE", both...)
	w.finish(a)
	// Alone it is waited for.
	w.chain.Node(0).Freeze()
	w.admit("VOTE", both...)
	w.until(a, "a chain that stands still is told", func(s State) bool { return s.State == Waiting && strings.Contains(s.Why, "no new block") })
	w.chain.Node(0).Thaw()
	w.finish(a)
}

// Behind one address are a node of the chain and one on a dead branch, which
// answer in any order: nothing is final that is not.
func TestBalanced(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{0, 2} {
		w := newWorld(t, 0, "VOTE")
		good, dead := w.chain.Node(0), w.chain.Node(1)
		var pattern, calls int
		w.endpoint("balanced", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			n := good
			if pattern>>(calls%6)&1 == 1 {
				n = dead
			}
			calls++
			n.ServeHTTP(rw, r)
		}))
		a := w.start(fault{})
		w.step(a)
		w.admit("VOTE", both...)
		for range depth {
			w.step(a) // some of what follows is on both branches
		}
		dead.Strand()
		for pattern = range 64 {
			if pattern%8 == 1 {
				w.admit("VOTE", both...)
			}
			for calls = 0; calls < 25; {
				before := calls
				w.step(a)
				w.check()
				if calls == before {
					break
				}
			}
		}
		if n := len(w.posts(journal.PostHead)); n < 2 {
			t.Errorf("only %d heads were posted", n)
		}
		pattern = 0
		w.finish(a)
	}
}

// A node takes bytes and forgets them; the other one gets them, too.
func TestForgetfulNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, "VOTE")
	a := w.start(fault{})
	w.step(a)
	w.chain.Node(0).Forget(1000)
	w.admit("VOTE", both...)
	w.until(a, "both are final", settled)
	w.check()
	w.chain.Node(1).Forget(4)
	w.chain.Node(0).Forget(0)
	w.admit("VOTE", both...)
	w.finish(a)
}

// What is sent never gets there, until it cannot any more: it is built anew, and
// what was sent first is refused.
func TestExpired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "VOTE")
	a := w.start(fault{})
	w.step(a)
	w.chain.Node(0).Forget(1000)
	w.admit("VOTE", both...)
	w.step(a)
	was := append(w.posts(journal.PostHead), w.posts(journal.PostEvents)...)
	if len(was) != 2 {
		t.Fatal(was)
	}
	w.admit("VOTE", both...)
	w.chain.HoldLIB(true)
	w.chain.Advance(200 * time.Second)
	for range 10 {
		w.step(a)
	}
	// It is past its time, but as long as that is not irreversible the block before may be another one.
	if p := w.posts(journal.PostHead)[0]; antelope.ID(p.Transaction) != antelope.ID(was[0].Transaction) {
		t.Error("new bytes were made while the old could still get there")
	}
	w.chain.HoldLIB(false)
	w.step(a)
	w.step(a)
	w.chain.Node(0).Forget(0)
	s := w.finish(a)
	if s.Heads.Number != 1 || s.Heads.Final.Size != 2 {
		t.Errorf("a head that is built anew is the newest: %+v", s.Heads)
	}
	for _, p := range was {
		err := w.client(w.gate).Use(t.Context(), func(ctx context.Context, n *antelope.Node) error { return n.Send(ctx, p.Transaction, p.Signatures) })
		if !antelope.Refused(err) {
			t.Errorf("the old bytes: %v", err)
		}
	}
	w.chain.Produce(5)
	w.check()
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm, mend func(w *world)
		why        string
	}{
		"authority": {func(w *world) { w.chain.Node(0).Refuse(3090003, 7) }, func(*world) {}, "3090003"},
		"cpu":       {func(w *world) { w.chain.Node(0).Refuse(3080004, 7) }, func(*world) {}, "3080004"},
		"ram": {
			func(w *world) { w.chain.SetLimits(chain.Limits{RAM: w.chain.Account().RAM + 10}) },
			func(w *world) { w.chain.SetLimits(chain.Limits{RAM: 1 << 20}) }, "3080001",
		},
		"another contract": {
			func(w *world) { w.key, _ = keyOf("another") }, func(w *world) { w.key, _ = keyOf("anchor") }, "309000",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1, "VOTE")
			w.step(w.start(fault{}))
			c.harm(w)
			a := w.start(fault{})
			w.admit("VOTE", both...)
			s := w.until(a, "it is refused", func(s State) bool {
				return s.State == Waiting && len(s.Posts) == 2 && s.Posts[0].State == Failed && s.Posts[1].State == Failed
			})
			if !strings.Contains(s.Why, c.why) || !strings.Contains(s.Posts[0].Reason, c.why) {
				t.Errorf("%s: %+v", s.Why, s.Posts[0])
			}
			c.mend(w)
			if name == "another contract" { // new bytes only when the old are dead
				a = w.start(fault{})
			}
			w.finish(a)
		})
	}
}

func keyOf(seed string) ([]byte, string) {
	private, public := chain.Key(seed)
	return []byte(private), public
}

// The irreversible block stays where it is: nothing is final, and so much is
// posted and no more.
func TestStuckIrreversibility(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.options.Window = 5
	w.chain.HoldLIB(true)
	a := w.start(fault{})
	for range 40 {
		w.admit("ADD_CLAIM", both...)
		w.step(a)
	}
	if s := w.state(a); s.Heads.Number != 5 || s.Heads.Posts != 5 || s.State != Waiting || !strings.Contains(s.Why, "not final") {
		t.Errorf("%+v", s)
	}
	w.chain.HoldLIB(false)
	w.finish(a)
}

// The chain goes back to before what was final: that is told, and all of it gets
// there again.
func TestChainWentBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, "VOTE")
	_ = w.chain.Close()
	dir := t.TempDir()
	w.reopen(dir)
	a := w.start(fault{})
	w.step(a)
	w.admit("VOTE", both...)
	w.finish(a)
	older := filepath.Join(t.TempDir(), "older")
	if err := os.CopyFS(older, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.admit("VOTE", both...)
		w.finish(a)
	}
	id := w.chain.ID()
	w.reopen(older)
	if w.chain.ID() != id {
		t.Fatal("it is another chain")
	}
	a = w.start(fault{})
	if s := w.step(a); s.State != Waiting || !strings.Contains(s.Why, "final already") {
		t.Errorf("%+v", s)
	}
	w.admit("VOTE", both...)
	w.finish(a)
	if !strings.Contains(w.said.String(), "went back") {
		t.Error("nothing was said of it")
	}
	if n := len(w.onChain()[journal.PostEvents]); n != 5 {
		t.Errorf("%d events", n)
	}
}

// The settings name another contract, or another chain with one of the same name:
// it gets what is new, and what was on the other one is not taken for its own.
func TestAnotherTarget(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(w *world){
		"contract": func(w *world) { w.options.Contract = must("another") },
		"chain":    func(w *world) { w.begin = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) },
	} {
		w, a := begun(t, 1)
		w.finish(a)
		w.admit("VOTE", both...)
		w.included(a)
		before := w.chain.ID()
		move(w)
		w.reopen("")
		if name == "chain" && w.chain.ID() == before {
			t.Fatal("it is the same chain")
		}
		a = w.start(fault{})
		w.until(a, "all is final there", settled)
		all := w.onChain()
		if len(all[journal.PostHead]) != 1 || len(all[journal.PostEvents]) != 1 || all[journal.PostEvents][1].hash != w.log.leaves[1] {
			t.Errorf("%s: %+v", name, all)
		}
		if !strings.Contains(w.said.String(), "another chain or contract") {
			t.Errorf("%s: nothing was said of it", name)
		}
		w.finish(a)
	}
}

// reopen has the chain go on with what is in a folder; "": begin anew.
func (w *world) reopen(dir string) {
	w.t.Helper()
	_, public := chain.Key("anchor")
	c, err := chain.New(chain.Options{
		Account: cmp.Or(w.options.Contract, account).String(), Keys: map[string][]string{posting.String(): {public}},
		Links: map[string]string{"post": posting.String(), "event": posting.String()}, Dir: dir, Start: w.begin,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	w.chain = c
	w.mu.Lock()
	w.hosts["node"], w.names = c.Node(0), []string{"node"}
	w.mu.Unlock()
}

// The answer is lost, and the node knows the bytes when they come again.
func TestDuplicate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "VOTE")
	a := w.start(fault{})
	w.step(a)
	w.admit("VOTE", both...)
	sent := 0
	w.chain.Node(0).Hook(func(r chain.Request) bool {
		if r.After && strings.HasSuffix(r.Path, "send_transaction2") {
			sent++
			return sent > 2 // the answers about a head and an event
		}
		return true
	})
	for range 6 {
		w.clock = w.clock.Add(poll)
		a.round(t.Context()) // without a block
	}
	s := w.state(a)
	if sent < 4 || len(s.Posts) != 2 || s.Posts[0].State != Submitted || s.Posts[1].State != Submitted {
		t.Errorf("sent %d times: %+v", sent, s.Posts)
	}
	w.finish(a)
}

package anchor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/servers/chain"
)

// steps looks so many times.
func (w *world) steps(a *Anchor, n int) (s State) {
	for range n {
		s = w.step(a)
	}
	return s
}

// single returns the events that are in posts, in the order of their numbers.
func (w *world) single() (sequences []uint64) {
	for _, p := range w.posts(journal.PostEvents) {
		sequences = append(sequences, p.Events...)
	}
	return sequences
}

// A head is posted when the last event under it has its quorum, and is the one
// that was due: later events do not hold it back.
func TestHeadWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a := w.start(fault{})
	first := w.admit("VOTE", "a")
	s := w.steps(a, 5)
	if s.Heads.Posts != 0 || s.Heads.Queued == nil || s.Heads.Queued.Size != 1 || !strings.Contains(s.Heads.Queued.Reason, "event 1 ") || len(s.Stuck) != 0 {
		t.Fatalf("%+v, %+v", s.Heads, s.Stuck)
	}
	second := w.admit("VOTE", "cache") // which does not count
	w.steps(a, 5)
	w.hold(first, "b")
	s = w.until(a, "the first head is final", func(s State) bool { return s.Heads.Final != nil })
	if s.Heads.Final.Size != 1 {
		t.Errorf("%+v", s.Heads.Final)
	}
	w.hold(second, both...)
	w.finish(a)
}

// Which event is stuck is told by a process that did not see it happen, too, and
// no longer once it has its quorum.
func TestStuckIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.options.Patience = 10 * time.Minute
	first := w.admit("VOTE", "a")
	w.admit("VOTE", both...)
	w.clock = w.clock.Add(11 * time.Minute)
	w.until(w.start(fault{}), "the head is final", func(s State) bool { return s.Heads.Backlog == 0 })
	a := w.start(fault{})
	if s := w.step(a); len(s.Stuck) != 1 || s.Stuck[0].Sequence != first || s.Stuck[0].Hash != w.log.leaves[0].String() {
		t.Errorf("%+v", s.Stuck)
	}
	w.hold(first, "b")
	if s := w.steps(a, idle+1); len(s.Stuck) != 0 {
		t.Errorf("%+v", s.Stuck)
	}
}

// An event that is stuck for longer than Patience holds nothing back, and is
// named; one that waits for less does.
func TestPatience(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "VOTE")
	w.options.Patience = 10 * time.Minute
	a := w.start(fault{})
	w.step(a)
	stuck := w.admit("VOTE", "a")
	w.admit("ADD_CLAIM", both...)
	w.admit("VOTE", both...)
	s := w.steps(a, 60)
	if len(w.onChain()[journal.PostHead])+len(w.onChain()[journal.PostEvents]) != 0 || len(s.Stuck) != 0 {
		t.Fatalf("something was posted that waits: %+v", s)
	}
	w.clock = w.clock.Add(10 * time.Minute)
	s = w.until(a, "the others are final", func(s State) bool { return s.Heads.Backlog == 0 && s.Events.Backlog == 1 })
	if len(s.Stuck) != 1 || s.Stuck[0].Sequence != stuck || s.Stuck[0].Hash != w.log.leaves[0].String() || s.Stuck[0].Why == "" {
		t.Errorf("%+v", s.Stuck)
	}
	if got := w.single(); !slices.Equal(got, []uint64{3}) {
		t.Errorf("%v", got)
	}
	// A new process does not wait anew; it is anchored when it has its quorum.
	w.clock = time.Now()
	a = w.start(fault{})
	late := w.admit("VOTE", "b")
	w.steps(a, 5)
	w.hold(stuck, "b")
	w.steps(a, 2*idle)
	if got := w.single(); !slices.Equal(got, []uint64{3, stuck}) {
		t.Errorf("%v", got)
	}
	w.hold(late, "a")
	s = w.finish(a)
	if got := w.single(); !slices.Equal(got, []uint64{3, stuck, late}) || len(s.Stuck) != 0 {
		t.Errorf("%v, %+v", got, s.Stuck)
	}
}

// One after the other: an event that waits for its quorum has those behind it wait.
func TestOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "*")
	w.options.Batch = 3
	a := w.start(fault{})
	w.step(a)
	var want []uint64
	for i := range 10 {
		at := both
		if i == 5 {
			at = nil
		}
		want = append(want, w.admit([]string{"VOTE", "ADD_CLAIM"}[i%2], at...))
	}
	w.steps(a, 30)
	if got := w.single(); !slices.Equal(got, want[:5]) {
		t.Errorf("%v", got)
	}
	w.hold(want[5], both...)
	w.finish(a)
	if got := w.single(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	for _, p := range w.posts(journal.PostEvents) {
		if len(p.Events) > 3 {
			t.Errorf("%d events in one transaction", len(p.Events))
		}
	}
}

// types is a module with another table.
type types struct {
	Module
	table []module.Type
}

func (m *types) Types() []module.Type { return m.table }

// The code is that of the module's table at the time of posting. An event whose
// type has none any more is stuck, and holds no other back.
func TestTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "VOTE", "ADD_CLAIM")
	m := &types{moduletest.Open(t), []module.Type{{Name: "VOTE", Code: 4711}}}
	w.step(w.start(fault{}))
	w.admit("ADD_CLAIM", both...)
	w.admit("VOTE", both...)
	a := w.start(fault{})
	a.o.Module = m
	s := w.until(a, "one is final", func(s State) bool { return s.Events.Backlog == 1 && s.Events.Posts == 0 })
	if c := w.onChain()[journal.PostEvents][1]; c.code != 4711 {
		t.Errorf("code %d", c.code)
	}
	if len(s.Stuck) != 1 || s.Stuck[0].Sequence != 1 || !strings.Contains(s.Stuck[0].Why, "ADD_CLAIM") {
		t.Errorf("%+v", s.Stuck)
	}
	m.table = append(m.table, module.Type{Name: "ADD_CLAIM", Code: 5})
	w.finish(a)
	if c := w.onChain()[journal.PostEvents][2]; c.code != 5 {
		t.Errorf("code %d", c.code)
	}
}

// What is built anew has the code that its type has then.
func TestTypesBuiltAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "VOTE")
	m := &types{moduletest.Open(t), []module.Type{{Name: "VOTE", Code: 4711}}}
	a := w.start(fault{})
	a.o.Module = m
	w.step(a)
	w.chain.Node(0).Forget(1000)
	w.admit("VOTE", both...)
	w.step(a)
	if len(w.posts(journal.PostEvents)) != 1 {
		t.Fatal("nothing was made")
	}
	m.table = nil
	w.chain.Advance(200 * time.Second)
	w.until(a, "its type is missed", func(s State) bool { return s.Events.State == Waiting && strings.Contains(s.Events.Why, "type VOTE") })
	m.table = []module.Type{{Name: "VOTE", Code: 5}}
	w.chain.Node(0).Forget(0)
	w.finish(a)
	if c := w.onChain()[journal.PostEvents][1]; c.code != 5 {
		t.Errorf("code %d", c.code)
	}
}

// Events are anchored from when that is first wanted on, and only what is wanted.
func TestCursor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a := w.start(fault{})
	w.admit("VOTE", both...)
	w.finish(a)
	w.options.Events = []string{"VOTE"}
	a = w.start(fault{})
	w.step(a)
	w.admit("ADD_CLAIM", both...)
	w.admit("VOTE", both...)
	w.finish(a)
	if got := w.single(); !slices.Equal(got, []uint64{3}) {
		t.Errorf("%v", got)
	}
}

// From then on also means: before the chain has answered.
func TestCursorWithoutAChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "VOTE")
	w.admit("VOTE", both...)
	w.chain.Node(0).Down(chain.BadGateway)
	for range 3 { // processes, none of which sees the chain
		w.step(w.start(fault{}))
		w.admit("VOTE", both...)
	}
	w.chain.Node(0).Down(chain.Up)
	a := w.start(fault{})
	w.clock = w.clock.Add(time.Minute) // the node is left alone for a while
	w.finish(a)
	if got := w.single(); !slices.Equal(got, []uint64{2, 3, 4}) {
		t.Errorf("%v", got)
	}
}

// A head is made at most once in so long.
func TestEvery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.options.Every = 20 * poll
	a := w.start(fault{})
	for range 60 {
		w.admit("VOTE", both...)
		w.step(a)
	}
	if n := len(w.onChain()[journal.PostHead]); n != 3 {
		t.Errorf("%d heads in 60 s, at one in 20 s", n)
	}
	// Nor by starting anew.
	for range 5 {
		w.admit("VOTE", both...)
		w.step(w.start(fault{}))
	}
	if n := len(w.onChain()[journal.PostHead]); n > 4 {
		t.Errorf("%d heads", n)
	}
	w.finish(w.start(fault{}))
}

package journaltest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
)

// bind binds names to identities given as "name=identity" or, with a doubt, "name=identity?why".
func bind(t *testing.T, j journal.Journal, bindings ...string) string {
	t.Helper()
	var bs []journal.Binding
	for _, text := range bindings {
		name, rest, _ := strings.Cut(text, "=")
		identity, doubt, _ := strings.Cut(rest, "?")
		bs = append(bs, journal.Binding{Replica: name, Identity: identity, Doubt: doubt})
	}
	out, err := j.(journal.Placer).Bind(timeout(t), bs)
	if err != nil || len(out) != len(bs) {
		t.Fatalf("Bind: %v, %v", out, err)
	}
	return strings.Trim(fmt.Sprintf("%+v", out), "[]")
}

func statesOf(t *testing.T, j journal.Journal, v module.Verified) string {
	t.Helper()
	_, cs := get(t, j, v.Hash())
	var all []string
	for _, name := range []string{"a", "b", "c"} {
		if c, ok := cs[name]; ok {
			all = append(all, name+" "+c.State.String())
		}
	}
	return strings.Join(all, ", ")
}

// places: what is known of copies is known of a place, whatever its name.
func places(t *testing.T, s Subject) {
	j := s.Journal
	if _, ok := j.(journal.Placer); !ok {
		t.Fatal("the journal is no Placer")
	}
	must := func(want string, vs ...module.Verified) {
		t.Helper()
		for i, v := range vs {
			if got := statesOf(t, j, v); got != want {
				t.Fatalf("event %d: %s; want %s", i, got, want)
			}
		}
	}
	hold := func(name string, from, to uint64) {
		for seq := from; seq <= to; seq++ {
			j.Update(journal.Update{Sequence: seq, Replica: name, State: custody.Held, Location: "at " + name})
		}
		flush(t, j)
	}
	const new = "{Former: Replaced:false New:true Arrears:0}"
	const same = "{Former: Replaced:false New:false Arrears:0}"
	if got := bind(t, j, "a=1", "b=2"); got != new+" "+new {
		t.Fatal(got)
	}
	vs := Events(0, 20, 200)
	admit(t, j, vs, both...)
	hold("a", 1, 20)
	hold("b", 1, 10)
	must("a held, b held", vs[:10]...)
	must("a held, b owed", vs[10:]...)
	if got := bind(t, j, "b=2", "a=1"); got != same+" "+same {
		t.Fatal(got)
	}
	// The two have changed their names, debts included.
	if got := bind(t, j, "a=2", "b=1"); got != "{Former:b Replaced:false New:false Arrears:0} {Former:a Replaced:false New:false Arrears:0}" {
		t.Fatal(got)
	}
	must("a owed, b held", vs[10:]...)
	backlog(t, j, map[string]int{"a": 10})
	j = s.Reopen(t)
	must("a owed, b held", vs[10:]...)

	// Another place under a name holds nothing, and what was owed to the first is
	// owed to nobody; the bytes stay for it.
	if got := bind(t, j, "a=3"); got != "{Former: Replaced:true New:false Arrears:20}" {
		t.Fatal(got)
	}
	must("a owed, b held", vs...)
	backlog(t, j, map[string]int{"a": 20})
	holds(t, j, vs[15])
	if os := owed(t, j, "a", time.Hour, 100); len(os) != 0 {
		t.Fatalf("arrears are no work of the outbox yet: %d", len(os))
	}
	p := j.(journal.Placer)
	for round, want := range []int{8, 8, 4} {
		es, upto, err := p.Arrears(timeout(t), "a", 8)
		if err != nil || len(es) != want || upto != es[len(es)-1].Sequence || es[0].Sequence != uint64(round*8+1) {
			t.Fatalf("round %d: %d entries up to %d, %v", round, len(es), upto, err)
		}
		for _, e := range es {
			u := journal.Update{Sequence: e.Sequence, Replica: "a", State: custody.Held, Location: "at 3"}
			if e.Sequence%2 == 0 {
				u = journal.Update{Sequence: e.Sequence, Replica: "a", State: custody.Missing, Err: "found missing"}
			}
			j.Update(u)
		}
		if err := p.Settle(timeout(t), "a", upto); err != nil {
			t.Fatal(err)
		}
	}
	if es, upto, err := p.Arrears(timeout(t), "a", 8); len(es) != 0 || upto != 0 || err != nil {
		t.Fatalf("%d, %d, %v", len(es), upto, err)
	}
	must("a held, b held", vs[0], vs[2], vs[18])
	must("a missing, b held", vs[1], vs[3], vs[19])
	gone(t, j, vs[18].Hash())
	backlog(t, j, map[string]int{"a": 10})
	if os := owed(t, j, "a", time.Hour, 100); len(os) != 10 {
		t.Fatalf("%d are owed", len(os))
	}

	// The same place in doubt, and one that comes back after it was away: what is
	// known of them counts no more.
	if got := bind(t, j, "b=1?it lost something"); got != "{Former: Replaced:false New:false Arrears:20}" {
		t.Fatal(got)
	}
	must("a held, b owed", vs[0])
	if _, cs := get(t, j, vs[0].Hash()); cs["b"].LastError != "it lost something" {
		t.Fatalf("%+v", cs["b"])
	}
	if got := bind(t, j, "a=2"); got != "{Former: Replaced:true New:false Arrears:20}" {
		t.Fatal(got)
	}
	must("a owed, b owed", vs...)
	// Of the events since then all is known.
	later := Events(100, 101, 200)
	admit(t, j, later, "a", "b", "c")
	must("a owed, b owed, c owed", later...)
	hold("a", 21, 21)
	must("a held, b owed, c owed", later...)
	j = s.Reopen(t)
	must("a owed, b owed", vs...)
	p = j.(journal.Placer)
	if _, err := p.Bind(timeout(t), []journal.Binding{{Replica: "b", Identity: "1", Mounted: true}}); err != nil {
		t.Fatal(err)
	}
	standing, err := p.Standing(timeout(t))
	if err != nil || fmt.Sprint(standing) != "map[a:{2 false} b:{1 true} c:{ false}]" {
		t.Fatalf("%v, %v", standing, err)
	}
	if got := bind(t, j, "c=9"); got != same { // it had none
		t.Fatal(got)
	}
	if _, err := p.Bind(timeout(t), []journal.Binding{{Replica: "a", Identity: "7"}, {Replica: "b", Identity: "7"}}); err == nil {
		t.Fatal("one place was bound to two names")
	}
}

// losses: an event is lost when all who should have it were looked at, and not
// even the journal has its bytes; and it is not any more when somebody has it.
func losses(t *testing.T, s Subject) {
	j := s.Journal
	l, ok := j.(journal.Loser)
	if !ok {
		t.Fatal("the journal is no Loser")
	}
	lost := func(want ...uint64) {
		t.Helper()
		flush(t, j)
		es, total, err := l.Lost(timeout(t), 0, 100)
		if err != nil || len(es) != len(want) || total != uint64(len(want)) {
			t.Fatalf("%d of %d are lost, %v; want %v", len(es), total, err, want)
		}
		for i, e := range es {
			if e.Sequence != want[i] {
				t.Fatalf("%d is lost, want %v", e.Sequence, want)
			}
		}
	}
	set := func(seq uint64, name string, state custody.State) {
		j.Update(journal.Update{Sequence: seq, Replica: name, State: state, Location: "there", Err: "so"})
	}
	vs := Events(0, 6, 200)
	admit(t, j, vs, both...)
	lost()
	set(1, "a", custody.Missing) // the journal has the bytes
	set(1, "b", custody.Damaged)
	lost()
	holds(t, j, vs[0])
	for seq := uint64(2); seq <= 6; seq++ {
		set(seq, "a", custody.Held)
		set(seq, "b", custody.Held)
	}
	flush(t, j)
	set(2, "a", custody.Missing) // b has it
	set(3, "a", custody.Missing)
	set(3, "b", custody.Damaged)
	set(4, "a", custody.Missing)
	set(4, "b", custody.Owed) // it was not looked at
	set(5, "a", custody.Missing)
	set(5, "b", custody.Foreign)
	set(6, "a", custody.None)
	set(6, "b", custody.Missing)
	lost(3, 6)
	set(3, "b", custody.Owed) // a failed attempt to store it is no look at it
	lost(3, 6)
	if es, total, err := l.Lost(timeout(t), 3, 100); len(es) != 1 || total != 2 || err != nil {
		t.Fatalf("%d of %d, %v", len(es), total, err)
	}
	j = s.Reopen(t)
	l = j.(journal.Loser)
	lost(3, 6)
	set(3, "b", custody.Held)
	lost(6)
	// Bytes that come with the news are kept until somebody holds them.
	j.Update(journal.Update{Sequence: 6, Replica: "b", State: custody.Owed, Err: "down", Keep: vs[5]})
	lost()
	holds(t, j, vs[5])
	set(2, "b", custody.Damaged)
	lost(2)
	j.Update(journal.Update{Sequence: 2, Replica: "b", State: custody.Owed, Err: "down", Keep: Event(1, 200, 1)}) // another record
	lost(2)
	gone(t, j, vs[1].Hash())
	set(6, "b", custody.Held)
	lost(2)
	gone(t, j, vs[5].Hash())
}

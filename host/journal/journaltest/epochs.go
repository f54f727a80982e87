package journaltest

import (
	"math"
	"testing"

	"github.com/eventseal/eventseal/host/journal"
)

// epochs: each has a name of its own, stands when the journal is opened again,
// and of the former ones it is known how much of them still holds.
func epochs(t *testing.T, s Subject) {
	j := s.Journal
	renew := func(kept uint64) string {
		t.Helper()
		e, err := j.(journal.Renewer).Renew(timeout(t), kept)
		if err != nil || !journal.IsEpoch(e) || e != j.Epoch() {
			t.Fatalf("Renew gave %q, %v, and Epoch is %q", e, err, j.Epoch())
		}
		return e
	}
	kept := func(epoch string, want uint64) {
		t.Helper()
		if n, err := j.Kept(timeout(t), epoch); err != nil || n != want {
			t.Fatalf("of %s %d are kept, %v; want %d", epoch, n, err, want)
		}
	}
	first := j.Epoch()
	if !journal.IsEpoch(first) {
		t.Fatalf("the first epoch is %q", first)
	}
	admit(t, j, Events(0, 10, 100), both...)
	kept(first, 10)
	kept("0123456789abcdef", 0)
	second := renew(math.MaxUint64) // all
	admit(t, j, Events(10, 20, 100), both...)
	kept(first, 10)
	kept(second, 20)
	third := renew(15)
	kept(first, 10)
	kept(second, 15)
	j = s.Reopen(t)
	if j.Epoch() != third {
		t.Fatalf("opened again, the epoch is %s, not %s", j.Epoch(), third)
	}
	fourth := renew(5)
	kept(first, 5)
	kept(second, 5)
	kept(third, 5)
	kept(fourth, 20)
	renew(0)
	for _, e := range []string{first, second, third, fourth} {
		kept(e, 0)
	}
	names := map[string]bool{first: true, second: true, third: true, fourth: true, j.Epoch(): true}
	if len(names) != 5 {
		t.Fatalf("an epoch has the name of another one: %v", names)
	}
}

package replicatest

import (
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/replica"
)

// marks: a text for each journal, replaced whole, and no event.
func marks(t *testing.T, s Subject) {
	const one, other = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
	m, ok := replica.As[replica.Marked](s.Replica)
	if !ok {
		t.Skip("this kind keeps no marks")
	}
	must := func(m replica.Marked, name, want string) {
		t.Helper()
		if got, err := m.Mark(timeout(t), name); err != nil || got != want {
			t.Fatalf("Mark: %q, %v, want %q", got, err, want)
		}
	}
	must(m, one, "")
	v := Event(1, 200, 0)
	ref := put(t, s.Replica, v)
	long := strings.Repeat("x", replica.MaxMark)
	for _, text := range []string{"first", long, "a second one"} {
		if err := m.SetMark(timeout(t), one, text); err != nil {
			t.Fatal(err)
		}
		must(m, one, text)
	}
	must(m, other, "")
	if lister, ok := replica.As[replica.Lister](s.Replica); ok {
		for got, err := range lister.List(timeout(t)) {
			if err != nil || got.Hash != ref.Hash {
				t.Fatalf("List yields %s, %v", got.Hash, err)
			}
		}
	}
	if s.Reopen != nil {
		r := s.Reopen(t)
		m, _ := replica.As[replica.Marked](r)
		must(m, one, "a second one")
		holds(t, r, ref, v)
	}
}

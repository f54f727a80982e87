package anchor

import (
	"testing"
)

func TestFinal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, "VOTE")
	a := w.start(fault{})
	w.step(a) // events are anchored from now on
	for range 3 {
		w.admit("ADD_CLAIM", both...)
		w.admit("VOTE", both...)
	}
	s := w.finish(a)
	if s.Heads.Number != 1 || s.Events.Number != 3 || s.Heads.Final.Size != 6 {
		t.Errorf("%+v", s)
	}
	for range 3 {
		w.admit("VOTE", both...)
		w.finish(a)
	}
}

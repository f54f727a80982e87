package log

import (
	"fmt"
	"testing"
)

func TestPublish(t *testing.T) {
	w := newWorld(t, 2, 2)
	w.tidy = true
	l := w.start(fault{})
	if s := w.round(l); s.State != Publishing || s.Published != 0 || s.Origin == "" {
		t.Fatalf("%+v", s)
	}
	for _, n := range []uint64{1, 2, 250, 3, 1, 300, 66000, 1} {
		w.disk.admit(n)
		w.publish(l)
	}
	w.check(l)
	if calls := w.gate.calls["replica-1"]; w.round(l).Published == 0 || calls != w.gate.calls["replica-1"] {
		t.Error("something was put although there was nothing new")
	}
}

// story is what is played with a fault in each of its steps: it passes the ends
// of tiles, begins a log, and starts processes.
var story = []uint64{3, 250, 3, 300}

// The process ends, or a call fails, at every call that changes something, done
// or not, and at every one of the next process, too; all that was ever
// published is one tree's.
func TestFaults(t *testing.T) {
	for _, of := range []string{"journal", "replica-1", "replica-3"} {
		for _, done := range []bool{false, true} {
			for _, ended := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s done=%t ended=%t", of, done, ended), func(t *testing.T) {
					t.Parallel()
					for at, hit := 1, true; hit; at++ {
						hit = tell(t, fault{of, at, done, ended})
						if !hit && at < 5 {
							t.Fatalf("the story has %d steps only", at)
						}
					}
				})
			}
		}
	}
}

// tell plays the story with a fault, and reports whether it came to that.
func tell(t *testing.T, f fault) (hit bool) {
	w := newWorld(t, 3, 2)
	l := w.start(f)
	for _, n := range story {
		w.disk.admit(n)
		if w.round(l); w.gate.ended {
			hit = true
			l = w.start(fault{})
			w.disk.admit(1)
			w.round(l)
		}
	}
	hit = hit || w.gate.hit
	w.gate.fault.at = 0
	w.publish(l)
	w.check(l)
	return hit
}

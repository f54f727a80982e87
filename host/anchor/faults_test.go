package anchor

import (
	"fmt"
	"testing"
)

// The process ends, or a call fails, at every call of the journal and of a node,
// done or not: in the end everything is there once, and final.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, of := range []string{"journal", "reads", "node"} {
		for _, done := range []bool{false, true} {
			for _, ended := range []bool{false, true} {
				if of == "reads" && done {
					continue
				}
				t.Run(fmt.Sprintf("%s done=%t ended=%t", of, done, ended), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, 1, "VOTE")
					w.finish(w.start(fault{}))
					for at, hit := 1, true; hit; at++ {
						hit = w.tell(fault{of, at, done, ended})
						if !hit && at < 5 {
							t.Errorf("there are only %d calls", at)
						}
					}
					w.check()
				})
			}
		}
	}
}

// tell has two events become final, one of them on its own, too, while a fault
// happens, and reports whether it did.
func (w *world) tell(f fault) (hit bool) {
	w.t.Helper()
	a := w.start(f)
	w.admit("ADD_CLAIM", both...)
	w.admit("VOTE", both...)
	for range 30 {
		if s := w.step(a); w.gate.ended || settled(s) {
			break
		}
	}
	hit, w.gate.fault = w.gate.hit, fault{}
	if w.gate.ended {
		a = w.start(fault{})
	}
	w.until(a, fmt.Sprintf("all is final after %+v", f), settled)
	return hit
}

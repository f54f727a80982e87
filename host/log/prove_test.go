package log

import (
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/wasm/code"
)

// Whoever keeps a head of an earlier size is led from it to the one that is served.
func TestEarlierHeads(t *testing.T) {
	w := newWorld(t, 2, 2)
	l := w.start(fault{})
	if _, ok := l.Head(); ok {
		t.Error("there is a head before the first event")
	}
	var pending *code.Error
	if _, err := l.Root(t.Context(), 1); !errors.As(err, &pending) || pending.Code != code.ProofPending {
		t.Error(err)
	}
	heads := map[uint64]tlog.Hash{}
	for _, n := range []uint64{1, 2, 250, 3, 1, 300, 66000, 1} {
		w.disk.admit(n)
		w.publish(l)
		h, ok := l.Head()
		if !ok || h.Size != uint64(len(w.disk.events)) || h.Origin != l.Origin() {
			t.Fatalf("%+v, %t", h, ok)
		}
		heads[h.Size] = tlog.Hash(h.Root)
	}
	for from, old := range heads {
		root, err := l.Root(t.Context(), from)
		if err != nil || tlog.Hash(root) != old {
			t.Errorf("root of %d: %v, %v", from, root, err)
		}
		for to, root := range heads {
			if from > to {
				if _, err := l.Consistency(t.Context(), from, to); err == nil {
					t.Errorf("%d is the beginning of %d", from, to)
				}
				continue
			}
			hs, err := l.Consistency(t.Context(), from, to)
			if err != nil {
				t.Fatal(err)
			}
			proof := make(tlog.TreeProof, len(hs))
			for i, h := range hs {
				proof[i] = tlog.Hash(h)
			}
			if err := tlog.CheckTree(proof, int64(to), root, int64(from), old); err != nil {
				t.Errorf("from %d to %d: %v", from, to, err)
			}
		}
	}
	// A size between two heads has a root, too; one beyond the last has none.
	tree := &tree{}
	for _, e := range w.disk.events[:254] {
		tree.append(e, nil)
	}
	if root, err := l.Root(t.Context(), 254); err != nil || root != tree.root() {
		t.Error(root, err)
	}
	last := uint64(len(w.disk.events))
	if _, err := l.Root(t.Context(), last+1); !errors.As(err, &pending) || pending.Code != code.ProofPending {
		t.Error(err)
	}
	if _, err := l.Consistency(t.Context(), 0, 1); err == nil {
		t.Error("an empty tree leads to a head")
	}

	// The journal has other events than the log: it stops, and has no head.
	w.disk.events[3], w.disk.events[4] = w.disk.events[4], w.disk.events[3]
	var stopped *code.Error
	if _, err := l.Root(t.Context(), 100); !errors.As(err, &stopped) || stopped.Code != code.LogStopped {
		t.Error(err)
	}
	if _, ok := l.Head(); ok {
		t.Error("a log that is stopped has a head")
	}
}

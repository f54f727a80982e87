package local

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/wasm/digest"
)

var quiet = slog.New(slog.DiscardHandler)

func open(t testing.TB, path string, o Options) *Replica {
	t.Helper()
	if o.Log == nil {
		o.Log = quiet
	}
	r, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// The whole contract, with segments of the usual size and with so small ones
// that every case seals, compacts and reads indexes.
func TestConformance(t *testing.T) {
	for name, o := range map[string]Options{"usual": {}, "small segments": {SegmentBytes: 2000}} {
		t.Run(name, func(t *testing.T) {
			replicatest.Run(t, func(t *testing.T) replicatest.Subject {
				path := filepath.Join(t.TempDir(), "replica")
				r := open(t, path, o)
				return replicatest.Subject{
					Replica: r,
					Close:   func() error { return r.Close() },
					Reopen: func(t *testing.T) replica.Replica {
						if err := r.Close(); err != nil {
							t.Fatal(err)
						}
						r = open(t, path, o)
						return r
					},
					Corrupt:       func(t *testing.T, ref replica.Ref) { corrupt(t, r, kindPut, ref.Hash, 200) },
					CorruptObject: func(t *testing.T, name string) { corrupt(t, r, kindObject, keyOf(name), 200) },
				}
			})
		})
	}
}

// corrupt flips a bit of the frame that holds the event or object.
func corrupt(t *testing.T, r *Replica, kind byte, h digest.Hash, at int64) {
	t.Helper()
	_, places, err := r.fetch(kind, h, false)
	if err != nil {
		t.Fatal(err)
	}
	f := r.slots[places[0].slot()].f
	var b [1]byte
	if _, err := f.ReadAt(b[:], places[0].offset()+at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := f.WriteAt(b[:], places[0].offset()+at); err != nil {
		t.Fatal(err)
	}
}

func events(from, to uint64, size int) (vs []module.Verified) {
	for s := from; s < to; s++ {
		vs = append(vs, replicatest.Event(s, size, 0))
	}
	return vs
}

func put(t testing.TB, r *Replica, vs ...module.Verified) {
	t.Helper()
	for i, o := range r.PutBatch(context.Background(), vs) {
		if o.Err != nil {
			t.Fatalf("event %d: %v", i, o.Err)
		}
	}
}

// A folder and its files are the user's own, and one replica's at a time.
func TestFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "er")
	r := open(t, path, Options{})
	put(t, r, events(0, 1, 200)...)
	if _, err := Open(path, Options{}); !errors.Is(err, ErrInUse) {
		t.Fatalf("opened twice: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatalf("closed again: %v", err)
	}
	open(t, path, Options{})
}

// kill ends the replica as the end of its process does: nothing is written.
func (r *Replica) kill() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	nudge(r.wake)
	r.done.Wait()
	r.state.close()
}

// unsynced leaves out the syncs, where only what is written matters.
func unsynced(op, _ string) (bool, error) { return op != "sync", nil }

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !f(); {
		if time.Now().After(end) {
			t.Fatalf("it does not happen: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

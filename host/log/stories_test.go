package log

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// begun returns a world that has published events.
func begun(t *testing.T, places, quorum int, events uint64) *world {
	w := newWorld(t, places, quorum)
	w.disk.admit(events)
	w.publish(w.start(fault{}))
	return w
}

// stopped demands that a log has stopped for a reason, publishes nothing, and
// changed no place.
func (w *world) stopped(l *Log, why string) {
	w.t.Helper()
	var before []int
	for _, b := range w.buckets {
		before = append(before, len(b.heads))
	}
	for range 2 {
		if s := w.round(l); s.State != Stopped || !strings.Contains(s.Why, why) || !strings.Contains(s.Why, "reindex") {
			w.t.Fatalf("%+v, want one that is stopped with %q", s, why)
		}
	}
	for i, b := range w.buckets {
		if len(b.heads) != before[i] {
			w.t.Error("a stopped log has changed a place's head")
		}
	}
	if _, err := l.Prove(w.t.Context(), 1); !errors.Is(err, &code.Error{Code: code.LogStopped}) {
		w.t.Errorf("a stopped log proves: %v", err)
	}
	if _, err := l.Get(w.t.Context(), "checkpoint"); !errors.Is(err, &code.Error{Code: code.LogStopped}) {
		w.t.Errorf("a stopped log serves: %v", err)
	}
}

func TestRolledBack(t *testing.T) {
	w := begun(t, 2, 2, 10)
	older := w.disk.copy()
	w.disk.admit(10)
	w.publish(w.start(fault{}))
	w.disk = older
	w.stopped(w.start(fault{}), "older copy")
	// The journal grows over the head, with other events.
	for i := range uint64(12) {
		w.disk.events = append(w.disk.events, event(1000+i))
	}
	w.stopped(w.start(fault{}), "do not lead to")
	// One place alone is enough to know it.
	w.buckets[0].down = true
	w.stopped(w.start(fault{}), "do not lead to")
}

// An older journal whose events are there again goes on from the published head.
func TestRolledForward(t *testing.T) {
	w := begun(t, 2, 2, 10)
	older := w.disk.copy()
	w.disk.admit(600)
	w.publish(w.start(fault{}))
	older.admit(605)
	w.disk = older
	l := w.start(fault{})
	w.publish(l)
	w.check(l)
}

func TestLostJournal(t *testing.T) {
	w := begun(t, 2, 2, 10)
	events := w.disk.events
	w.disk = newDisk()
	w.disk.epochs = []string{"00000000000000b0"}
	l := w.start(fault{})
	w.stopped(l, "knows nothing")
	if l.Origin() != "" {
		t.Error("an origin was made up")
	}
	w.disk.events = append(w.disk.events, event(77))
	w.stopped(w.start(fault{}), "knows nothing")
	// The order was restored.
	w.disk.events = events
	w.disk.admit(3)
	l = w.start(fault{})
	w.publish(l)
	if l.Origin() != "example.org/log/00000000000000a0" {
		t.Error("the log goes on as", l.Origin())
	}
	w.check(l)
}

// Reindexing has said that a new log is to begin.
func TestNewLog(t *testing.T) {
	w := begun(t, 2, 2, 10)
	w.disk = newDisk()
	w.disk.epochs = []string{"00000000000000b0"}
	w.disk.admit(3)
	w.disk.head = journal.Head{Log: "00000000000000b0", Origin: "example.org/log/00000000000000b0"}
	l := w.start(fault{})
	w.publish(l)
	if l.Origin() != "example.org/log/00000000000000b0" {
		t.Error("the new log is", l.Origin())
	}
	for _, b := range w.buckets {
		b.heads = b.heads[1:] // of the other log
	}
	w.served = nil
	w.see(l)
	w.check(l)
}

func TestOtherKey(t *testing.T) {
	w := begun(t, 2, 2, 10)
	was, old := w.key, bytes.Clone(w.buckets[0].objects[headName("00000000000000a0")])
	w.key = newKey(t)
	l := w.start(fault{})
	w.publish(l)
	if l.Origin() == "example.org/log/00000000000000a0" {
		t.Error("another key signs for the same origin")
	}
	if !bytes.Equal(old, w.buckets[0].objects[headName("00000000000000a0")]) {
		t.Error("the other key's head was touched")
	}
	// And back: the first log goes on.
	w.key = was
	w.disk.admit(3)
	l = w.start(fault{})
	w.publish(l)
	if l.Origin() != "example.org/log/00000000000000a0" {
		t.Error("the first key goes on as", l.Origin())
	}
}

func TestOtherName(t *testing.T) {
	w := begun(t, 2, 2, 10)
	w.name = "other.example"
	for _, f := range []fault{{of: "journal", at: 1, done: true, ended: true}, {of: "replica-2", at: 1, done: true, ended: true}, {}} {
		l := w.start(f)
		if f.of != "" {
			w.round(l)
			continue
		}
		w.publish(l)
		if l.Origin() != "other.example/log/00000000000000a0" {
			t.Error("the origin is", l.Origin())
		}
		if c, err := w.key.Open(l.Checkpoint()); err != nil || c.Origin != l.Origin() || c.Size != 10 {
			t.Errorf("%+v, %v", c, err)
		}
	}
}

func TestEmptiedPlace(t *testing.T) {
	w := begun(t, 3, 2, chunk+700)
	w.buckets[1] = newBucket()
	l := w.start(fault{})
	w.disk.admit(5)
	w.publish(l)
	w.check(l)
	// While it runs, and at the same time as another lost its head alone.
	w.buckets[2].mu.Lock()
	clear(w.buckets[2].objects)
	w.buckets[2].mu.Unlock()
	delete(w.buckets[0].objects, headName("00000000000000a0"))
	w.disk.admit(5)
	w.publish(l)
	w.check(l)
}

func TestSwappedPlaces(t *testing.T) {
	w := begun(t, 3, 2, 10)
	w.buckets[2].down = true
	w.disk.admit(300)
	w.round(w.start(fault{}))
	w.buckets[2].down = false
	w.buckets[0], w.buckets[2] = w.buckets[2], w.buckets[0]
	l := w.start(fault{})
	w.disk.admit(3)
	w.publish(l)
	w.check(l)
}

// A place was put back to what it was earlier.
func TestOlderPlace(t *testing.T) {
	w := begun(t, 2, 2, 10)
	older := w.buckets[0].copy()
	w.disk.admit(300)
	l := w.start(fault{})
	w.publish(l)
	w.buckets[0].mu.Lock()
	w.buckets[0].objects = older.objects
	w.buckets[0].mu.Unlock()
	w.disk.admit(3)
	w.publish(l)
	w.check(l)
}

func TestTooFewPlaces(t *testing.T) {
	w := begun(t, 3, 2, 10)
	w.buckets[0].down, w.buckets[1].down = true, true
	l := w.start(fault{})
	w.disk.admit(3)
	if s := w.round(l); s.State != Waiting || !strings.Contains(s.Why, "replica-1 (down), replica-2 (down)") {
		t.Fatalf("%+v", s)
	}
	w.buckets[1].down = false
	if s := w.round(l); s.State != Publishing || s.Published != 13 {
		t.Fatalf("%+v", s)
	}
	w.buckets[1].down = true
	w.disk.admit(3)
	if s := w.round(l); s.State != Waiting || s.Published != 13 || !strings.Contains(s.Why, "1 of 3") && !strings.Contains(s.Why, "1 of them") && !strings.Contains(s.Why, "down") {
		t.Fatalf("%+v", s)
	}
	w.buckets[0].down, w.buckets[1].down = false, false
	w.publish(l)
	w.check(l)

	one := newWorld(t, 1, 2)
	if s := one.round(one.start(fault{})); s.State != Waiting || !strings.Contains(s.Why, "min_redundancy") {
		t.Fatalf("%+v", s)
	}
}

// Two copies of a host share a place: one of them stops, before it has served
// anything that contradicts the other.
func TestClone(t *testing.T) {
	w := begun(t, 2, 2, 10)
	other := &world{t: t, key: w.key, name: w.name, quorum: 2, every: time.Hour, disk: w.disk.copy(), buckets: []*bucket{w.buckets[0].copy(), w.buckets[1]}}
	l, clone := w.start(fault{}), other.start(fault{})
	w.round(l)
	other.round(clone)
	w.disk.admit(5)
	w.publish(l)
	for i := range uint64(7) {
		other.disk.events = append(other.disk.events, event(500+i))
	}
	other.round(clone)
	other.stopped(clone, "do not lead to")
	if len(other.served) > 0 && !bytes.Equal(other.served[len(other.served)-1], w.served[0]) {
		t.Error("the copy has served a head of its own")
	}
	w.disk.admit(5)
	w.publish(l)
	w.check(l)
}

// What a dead attempt left that no head covers gives way; so does what is
// damaged beneath a head. A tile that is right where the journal is wrong does not.
func TestConflicts(t *testing.T) {
	w := begun(t, 2, 2, 10)
	older := w.disk.copy()
	w.disk.admit(290)
	l := w.start(fault{of: "journal", at: 1, ended: true})
	w.round(l) // everything is put, and there is no head
	w.disk = older
	for i := range uint64(290) {
		w.disk.events = append(w.disk.events, event(2000+i))
	}
	l = w.start(fault{})
	w.publish(l)
	w.check(l)

	head := headName("00000000000000a0")
	delete(w.buckets[0].objects, head)
	w.buckets[0].objects[objectPrefix+"00000000000000a0/tile/0/000"][5] ^= 1
	l = w.start(fault{})
	w.publish(l)
	w.check(l)

	delete(w.buckets[0].objects, head)
	w.disk.events[20][3] ^= 1
	if s := w.round(w.start(fault{})); s.State != Stopped {
		t.Fatalf("%+v", s)
	}
}

func TestDamagedHead(t *testing.T) {
	w := begun(t, 2, 2, 10)
	w.buckets[0].objects[headName("00000000000000a0")][3] ^= 1
	l := w.start(fault{})
	w.disk.admit(3)
	w.publish(l)
	w.buckets[0].heads, w.buckets[1].heads = nil, nil
	w.check(l)
	for _, b := range w.buckets {
		b.objects[headName("00000000000000a0")][3] ^= 1
	}
	if s := w.round(w.start(fault{})); s.State != Waiting || !strings.Contains(s.Why, "damaged") {
		t.Fatalf("%+v", s)
	}
}

// The order was given another name, and is the same; then one that is not.
func TestRenewed(t *testing.T) {
	w := begun(t, 2, 2, 300)
	if _, err := w.disk.Renew(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	w.disk.admit(3)
	w.publish(w.start(fault{}))
	clear(w.disk.tiles)
	l := w.start(fault{})
	w.disk.admit(300)
	w.publish(l)
	w.check(l)
	w.disk.events[3], w.disk.events[4] = w.disk.events[4], w.disk.events[3]
	if _, err := w.disk.Renew(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	w.stopped(w.start(fault{}), "do not lead to")
}

type witness struct {
	line string
	fail error
}

func (w *witness) Cosign(_ context.Context, note []byte, consistency func(uint64) ([]digest.Hash, error)) ([]byte, error) {
	if w.fail != nil {
		return nil, w.fail
	}
	if _, err := consistency(1); err != nil {
		return nil, err
	}
	return []byte(w.line), nil
}

func TestWitnesses(t *testing.T) {
	w := newWorld(t, 2, 2)
	good, bad := &witness{line: "— w1 AAAA\n"}, &witness{fail: errors.New("it says no")}
	w.witness = []Cosigner{bad, good}
	w.disk.admit(300)
	l := w.start(fault{})
	s := w.round(l)
	if s.Cosigned != 1 || !bytes.HasSuffix(l.Checkpoint(), []byte("\n— w1 AAAA\n")) {
		t.Fatalf("%+v\n%s", s, l.Checkpoint())
	}
	w.disk.admit(1)
	w.round(l)
	if n := strings.Count(w.said.String(), "it says no"); n != 1 {
		t.Errorf("that a witness is silent is told %d times", n)
	}
	bad.fail, bad.line = nil, "— w2 AAAA\n"
	w.disk.admit(1)
	if s := w.round(l); s.Cosigned != 2 || !bytes.HasSuffix(l.Checkpoint(), []byte("\n— w2 AAAA\n— w1 AAAA\n")) {
		t.Fatalf("%+v\n%s", s, l.Checkpoint())
	}
	if !strings.Contains(w.said.String(), "cosigns the transparency log's heads again") {
		t.Errorf("%s", w.said.String())
	}
}

// Nobody waits for a place that is slow once enough have answered.
func TestSlowPlace(t *testing.T) {
	w := newWorld(t, 3, 2)
	w.every = time.Millisecond
	l := w.start(fault{})
	w.disk.admit(3)
	w.publish(l)
	w.buckets[0].mu.Lock()
	w.disk.admit(3)
	for l.State(t.Context()).Published < 6 {
		l.round(t.Context())
	}
	w.buckets[0].mu.Unlock()
	l.tasks.Wait()
	w.publish(l)
	w.check(l)
}

// Nor at the start: what is published is in the places that have answered.
func TestSlowPlaceAtTheStart(t *testing.T) {
	w := newWorld(t, 3, 2)
	w.every = time.Millisecond
	w.disk.admit(3)
	w.publish(w.start(fault{}))
	w.buckets[2].mu.Lock()
	l := w.start(fault{})
	w.disk.admit(3)
	for l.State(t.Context()).Published < 6 {
		l.round(t.Context())
	}
	w.buckets[2].mu.Unlock()
	l.tasks.Wait()
	w.publish(l)
	w.check(l)
}

package log

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/digest"
)

// places are the world's, without a process.
func (w *world) places() (ps []replica.Place) {
	for i, b := range w.buckets {
		g := &gate{calls: map[string]int{}}
		name := fmt.Sprintf("replica-%d", i+1)
		ps = append(ps, replica.Place{Name: name, Counts: true, Replica: doublePlace{replica.Unusable(errFault), gatedObjects{b, name, g}}})
	}
	return ps
}

// published is a world in which so many events were published, in steps.
func published(t *testing.T, events ...uint64) *world {
	t.Helper()
	w := newWorld(t, 3, 2)
	l := w.start(fault{})
	for _, n := range events {
		w.disk.admit(n)
		w.publish(l)
	}
	return w
}

func (w *world) find(name string, down ...int) (*Found, error) {
	for i, b := range w.buckets {
		b.down = slices.Contains(down, i)
		defer func() { b.down = false }()
	}
	return Find(w.t.Context(), w.places(), w.quorum, w.key, name)
}

// finds checks that the order of the world's disk is found.
func (w *world) finds(name string, down ...int) *Found {
	w.t.Helper()
	f, err := w.find(name, down...)
	if err != nil {
		w.t.Fatal(err)
	}
	if f == nil {
		w.t.Fatal("nothing is found")
	}
	var got []digest.Hash
	for hs, err := range f.Hashes(w.t.Context()) {
		if err != nil {
			w.t.Fatal(err)
		}
		got = append(got, hs...)
	}
	if !slices.Equal(got, w.disk.events[:f.Size]) || f.Log != w.disk.head.Log || f.Size != w.disk.head.Size || f.Origin != w.disk.head.Origin {
		w.t.Fatalf("log %s of %d, %d hashes; want %s of %d", f.Log, f.Size, len(got), w.disk.head.Log, w.disk.head.Size)
	}
	if c, err := w.key.Open(f.Head); err != nil || c != f.Checkpoint {
		w.t.Fatalf("the head is %+v, %v", c, err)
	}
	return f
}

// fails checks that nothing is found, and what is said of it.
func (w *world) fails(words string, down ...int) {
	w.t.Helper()
	if f, err := w.find("", down...); err == nil || !strings.Contains(err.Error(), words) {
		w.t.Fatalf("Find: %+v, %v; want %q", f, err, words)
	}
}

func (w *world) object(level int, number uint64, width int) string {
	return objectName(w.disk.head.Log, tile.Name{Level: level, Number: number, Width: width})
}

func TestFind(t *testing.T) {
	for _, n := range []uint64{1, 255, 256, 257, 1000, 256*256 + 300} {
		w := published(t, n)
		f := w.finds("")
		w.finds(w.disk.head.Log, 1)
		tiles := f.Tiles()
		if len(tiles) != len(w.disk.tiles) {
			t.Errorf("%d tiles, the journal had %d", len(tiles), len(w.disk.tiles))
		}
		for _, x := range tiles {
			if string(w.disk.tiles[[2]uint64{uint64(x.Level), x.Number}]) != string(x.Hashes) {
				t.Errorf("of %d events, tile %d of level %d is another one", n, x.Number, x.Level)
			}
		}
	}
	empty := newWorld(t, 3, 2)
	if f, err := empty.find(""); f != nil || err != nil {
		t.Errorf("where nothing was published: %+v, %v", f, err)
	}
}

// Places that have an older head, or are not there, are enough together.
func TestFindHeads(t *testing.T) {
	w := published(t, 300)
	w.buckets[0].objects["log/of/others"] = []byte("?")
	late := map[string][]byte{}
	for name, b := range w.buckets[2].objects {
		late[name] = b
	}
	w.disk.admit(500)
	w.publish(w.start(fault{}))
	w.buckets[2].objects = late
	w.finds("")
	w.finds("", 0)
	w.finds("", 1)
	w.finds("", 2)
	w.fails("replica-1 (down), replica-2 (down); bring them back, or begin a new log", 0, 1)

	// A head that is damaged may have been another one.
	head := headName(w.disk.head.Log)
	whole := w.buckets[0].objects[head]
	w.buckets[0].objects[head] = []byte{}
	w.finds("")
	w.fails("is damaged), replica-2 (down)", 1)
	w.fails("is damaged), replica-3 (down)", 2)
	w.buckets[0].objects[head] = whole

	// One that another tree leads to is evidence.
	lie, err := w.key.sign(t.Context(), checkpoint.Checkpoint{Origin: w.disk.head.Origin, Size: 299, Root: digest.Hash{1}})
	if err != nil {
		t.Fatal(err)
	}
	w.buckets[2].objects[head] = lie
	w.fails("two heads that contradict each other")
	lie, err = w.key.sign(t.Context(), checkpoint.Checkpoint{Origin: w.disk.head.Origin, Size: 800, Root: digest.Hash{1}})
	if err != nil {
		t.Fatal(err)
	}
	w.buckets[2].objects[head] = lie
	w.fails("contradict")
}

// What is damaged or missing in some place is had from another one.
func TestFindEntries(t *testing.T) {
	other := tile.AppendEntries(nil, make([]digest.Hash, 256))
	w := published(t, 256*9+7)
	full := func(n uint64) string { return w.object(tile.Entries, n, 256) }
	delete(w.buckets[0].objects, full(0))
	w.buckets[0].objects[full(1)] = other
	w.buckets[0].objects[full(2)] = other[:100]
	w.buckets[1].objects[full(3)] = other
	w.buckets[2].objects[full(4)] = other
	w.finds("")
	// The tiles that tell which are the right ones may be gone, or wrong, somewhere.
	delete(w.buckets[0].objects, w.object(1, 0, 9))
	w.buckets[1].objects[w.object(1, 0, 9)] = make([]byte, 9*32)
	w.finds("")
	w.finds("", 0)
	// Without any, one place's entries must lead to the head.
	for _, b := range w.buckets {
		delete(b.objects, w.object(1, 0, 9))
	}
	w.fails("cannot be had")
	w.buckets[2].objects[full(4)] = w.buckets[1].objects[full(4)]
	w.finds("")
	// The last bundle may have become full since.
	whole := append(slices.Clone(w.buckets[2].objects[w.object(tile.Entries, 9, 7)]), tile.AppendEntries(nil, make([]digest.Hash, 249))...)
	for _, b := range w.buckets {
		delete(b.objects, w.object(tile.Entries, 9, 7))
	}
	w.fails("events 2305 … 2311")
	w.buckets[2].objects[full(9)] = whole
	w.finds("")
	f := w.finds("")
	for _, b := range w.buckets {
		delete(b.objects, full(5))
	}
	w.fails("events 1281 … 1536")
	for hs, err := range f.Hashes(t.Context()) {
		if err == nil {
			t.Errorf("%d hashes come from nowhere", len(hs))
		}
	}
}

// Logs of other hosts are no concern of this one's, unless it has none.
func TestFindAmongOthers(t *testing.T) {
	w := published(t, 700)
	others := newWorld(t, 3, 2)
	others.buckets, others.disk.epochs = w.buckets, []string{"00000000000000b0"}
	others.disk.admit(5000)
	others.publish(others.start(fault{}))
	w.finds("")
	others.buckets[0].objects[headName(others.disk.head.Log)] = []byte{}
	w.finds("", 1)
	w.key = newKey(t)
	w.fails("none is by this host's key (00000000000000a0, 00000000000000b0)")
}

// Of several logs of one host the last one is that of which the others are the
// beginning; otherwise it has to be named.
func TestFindTheLast(t *testing.T) {
	w := published(t, 300)
	first := w.disk
	again := func(epoch string) {
		w.disk = newDisk()
		w.disk.epochs = []string{epoch}
		l, err := open(Options{Journal: w.disk, MinRedundancy: 2, Module: moduletest.Open(t), Key: w.key, Name: "example.com", Places: w.places(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			t.Fatal(err)
		}
		w.disk.head.Log, w.disk.head.Origin = epoch, "example.com/log/"+epoch
		w.disk.admit(800)
		if epoch > "00000000000000b0" {
			w.disk.events[299] = digest.Hash{7}
		}
		w.publish(l)
	}
	again("00000000000000b0")
	w.finds("")
	again("00000000000000c0")
	w.fails("00000000000000a0 (300 events, origin example.org/log/00000000000000a0), 00000000000000b0 (800 events")
	w.finds("00000000000000c0")
	w.disk = first
	w.finds("00000000000000a0")
	if f, err := w.find("00000000000000ff"); f != nil || err != nil {
		t.Errorf("of a log that is not there: %+v, %v", f, err)
	}
}

package local

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The index holds what a plain map holds, whatever is added and removed, with
// prefixes that collide in every way.
func TestIndexAgainstMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, model := newIndex(), map[entry]bool{}
	var known []entry
	for i := range 200_000 {
		if len(known) > 0 && (rng.IntN(10) < 4 || i > 180_000) {
			j := rng.IntN(len(known))
			e := known[j]
			known[j] = known[len(known)-1]
			known = known[:len(known)-1]
			if !x.remove(e.prefix, e.place) {
				t.Fatalf("%v is not there", e)
			}
			delete(model, e)
			continue
		}
		e := entry{rng.Uint64N(40_000), placeOf(1+rng.IntN(50), int64(i), 100)}
		x.add(e.prefix, e.place)
		known, model[e] = append(known, e), true
		if x.remove(e.prefix, placeOf(60, 0, 0)) {
			t.Fatal("removed what is not there")
		}
	}
	check := func() {
		t.Helper()
		if x.count != len(model) {
			t.Fatalf("%d entries, want %d", x.count, len(model))
		}
		want := map[uint64][]place{}
		for e := range model {
			want[e.prefix] = append(want[e.prefix], e.place)
		}
		for prefix := range uint64(40_000) {
			got := x.find(prefix, nil)
			slices.Sort(got)
			slices.Sort(want[prefix])
			if !slices.Equal(got, want[prefix]) {
				t.Fatalf("prefix %d: %v, want %v", prefix, got, want[prefix])
			}
		}
	}
	check()
	x.drop(func(p place) bool { return p.slot()%2 == 0 })
	for e := range model {
		if e.place.slot()%2 == 0 {
			delete(model, e)
		}
	}
	check()
}

func TestIndexIsCompact(t *testing.T) {
	x := newIndex()
	for i := range uint64(1_000_000) {
		x.add(i*0x9e3779b97f4a7c15, placeOf(1, int64(i), 100))
	}
	room := 0
	for i := range x.shards {
		room += len(x.shards[i].entries)
	}
	if perEvent := float64(room*16) / 1e6; perEvent > 24 {
		t.Errorf("%.1f bytes an event", perEvent)
	}
}

func TestPlaces(t *testing.T) {
	p := placeOf(maxSlots-1, maxOffset-1, 4<<20+headerSize)
	if p.slot() != maxSlots-1 || p.offset() != maxOffset-1 || p.size() < 4<<20+headerSize || p.size() >= 4<<20+headerSize+unit {
		t.Errorf("%d %d %d", p.slot(), p.offset(), p.size())
	}
	if q := p.inSlot(7); q.slot() != 7 || q.offset() != p.offset() || q.size() != p.size() {
		t.Errorf("%d %d %d", q.slot(), q.offset(), q.size())
	}
}

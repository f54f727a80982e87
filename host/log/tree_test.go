package log

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/digest"
)

// event returns the hash of the event of a number in the tests.
func event(n uint64) (h digest.Hash) {
	binary.BigEndian.PutUint64(h[:], n)
	h[31] = 7
	return h
}

// theirs is the same tree by another implementation, x/mod.
type theirs struct{ hashes []tlog.Hash }

func (t *theirs) ReadHashes(at []int64) ([]tlog.Hash, error) {
	hs := make([]tlog.Hash, len(at))
	for i, n := range at {
		hs[i] = t.hashes[n]
	}
	return hs, nil
}

func theirTree(size uint64) *theirs {
	t := &theirs{}
	for n := range size {
		e := event(n + 1)
		hs, err := tlog.StoredHashes(int64(n), e[:], t)
		if err != nil {
			panic(err)
		}
		t.hashes = append(t.hashes, hs...)
	}
	return t
}

// grown returns a journal of so many events whose head, of no key, covers them all.
func grown(t *testing.T, size uint64) *disk {
	t.Helper()
	d := newDisk()
	d.admit(size)
	tr := &tree{}
	for _, s := range tr.extend(d.events) {
		d.keep(s)
	}
	return d
}

func TestRoots(t *testing.T) {
	const most = 1100
	other := theirTree(most)
	tr := &tree{}
	for size := uint64(0); size <= most; size++ {
		want, err := tlog.TreeHash(int64(size), other)
		if err != nil {
			t.Fatal(err)
		}
		if got := tr.root(); tlog.Hash(got) != want {
			t.Fatalf("the root of %d is %x, want %x", size, got, want)
		}
		tr.append(event(size+1), nil)
	}
}

// Steps of every width lead to the same sheets and the same root.
func TestSteps(t *testing.T) {
	d := grown(t, 3000)
	for _, step := range []int{1, 7, 255, 256, 257, 1000, 3000} {
		tr, got := &tree{}, map[tile.Name]sheet{}
		for from := 0; from < 3000; from += step {
			for _, s := range tr.extend(d.events[from:min(3000, from+step)]) {
				got[s.name] = s
			}
		}
		r := read(d, 3000)
		if root, err := r.root(t.Context()); err != nil || root != tr.root() {
			t.Fatalf("steps of %d: another root, %v", step, err)
		}
		for level := range 2 {
			for n := uint64(0); r.width(level, n) > 0; n++ {
				want, err := r.sheet(t.Context(), level, n)
				s := got[want.name]
				if err != nil || !slices.Equal(s.hashes, want.hashes) || !slices.Equal(s.entries, want.entries) {
					t.Fatalf("steps of %d: sheet %+v: %v", step, want.name, err)
				}
			}
		}
	}
}

func TestProofs(t *testing.T) {
	sizes := []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 255, 256, 257, 511, 512, 513, 1024, 1100}
	for n := uint64(10); n <= 70; n++ {
		sizes = append(sizes, n)
	}
	other := theirTree(1100)
	for _, size := range sizes {
		r := read(grown(t, size), size)
		root, err := r.root(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		check := func(what string, ours []digest.Hash, want []tlog.Hash, err, wantErr error) {
			t.Helper()
			if err != nil || wantErr != nil || !slices.EqualFunc(ours, want, func(a digest.Hash, b tlog.Hash) bool { return tlog.Hash(a) == b }) {
				t.Fatalf("%s of %d: %x, %v; want %x, %v", what, size, ours, err, want, wantErr)
			}
		}
		for i := range size {
			if size > 100 && i%17 != 0 && i < size-3 {
				continue
			}
			ours, err := r.all(t.Context(), inclusion(i, size))
			want, wantErr := tlog.ProveRecord(int64(size), int64(i), other)
			check("inclusion", ours, want, err, wantErr)
			if err := tlog.CheckRecord(want, int64(size), tlog.Hash(root), int64(i), tlog.RecordHash(func() []byte { e := event(i + 1); return e[:] }())); err != nil {
				t.Fatal(err)
			}
			ours, err = r.all(t.Context(), consistency(i+1, size))
			want2, wantErr := tlog.ProveTree(int64(size), int64(i+1), other)
			check("consistency", ours, want2, err, wantErr)
		}
	}
}

// Sizes around the ends of tiles of all levels that a test can reach.
func TestLargeTree(t *testing.T) {
	const size = 256*256*2 + 256*3 + 5
	d := grown(t, size)
	other := theirTree(size)
	for _, n := range []uint64{65535, 65536, 65537, 65536 + 256, 131071, 131072, 131073, size} {
		r := read(d, n)
		root, err := r.root(t.Context())
		want, _ := tlog.TreeHash(int64(n), other)
		if err != nil || tlog.Hash(root) != want {
			t.Fatalf("%d: %x, %v; want %x", n, root, err, want)
		}
		if edge, err := r.tree(t.Context()); err != nil || edge.root() != root || edge.size != n {
			t.Fatalf("the edge of %d has another root, %v", n, err)
		}
		for _, old := range []uint64{1, 255, 256, 65535, 65536, 65537, 131072, n} {
			if old > n {
				continue
			}
			ours, err := r.all(t.Context(), consistency(old, n))
			want, wantErr := tlog.ProveTree(int64(n), int64(old), other)
			if err != nil || wantErr != nil || !slices.EqualFunc(ours, want, func(a digest.Hash, b tlog.Hash) bool { return tlog.Hash(a) == b }) {
				t.Fatalf("%d to %d: %v, %v", old, n, err, wantErr)
			}
		}
	}
}

// A journal whose events changed beneath the tiles that it keeps is told.
func TestDiffers(t *testing.T) {
	d := grown(t, 600)
	d.events[300][5] ^= 1
	r := read(d, 600)
	if _, err := r.tile(t.Context(), 0, 1); err == nil {
		t.Error("a changed event was not noticed")
	}
	if _, err := r.tile(t.Context(), 0, 0); err != nil {
		t.Error(err)
	}
}

func BenchmarkTree(b *testing.B) {
	tr := &tree{}
	for n := uint64(1); b.Loop(); n++ {
		tr.append(event(n), nil)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "leaves/s")
}

package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/wasm/digest"
)

// folderSize returns the bytes of all segments in a folder, and their number.
func folderSize(t *testing.T, path string) (size int64, files int) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), logSuffix) {
			size += info.Size()
			files++
		}
	}
	return size, files
}

// Deleting gives the space back, tombstones included, and what stays, stays.
func TestCompaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	o := Options{SegmentBytes: 20_000, CompactRate: 1 << 30, fault: unsynced}
	r := open(t, path, o)
	ctx := context.Background()
	const n = 2000
	vs := events(0, n, 300)
	put(t, r, vs...)
	for i := range vs {
		if i%10 != 0 {
			if err := r.Delete(ctx, replica.Ref{Hash: vs[i].Hash()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func() {
		t.Helper()
		for i, v := range vs {
			if err := outcome(t, r, v); (err == nil) != (i%10 == 0) {
				t.Fatalf("event %d: %v", i, err)
			}
		}
	}
	check()
	eventually(t, "the space comes back", func() bool { size, _ := folderSize(t, path); return size < 4*n/10*350 })
	check()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, path, o)
	check()
	for i := range vs {
		if err := r.Delete(ctx, replica.Ref{Hash: vs[i].Hash()}); err != nil {
			t.Fatal(err)
		}
	}
	put(t, r, events(n, n+200, 300)...) // so that what was active is sealed
	eventually(t, "nothing of the deleted is left", func() bool { size, _ := folderSize(t, path); return size < 200*350+40_000 })
}

// A segment in which something that is needed is damaged stays as it is, until
// a repair makes it needless.
func TestCompactionKeepsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	r := open(t, path, Options{SegmentBytes: 3000, CompactRate: 1 << 30})
	vs := events(0, 10, 300)
	put(t, r, vs...)
	put(t, r, events(20, 21, 300)...)
	corrupt(t, r, kindPut, vs[2].Hash(), 100)
	for i, v := range vs {
		if i != 2 && i != 3 {
			if err := r.Delete(context.Background(), replica.Ref{Hash: v.Hash()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := outcome(t, r, vs[2]); !errors.Is(err, replica.ErrCorrupt) {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(path, fileName(1, logSuffix))); err != nil {
		t.Fatal(err)
	}
	put(t, r, vs[2])
	eventually(t, "the segment goes", func() bool {
		_, err := os.Stat(filepath.Join(path, fileName(1, logSuffix)))
		return os.IsNotExist(err)
	})
	for _, v := range vs[2:4] {
		if err := outcome(t, r, v); err != nil {
			t.Fatal(err)
		}
	}
}

// expected is what was answered: for each event whether it must be there.
type expected struct {
	mu    sync.Mutex
	state map[uint64]int // by seed
}

const (
	undecided = iota // a call is on its way
	present
	absent
)

func (e *expected) set(seed uint64, state int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state[seed] = state
}

func (e *expected) copy() map[uint64]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := map[uint64]int{}
	for k, v := range e.state {
		m[k] = v
	}
	return m
}

// compare compares a replica with what was answered.
func compare(r *Replica, want map[uint64]int, size int) error {
	listed := map[digest.Hash]bool{}
	for ref, err := range r.List(context.Background()) {
		if err != nil {
			return err
		}
		if listed[ref.Hash] {
			return fmt.Errorf("%s is listed twice", ref.Hash)
		}
		listed[ref.Hash] = true
	}
	for seed, state := range want {
		v := replicatest.Event(seed, size, 0)
		got, err := r.Get(context.Background(), replica.Ref{Hash: v.Hash()})
		if err == nil && !bytes.Equal(got, v.Record()) || state == present && err != nil || state == absent && !errors.Is(err, replica.ErrNotFound) || err != nil && !errors.Is(err, replica.ErrNotFound) {
			return fmt.Errorf("event %d, state %d: %d bytes, %v", seed, state, len(got), err)
		}
		if listed[v.Hash()] != (err == nil) {
			return fmt.Errorf("event %d is listed: %v, and read: %v", seed, listed[v.Hash()], err)
		}
	}
	return nil
}

func checkAll(t *testing.T, r *Replica, want map[uint64]int, size int) {
	t.Helper()
	if err := compare(r, want, size); err != nil {
		t.Fatal(err)
	}
}

// Whatever step the replica is at when the machine stops, with the steps that
// were not synced done or not, a later Open finds all that was answered.
func TestCrashAtEveryStep(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "r")
	want := &expected{state: map[uint64]int{}}
	var r *Replica
	var mu sync.Mutex
	steps, checked := map[string]int{}, 0
	var removed struct {
		name string
		b    []byte
	}
	examine := func(name string, files map[string][]byte, want map[uint64]int) {
		at := filepath.Join(root, "copy")
		if err := rewrite(at, files); err != nil {
			t.Error(err)
		}
		c, err := Open(at, Options{SegmentBytes: 4000, Log: quiet, CompactRate: 1 << 30, fault: unsynced})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		defer c.Close()
		if err := compare(c, want, 300); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		checked++
	}
	o := Options{SegmentBytes: 4000, CompactRate: 1 << 30, fault: func(op, name string) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		kind := op + " " + filepath.Ext(name)
		steps[kind]++
		if op == "remove" && strings.HasSuffix(name, logSuffix) {
			defer func() { removed.name = name; removed.b, _ = os.ReadFile(filepath.Join(path, name)) }()
		}
		if r == nil || t.Failed() || steps[kind]%11 != 1 && steps[kind] > 10 {
			return op != "sync", nil
		}
		answered := want.copy()
		r.mu.RLock()
		active, synced := fileName(r.active.id, logSuffix), r.active.size
		r.mu.RUnlock()
		files := map[string][]byte{}
		entries, err := os.ReadDir(path)
		if err != nil {
			t.Error(err)
		}
		for _, e := range entries {
			if b, err := os.ReadFile(filepath.Join(path, e.Name())); err == nil {
				files[e.Name()] = b
			}
		}
		examine("killed before "+kind, files, answered)
		if b, ok := files[active]; ok && int64(len(b)) > synced {
			// The power failed: of what was not synced, something may be there.
			files[active] = b[:synced]
			examine("power lost before "+kind, files, answered)
			files[active] = append(bytes.Clone(b[:synced]), make([]byte, int64(len(b))-synced)...)
			examine("power lost, zeros, before "+kind, files, answered)
			files[active] = append(append(bytes.Clone(b[:synced]), make([]byte, (int64(len(b))-synced)/2)...), b[synced+(int64(len(b))-synced)/2:]...)
			examine("power lost, a hole, before "+kind, files, answered)
		}
		if removed.b != nil {
			files[removed.name] = removed.b // its removal was not durable
			examine("power lost, a file back, before "+kind, files, answered)
		}
		return op != "sync", nil
	}}
	opened := open(t, path, o)
	mu.Lock()
	r = opened
	mu.Unlock()
	ctx := context.Background()
	var wg sync.WaitGroup
	for g := range uint64(3) {
		seeds := rand.New(rand.NewPCG(g, 4))
		wg.Go(func() {
			for range 120 {
				from := g*1000 + seeds.Uint64N(60)
				if seeds.IntN(3) > 0 {
					var vs []module.Verified
					for s := from; s < from+4; s++ {
						want.set(s, undecided)
						vs = append(vs, replicatest.Event(s, 300, 0))
					}
					for i, out := range r.PutBatch(ctx, vs) {
						if out.Err != nil {
							t.Error(out.Err)
							return
						}
						want.set(from+uint64(i), present)
					}
					continue
				}
				for s := from; s < from+8; s++ {
					want.set(s, undecided)
					if err := r.Delete(ctx, replica.Ref{Hash: replicatest.Event(s, 300, 0).Hash()}); err != nil {
						t.Error(err)
						return
					}
					want.set(s, absent)
				}
			}
		})
	}
	wg.Wait()
	checkAll(t, r, want.copy(), 300)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"create .log", "write .log", "sync .log", "sync .", "create .tmp", "write .tmp", "sync .tmp", "rename .idx", "remove .log", "remove .idx"} {
		if steps[kind] == 0 {
			t.Errorf("there was no step %q: %v", kind, steps)
		}
	}
	t.Logf("%d stops in %v", checked, steps)
	reopened := open(t, path, Options{SegmentBytes: 4000})
	checkAll(t, reopened, want.copy(), 300)
}

// Events come and go and are read, listed and compacted, all at once, through
// many openings, in segments so small that everything moves all the time.
func TestEverythingAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	o := Options{SegmentBytes: 5000, CompactRate: 1 << 30, fault: unsynced}
	want := &expected{state: map[uint64]int{}}
	ctx := context.Background()
	for round := range uint64(4) {
		r := open(t, path, o)
		checkAll(t, r, want.copy(), 250)
		var wg sync.WaitGroup
		for g := range uint64(4) {
			rng := rand.New(rand.NewPCG(round, g))
			wg.Go(func() {
				for range 400 {
					seed := g*1000 + rng.Uint64N(100)
					v := replicatest.Event(seed, 250, 0)
					before := want.copy()[seed]
					switch rng.IntN(4) {
					case 0:
						if err := r.Delete(ctx, replica.Ref{Hash: v.Hash()}); err != nil {
							t.Error(err)
						}
						want.set(seed, absent)
					case 1:
						if _, err := r.Put(ctx, v); err != nil {
							t.Error(err)
						}
						want.set(seed, present)
					case 2:
						_, err := r.Put(ctx, replicatest.Event(seed, 250, 1))
						if before == present {
							if !errors.Is(err, replica.ErrConflict) {
								t.Errorf("other bytes: %v", err)
							}
						} else if err == nil {
							if err := r.Delete(ctx, replica.Ref{Hash: v.Hash()}); err != nil {
								t.Error(err)
							}
							want.set(seed, absent)
						}
					default:
						got, err := r.Get(ctx, replica.Ref{Hash: v.Hash()})
						if (err == nil) != (before == present) || err == nil && !bytes.Equal(got, v.Record()) {
							t.Errorf("Get: %v, state %d", err, before)
						}
					}
				}
			})
		}
		wg.Go(func() {
			for range 20 {
				seen := map[digest.Hash]bool{}
				for ref, err := range r.List(ctx) {
					if err != nil || seen[ref.Hash] {
						t.Errorf("List: %v, twice: %v", err, seen[ref.Hash])
					}
					seen[ref.Hash] = true
				}
			}
		})
		wg.Wait()
		checkAll(t, r, want.copy(), 250)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, files := folderSize(t, path)
	if files > 200 {
		t.Errorf("%d segments are left", files)
	}
}

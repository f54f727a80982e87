package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
)

func putObject(t *testing.T, r *Replica, o replica.Object) {
	t.Helper()
	if err := r.PutObjects(context.Background(), []replica.Object{o})[0]; err != nil {
		t.Fatal(err)
	}
}

// object reads an object; other bytes than those put are fatal.
func object(t *testing.T, r *Replica, o replica.Object) error {
	t.Helper()
	b, err := r.GetObject(context.Background(), o.Name)
	if err == nil && !bytes.Equal(b, o.Data) {
		t.Fatalf("%s: other bytes come back", o.Name)
	}
	return err
}

func placeFileOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path, placeName))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A folder without objects is one that older programs can open. With the first
// one it says that it is none, before the object is there.
func TestFormatWithObjects(t *testing.T) {
	const id = "00112233445566778899aabbccddeeff"
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "r")
	f := &faults{}
	var steps []string
	r := open(t, path, Options{fault: func(op, name string) (bool, error) {
		steps = append(steps, op+" "+name)
		return f.hook(op, name)
	}})
	put(t, r, events(0, 3, 200)...)
	if err := r.Identify(ctx, id); err != nil {
		t.Fatal(err)
	}
	was := placeFileOf(t, path)
	if !strings.HasPrefix(was, `{"format":1,"id":"`+id) {
		t.Fatal(was)
	}
	o := replicatest.Object("log/a/checkpoint", 1, 300)
	for _, applied := range []bool{false, true} {
		f.set("rename", applied, syscall.EIO)
		for what, err := range map[string]error{
			"put":  r.PutObjects(ctx, []replica.Object{o})[0],
			"swap": r.SwapObject(ctx, o.Name, nil, o.Data),
		} {
			if !errors.Is(err, syscall.EIO) {
				t.Errorf("%s without the format: %v", what, err)
			}
		}
		if err := object(t, r, o); !errors.Is(err, replica.ErrNotFound) {
			t.Error(err)
		}
	}
	f.set("", false, nil)
	put(t, r, events(3, 4, 200)...)
	steps = nil
	putObject(t, r, o)
	place, frame := slices.Index(steps, "sync ."), slices.Index(steps, "write "+fileName(1, logSuffix))
	if place < 0 || frame < place {
		t.Errorf("%q", steps)
	}
	if is := placeFileOf(t, path); !strings.HasPrefix(is, `{"format":2,"id":"`+id) {
		t.Fatal(is)
	}
	if err := r.Identify(ctx, strings.Repeat("0", 32)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, path, Options{})
	if is := placeFileOf(t, path); !strings.HasPrefix(is, `{"format":2,"id":"`+strings.Repeat("0", 32)) {
		t.Fatal(is)
	}
	if err := object(t, r, o); err != nil {
		t.Fatal(err)
	}
}

// Objects that come and go give their space back, tombstones included, although
// the oldest segment, of events, stays for ever.
func TestObjectsComeAndGo(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "r")
	opts := Options{SegmentBytes: 20_000, CompactRate: 1 << 30, fault: unsynced}
	r := open(t, path, opts)
	vs := events(0, 100, 300)
	put(t, r, vs...)
	stays := replicatest.Object("log/a/tile/0/000", 7, 2000)
	putObject(t, r, stays)
	const rounds = 3000
	for n := range uint64(rounds) {
		putObject(t, r, replicatest.Object(fmt.Sprintf("log/a/tile/0/001.p/%d", n), n, 100))
		if n > 0 {
			if err := r.DeleteObjects(ctx, []string{fmt.Sprintf("log/a/tile/0/001.p/%d", n-1)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.SwapObject(ctx, "log/a/checkpoint", head(n), head(n+1)); err != nil {
			t.Fatal(err)
		}
	}
	last := replicatest.Object(fmt.Sprintf("log/a/tile/0/001.p/%d", rounds-1), rounds-1, 100)
	check := func() {
		t.Helper()
		for _, o := range []replica.Object{stays, last, {Name: "log/a/checkpoint", Data: head(rounds)}} {
			if err := object(t, r, o); err != nil {
				t.Fatal(err)
			}
		}
		var names []string
		for name, err := range r.ListObjects(ctx, "log/a/") {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
		if len(names) != 3 {
			t.Fatalf("%q", names)
		}
		for i, v := range vs {
			if err := outcome(t, r, v); err != nil {
				t.Fatalf("event %d: %v", i, err)
			}
		}
		if hs, err := r.Newest(ctx, 200); err != nil || len(hs) != 100 {
			t.Fatalf("%d are the newest events, %v", len(hs), err)
		}
	}
	check()
	// The tombstones alone would be 144,000 bytes.
	eventually(t, "the space comes back", func() bool { size, _ := folderSize(t, path); return size < 100_000 })
	check()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, path, opts)
	check()
	if n := r.Suffered(); n > 0 {
		t.Errorf("%d suffered", n)
	}
}

// What was deleted stays deleted when its tombstone is carried on, as long as
// there is something that it holds down.
func TestATombstoneHoldsDown(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "r")
	opts := Options{SegmentBytes: 3000, CompactRate: 1 << 30}
	r := open(t, path, opts)
	gone := replicatest.Object("x/gone", 1, 300)
	putObject(t, r, gone)
	put(t, r, events(0, 10, 300)...) // the first segment is nearly all of events
	if err := r.DeleteObjects(ctx, []string{"x/gone"}); err != nil {
		t.Fatal(err)
	}
	for n := range uint64(40) { // segments that die, one after the other, the tombstone's first
		o := replicatest.Object(fmt.Sprint("o/", n), n, 900)
		putObject(t, r, o)
		if err := r.DeleteObjects(ctx, []string{o.Name}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the tombstone is carried on", func() bool {
		_, err := os.Stat(filepath.Join(path, fileName(2, logSuffix)))
		return os.IsNotExist(err)
	})
	if _, err := os.Stat(filepath.Join(path, fileName(1, logSuffix))); err != nil {
		t.Fatalf("the object's frame is gone, and the test proves nothing: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, path, opts)
	if err := object(t, r, gone); !errors.Is(err, replica.ErrNotFound) {
		t.Fatalf("a deleted object is back: %v", err)
	}
}

// Damage to objects is that of events: moved aside at the next start where it is
// in the segment that is written on, else read as such, the name still listed.
// Another put repairs it.
func TestDamagedObjects(t *testing.T) {
	for name, c := range map[string]struct {
		segment  int64
		want     error
		suffered uint64
		listed   int
	}{
		"in the last segment": {0, replica.ErrNotFound, 2, 2},
		"in sealed ones":      {100, replica.ErrCorrupt, 0, 4},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r")
			opts := Options{SegmentBytes: c.segment}
			r := open(t, path, opts)
			os := []replica.Object{replicatest.Object("x/a", 1, 500), replicatest.Object("x/b", 2, 500), replicatest.Object("x/c", 3, 500), replicatest.Object("x/d", 4, 500)}
			for _, o := range os {
				putObject(t, r, o)
			}
			corrupt(t, r, kindObject, keyOf("x/a"), 300)
			corrupt(t, r, kindObject, keyOf("x/b"), 300)
			if c.segment > 0 {
				eventually(t, "the index is written", func() bool { return sealedWithIndex(path, 2) })
			}
			r.kill()
			r = open(t, path, opts)
			for i, o := range os {
				if err := object(t, r, o); i > 1 && err != nil || i < 2 && !errors.Is(err, c.want) {
					t.Errorf("object %d: %v", i, err)
				}
			}
			listed := 0
			for _, err := range r.ListObjects(context.Background(), "") {
				if listed++; err != nil {
					t.Fatal(err)
				}
			}
			if n := r.Suffered(); n != c.suffered || listed != c.listed {
				t.Errorf("%d suffered, %d listed", n, listed)
			}
			putObject(t, r, os[0])
			putObject(t, r, os[1])
			r.kill()
			r = open(t, path, opts)
			for _, o := range os {
				if err := object(t, r, o); err != nil {
					t.Errorf("after the repair: %s: %v", o.Name, err)
				}
			}
		})
	}
}

// sealedWithIndex reports whether the first n segments have their index files.
func sealedWithIndex(path string, n uint64) bool {
	for id := range n {
		if _, err := os.Stat(filepath.Join(path, fileName(id+1, indexSuffix))); err != nil {
			return false
		}
	}
	return true
}

// A failed write or sync leaves objects as they were answered, then and after
// a restart.
func TestFailingStepsOfObjects(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		step string
		err  error
		want error
	}{
		{"write .log", syscall.ENOSPC, replica.ErrFull}, {"write .log", syscall.EIO, ErrFailed}, {"sync .log", syscall.EIO, ErrFailed},
	} {
		for _, applied := range []bool{false, true} {
			t.Run(fmt.Sprint(c.step, " ", c.err, " ", applied), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "r")
				f := &faults{}
				r := open(t, path, Options{fault: f.hook})
				held, other := replicatest.Object("x/a", 1, 500), replicatest.Object("x/b", 2, 500)
				putObject(t, r, held)
				if err := r.SwapObject(ctx, "x/checkpoint", nil, head(1)); err != nil {
					t.Fatal(err)
				}
				f.set(c.step, applied, c.err)
				errs := []error{
					r.PutObjects(ctx, []replica.Object{other})[0],
					r.SwapObject(ctx, "x/checkpoint", head(1), head(2)),
					r.DeleteObjects(ctx, []string{"x/a"}),
				}
				for i, err := range errs {
					if !errors.Is(err, c.want) {
						t.Errorf("%d: %v", i, err)
					}
				}
				if f.count() == 0 {
					t.Fatal("the step did not come")
				}
				f.set("", false, nil)
				check := func() {
					t.Helper()
					if err := object(t, r, held); err != nil {
						t.Error(err)
					}
					if err := object(t, r, replica.Object{Name: "x/checkpoint", Data: head(1)}); err != nil {
						t.Error(err)
					}
					if err := object(t, r, other); !errors.Is(err, replica.ErrNotFound) {
						t.Error(err)
					}
				}
				check()
				r.kill()
				r = open(t, path, Options{})
				check()
				if err := r.SwapObject(ctx, "x/checkpoint", head(1), head(3)); err != nil {
					t.Error(err)
				}
				putObject(t, r, other)
			})
		}
	}
}

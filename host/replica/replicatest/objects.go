package replicatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/eventseal/eventseal/host/replica"
)

// Object returns an object of size bytes, the same for the same seed.
func Object(name string, seed uint64, size int) replica.Object {
	b := make([]byte, size)
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	_, _ = io.ReadFull(rand.NewChaCha8(key), b) // never fails
	return replica.Object{Name: name, Data: b}
}

// objects runs the cases of replica.Objects. Events stand beside them and must
// not notice.
func objects(t *testing.T, open func(t *testing.T) Subject) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s Subject, o replica.Objects)
	}{
		{"missing", objectMissing},
		{"put and get", objectPut},
		{"unequal put is refused", objectUnequal},
		{"damaged object is replaced", objectDamaged},
		{"swap", objectSwap},
		{"racing swaps have one winner", objectRace},
		{"delete", objectDelete},
		{"list", objectList},
		{"large batch", objectBatch},
		{"bad names and sizes", objectBad},
		{"concurrent", objectConcurrent},
		{"cancelled", objectCancelled},
		{"beside events", objectBeside},
		{"reopen", objectReopen},
		{"close", objectClose},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			o, ok := replica.As[replica.Objects](s.Replica)
			if !ok {
				t.Fatal("this kind keeps no objects")
			}
			c.run(t, s, o)
		})
	}
}

func putObjects(t *testing.T, o replica.Objects, os ...replica.Object) {
	t.Helper()
	errs := o.PutObjects(timeout(t), os)
	if len(errs) != len(os) {
		t.Fatalf("%d errors for %d objects", len(errs), len(os))
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("PutObjects: %v", err)
	}
}

func holdsObjects(t *testing.T, o replica.Objects, os ...replica.Object) {
	t.Helper()
	for _, want := range os {
		if got, err := o.GetObject(timeout(t), want.Name); err != nil || !bytes.Equal(got, want.Data) {
			t.Fatalf("GetObject of %s: %d bytes, %v; %d were put", want.Name, len(got), err, len(want.Data))
		}
	}
}

func lacksObject(t *testing.T, o replica.Objects, name string) {
	t.Helper()
	if b, err := o.GetObject(timeout(t), name); !errors.Is(err, replica.ErrNotFound) {
		t.Fatalf("GetObject of %s: %d bytes, %v, want ErrNotFound", name, len(b), err)
	}
}

func lists(t *testing.T, o replica.Objects, prefix string, want ...string) {
	t.Helper()
	got := []string{}
	for name, err := range o.ListObjects(timeout(t), prefix) {
		if err != nil {
			t.Fatalf("ListObjects of %q: %v", prefix, err)
		}
		got = append(got, name)
	}
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Fatalf("ListObjects of %q: %q, want %q", prefix, got, want)
	}
}

func objectMissing(t *testing.T, _ Subject, o replica.Objects) {
	lacksObject(t, o, "log/00112233aabbccdd/checkpoint")
	if err := o.DeleteObjects(timeout(t), []string{"log/00112233aabbccdd/checkpoint", "a/a"}); err != nil {
		t.Fatalf("DeleteObjects of missing ones: %v", err)
	}
	lists(t, o, "")
	if errs := o.PutObjects(timeout(t), nil); len(errs) > 0 {
		t.Fatalf("PutObjects of none: %v", errs)
	}
	if err := o.DeleteObjects(timeout(t), nil); err != nil {
		t.Fatalf("DeleteObjects of none: %v", err)
	}
}

func objectPut(t *testing.T, _ Subject, o replica.Objects) {
	long := strings.Repeat("abcdefghi/", replica.MaxObjectName/10)
	long = long[:len(long)-1] + "x" // ends in no slash
	os := []replica.Object{
		Object("log/00112233aabbccdd/tile/0/x001/234.p/5", 1, 160), Object("a/a", 2, 1), Object("a/empty", 3, 0),
		Object("b-c_d.e/0", 4, 8192), Object(long, 5, 100), Object("a/most", 6, replica.MaxObject),
		{Name: "a/zeros", Data: make([]byte, 5000)}, {Name: "a/json", Data: []byte(`{"a":1}`)}, {Name: "text/checkpoint", Data: []byte("origin\n1\n")},
	}
	putObjects(t, o, os...)
	holdsObjects(t, o, os...)
	putObjects(t, o, os...) // again
	holdsObjects(t, o, os...)
	putObjects(t, o, os[1], os[1])
	got, err := o.GetObject(timeout(t), "b-c_d.e/0")
	if err != nil {
		t.Fatal(err)
	}
	clear(got) // the caller's own
	holdsObjects(t, o, os...)
}

func objectUnequal(t *testing.T, _ Subject, o replica.Objects) {
	one, other, longer := Object("a/b", 1, 500), Object("a/b", 2, 500), Object("a/b", 1, 501)
	fresh, freshOther := Object("a/c", 1, 500), Object("a/c", 2, 500)
	putObjects(t, o, one)
	for _, batch := range [][]replica.Object{{other, fresh, freshOther, fresh}, {longer, fresh, freshOther}, {one, fresh}} {
		for i, err := range o.PutObjects(timeout(t), batch) {
			bad := !bytes.Equal(batch[i].Data, one.Data) && !bytes.Equal(batch[i].Data, fresh.Data)
			if bad != errors.Is(err, replica.ErrConflict) || !bad && err != nil {
				t.Errorf("object %d of %d: %v", i, len(batch), err)
			}
		}
	}
	holdsObjects(t, o, one, fresh)
}

func objectDamaged(t *testing.T, s Subject, o replica.Objects) {
	if s.CorruptObject == nil {
		t.Fatal("this kind offers no way to damage an object")
	}
	one, bystander := Object("a/b", 1, 500), Object("a/c", 2, 500)
	putObjects(t, o, one, bystander)
	s.CorruptObject(t, one.Name)
	if got, err := o.GetObject(timeout(t), one.Name); !errors.Is(err, replica.ErrCorrupt) {
		t.Fatalf("GetObject of a damaged one: %d bytes, %v, want ErrCorrupt", len(got), err)
	}
	holdsObjects(t, o, bystander)
	if err := o.SwapObject(timeout(t), one.Name, nil, bystander.Data); !errors.Is(err, replica.ErrConflict) {
		t.Fatalf("SwapObject of a damaged one: %v, want ErrConflict", err)
	}
	if err := o.SwapObject(timeout(t), one.Name, one.Data, bystander.Data); !errors.Is(err, replica.ErrConflict) {
		t.Fatalf("SwapObject of a damaged one: %v, want ErrConflict", err)
	}
	putObjects(t, o, one)
	holdsObjects(t, o, one, bystander)
	s.CorruptObject(t, one.Name)
	if err := o.DeleteObjects(timeout(t), []string{one.Name}); err != nil {
		t.Fatal(err)
	}
	lacksObject(t, o, one.Name)
	lists(t, o, "", bystander.Name)
}

func objectSwap(t *testing.T, s Subject, o replica.Objects) {
	const name = "log/00112233aabbccdd/checkpoint"
	v := func(seed uint64) []byte { return Object("", seed, 300).Data }
	swap := func(was, now []byte, want error) {
		t.Helper()
		if err := o.SwapObject(timeout(t), name, was, now); !errors.Is(err, want) {
			t.Fatalf("SwapObject: %v, want %v", err, want)
		}
	}
	swap(v(1), v(2), replica.ErrConflict) // there is none
	lacksObject(t, o, name)
	swap(nil, v(1), nil)
	holdsObjects(t, o, replica.Object{Name: name, Data: v(1)})
	swap(nil, v(2), replica.ErrConflict)
	swap(v(2), v(3), replica.ErrConflict)
	swap([]byte{}, v(3), replica.ErrConflict)
	swap(v(1)[:299], v(3), replica.ErrConflict)
	holdsObjects(t, o, replica.Object{Name: name, Data: v(1)})
	for i := range uint64(20) {
		swap(v(i+1), v(i+2), nil)
		holdsObjects(t, o, replica.Object{Name: name, Data: v(i + 2)})
	}
	swap(v(1), v(2), replica.ErrConflict) // stale
	swap(v(21), v(1), nil)                // back
	swap(v(1), v(1), nil)                 // as it is
	swap(v(1), v(2)[:7], nil)             // shorter
	swap(v(2)[:7], []byte{}, nil)
	swap(nil, v(2), replica.ErrConflict) // an empty one is there
	swap([]byte{}, v(2), nil)
	lists(t, o, "", name)
	errs := o.PutObjects(timeout(t), []replica.Object{{Name: name, Data: v(3)}})
	if !errors.Is(errs[0], replica.ErrConflict) {
		t.Fatalf("PutObjects of what was swapped: %v", errs)
	}
	if err := o.DeleteObjects(timeout(t), []string{name}); err != nil {
		t.Fatal(err)
	}
	swap(v(2), v(3), replica.ErrConflict)
	swap(nil, v(4), nil)
	if s.Reopen != nil {
		o, _ := replica.As[replica.Objects](s.Reopen(t))
		holdsObjects(t, o, replica.Object{Name: name, Data: v(4)})
		lists(t, o, "", name)
	}
}

func objectRace(t *testing.T, _ Subject, o replica.Objects) {
	const racers = 8
	was := []byte(nil)
	for round := range 5 {
		errs := make([]error, racers)
		var wg sync.WaitGroup
		now := func(i int) []byte { return fmt.Appendf(nil, "%d of round %d", i, round) }
		for i := range racers {
			wg.Go(func() { errs[i] = o.SwapObject(timeout(t), "a/checkpoint", was, now(i)) })
		}
		wg.Wait()
		winner := winnerOf(t, errs)
		was = now(winner)
		holdsObjects(t, o, replica.Object{Name: "a/checkpoint", Data: was})
	}
}

func objectDelete(t *testing.T, _ Subject, o replica.Objects) {
	os := []replica.Object{Object("a/b", 1, 100), Object("a/c", 2, 100), Object("a/.d", 3, 100), Object("d/a", 3, 100)}
	putObjects(t, o, os...)
	if err := o.DeleteObjects(timeout(t), []string{"a/b", "a/none", "none/b", "a/.d", "a/b"}); err != nil {
		t.Fatal(err)
	}
	lacksObject(t, o, "a/b")
	lacksObject(t, o, "a/.d")
	holdsObjects(t, o, os[1], os[3])
	lists(t, o, "", "a/c", "d/a")
	back := Object("a/b", 9, 100) // other bytes than the ones before
	putObjects(t, o, back)
	holdsObjects(t, o, back)
}

func objectList(t *testing.T, _ Subject, o replica.Objects) {
	var names []string
	for _, name := range []string{"log/a/checkpoint", "log/a/tile/0/000", "log/a/tile/0/001", "log/a/tile/0/001.p/7", "log/ab/checkpoint", "lo/a", "log.x/a", "other/log/a"} {
		names = append(names, name)
		putObjects(t, o, Object(name, 1, 50))
	}
	lists(t, o, "", names...)
	lists(t, o, "log/", names[:5]...)
	lists(t, o, "log/a/", names[:4]...)
	lists(t, o, "log/a", names[:5]...)
	lists(t, o, "log/a/tile/0/001", names[2:4]...)
	lists(t, o, "lo", names[:7]...)
	lists(t, o, "log/a/checkpoint", "log/a/checkpoint")
	lists(t, o, "log/a/checkpoint/")
	lists(t, o, "none/")
	seen := 0
	for _, err := range o.ListObjects(timeout(t), "") {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 2 {
			break
		}
	}
}

func objectBatch(t *testing.T, _ Subject, o replica.Objects) {
	os := make([]replica.Object, 300)
	names := make([]string, len(os))
	for i := range os {
		os[i] = Object(fmt.Sprintf("log/00112233aabbccdd/tile/%d/x%03d/%03d", i%3, i/100, i), uint64(i), 8192)
		names[i] = os[i].Name
	}
	putObjects(t, o, os...)
	holdsObjects(t, o, os...)
	lists(t, o, "log/", names...)
	if err := o.DeleteObjects(timeout(t), names[:299]); err != nil {
		t.Fatal(err)
	}
	lists(t, o, "log/", names[299])
}

func objectBad(t *testing.T, _ Subject, o replica.Objects) {
	good := Object("a/good", 1, 100)
	bad := []string{
		"", "/", "a", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/A", "a/a b", "a/a\\b", "a/a\x00", "a/ä", "a/a*", "a/a?b", "a/a%2fb", "a/a:b",
		"a/" + strings.Repeat("a", replica.MaxObjectName-1),
	}
	os := []replica.Object{good, Object("a/large", 1, replica.MaxObject+1)}
	for _, name := range bad {
		os = append(os, Object(name, 1, 10))
	}
	for i, err := range o.PutObjects(timeout(t), os) {
		if (err == nil) != (i == 0) {
			t.Errorf("object %d, %.40q: %v", i, os[i].Name, err)
		}
	}
	for _, name := range bad {
		if err := o.SwapObject(timeout(t), name, nil, good.Data); err == nil {
			t.Errorf("SwapObject of %.40q succeeds", name)
		}
		if _, err := o.GetObject(timeout(t), name); err == nil || errors.Is(err, replica.ErrNotFound) {
			t.Errorf("GetObject of %.40q: %v", name, err)
		}
		if err := o.DeleteObjects(timeout(t), []string{name}); err == nil {
			t.Errorf("DeleteObjects of %.40q succeeds", name)
		}
	}
	if err := o.SwapObject(timeout(t), "a/large", nil, Object("", 1, replica.MaxObject+1).Data); err == nil {
		t.Error("SwapObject of too much succeeds")
	}
	holdsObjects(t, o, good)
	lists(t, o, "", "a/good")
}

func objectConcurrent(t *testing.T, _ Subject, o replica.Objects) {
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range uint64(10) {
				// One is everybody's, one the worker's own.
				os := []replica.Object{
					Object(fmt.Sprintf("all/%d", i), i, 900), Object(fmt.Sprintf("own/%d/%d", worker, i), i+100, 900),
				}
				if err := errors.Join(o.PutObjects(timeout(t), os)...); err != nil {
					t.Errorf("PutObjects: %v", err)
					return
				}
				for _, want := range os {
					if got, err := o.GetObject(timeout(t), want.Name); err != nil || !bytes.Equal(got, want.Data) {
						t.Errorf("what was put does not come back: %v", err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	seen := 0
	for _, err := range o.ListObjects(timeout(t), "") {
		if seen++; err != nil {
			t.Fatal(err)
		}
	}
	if seen != 90 {
		t.Errorf("%d objects are listed, want 90", seen)
	}
}

func objectCancelled(t *testing.T, _ Subject, o replica.Objects) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	errs := o.PutObjects(ctx, []replica.Object{Object("a/a", 1, 10), Object("a/b", 1, 10)})
	if len(errs) != 2 || !errors.Is(errs[0], context.Canceled) || !errors.Is(errs[1], context.Canceled) {
		t.Errorf("PutObjects with an ended context: %v", errs)
	}
	if _, err := o.GetObject(ctx, "a/a"); !errors.Is(err, context.Canceled) {
		t.Errorf("GetObject with an ended context: %v", err)
	}
	if err := o.SwapObject(ctx, "a/a", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("SwapObject with an ended context: %v", err)
	}
	if err := o.DeleteObjects(ctx, []string{"a/a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("DeleteObjects with an ended context: %v", err)
	}
	var last error
	for _, err := range o.ListObjects(ctx, "") {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("ListObjects with an ended context: %v", last)
	}
}

// Objects are no events, and what is known of events and of the place is not
// touched by them.
func objectBeside(t *testing.T, s Subject, o replica.Objects) {
	const id, journal = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
	identified, named := replica.As[replica.Identified](s.Replica)
	if named {
		if err := identified.Identify(timeout(t), id); err != nil {
			t.Fatal(err)
		}
	}
	marked, marks := replica.As[replica.Marked](s.Replica)
	if marks {
		if err := marked.SetMark(timeout(t), journal, "a mark"); err != nil {
			t.Fatal(err)
		}
	}
	v, none := Event(1, 500, 0), Event(2, 500, 0)
	ref := put(t, s.Replica, v)
	// One is named as a hash is, one holds an event, some are named as what kinds
	// keep beside their events.
	os := []replica.Object{
		Object("a/"+v.Hash().String(), 1, 100), Object("a/"+v.Hash().String()+".json", 1, 100),
		{Name: "a/" + none.Hash().String(), Data: none.Record()}, Object("a/place.json", 1, 100),
		Object("a/journal-"+journal, 1, 100), Object("log/a/checkpoint", 1, 100),
	}
	putObjects(t, o, os...)
	holdsObjects(t, o, os...)
	var names []string
	for _, object := range os {
		names = append(names, object.Name)
	}
	check := func(r replica.Replica) {
		t.Helper()
		o, _ := replica.As[replica.Objects](r)
		holds(t, r, ref, v)
		holds(t, r, replica.Ref{Hash: ref.Hash}, v)
		if _, err := r.Get(timeout(t), replica.Ref{Hash: none.Hash()}); !errors.Is(err, replica.ErrNotFound) {
			t.Fatalf("an object is read as an event: %v", err)
		}
		if f := replica.GetBatch(timeout(t), r, []replica.Ref{{Hash: none.Hash()}}); !errors.Is(f[0].Err, replica.ErrNotFound) {
			t.Fatalf("an object is read as an event: %v", f[0].Err)
		}
		if lister, ok := replica.As[replica.Lister](r); ok {
			for got, err := range lister.List(timeout(t)) {
				if err != nil || got.Hash != ref.Hash {
					t.Fatalf("List yields %s, %v", got.Hash, err)
				}
			}
		}
		if recent, ok := replica.As[replica.Recent](r); ok {
			if hs, err := recent.Newest(timeout(t), 10); err != nil || len(hs) != 1 || hs[0] != ref.Hash {
				t.Fatalf("Newest: %v, %v", hs, err)
			}
		}
		if i, ok := replica.As[replica.Identified](r); ok {
			if got, err := i.Identity(timeout(t), []string{id}); err != nil || got != id {
				t.Fatalf("Identity: %q, %v", got, err)
			}
		}
		if m, ok := replica.As[replica.Marked](r); ok {
			if got, err := m.Mark(timeout(t), journal); err != nil || got != "a mark" {
				t.Fatalf("Mark: %q, %v", got, err)
			}
		}
		if suffered, ok := replica.As[replica.Suffered](r); ok && suffered.Suffered() > 0 {
			t.Fatalf("%d copies were lost", suffered.Suffered())
		}
		lists(t, o, "", names...)
	}
	check(s.Replica)
	other := Event(3, 500, 0)
	if err := s.Replica.Delete(timeout(t), put(t, s.Replica, other)); err != nil {
		t.Fatal(err)
	}
	holdsObjects(t, o, os...)
	check(s.Replica)
	if s.Reopen != nil {
		check(s.Reopen(t))
	}
}

// objectReopen has what was changed in the end looked at, of a kind that keeps
// anything after it was opened again.
func objectReopen(t *testing.T, s Subject, o replica.Objects) {
	var os []replica.Object
	var names []string
	for i := range uint64(40) {
		os = append(os, Object(fmt.Sprintf("log/a/tile/0/%03d", i), i, 2000))
		names = append(names, os[i].Name)
		putObjects(t, o, os[i])
	}
	if err := o.DeleteObjects(timeout(t), names[:5]); err != nil {
		t.Fatal(err)
	}
	putObjects(t, o, os[0])
	for i := range uint64(5) {
		was := Object("", i, 200).Data
		if i == 0 {
			was = nil
		}
		if err := o.SwapObject(timeout(t), "log/a/checkpoint", was, Object("", i+1, 200).Data); err != nil {
			t.Fatal(err)
		}
	}
	if s.Reopen != nil {
		o, _ = replica.As[replica.Objects](s.Reopen(t))
	}
	holdsObjects(t, o, os[0], Object("log/a/checkpoint", 5, 200))
	holdsObjects(t, o, os[5:]...)
	for _, name := range names[1:5] {
		lacksObject(t, o, name)
	}
	lists(t, o, "", append(names[5:], names[0], "log/a/checkpoint")...)
	if err := o.SwapObject(timeout(t), "log/a/checkpoint", Object("", 5, 200).Data, []byte("new")); err != nil {
		t.Fatal(err)
	}
}

func objectClose(t *testing.T, s Subject, o replica.Objects) {
	if s.Close == nil {
		t.Fatal("this kind is not closed")
	}
	putObjects(t, o, Object("a/a", 1, 10))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	errs := o.PutObjects(timeout(t), []replica.Object{Object("a/a", 1, 10)})
	if !errors.Is(errs[0], replica.ErrClosed) {
		t.Errorf("PutObjects after Close: %v, want ErrClosed", errs)
	}
	if _, err := o.GetObject(timeout(t), "a/a"); !errors.Is(err, replica.ErrClosed) {
		t.Errorf("GetObject after Close: %v, want ErrClosed", err)
	}
	if err := o.SwapObject(timeout(t), "a/b", nil, nil); !errors.Is(err, replica.ErrClosed) {
		t.Errorf("SwapObject after Close: %v, want ErrClosed", err)
	}
	if err := o.DeleteObjects(timeout(t), []string{"a/a"}); !errors.Is(err, replica.ErrClosed) {
		t.Errorf("DeleteObjects after Close: %v, want ErrClosed", err)
	}
	for _, err := range o.ListObjects(timeout(t), "") {
		if !errors.Is(err, replica.ErrClosed) {
			t.Errorf("ListObjects after Close: %v, want ErrClosed", err)
		}
	}
}

package scrub

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/local"
	"github.com/eventseal/eventseal/host/replica/memory"
	"github.com/eventseal/eventseal/host/replica/s3"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/wasm/digest"
)

// lost are the numbers of the events that the journal lists.
func (b *bench) lost() (seqs []uint64) {
	b.t.Helper()
	b.flush()
	es, total, err := b.journal.Lost(context.Background(), 0, 100)
	if err != nil || int(total) != len(es) {
		b.t.Fatalf("%d of %d: %v", len(es), total, err)
	}
	for _, e := range es {
		seqs = append(seqs, e.Sequence)
	}
	return seqs
}

// What no place has is owed by all of them, and lost, until it is stored again.
func TestScrubMarksWhatIsLost(t *testing.T) {
	b := start(t, 10)
	for place := range names {
		b.remove(place, 3)
		b.r[place].Corrupt(b.vs[5].Hash(), []byte("{}"))
	}
	b.r[0].Corrupt(b.vs[7].Hash(), nil)
	b.remove(1, 7)
	b.o.ReadOnly = true
	if r := b.run(); r.Lost != 2 || b.lost() != nil || b.owed("a")+b.owed("b")+b.owed("cache") != 0 {
		t.Errorf("read-only: %+v, lost %v", r, b.lost())
	}
	b.o.ReadOnly = false
	b.o.Places[1].Replica = down{b.r[1]}
	if r := b.run(); r.Unread != 2 || b.lost() != nil || b.states(3)["a"] != custody.Missing || b.states(5)["a"] != custody.Damaged || b.states(3)["b"] != custody.Held || b.states(3)["cache"] != custody.Held {
		t.Errorf("with a place that is down: %+v, %v, lost %v", r, b.states(3), b.lost())
	}
	b.o.Places[1].Replica = b.r[1]
	for range 2 {
		if r := b.run(); r.Lost != 2 || !slices.Equal(b.lost(), []uint64{4, 6}) {
			t.Errorf("%+v, lost %v", r, b.lost())
		}
	}
	for event, want := range map[int]map[string]custody.State{
		3: {"a": custody.Missing, "b": custody.Missing},
		5: {"a": custody.Damaged, "b": custody.Damaged, "cache": custody.Damaged},
		7: {"a": custody.Held, "b": custody.Held, "cache": custody.Held},
	} {
		if got := b.states(event); !maps.Equal(got, want) {
			t.Errorf("event %d: %v", event, got)
		}
	}
	location, err := b.r[1].Put(context.Background(), b.vs[3])
	if err != nil {
		t.Fatal(err)
	}
	b.journal.Update(journal.Update{Sequence: 4, Replica: "b", State: custody.Held, Location: location})
	if !slices.Equal(b.lost(), []uint64{6}) {
		t.Errorf("once one is stored again: %v", b.lost())
	}
	if r := b.run(); r.Lost != 1 || !b.holds(0, 3) || b.states(3)["a"] != custody.Held {
		t.Errorf("%+v", r)
	}
}

// A stubborn replica reads, and stores nothing.
type stubborn struct{ *memory.Replica }

func (stubborn) Put(context.Context, module.Verified) (string, error) { return "", errDown }

// What a place lacks is owed under what it is, also when it takes no repair;
// and of what a cache alone has the journal keeps the bytes.
func TestScrubOwesWhatIsGone(t *testing.T) {
	b := start(t, 10)
	b.remove(0, 3)
	b.r[1].Corrupt(b.vs[3].Hash(), []byte("{}"))
	b.o.Places[0].Replica, b.o.Places[1].Replica = stubborn{b.r[0]}, stubborn{b.r[1]}
	if r := b.run(); r.Places[0].Failed != 1 || r.Places[1].Failed != 1 || b.lost() != nil {
		t.Errorf("%+v", r)
	}
	if got := b.states(3); got["a"] != custody.Missing || got["b"] != custody.Damaged {
		t.Errorf("%v", got)
	}
	if record, err := b.journal.Record(context.Background(), b.vs[3].Hash()); err != nil || !bytes.Equal(record, b.vs[3].Record()) {
		t.Errorf("only a cache has it: %v", err)
	}
}

// A contested replica is given the event by another host just before this one puts it.
type contested struct {
	*memory.Replica
	comes func()
}

func (c contested) Put(ctx context.Context, v module.Verified) (string, error) {
	c.comes()
	return c.Replica.Put(ctx, v)
}

// What another host has put there since the place was read is not replaced either.
func TestScrubLeavesWhatComesMeanwhile(t *testing.T) {
	b := start(t, 0)
	first, second := moduletest.Twice(t)
	b.vs = []module.Verified{first}
	if _, err := b.journal.Admit(t.Context(), b.vs, names); err != nil {
		t.Fatal(err)
	}
	b.o.Places[1].Replica = contested{b.r[1], sync.OnceFunc(func() {
		if _, err := b.r[1].Put(t.Context(), second); err != nil {
			t.Error(err)
		}
	})}
	if r := b.run(); r.Places[1].Failed != 1 || b.owed("b") != 1 {
		t.Errorf("%+v", r)
	}
	if got, err := b.r[1].Get(t.Context(), replica.Ref{Hash: first.Hash()}); err != nil || !bytes.Equal(got, second.Record()) {
		t.Errorf("the other host's copy is gone: %v", err)
	}
	if r := b.run(); !r.Clean() || r.Places[1].Foreign != 1 || b.owed("b") != 0 {
		t.Errorf("the next one: %+v", r)
	}
}

// A spoilt replica says itself that a copy is damaged, or is gone since it was listed.
type spoilt struct {
	*memory.Replica
	errs map[digest.Hash]error
}

func (s spoilt) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	if err := s.errs[ref.Hash]; err != nil {
		return nil, err
	}
	return s.Replica.Get(ctx, ref)
}

// A reindex owes a place what it has damaged, or has no more, where the event
// is known from another, also when that was all that the journal knew.
func TestReindexOwes(t *testing.T) {
	b := start(t, 4)
	b.journal = openJournal(t)
	o := ReindexOptions{Module: b.o.Module, Journal: b.journal, From: b.o.Places[0], Places: b.o.Places[:1], Log: quiet}
	if d, err := Reindex(t.Context(), o); err != nil || d.Restored != 4 {
		t.Fatalf("%+v, %v", d, err)
	}
	o.Places, o.From = b.o.Places, b.o.Places[1]
	o.From.Replica = spoilt{b.r[1], map[digest.Hash]error{b.vs[1].Hash(): replica.ErrCorrupt, b.vs[2].Hash(): replica.ErrNotFound}}
	if d, err := Reindex(t.Context(), o); err != nil || d.Refused != 1 || d.Unread != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	for i, want := range []custody.State{custody.Held, custody.Damaged, custody.Missing, custody.Held} {
		if got := b.states(i)["b"]; got != want {
			t.Errorf("event %d: %v", i, got)
		}
	}
}

// A late replica gets an event as soon as it was found not to have it.
type late struct {
	*memory.Replica
	comes func()
}

func (l late) Get(context.Context, replica.Ref) ([]byte, error) {
	l.comes()
	return nil, replica.ErrNotFound
}

// What comes to a place after it was read is not lost.
func TestScrubBesideAStore(t *testing.T) {
	b := start(t, 1)
	b.o.Places = b.o.Places[:2]
	b.remove(0, 0)
	b.o.Places[1].Replica = late{b.r[1], func() {
		b.journal.Update(journal.Update{Sequence: 1, Replica: "b", State: custody.Held, Location: "anew"})
	}}
	b.run()
	if got := b.states(0); got["b"] != custody.Held || b.lost() != nil {
		t.Errorf("%v", got)
	}
}

// Folders: one emptied, both emptied, and bytes that have changed.
func TestScrubFolders(t *testing.T) {
	b := start(t, 0)
	ctx := context.Background()
	dirs := []string{t.TempDir(), t.TempDir()}
	open := func() {
		for i, dir := range dirs {
			r, err := local.Open(dir, local.Options{Log: quiet})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = r.Close() })
			b.o.Places[i].Replica = r
		}
	}
	b.o.Places = b.o.Places[:2]
	open()
	for i := range 4 {
		b.vs = append(b.vs, moduletest.Event(t, i))
	}
	as, err := b.journal.Admit(ctx, b.vs, names[:2])
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range b.vs {
		for _, p := range b.o.Places {
			location, err := p.Replica.Put(ctx, v)
			if err != nil {
				t.Fatal(err)
			}
			b.journal.Update(journal.Update{Sequence: as[i].Entry.Sequence, Replica: p.Name, State: custody.Held, Location: location})
		}
	}
	b.flush()
	change := func(do func()) {
		t.Helper()
		for _, p := range b.o.Places {
			if err := p.Replica.(*local.Replica).Close(); err != nil {
				t.Fatal(err)
			}
		}
		do()
		open()
	}
	change(func() { empty(t, dirs[0]) })
	if r := b.run(); r.Places[0].Missing != 4 || r.Places[0].Repaired != 4 || b.lost() != nil {
		t.Errorf("one emptied: %+v", r)
	}
	change(func() {
		empty(t, dirs[0])
		damage(t, dirs[1], b.vs[2].Record())
	})
	if r := b.run(); r.Lost != 1 || r.Places[1].Damaged != 1 || r.Places[0].Repaired != 3 || !slices.Equal(b.lost(), []uint64{3}) {
		t.Errorf("one emptied, an event damaged in the other: %+v, lost %v", r, b.lost())
	}
	change(func() {
		empty(t, dirs[0])
		empty(t, dirs[1])
	})
	if r := b.run(); r.Lost != 4 || !slices.Equal(b.lost(), []uint64{1, 2, 3, 4}) || b.owed("a") != 4 || b.owed("b") != 4 {
		t.Errorf("both emptied: %+v, lost %v", r, b.lost())
	}
}

func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

// damage flips a bit of a record, wherever it is below the folder.
func damage(t *testing.T, dir string, record []byte) {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if at := bytes.Index(b, record); err == nil && at >= 0 {
			found = true
			b[at+len(record)/2] ^= 1
			err = os.WriteFile(path, b, 0o600)
		}
		return err
	})
	if err != nil || !found {
		t.Fatalf("the record is in no file: %v", err)
	}
}

// As TestScrubSharedPlace, of a real bucket.
func TestScrubSharedBucket(t *testing.T) {
	first, second := moduletest.Twice(t)
	s := servers.S3(t)
	for i, vs := range [][2]module.Verified{{first, second}, {second, first}} {
		name := fmt.Sprintf("shared-%d", i)
		if err := s.Bucket(name); err != nil {
			t.Fatal(err)
		}
		bucket, err := s3.Open(context.Background(), s3.Options{
			Endpoint: s.URL(), Region: servers.S3Region, Bucket: name, PathStyle: true, AccessKeyID: servers.S3AccessKey, SecretAccessKey: servers.S3SecretKey,
		})
		if err != nil {
			t.Fatal(err)
		}
		testShared(t, vs, bucket)
		if err := bucket.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

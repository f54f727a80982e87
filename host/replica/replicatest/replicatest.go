// Package replicatest is the conformance suite that every Replica passes,
// decorators included. A backend's own test makes a Subject and calls Run.
package replicatest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Subject is an empty replica under test.
type Subject struct {
	Replica replica.Replica
	// Close closes it; later calls must fail with replica.ErrClosed. May be nil.
	Close func() error
	// Reopen closes the replica and opens it again on the same data. May be nil
	// for kinds that keep nothing.
	Reopen func(t *testing.T) replica.Replica
	// Corrupt damages the stored copy behind the replica's back. May be nil.
	Corrupt func(t *testing.T, ref replica.Ref)
	// CorruptObject does the same to an object. May be nil.
	CorruptObject func(t *testing.T, name string)
}

// Event returns an event of a record of about size bytes, the same for the
// same seed; variant chooses between records under one hash, as two valid
// signatures of one event are. The suite needs no real signatures: a replica
// never looks at them.
func Event(seed uint64, size, variant int) module.Verified {
	rng := rand.New(rand.NewPCG(seed, 1))
	pad := make([]byte, max(0, size-104))
	for i := range pad {
		pad[i] = 'a' + byte(rng.IntN(26))
	}
	head := fmt.Appendf(nil, `{"author_pubkey":"x","body":{"pad":"%s"},"created_at":%d,"parents":[]`, pad, seed)
	const tail = `,"type":"VOTE","v":1}`
	record := fmt.Appendf(nil, `%s,"sig":"%d"%s`, head, variant, tail)
	hash := digest.Hash(sha256.Sum256(append(head, tail...)))
	meta := &module.Meta{
		Hash: hash, RecordDigest: sha256.Sum256(record), Type: "VOTE", TypeCode: 40,
		Author: "x", CreatedAt: seed,
	}
	v, err := module.Match(meta, record)
	if err != nil {
		panic(err) // the digest was made of these very bytes
	}
	return v
}

// Run runs the suite; open is called for every case and must return an empty replica.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s Subject)
	}{
		{"missing", missing},
		{"put and get", putGet},
		{"equal put again", putEqual},
		{"unequal put is refused", putUnequal},
		{"damaged copy is replaced", putDamaged},
		{"delete", remove},
		{"large", large},
		{"batches", batches},
		{"list", list},
		{"concurrent", concurrent},
		{"racing unequal puts have one winner", racing},
		{"cancelled", cancelled},
		{"reopen", reopen},
		{"identity", identity},
		{"marks", marks},
		{"check and close", closing},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
	t.Run("objects", func(t *testing.T) { objects(t, open) })
}

func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func put(t *testing.T, r replica.Replica, v module.Verified) replica.Ref {
	t.Helper()
	location, err := r.Put(timeout(t), v)
	if err != nil {
		t.Fatalf("Put: %v", err)
	}
	if location == "" {
		t.Fatal("Put returned no location")
	}
	return replica.Ref{Hash: v.Hash(), Location: location}
}

func holds(t *testing.T, r replica.Replica, ref replica.Ref, v module.Verified) {
	t.Helper()
	got, err := r.Get(timeout(t), ref)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	if !bytes.Equal(got, v.Record()) {
		t.Fatalf("Get returned %d other bytes than the %d put", len(got), len(v.Record()))
	}
}

func missing(t *testing.T, s Subject) {
	ref := replica.Ref{Hash: Event(1, 200, 0).Hash()}
	if _, err := s.Replica.Get(timeout(t), ref); !errors.Is(err, replica.ErrNotFound) {
		t.Fatalf("Get of a missing event: %v, want ErrNotFound", err)
	}
	if err := s.Replica.Delete(timeout(t), ref); err != nil {
		t.Fatalf("Delete of a missing event: %v", err)
	}
}

func putGet(t *testing.T, s Subject) {
	for seed := range uint64(20) {
		v := Event(seed, 100+int(seed)*97, 0)
		ref := put(t, s.Replica, v)
		holds(t, s.Replica, ref, v)
		holds(t, s.Replica, replica.Ref{Hash: ref.Hash}, v) // by hash alone
	}
}

func putEqual(t *testing.T, s Subject) {
	v := Event(1, 1000, 0)
	first := put(t, s.Replica, v)
	if again := put(t, s.Replica, v); again != first {
		t.Fatalf("the location changed from %q to %q", first.Location, again.Location)
	}
	holds(t, s.Replica, first, v)
}

func putUnequal(t *testing.T, s Subject) {
	v, other := Event(1, 1000, 0), Event(1, 1000, 1)
	ref := put(t, s.Replica, v)
	if _, err := s.Replica.Put(timeout(t), other); !errors.Is(err, replica.ErrConflict) {
		t.Fatalf("Put of other bytes: %v, want ErrConflict", err)
	}
	holds(t, s.Replica, ref, v)
}

func putDamaged(t *testing.T, s Subject) {
	if s.Corrupt == nil {
		t.Skip("this kind offers no way to damage a copy")
	}
	v, bystander := Event(1, 1000, 0), Event(2, 1000, 0)
	ref, other := put(t, s.Replica, v), put(t, s.Replica, bystander)
	s.Corrupt(t, ref)
	got, err := s.Replica.Get(timeout(t), ref)
	if err == nil && bytes.Equal(got, v.Record()) {
		t.Fatal("the copy was not damaged: the case proves nothing")
	}
	if err != nil && !errors.Is(err, replica.ErrCorrupt) && !errors.Is(err, replica.ErrNotFound) {
		t.Fatalf("Get of a damaged copy: %v, want ErrCorrupt, ErrNotFound or bytes", err)
	}
	holds(t, s.Replica, other, bystander)
	holds(t, s.Replica, put(t, s.Replica, v), v)
}

func remove(t *testing.T, s Subject) {
	v := Event(1, 1000, 0)
	ref := put(t, s.Replica, v)
	if err := s.Replica.Delete(timeout(t), ref); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	if _, err := s.Replica.Get(timeout(t), ref); !errors.Is(err, replica.ErrNotFound) {
		t.Fatalf("Get after Delete: %v, want ErrNotFound", err)
	}
	holds(t, s.Replica, put(t, s.Replica, v), v) // and it can come back
}

func large(t *testing.T, s Subject) {
	v := Event(1, module.MaxRecordBytes-100, 0)
	holds(t, s.Replica, put(t, s.Replica, v), v)
}

func batches(t *testing.T, s Subject) {
	vs := make([]module.Verified, 100)
	refs := make([]replica.Ref, len(vs)+1)
	for i := range vs {
		vs[i] = Event(uint64(i), 300+i, 0)
		refs[i].Hash = vs[i].Hash()
	}
	refs[len(vs)].Hash = Event(1000, 300, 0).Hash() // missing
	put(t, s.Replica, vs[50])
	vs = append(vs, Event(50, 350, 1), vs[7]) // other bytes, and the same twice
	out := replica.PutBatch(timeout(t), s.Replica, vs)
	if len(out) != len(vs) {
		t.Fatalf("%d outcomes for %d events", len(out), len(vs))
	}
	for i, o := range out {
		switch {
		case i == 100 && !errors.Is(o.Err, replica.ErrConflict):
			t.Errorf("other bytes under a stored hash: %v, want ErrConflict", o.Err)
		case i != 100 && o.Err != nil:
			t.Errorf("event %d: %v", i, o.Err)
		case i < 100:
			refs[i].Location = o.Location
		}
	}
	got := replica.GetBatch(timeout(t), s.Replica, refs)
	if len(got) != len(refs) {
		t.Fatalf("%d results for %d refs", len(got), len(refs))
	}
	for i, f := range got[:100] {
		if f.Err != nil || !bytes.Equal(f.Record, vs[i].Record()) {
			t.Errorf("event %d does not come back: %v", i, f.Err)
		}
	}
	if !errors.Is(got[100].Err, replica.ErrNotFound) {
		t.Errorf("the missing one: %v, want ErrNotFound", got[100].Err)
	}
}

func list(t *testing.T, s Subject) {
	lister, ok := replica.As[replica.Lister](s.Replica)
	if !ok {
		t.Skip("this kind does not list")
	}
	want := map[digest.Hash]int{}
	for seed := range uint64(50) {
		v := Event(seed, 200, 0)
		put(t, s.Replica, v)
		want[v.Hash()] = 0
	}
	gone := Event(3, 200, 0)
	if err := s.Replica.Delete(timeout(t), replica.Ref{Hash: gone.Hash()}); err != nil {
		t.Fatal(err)
	}
	delete(want, gone.Hash())
	for ref, err := range lister.List(timeout(t)) {
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		if _, ok := want[ref.Hash]; !ok {
			t.Errorf("List yields %s, which is not held", ref.Hash)
		}
		want[ref.Hash]++
	}
	for h, n := range want {
		if n != 1 {
			t.Errorf("List yields %s %d times", h, n)
		}
	}
}

func concurrent(t *testing.T, s Subject) {
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := range uint64(20) {
				// Half of the events are everybody's, half are the worker's own.
				seed := i
				if i%2 == 0 {
					seed += 1000 * uint64(worker+1)
				}
				v := Event(seed, 400, 0)
				location, err := s.Replica.Put(context.Background(), v)
				if err != nil {
					t.Errorf("Put: %v", err)
					return
				}
				got, err := s.Replica.Get(context.Background(), replica.Ref{Hash: v.Hash(), Location: location})
				if err != nil || !bytes.Equal(got, v.Record()) {
					t.Errorf("what was put does not come back: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// winnerOf returns the one racer that was told that what it gave is stored; all
// others must have met a conflict.
func winnerOf(t *testing.T, errs []error) int {
	t.Helper()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			t.Fatalf("both %d and %d were told that theirs is stored", winner, i)
		case err == nil:
			winner = i
		case !errors.Is(err, replica.ErrConflict):
			t.Fatalf("racer %d: %v, want ErrConflict", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	return winner
}

func racing(t *testing.T, s Subject) {
	const racers = 8
	for round := range uint64(10) {
		errs := make([]error, racers)
		var wg sync.WaitGroup
		for i := range racers {
			wg.Go(func() { _, errs[i] = s.Replica.Put(context.Background(), Event(round, 300, i)) })
		}
		wg.Wait()
		winner := winnerOf(t, errs)
		v := Event(round, 300, winner)
		holds(t, s.Replica, replica.Ref{Hash: v.Hash()}, v)
	}
}

func cancelled(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	start := time.Now()
	if _, err := s.Replica.Put(ctx, Event(1, 200, 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("Put with an ended context: %v", err)
	}
	if _, err := s.Replica.Get(ctx, replica.Ref{Hash: Event(1, 200, 0).Hash()}); !errors.Is(err, context.Canceled) {
		t.Errorf("Get with an ended context: %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v to notice that the context had ended", took)
	}
}

func reopen(t *testing.T, s Subject) {
	if s.Reopen == nil {
		t.Skip("this kind keeps nothing")
	}
	var refs []replica.Ref
	for seed := range uint64(60) {
		refs = append(refs, put(t, s.Replica, Event(seed, 500, 0)))
	}
	if err := s.Replica.Delete(timeout(t), refs[5]); err != nil {
		t.Fatal(err)
	}
	r := s.Reopen(t)
	for i, ref := range refs {
		if i == 5 {
			if _, err := r.Get(timeout(t), ref); !errors.Is(err, replica.ErrNotFound) {
				t.Fatalf("a deleted event came back: %v", err)
			}
			continue
		}
		holds(t, r, ref, Event(uint64(i), 500, 0))
	}
}

func identity(t *testing.T, s Subject) {
	const first, second = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
	known := []string{second, first}
	holdsID := func(r replica.Replica, want string) replica.Identified {
		t.Helper()
		i, ok := replica.As[replica.Identified](r)
		if !ok {
			t.Skip("this kind holds no id")
		}
		if got, err := i.Identity(timeout(t), known); err != nil || got != want {
			t.Fatalf("Identity: %q, %v, want %q", got, err, want)
		}
		return i
	}
	i := holdsID(s.Replica, "")
	v := Event(1, 200, 0)
	ref := put(t, s.Replica, v)
	for _, id := range []string{first, second, second} {
		if err := i.Identify(timeout(t), id); err != nil {
			t.Fatalf("Identify: %v", err)
		}
		holdsID(s.Replica, id)
	}
	holds(t, s.Replica, ref, v)
	if lister, ok := replica.As[replica.Lister](s.Replica); ok { // the id is no event
		for got, err := range lister.List(timeout(t)) {
			if err != nil || got.Hash != ref.Hash {
				t.Fatalf("List yields %s, %v", got.Hash, err)
			}
		}
	}
	if s.Reopen != nil {
		r := s.Reopen(t)
		holdsID(r, second)
		holds(t, r, ref, v)
	}
}

func closing(t *testing.T, s Subject) {
	if err := s.Replica.Check(timeout(t)); err != nil {
		t.Fatalf("Check of a healthy replica: %v", err)
	}
	if s.Close == nil {
		return
	}
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if _, err := s.Replica.Put(timeout(t), Event(1, 200, 0)); !errors.Is(err, replica.ErrClosed) {
		t.Errorf("Put after Close: %v, want ErrClosed", err)
	}
	if err := s.Replica.Check(timeout(t)); !errors.Is(err, replica.ErrClosed) {
		t.Errorf("Check after Close: %v, want ErrClosed", err)
	}
}

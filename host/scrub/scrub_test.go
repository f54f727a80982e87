package scrub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/reference"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/breaker"
	"github.com/eventseal/eventseal/host/replica/local"
	"github.com/eventseal/eventseal/host/replica/memory"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

var quiet = slog.New(slog.DiscardHandler)

// filling makes a cache of a replica.
type filling struct{ *memory.Replica }

func (f filling) Fill(ctx context.Context, v module.Verified) error {
	_, err := f.Put(ctx, v)
	return err
}

var errDown = errors.New("connection refused")

// down is a replica that fails.
type down struct{ *memory.Replica }

func (down) Get(context.Context, replica.Ref) ([]byte, error)     { return nil, errDown }
func (down) Put(context.Context, module.Verified) (string, error) { return "", errDown }

// bench is a journal and what it knows: two places that count, and a cache.
type bench struct {
	t       *testing.T
	journal *sqlite.Journal
	r       []*memory.Replica
	o       Options
	vs      []module.Verified
}

var names = []string{"a", "b", "cache"}

func openJournal(t *testing.T) *sqlite.Journal {
	j, err := sqlite.Open(filepath.Join(t.TempDir(), "j.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// start stores n events in all three.
func start(t *testing.T, n int) *bench {
	b := &bench{t: t, journal: openJournal(t)}
	for range names {
		b.r = append(b.r, memory.New())
	}
	b.o = Options{
		Module: moduletest.Open(t), Journal: b.journal, Log: quiet,
		Places: []replica.Place{
			{Name: "a", Counts: true, Replica: b.r[0]},
			{Name: "b", Counts: true, Replica: b.r[1]},
			{Name: "cache", Replica: filling{b.r[2]}},
		},
		State: filepath.Join(t.TempDir(), "scrub.json"),
	}
	ctx := context.Background()
	for i := range n {
		b.vs = append(b.vs, moduletest.Event(t, i))
	}
	as, err := b.journal.Admit(ctx, b.vs, names)
	if err != nil {
		t.Fatal(err)
	}
	for k, r := range b.r {
		for i, v := range b.vs {
			location, err := r.Put(ctx, v)
			if err != nil {
				t.Fatal(err)
			}
			b.journal.Update(journal.Update{Sequence: as[i].Entry.Sequence, Replica: names[k], Location: location, State: custody.Held})
		}
	}
	b.flush()
	return b
}

func (b *bench) flush() {
	b.t.Helper()
	if err := b.journal.Flush(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) run() Report {
	b.t.Helper()
	r, err := Run(context.Background(), b.o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.flush()
	return r
}

func (b *bench) remove(place, event int) {
	b.t.Helper()
	if err := b.r[place].Delete(context.Background(), replica.Ref{Hash: b.vs[event].Hash()}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) holds(place, event int) bool {
	got, err := b.r[place].Get(context.Background(), replica.Ref{Hash: b.vs[event].Hash()})
	return err == nil && bytes.Equal(got, b.vs[event].Record())
}

// states are what the journal knows of an event's copies.
func (b *bench) states(event int) map[string]custody.State {
	b.t.Helper()
	_, copies, err := b.journal.Get(context.Background(), b.vs[event].Hash())
	if err != nil {
		b.t.Fatal(err)
	}
	states := map[string]custody.State{}
	for _, c := range copies {
		states[c.Replica] = c.State
	}
	return states
}

func (b *bench) owed(place string) int {
	n, err := b.journal.Backlog(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return n[place]
}

func TestScrubFindsAndRepairs(t *testing.T) {
	b := start(t, 300)
	if r := b.run(); !r.Clean() || r.Events != 300 || r.Sequence != 300 || r.Places[0].Good != 300 || r.Places[2].Good != 300 {
		t.Fatalf("of a clean store: %+v", r)
	}
	if _, err := os.Stat(b.o.State); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state of a complete scrub stays: %v", err)
	}
	b.remove(0, 1)
	b.r[1].Corrupt(b.vs[2].Hash(), []byte("{}"))
	b.remove(2, 3)
	b.r[2].Corrupt(b.vs[4].Hash(), b.vs[4].Record()[:50])
	b.remove(0, 200)
	b.r[1].Corrupt(b.vs[200].Hash(), nil) // only the cache has it

	b.o.ReadOnly = true
	want := func(r Report) {
		t.Helper()
		a, bb, c := r.Places[0], r.Places[1], r.Places[2]
		if r.Clean() || r.Lost != 0 || a.Missing != 2 || a.Good != 298 || bb.Damaged != 2 || c.Missing != 1 || c.Damaged != 1 {
			t.Fatalf("%+v", r)
		}
	}
	r := b.run()
	want(r)
	if r.Places[0].Repaired != 0 || b.holds(0, 1) {
		t.Fatal("a read-only scrub repaired something")
	}
	b.o.ReadOnly = false
	r = b.run()
	want(r)
	if r.Places[0].Repaired != 2 || r.Places[1].Repaired != 2 || r.Places[2].Repaired != 1 {
		t.Errorf("%+v", r)
	}
	for _, c := range [][2]int{{0, 1}, {1, 2}, {2, 4}, {0, 200}, {1, 200}} {
		if !b.holds(c[0], c[1]) {
			t.Errorf("place %d does not hold event %d", c[0], c[1])
		}
	}
	if b.holds(2, 3) {
		t.Error("a cache was filled unasked")
	}
	if r := b.run(); !r.Clean() || r.Places[2].Missing != 1 {
		t.Errorf("with an event that only the cache lacks: %+v", r)
	}
	b.o.FillCaches = true
	b.run()
	if r := b.run(); !r.Clean() || r.Places[2].Missing != 0 || !b.holds(2, 3) {
		t.Errorf("afterwards: %+v", r)
	}
}

func TestScrubLost(t *testing.T) {
	b := start(t, 10)
	for place := range names {
		b.remove(place, 3)
	}
	b.r[0].Corrupt(b.vs[3].Hash(), nil)
	if r := b.run(); r.Lost != 1 || r.Unread != 0 || r.Clean() {
		t.Errorf("%+v", r)
	}
	b.o.Places[1].Replica = down{b.r[1]}
	if r := b.run(); r.Lost != 0 || r.Unread != 1 || r.Places[1].Unreachable != 10 {
		t.Errorf("with a place that fails: %+v", r)
	}
}

// A repair that fails is owed.
func TestScrubOwes(t *testing.T) {
	b := start(t, 10)
	b.remove(1, 3)
	b.o.Places[1].Replica = struct {
		*memory.Replica
		putter
	}{b.r[1], putter{}}
	if r := b.run(); r.Places[1].Failed != 1 || b.owed("b") != 1 {
		t.Errorf("%+v; %d owed", r, b.owed("b"))
	}
	b.o.Places[1].Replica = b.r[1]
	if r := b.run(); r.Places[1].Owed != 1 || r.Places[1].Repaired != 1 || b.owed("b") != 0 || !b.holds(1, 3) {
		t.Errorf("%+v; %d owed", r, b.owed("b"))
	}
	// A copy that is there and that the journal does not know of.
	b.journal.Update(journal.Update{Sequence: 5, Replica: "b", Err: "lost the answer", State: custody.Owed})
	b.flush()
	if r := b.run(); r.Places[1].Good != 10 || r.Places[1].Repaired != 0 || b.owed("b") != 0 {
		t.Errorf("%+v; %d owed", r, b.owed("b"))
	}
}

type putter struct{}

func (putter) PutBatch(_ context.Context, vs []module.Verified) []replica.Outcome {
	out := make([]replica.Outcome, len(vs))
	for i := range out {
		out[i].Err = errDown
	}
	return out
}

// A signature that is none gives way to the journal's record, if anybody has that.
func TestScrubConflict(t *testing.T) {
	b := start(t, 10)
	v := b.vs[3]
	// Its sig member differs, so the hash is the event's.
	other := bytes.Replace(v.Record(), []byte(`"sig":"SIG_K1_`), []byte(`"sig":"SIG_K1_x`), 1)
	b.r[1].Corrupt(v.Hash(), other)
	if r := b.run(); r.Places[1].Damaged != 1 || r.Places[1].Repaired != 1 || !b.holds(1, 3) || b.owed("b") != 0 {
		t.Errorf("%+v", r)
	}
	b.remove(0, 3)
	b.remove(2, 3)
	b.r[1].Corrupt(v.Hash(), other)
	if r := b.run(); r.Lost != 1 || r.Places[1].Damaged != 1 || r.Places[1].Repaired != 0 {
		t.Errorf("of the last copy: %+v", r)
	}
	if got, err := b.r[1].Get(context.Background(), replica.Ref{Hash: v.Hash()}); err != nil || !bytes.Equal(got, other) {
		t.Errorf("the last copy was touched: %v", err)
	}
}

// Another valid signature is left where it is. As long as too few places have
// the journal's record, the journal keeps its bytes for them.
func TestScrubAnotherSignature(t *testing.T) {
	b := start(t, 0)
	b.o.MinRedundancy = 1
	first, second := moduletest.Twice(t)
	ctx := context.Background()
	b.vs = []module.Verified{first}
	if _, err := b.journal.Admit(ctx, b.vs, names); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.r[:2] {
		if _, err := r.Put(ctx, second); err != nil {
			t.Fatal(err)
		}
	}
	kept := func() bool {
		b.flush()
		record, err := b.journal.Record(ctx, first.Hash())
		return err == nil && bytes.Equal(record, first.Record())
	}
	foreign := func(place int) bool {
		got, err := b.r[place].Get(ctx, replica.Ref{Hash: first.Hash()})
		return err == nil && bytes.Equal(got, second.Record())
	}
	for range 2 {
		r := b.run()
		if r.Places[0].Foreign != 1 || r.Places[1].Foreign != 1 || r.Short != 1 || r.Clean() || !foreign(0) || !foreign(1) || !b.holds(2, 0) {
			t.Errorf("at both places that count: %+v", r)
		}
		if !kept() || b.owed("a") != 1 || b.owed("b") != 1 {
			t.Error("only a cache has the journal's record, and the journal gave its bytes up")
		}
	}
	// One that counts gets it, and the other is owed it no more.
	b.remove(0, 0)
	b.o.ReadOnly = true
	if r := b.run(); r.Short != 1 || r.Clean() || !kept() || b.holds(0, 0) {
		t.Errorf("read-only: %+v", r)
	}
	b.o.ReadOnly = false
	if r := b.run(); r.Places[0].Repaired != 1 || r.Places[1].Foreign != 1 || r.Short != 0 || !foreign(1) || !kept() || b.owed("b") != 0 {
		t.Errorf("at one of them: %+v", r)
	}
	if s := b.states(0); s["a"] != custody.Held || s["b"] != custody.Foreign {
		t.Errorf("%v", s)
	}
	if r := b.run(); !r.Clean() || r.Places[1].Foreign != 1 {
		t.Errorf("the next one: %+v", r)
	}
	// What was believed of the other is taken back.
	b.remove(0, 0)
	b.journal.Update(journal.Update{Sequence: 1, Replica: "b", State: custody.Held, Location: "x"})
	b.flush()
	b.o.Places[0].Replica = down{b.r[0]}
	if r := b.run(); r.Short != 1 || !kept() || b.owed("b") != 1 || !foreign(1) {
		t.Errorf("with the journal's in a cache alone: %+v", r)
	}
}

// Two hosts that share a place, each with its own record of one event, leave
// each other's there: both acknowledged, and both serve what they acknowledged.
func TestScrubSharedPlace(t *testing.T) {
	first, second := moduletest.Twice(t)
	shared := memory.New()
	testShared(t, [2]module.Verified{first, second}, shared)
}

// testShared scrubs two hosts in turn that share a bucket.
func testShared(t *testing.T, vs [2]module.Verified, bucket replica.Replica) {
	ctx := context.Background()
	var hosts [2]*bench
	for k, v := range vs {
		b := start(t, 0)
		b.vs, b.o.MinRedundancy = []module.Verified{v}, 2
		b.o.Places = append(b.o.Places, replica.Place{Name: "bucket", Counts: true, Replica: bucket})
		as, err := b.journal.Admit(ctx, b.vs, append(slices.Clone(names), "bucket"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range b.o.Places {
			u := journal.Update{Sequence: as[0].Entry.Sequence, Replica: p.Name, State: custody.Held}
			if u.Location, err = p.Replica.Put(ctx, v); errors.Is(err, replica.ErrConflict) {
				u.State, u.Err = custody.Foreign, err.Error()
			} else if err != nil {
				t.Fatal(err)
			}
			b.journal.Update(u)
		}
		b.flush()
		hosts[k] = b
	}
	ref := replica.Ref{Hash: vs[0].Hash()}
	before, err := bucket.Get(ctx, ref)
	if err != nil || !bytes.Equal(before, vs[0].Record()) {
		t.Fatal(err)
	}
	for range 2 {
		for k, b := range hosts {
			r := b.run()
			if !r.Clean() || r.Places[3].Foreign != uint64(k) || r.Places[3].Good != uint64(1-k) {
				t.Errorf("host %d: %+v", k, r)
			}
			if after, err := bucket.Get(ctx, ref); err != nil || !bytes.Equal(after, before) {
				t.Errorf("host %d changed the bucket: %v", k, err)
			}
			for place := range names {
				if !b.holds(place, 0) {
					t.Errorf("host %d: %s does not hold what it acknowledged", k, names[place])
				}
			}
			if want := []custody.State{custody.Held, custody.Foreign}[k]; b.states(0)["bucket"] != want {
				t.Errorf("host %d: the bucket's copy is %v", k, b.states(0))
			}
		}
	}
}

// When the journal's record is gone everywhere and another valid signature is
// left, the event is not lost: the journal follows, and everything is whole then.
func TestScrubFollows(t *testing.T) {
	b := start(t, 3)
	first, second := moduletest.Twice(t)
	ctx := context.Background()
	b.vs = append(b.vs, first)
	as, err := b.journal.Admit(ctx, b.vs[3:], names)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range b.r {
		location, err := r.Put(ctx, second) // that lied, or was restored from elsewhere
		if err != nil {
			t.Fatal(err)
		}
		b.journal.Update(journal.Update{Sequence: as[0].Entry.Sequence, Replica: names[i], Location: location, State: custody.Held})
	}
	b.flush()
	b.remove(0, 3)
	// As long as somebody who may have the first is not heard, it is not given up.
	b.o.Places[1].Replica = down{b.r[1]}
	if r := b.run(); r.Unread != 1 || r.Displaced != 0 || r.Lost != 0 {
		t.Errorf("with a place that is down: %+v", r)
	}
	b.o.Places[1].Replica = b.r[1]
	b.o.ReadOnly = true
	if r := b.run(); r.Displaced != 1 || r.Lost != 0 || r.Clean() {
		t.Errorf("read-only: %+v", r)
	}
	if e, _, err := b.journal.Get(ctx, first.Hash()); err != nil || e.RecordDigest != first.Meta().RecordDigest {
		t.Errorf("a read-only scrub changed the journal: %v", err)
	}
	// Of a forged signature nothing is known to be left.
	b.o.ReadOnly = false
	forged := bytes.Replace(second.Record(), []byte(`"sig":"SIG_R1_`), []byte(`"sig":"SIG_R1_x`), 1)
	b.r[1].Corrupt(first.Hash(), forged)
	b.remove(2, 3)
	if r := b.run(); r.Lost != 1 || r.Displaced != 0 {
		t.Errorf("of a forged signature: %+v", r)
	}
	b.r[2].Corrupt(first.Hash(), second.Record())
	if _, err := b.r[2].Put(ctx, second); err != nil { // a cache's copy is enough
		t.Fatal(err)
	}
	if r := b.run(); r.Displaced != 1 || r.Lost != 0 || r.Events != 4 || r.Places[0].Repaired != 1 || r.Places[1].Repaired != 1 {
		t.Errorf("%+v", r)
	}
	e, copies, err := b.journal.Get(ctx, first.Hash())
	if err != nil || e.RecordDigest != second.Meta().RecordDigest || e.Sequence != 4 {
		t.Errorf("%+v, %v", e, err)
	}
	for _, c := range copies {
		if c.State.Owed() || c.Location == "" || c.LastError != "" {
			t.Errorf("%+v", c)
		}
	}
	if _, err := b.journal.Record(ctx, first.Hash()); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("the journal keeps the bytes of what everybody has: %v", err)
	}
	if r := b.run(); !r.Clean() || r.Places[0].Good != 4 || r.Places[1].Good != 4 {
		t.Errorf("the next one: %+v", r)
	}
}

// A located replica finds nothing at the location of a record that is gone, as
// a node does that is asked for a CID.
type located struct{ *memory.Replica }

func (l located) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	if ref.Location != "" {
		return nil, replica.ErrNotFound
	}
	return l.Replica.Get(ctx, ref)
}

// What a place has elsewhere than where the journal says is found before an
// event counts as lost.
func TestScrubSearches(t *testing.T) {
	b := start(t, 3)
	b.remove(0, 1)
	b.remove(2, 1)
	b.o.Places = b.o.Places[:2]
	b.o.Places[1].Replica = located{b.r[1]}
	if r := b.run(); r.Lost != 0 || !b.holds(0, 1) {
		t.Errorf("%+v", r)
	}
}

// A forgetful replica keeps what was put since it was asked to forget.
type forgetful struct {
	*memory.Replica
	mu    sync.Mutex
	loose map[digest.Hash]bool
	asOf  []time.Time
	err   error
}

func (f *forgetful) Put(ctx context.Context, v module.Verified) (string, error) {
	f.mu.Lock()
	delete(f.loose, v.Hash())
	f.mu.Unlock()
	return f.Replica.Put(ctx, v)
}

func (f *forgetful) Audit(_ context.Context, refs []replica.Ref, asOf time.Time) []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	errs := make([]error, len(refs))
	for i, ref := range refs {
		if errs[i] = f.err; f.loose[ref.Hash] {
			errs[i] = fmt.Errorf("unpinned: %w", replica.ErrLoose)
		}
	}
	f.asOf = append(f.asOf, asOf)
	return errs
}

// A good copy that its place does not keep is put again.
func TestScrubLoose(t *testing.T) {
	b := start(t, 300)
	f := &forgetful{Replica: b.r[1], loose: map[digest.Hash]bool{b.vs[3].Hash(): true, b.vs[200].Hash(): true}}
	b.o.Places[1].Replica = breaker.New(f, breaker.Options{Name: "b", Log: quiet})
	b.remove(1, 7)
	b.o.ReadOnly = true
	if r := b.run(); r.Places[1].Loose != 2 || r.Places[1].Good != 297 || r.Clean() || len(f.loose) != 2 {
		t.Errorf("read-only: %+v", r)
	}
	b.o.ReadOnly, f.asOf = false, nil
	before := time.Now()
	if r := b.run(); r.Places[1].Loose != 2 || r.Places[1].Repaired != 3 || len(f.loose) != 0 {
		t.Errorf("%+v", r)
	}
	for _, at := range f.asOf {
		if at.Before(before) || at != f.asOf[0] {
			t.Errorf("asked for the place as of %v and %v, after %v", f.asOf[0], at, before)
		}
	}
	if r := b.run(); !r.Clean() || r.Places[1].Good != 300 {
		t.Errorf("afterwards: %+v", r)
	}
	f.err = errDown
	if r := b.run(); r.Places[1].Unreachable != 300 || r.Places[0].Good != 300 || r.Clean() {
		t.Errorf("where it cannot be looked at: %+v", r)
	}
}

// A meeting has both places read before the event comes to them.
type meeting struct {
	*memory.Replica
	read *sync.WaitGroup
	then func()
}

func (m meeting) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	b, err := m.Replica.Get(ctx, ref)
	m.read.Done()
	m.read.Wait()
	m.then()
	return b, err
}

// An event that gets to its places, and leaves the journal, while a scrub looks
// at it is not lost.
func TestScrubBesideIntake(t *testing.T) {
	b := start(t, 0)
	v := moduletest.Event(t, 1)
	ctx := context.Background()
	as, err := b.journal.Admit(ctx, []module.Verified{v}, names[:2])
	if err != nil {
		t.Fatal(err)
	}
	var read sync.WaitGroup
	read.Add(2)
	arrive := sync.OnceFunc(func() {
		for k, r := range b.r[:2] {
			location, err := r.Put(ctx, v)
			if err != nil {
				t.Error(err)
			}
			b.journal.Update(journal.Update{Sequence: as[0].Entry.Sequence, Replica: names[k], Location: location, State: custody.Held})
		}
		b.flush()
		if _, err := b.journal.Record(ctx, v.Hash()); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("the journal has the bytes: %v", err)
		}
	})
	for i := range 2 {
		b.o.Places[i].Replica = meeting{b.r[i], &read, arrive}
	}
	if r := b.run(); r.Lost != 0 || r.Places[0].Owed != 1 || r.Places[1].Owed != 1 {
		t.Errorf("%+v", r)
	}
}

func TestScrubSecondOpinion(t *testing.T) {
	b := start(t, 10)
	b.o.SecondOpinion = func(_ context.Context, v module.Verified) error {
		return reference.CrossCheck(v.Record(), reference.Options{}, v.Hash(), v.Meta().RecordDigest, nil)
	}
	if r := b.run(); !r.Clean() {
		t.Errorf("of a clean store: %+v", r)
	}
	b.o.SecondOpinion = func(_ context.Context, v module.Verified) error {
		if v.Hash() == b.vs[4].Hash() {
			return &code.Error{Code: code.ImplementationsDisagree}
		}
		return nil
	}
	if r := b.run(); r.Disagreements != 1 || r.Clean() {
		t.Errorf("%+v", r)
	}
}

func TestScrubResumes(t *testing.T) {
	b := start(t, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	b.o.Progress = func(r Report) {
		if r.Sequence >= 300 {
			cancel()
		}
	}
	r, err := Run(ctx, b.o)
	if !errors.Is(err, context.Canceled) || r.Complete || r.Sequence < 300 || r.Sequence > 900 {
		t.Fatalf("%+v, %v", r, err)
	}
	var seen []uint64
	b.o.Progress = func(r Report) { seen = append(seen, r.Sequence) }
	again := b.run()
	if !again.Clean() || again.Events != 1000 || again.Places[1].Good != 1000 || !again.Started.Equal(r.Started) {
		t.Errorf("%+v", again)
	}
	if seen[0] != r.Sequence {
		t.Errorf("it was at %d, and began again at %d", r.Sequence, seen[0])
	}
	// One that is to do something else does not go on with the rest.
	ctx = canceledAt(&b.o, 300)
	if _, err := Run(ctx, b.o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	b.o.Progress, b.o.ReadOnly = nil, true
	if r := b.run(); r.Events != 1000 || r.Started.Equal(again.Started) || !r.ReadOnly || !r.Clean() {
		t.Errorf("%+v", r)
	}
	b.o.ReadOnly = false
	// Nor does one of another journal, such as a rebuilt one, with the numbers of the lost one.
	ctx = canceledAt(&b.o, 300)
	if _, err := Run(ctx, b.o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	b.o.Progress, b.o.Journal = nil, openJournal(t)
	if _, err := b.o.Journal.Admit(context.Background(), b.vs[:500], names); err != nil {
		t.Fatal(err)
	}
	if r := b.run(); r.Events != 500 || r.Last != 500 {
		t.Errorf("of another journal: %+v", r)
	}
	b.o.Journal = b.journal
	// What cannot be used costs a start from the beginning.
	for _, s := range []string{"", "{", `{"sequence":9,"last":3}`, `{"sequence":1,"last":3,"replicas":[{"replica":"x"}]}`} {
		if err := os.WriteFile(b.o.State, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := b.run(); !r.Clean() || r.Events != 1000 {
			t.Errorf("with the state %q: %+v", s, r)
		}
	}
}

// canceledAt returns a context that ends when the scrub has come so far.
func canceledAt(o *Options, sequence uint64) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	o.Progress = func(r Report) {
		if r.Sequence >= sequence {
			cancel()
		}
	}
	return ctx
}

// One scrub at a time; what it is told to do differently holds for it alone.
func TestRunner(t *testing.T) {
	b := start(t, 300)
	b.remove(0, 5)
	r := NewRunner(b.o)
	begun, free := make(chan struct{}), make(chan struct{})
	var once sync.Once
	ended := make(chan error, 1)
	go func() {
		report, err := r.Run(context.Background(), Request{ReadOnly: true, Progress: func(Report) {
			once.Do(func() { close(begun); <-free })
		}})
		if report.Places[0].Missing != 1 || report.Places[0].Repaired != 0 {
			err = fmt.Errorf("%+v, %v", report, err)
		}
		ended <- err
	}()
	<-begun
	if _, err := r.Run(context.Background(), Request{}); !errors.Is(err, ErrBusy) {
		t.Errorf("two at once: %v", err)
	}
	if now := r.Now(); now == nil || now.Complete || now.Last != 300 || r.Last() != nil {
		t.Errorf("while it runs: %+v, %+v", now, r.Last())
	}
	close(free)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if last := r.Last(); last == nil || !last.Complete || last.Events != 300 || !last.ReadOnly || r.Now() != nil {
		t.Errorf("afterwards: %+v, %+v", last, r.Now())
	}
	if report, err := r.Run(context.Background(), Request{}); err != nil || report.Places[0].Repaired != 1 || report.ReadOnly {
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := r.Run(context.Background(), Request{Progress: func(Report) { panic("of a test") }}); err == nil {
		t.Error("a panic is no error")
	}
	if _, err := r.Run(context.Background(), Request{}); err != nil {
		t.Errorf("after a panic: %v", err)
	}
}

// Every goes on at once with what was interrupted, and begins the next scrub
// when it is due after the last one, whichever process that was.
func TestEvery(t *testing.T) {
	b := start(t, 300)
	b.o.Last = filepath.Join(t.TempDir(), "scrubbed.json")
	r := NewRunner(b.o)
	if d := r.due(time.Hour); d != 0 {
		t.Errorf("the first one is due in %v", d)
	}
	b.remove(0, 5)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Every(ctx, time.Hour, Request{Progress: func(p Report) {
			if p.Complete {
				cancel()
			}
		}})
	}()
	<-ended
	if !b.holds(0, 5) {
		t.Error("nothing was repaired")
	}
	if last := NewRunner(b.o).Last(); last == nil || last.Places[0].Repaired != 1 || !last.Finished.Equal(r.Last().Finished) {
		t.Errorf("the next process knows %+v", last)
	}
	if d := NewRunner(b.o).due(time.Hour); d < 30*time.Minute || d > time.Hour {
		t.Errorf("the next one is due in %v", d)
	}
	o := b.o
	ctx = canceledAt(&o, 1)
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if d := NewRunner(b.o).due(time.Hour); d != 0 {
		t.Errorf("an interrupted one goes on in %v", d)
	}
}

// A second's worth is read at once at most, and then the rest of the second is
// waited for.
func TestRate(t *testing.T) {
	b := start(t, 40)
	b.o.Rate = 20
	var last, most uint64
	b.o.Progress = func(r Report) { most, last = max(most, r.Sequence-last), r.Sequence }
	begun := time.Now()
	if r := b.run(); !r.Clean() || most > 20 {
		t.Errorf("%d at once: %+v", most, r)
	}
	if took := time.Since(begun); took < 1900*time.Millisecond {
		t.Errorf("40 events at 20 a second took %v", took)
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"sequence":1,"last":3,"replicas":[{"replica":"x"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := parseState(b); err == nil && (r.Sequence > r.Last || r.Complete) {
			t.Errorf("%+v", r)
		}
	})
}

func TestReindex(t *testing.T) {
	b := start(t, 300)
	ctx := context.Background()
	lost := openJournal(t)
	b.r[0].Corrupt(b.vs[7].Hash(), []byte("{}"))
	b.r[0].Corrupt(b.vs[8].Hash(), append(bytes.Clone(b.vs[8].Record()), ' '))
	b.r[0].Corrupt(b.vs[9].Hash(), b.vs[10].Record())
	o := ReindexOptions{Module: b.o.Module, Journal: lost, From: b.o.Places[0], Places: b.o.Places, Log: quiet}
	stop, cancel := context.WithCancel(ctx)
	o.Progress = func(Reindexed) { cancel() }
	if d, err := Reindex(stop, o); !errors.Is(err, context.Canceled) || d.Complete || d.Listed >= 300 {
		t.Fatalf("%+v, %v", d, err)
	}
	o.Progress = nil
	d, err := Reindex(ctx, o)
	if err != nil || !d.Complete || d.Listed != 300 || d.Restored+d.Known != 297 || d.Known == 0 || d.Refused != 3 {
		t.Fatalf("%+v, %v", d, err)
	}
	o.From = b.o.Places[1]
	if d, err = Reindex(ctx, o); err != nil || d.Restored != 3 || d.Known != 297 || d.Refused != 0 {
		t.Fatalf("from b: %+v, %v", d, err)
	}
	if d, err = Reindex(ctx, o); err != nil || d.Restored != 0 || d.Known != 300 {
		t.Fatalf("again: %+v, %v", d, err)
	}
	for i, v := range b.vs {
		e, copies, err := lost.Get(ctx, v.Hash())
		if err != nil || e.RecordDigest != v.Meta().RecordDigest || e.Type != "ADD_CLAIM" || e.AuthorKey != v.Meta().AuthorKey {
			t.Fatalf("event %d: %+v, %v", i, e, err)
		}
		if len(copies) != 2 || copies[1].State.Owed() || copies[1].Location == "" || copies[0].State.Owed() != (i >= 7 && i <= 9) {
			t.Fatalf("event %d: %+v", i, copies)
		}
	}
	found, err := lost.Query(ctx, journal.Filter{Types: []string{"ADD_CLAIM"}})
	if err != nil || len(found) != 300 {
		t.Errorf("a search finds %d, %v", len(found), err)
	}
	// Scrub then makes it complete.
	b.o.Journal, b.journal = lost, lost
	b.run()
	if r := b.run(); !r.Clean() {
		t.Errorf("afterwards: %+v", r)
	}
	// A place that cannot be read ends it with an error: half a journal is not taken for a whole.
	o.From.Replica = down{b.r[0]}
	o.Journal = openJournal(t)
	if d, err := Reindex(ctx, o); err == nil || d.Complete {
		t.Errorf("from a place that fails: %+v, %v", d, err)
	}
}

func TestReindexConflict(t *testing.T) {
	b := start(t, 3)
	lost := openJournal(t)
	v := b.vs[1]
	meta := *v.Meta()
	meta.RecordDigest = digest.Hash{1}
	if _, err := lost.Restore(context.Background(), []journal.Restored{{Meta: meta, Copies: []journal.Copy{{Replica: "x", State: custody.Held, Location: "y"}}}}); err != nil {
		t.Fatal(err)
	}
	o := ReindexOptions{Module: b.o.Module, Journal: lost, From: b.o.Places[0], Places: b.o.Places, Log: quiet}
	d, err := Reindex(context.Background(), o)
	if err != nil || d.Restored != 2 || d.Conflicting != 1 {
		t.Errorf("%+v, %v", d, err)
	}
	b.journal = lost
	if s := b.states(1); s["a"] != custody.Foreign {
		t.Errorf("of the other signature: %v", s)
	}
	// What another place has damaged, or has no more, is owed to it.
	b.r[1].Corrupt(b.vs[0].Hash(), []byte("{}"))
	b.r[1].Corrupt(b.vs[2].Hash(), bytes.Replace(b.vs[2].Record(), []byte(`"sig":"SIG_K1_`), []byte(`"sig":"SIG_K1_x`), 1))
	o.From = b.o.Places[1]
	if d, err := Reindex(context.Background(), o); err != nil || d.Refused != 2 {
		t.Errorf("%+v, %v", d, err)
	}
	if x, y := b.states(0), b.states(2); x["b"] != custody.Damaged || y["b"] != custody.Damaged || x["a"] != custody.Held {
		t.Errorf("of what was refused: %v, %v", x, y)
	}
}

// From folders alone, as after the loss of everything else.
func TestReindexLocal(t *testing.T) {
	b := start(t, 20)
	r, err := local.Open(t.TempDir(), local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, v := range b.vs {
		if _, err := r.Put(context.Background(), v); err != nil {
			t.Fatal(err)
		}
	}
	lost := openJournal(t)
	p := replica.Place{Name: "a", Counts: true, Replica: r}
	d, err := Reindex(context.Background(), ReindexOptions{Module: b.o.Module, Journal: lost, From: p, Places: []replica.Place{p}, Log: quiet})
	if err != nil || d.Restored != 20 {
		t.Fatalf("%+v, %v", d, err)
	}
	if owed, err := lost.Backlog(context.Background()); err != nil || len(owed) != 0 {
		t.Errorf("owed: %v, %v", owed, err)
	}
	report, err := Run(context.Background(), Options{Module: b.o.Module, Journal: lost, Places: []replica.Place{p}, Log: quiet})
	if err != nil || !report.Clean() || report.Places[0].Good != 20 {
		t.Errorf("%+v, %v", report, err)
	}
}

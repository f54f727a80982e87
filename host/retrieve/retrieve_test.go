package retrieve

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/memory"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A faulty replica does to reads what its hook says. A nil hook lets them through.
type faulty struct {
	*memory.Replica
	fault atomic.Pointer[func(ctx context.Context) error]
	gets  atomic.Int64
}

func (f *faulty) set(fault func(ctx context.Context) error) {
	if fault == nil {
		f.fault.Store(nil)
	} else {
		f.fault.Store(&fault)
	}
}

func (f *faulty) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	f.gets.Add(1)
	if fault := f.fault.Load(); fault != nil {
		if err := (*fault)(ctx); err != nil {
			return nil, err
		}
	}
	return f.Replica.Get(ctx, ref)
}

func silent(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

var errRefused = errors.New("connection refused")

func refuses(context.Context) error { return errRefused }

// filling makes a cache of a faulty replica.
type filling struct{ *faulty }

func (f filling) Fill(ctx context.Context, v module.Verified) error {
	_, err := f.Put(ctx, v)
	return err
}

// batching counts how often it is asked.
type batching struct {
	*faulty
	batches *atomic.Int64
}

func (b batching) GetBatch(ctx context.Context, refs []replica.Ref) []replica.Fetched {
	b.batches.Add(1)
	out := make([]replica.Fetched, len(refs))
	for i, ref := range refs {
		out[i].Record, out[i].Err = b.Get(ctx, ref)
	}
	return out
}

type finding struct {
	sequence uint64
	hash     digest.Hash
	place    string
	state    custody.State
}

// A host is a Reader with what it stands on: a cache and two places that count.
type host struct {
	*Reader
	t       testing.TB
	journal *sqlite.Journal
	r       []*faulty
	o       Options
	batches atomic.Int64
	mu      sync.Mutex
	found   map[finding]int
}

var names = []string{"cache", "a", "b"}

func start(t testing.TB, change func(*Options)) *host {
	h := &host{t: t, found: map[finding]int{}}
	j, err := sqlite.Open(filepath.Join(t.TempDir(), "j.db"), sqlite.Options{UpdateDelay: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	h.journal = j
	for range names {
		h.r = append(h.r, &faulty{Replica: memory.New()})
	}
	h.o = Options{
		Module: moduletest.Open(t), Journal: j, HedgeAfter: 20 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Places: []replica.Place{
			{Name: "cache", Kind: "redis", Replica: filling{h.r[0]}},
			{Name: "a", Kind: "local", Counts: true, Replica: batching{h.r[1], &h.batches}},
			{Name: "b", Kind: "s3", Counts: true, Replica: h.r[2]},
		},
		Found: func(sequence uint64, hash digest.Hash, place string, state custody.State) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.found[finding{sequence, hash, place, state}]++
			j.Update(journal.Update{Sequence: sequence, Replica: place, State: state})
		},
		Registerer: prometheus.NewRegistry(),
	}
	if change != nil {
		change(&h.o)
	}
	h.Reader = New(h.o)
	t.Cleanup(func() {
		_ = h.Reader.Close()
		_ = j.Close()
	})
	return h
}

// store admits events and puts them to the places named.
func (h *host) store(vs []module.Verified, places ...int) {
	h.t.Helper()
	ctx := context.Background()
	as, err := h.journal.Admit(ctx, vs, names)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, p := range places {
		for i, v := range vs {
			location, err := h.r[p].Put(ctx, v)
			if err != nil {
				h.t.Fatal(err)
			}
			h.journal.Update(journal.Update{Sequence: as[i].Entry.Sequence, Replica: names[p], Location: location, State: custody.Held})
		}
	}
	if err := h.journal.Flush(ctx); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) mustRead(v module.Verified) {
	h.t.Helper()
	got, err := h.Event(context.Background(), v.Hash())
	if err != nil || !bytes.Equal(got.Record(), v.Record()) {
		h.t.Fatalf("%s: %v", v.Hash(), err)
	}
}

func (h *host) mustFail(v module.Verified, c code.Code) {
	h.t.Helper()
	if _, err := h.Event(context.Background(), v.Hash()); !errors.Is(err, &code.Error{Code: c}) {
		h.t.Fatalf("%v, want %v", err, c)
	}
}

func (h *host) reported(place string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for f, times := range h.found {
		if f.place == place {
			n += times
		}
	}
	return n
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about", what)
		}
	}
}

func events(t testing.TB, from, to int) []module.Verified {
	var vs []module.Verified
	for i := from; i < to; i++ {
		vs = append(vs, moduletest.Event(t, i))
	}
	return vs
}

func TestCache(t *testing.T) {
	h := start(t, func(o *Options) { o.CacheBytes = 64 * 8 << 10 }) // some 7 records a shard
	vs := events(t, 0, 1000)
	h.store(vs, 0, 1, 2)
	h.mustRead(vs[0])
	before := h.r[0].gets.Load()
	h.mustRead(vs[0])
	if h.r[0].gets.Load() != before {
		t.Error("the second read was not answered from memory")
	}
	h.Add(vs...)
	if bytes, _, _ := h.cache.stats(); bytes > h.o.CacheBytes || bytes < h.o.CacheBytes/2 {
		t.Errorf("the cache takes %d bytes of %d", bytes, h.o.CacheBytes)
	}
	held := 0
	for i := range h.cache.shards {
		s := &h.cache.shards[i]
		n := 0
		for e := s.root.next; e != &s.root; e = e.next {
			n++
		}
		if n != len(s.entries) {
			t.Errorf("shard %d: %d in the ring, %d in the map", i, n, len(s.entries))
		}
		held += n
	}
	if held == 0 {
		t.Error("it holds nothing")
	}
	for _, v := range vs {
		h.mustRead(v)
	}
}

// One good copy anywhere is enough, whatever the others do.
func TestOneGoodCopy(t *testing.T) {
	corrupt := func(r *faulty, v module.Verified) { r.Corrupt(v.Hash(), bytes.ToUpper(v.Record())) }
	for name, spoil := range map[string]func(r *faulty, v module.Verified){
		"refused":   func(r *faulty, _ module.Verified) { r.set(refuses) },
		"silent":    func(r *faulty, _ module.Verified) { r.set(silent) },
		"bad bytes": corrupt,
		"truncated": func(r *faulty, v module.Verified) { r.Corrupt(v.Hash(), v.Record()[:100]) },
		"empty":     func(r *faulty, v module.Verified) { r.Corrupt(v.Hash(), nil) },
		"says it is damaged": func(r *faulty, _ module.Verified) {
			r.set(func(context.Context) error { return replica.ErrCorrupt })
		},
		"forgotten": func(r *faulty, v module.Verified) {
			_ = r.Delete(context.Background(), replica.Ref{Hash: v.Hash()})
		},
	} {
		for good := range names {
			t.Run(name+" but "+names[good], func(t *testing.T) {
				h := start(t, nil)
				v := moduletest.Event(t, 1)
				h.store([]module.Verified{v}, 0, 1, 2)
				for i, r := range h.r {
					if i != good {
						spoil(r, v)
					}
				}
				h.mustRead(v)
				for got, err := range h.Events(context.Background(), []digest.Hash{v.Hash()}) {
					if err != nil || !bytes.Equal(got.Record(), v.Record()) {
						t.Fatalf("in a batch: %v", err)
					}
				}
			})
		}
	}
}

func TestReports(t *testing.T) {
	h := start(t, nil)
	v := moduletest.Event(t, 1)
	h.store([]module.Verified{v}, 0, 1, 2)
	ref := replica.Ref{Hash: v.Hash()}
	_ = h.r[0].Delete(context.Background(), ref)
	h.r[1].Corrupt(v.Hash(), []byte("{}"))
	h.mustRead(v)
	until(t, "the fill", func() bool {
		b, err := h.r[0].Replica.Get(context.Background(), ref)
		return err == nil && bytes.Equal(b, v.Record())
	})
	until(t, "the report", func() bool { return h.reported("a") == 1 })
	if h.reported("b") != 0 || h.reported("cache") != 0 {
		t.Errorf("found: %v", h.found)
	}

	// What the journal still owes is not there: no news. A bad copy of a cache is.
	w := moduletest.Event(t, 2)
	h.store([]module.Verified{w}, 0, 2)
	h.r[0].Corrupt(w.Hash(), []byte("{}"))
	for i := range 2 { // alone, and in a batch
		if i == 0 {
			h.mustRead(w)
		} else {
			for _, err := range h.Events(context.Background(), []digest.Hash{w.Hash()}) {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	until(t, "the report of the cache", func() bool { return h.reported("cache") == 1 })
	if h.reported("a") != 1 {
		t.Errorf("found: %v", h.found)
	}
}

func TestVerdicts(t *testing.T) {
	h := start(t, nil)
	vs := events(t, 1, 6)
	h.mustFail(vs[0], code.NotFound)
	h.store(vs[1:2]) // journaled only
	h.mustRead(vs[1])
	h.store(vs[2:3], 1, 2)
	h.r[1].Corrupt(vs[2].Hash(), []byte("{}"))
	h.r[2].Corrupt(vs[2].Hash(), []byte("{}"))
	h.store(vs[3:4], 1, 2)
	for _, r := range h.r[1:] {
		_ = r.Delete(context.Background(), replica.Ref{Hash: vs[3].Hash()})
	}
	// Let the journal forget the bytes, as it does when every place has them.
	for i := uint64(1); i <= 3; i++ {
		h.journal.Update(journal.Update{Sequence: i, Replica: "cache", Location: "x", State: custody.Held})
	}
	if err := h.journal.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.mustFail(vs[2], code.Corrupt)
	h.mustFail(vs[3], code.NotFound)
	h.r[2].set(refuses)
	h.mustFail(vs[3], code.Unavailable)
	h.mustFail(vs[4], code.Unavailable) // the journal may have lost it
	h.r[2].set(nil)
	h.r[0].set(refuses)
	h.mustFail(vs[4], code.NotFound) // a cache holds nothing of its own
	h.r[0].set(silent)
	h.r[1].set(silent)
	h.r[2].set(silent)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := h.Event(ctx, vs[3].Hash()); !errors.Is(err, &code.Error{Code: code.Timeout}) {
		t.Errorf("in no time: %v", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := h.Event(ctx, vs[3].Hash()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Where nobody has the journal's record any more, the event is served under
// another valid signature, and under no other.
func TestAnotherSignature(t *testing.T) {
	h := start(t, func(o *Options) { o.CacheBytes = 1 << 20 })
	first, second := moduletest.Twice(t)
	ctx := context.Background()
	h.store([]module.Verified{first}, 0, 1, 2)
	many := func() (found module.Verified, err error) {
		for v, e := range h.Events(ctx, []digest.Hash{first.Hash()}) {
			found, err = v, e
		}
		return found, err
	}
	replace := func(place int, record []byte) {
		t.Helper()
		if !h.r[place].Corrupt(first.Hash(), record) {
			t.Fatal("there is no copy")
		}
	}
	replace(0, second.Record())
	replace(1, second.Record())
	for range 2 { // the journal's own while somebody has it
		if v, err := h.Reader.race(ctx, &target{hash: first.Hash(), entry: h.entry(first)}, h.sources(first.Hash(), nil)); err != nil || !bytes.Equal(v.Record(), first.Record()) {
			t.Fatalf("%v", err)
		}
	}
	replace(2, []byte("{}"))
	for range 2 {
		if v, err := h.Event(ctx, first.Hash()); err != nil || !bytes.Equal(v.Record(), second.Record()) {
			t.Fatalf("%v", err)
		}
		if v, err := many(); err != nil || !bytes.Equal(v.Record(), second.Record()) {
			t.Fatalf("of many: %v", err)
		}
	}
	// It is in no cache: what comes back is served again.
	replace(2, first.Record())
	h.mustRead(first)
	if v, err := many(); err != nil || !bytes.Equal(v.Record(), first.Record()) {
		t.Errorf("of many: %v", err)
	}

	// What only looks like it is refused as ever.
	g := start(t, nil)
	forged := bytes.Replace(first.Record(), []byte(`"sig":"SIG_R1_`), []byte(`"sig":"SIG_R1_x`), 1)
	g.store([]module.Verified{first}, 0, 1, 2)
	for _, r := range g.r {
		r.Corrupt(first.Hash(), forged)
	}
	g.mustFail(first, code.Corrupt)
	for v, err := range g.Events(ctx, []digest.Hash{first.Hash()}) {
		if !errors.Is(err, &code.Error{Code: code.Corrupt}) {
			t.Errorf("of many: %v, %v", v, err)
		}
	}
}

// What was found without the journal gives way to what the journal then takes.
func TestCacheFollowsTheJournal(t *testing.T) {
	h := start(t, func(o *Options) { o.CacheBytes = 1 << 20 })
	first, second := moduletest.Twice(t)
	h.Add(second)
	before, _, _ := h.cache.stats()
	h.mustRead(second)
	h.Add(first)
	h.mustRead(first)
	if after, _, _ := h.cache.stats(); after-len(first.Record()) != before-len(second.Record()) {
		t.Errorf("the cache counts %d bytes, before it were %d", after, before)
	}
}

func (h *host) entry(v module.Verified) *journal.Entry {
	h.t.Helper()
	e, _, err := h.journal.Get(context.Background(), v.Hash())
	if err != nil {
		h.t.Fatal(err)
	}
	return &e
}

// What the journal has lost is served if its signature holds, and only in its
// one canonical form.
func TestLostJournal(t *testing.T) {
	h := start(t, nil)
	v, w := moduletest.Event(t, 1), moduletest.Event(t, 2)
	if _, err := h.r[2].Put(context.Background(), v); err != nil {
		t.Fatal(err)
	}
	h.mustRead(v)
	for got, err := range h.Events(context.Background(), []digest.Hash{v.Hash(), w.Hash()}) {
		if (got.Meta() == nil) != (err != nil) || err != nil && !errors.Is(err, errNotFound) {
			t.Errorf("%v", err)
		}
	}
	for _, b := range [][]byte{
		bytes.Replace(w.Record(), []byte("Low Tide"), []byte("Low tide"), 1),
		append(bytes.Clone(w.Record()), '\n'),
		v.Record(),
	} {
		if _, err := h.r[1].Put(context.Background(), w); err != nil {
			t.Fatal(err)
		}
		h.r[1].Corrupt(w.Hash(), b)
		h.negative = map[digest.Hash]time.Time{}
		h.mustFail(w, code.Corrupt)
	}
}

// Hashes of nothing are looked for once in a while, few at a time.
func TestUnknown(t *testing.T) {
	h := start(t, nil)
	var now, most atomic.Int64
	h.r[2].set(func(context.Context) error {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(time.Millisecond)
		return nil
	})
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if _, err := h.Event(context.Background(), digest.Hash{byte(i), 1}); !errors.Is(err, errNotFound) {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	if most.Load() > maxUnknown {
		t.Errorf("%d at once", most.Load())
	}
	before := h.r[2].gets.Load()
	for range 100 {
		_, _ = h.Event(context.Background(), digest.Hash{1, 1})
	}
	if n := h.r[2].gets.Load() - before; n > 1 {
		t.Errorf("asked %d times again", n)
	}
	// What comes after is found at once.
	v := moduletest.Event(t, 1)
	h.mustFail(v, code.NotFound)
	h.store([]module.Verified{v}, 1)
	h.mustRead(v)
}

func TestShared(t *testing.T) {
	h := start(t, nil)
	v := moduletest.Event(t, 1)
	h.store([]module.Verified{v}, 0)
	gate := make(chan struct{})
	h.r[0].set(func(context.Context) error {
		<-gate
		return nil
	})
	h.r[1].set(silent)
	h.r[2].set(silent)
	h.journal.Update(journal.Update{Sequence: 1, Replica: "a", Location: "x", State: custody.Held}, journal.Update{Sequence: 1, Replica: "b", Location: "x", State: custody.Held})
	if err := h.journal.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { h.mustRead(v) })
	}
	until(t, "fifty waiting", func() bool {
		h.Reader.mu.Lock()
		defer h.Reader.mu.Unlock()
		f := h.under[v.Hash()]
		return f != nil && f.waiting == 50
	})
	close(gate)
	wg.Wait()
	if n := h.r[0].gets.Load(); n != 1 {
		t.Errorf("%d reads", n)
	}
}

// A place that never answers is not waited for by every read.
func TestOvertaken(t *testing.T) {
	h := start(t, func(o *Options) { o.HedgeAfter = 5 * time.Millisecond })
	vs := events(t, 0, 50)
	h.store(vs, 0, 1, 2)
	h.r[0].set(silent)
	for _, v := range vs {
		h.mustRead(v)
	}
	if n := h.r[0].gets.Load(); n >= 50 {
		t.Errorf("each of %d reads waited for it", n)
	}
	h.r[0].set(nil)
	until(t, "its return", func() bool {
		h.mustRead(vs[0])
		return h.places[0].silent.Load() == 0
	})
}

// A sweep leaves the caches as they are, and reports what it finds.
func TestSweep(t *testing.T) {
	h := start(t, func(o *Options) { o.CacheBytes = 1 << 20 })
	var vs []module.Verified
	var hs []digest.Hash
	for i := range 21 {
		vs = append(vs, moduletest.Event(t, i))
		hs = append(hs, vs[i].Hash())
	}
	h.store(vs, 1, 2)
	h.r[1].Corrupt(hs[3], []byte("{}"))
	read := func(ctx context.Context, hs []digest.Hash) {
		t.Helper()
		i := 0
		for v, err := range h.Events(ctx, hs) {
			if err != nil || v.Hash() != hs[i] {
				t.Fatalf("event %d: %v", i, err)
			}
			i++
		}
	}
	read(Sweep(t.Context()), hs[:20])
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		h.mu.Lock()
		found := len(h.found)
		h.mu.Unlock()
		if found == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d findings", found)
		}
	}
	read(t.Context(), hs[20:]) // and what other reads leave to do is done
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, err := h.r[0].Replica.Get(t.Context(), replica.Ref{Hash: hs[20]}); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the cache is not filled by a read")
		}
	}
	for i, hash := range hs[:20] {
		if _, kept := h.cache.get(hash); kept {
			t.Errorf("event %d is kept in memory", i)
		}
		if _, err := h.r[0].Replica.Get(t.Context(), replica.Ref{Hash: hash}); err == nil {
			t.Errorf("event %d is in the cache", i)
		}
	}
	if _, kept := h.cache.get(hs[20]); !kept {
		t.Error("an ordinary read is not kept")
	}
}

func TestEvents(t *testing.T) {
	h := start(t, func(o *Options) { o.CacheBytes = 1 << 20 })
	vs := events(t, 0, 700)
	h.store(vs[:600], 1, 2)
	var hs []digest.Hash
	for i, v := range vs {
		hs = append(hs, v.Hash())
		if i%100 == 0 {
			hs = append(hs, v.Hash(), digest.Hash{byte(i / 100), 7})
			h.r[1].Corrupt(v.Hash(), []byte("{}"))
		}
	}
	for _, fault := range []func(context.Context) error{nil, silent, refuses} {
		h.r[0].set(fault)
		i := 0
		for v, err := range h.Events(context.Background(), hs) {
			unknown := hs[i][1] == 7 && hs[i][2] == 0 && hs[i][3] == 0
			for _, w := range vs[600:] {
				unknown = unknown || w.Hash() == hs[i]
			}
			switch {
			case unknown && !errors.Is(err, errNotFound):
				t.Fatalf("hash %d: %v, want not_found", i, err)
			case !unknown && (err != nil || v.Hash() != hs[i]):
				t.Fatalf("hash %d: %v", i, err)
			}
			i++
		}
		if i != len(hs) {
			t.Fatalf("%d items for %d hashes", i, len(hs))
		}
	}
	if n := h.batches.Load(); n == 0 || n > 30 {
		t.Errorf("place a was asked %d times", n)
	}
	for range h.Events(context.Background(), hs) {
		break // leaves nothing behind that the race detector or Close would find
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	for _, err := range h.Events(ctx, append(nowhere(700), hs...)) {
		if n++; n == 1 {
			cancel()
		}
		_ = err
	}
	if n != 700+len(hs) {
		t.Errorf("%d items after the caller left", n)
	}
}

func nowhere(n int) []digest.Hash {
	hs := make([]digest.Hash, n)
	for i := range hs {
		hs[i] = digest.Hash{byte(i), byte(i >> 8), 9}
	}
	return hs
}

func BenchmarkEvent(b *testing.B) {
	for _, c := range []struct {
		name  string
		cache int
	}{{"memory", 64 << 20}, {"replica", 0}} {
		b.Run(c.name, func(b *testing.B) {
			h := start(b, func(o *Options) { o.CacheBytes = c.cache })
			vs := events(b, 0, 2000)
			h.store(vs, 0, 1, 2)
			for _, v := range vs {
				h.mustRead(v)
			}
			b.ResetTimer()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if _, err := h.Event(context.Background(), vs[i*7919%len(vs)].Hash()); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

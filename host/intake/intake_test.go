package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
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

// A faulty replica does to puts what its hook says: whether to apply it, and
// what to report. A nil hook lets everything through.
type faulty struct {
	*memory.Replica
	mu    sync.Mutex
	fault func(ctx context.Context, v module.Verified) (apply bool, err error)
	sick  error // of Check
	puts  int
}

func (f *faulty) set(fault func(context.Context, module.Verified) (bool, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
	f.sick = nil
}

func (f *faulty) Put(ctx context.Context, v module.Verified) (string, error) {
	f.mu.Lock()
	fault := f.fault
	f.puts++
	f.mu.Unlock()
	if fault == nil {
		return f.Replica.Put(ctx, v)
	}
	apply, err := fault(ctx, v)
	var location string
	if apply {
		var e error
		if location, e = f.Replica.Put(ctx, v); err == nil {
			err = e
		}
	}
	if err != nil {
		location = ""
	}
	return location, err
}

func (f *faulty) Check(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sick
}

func (f *faulty) unwrap() *faulty { return f }

func (f *faulty) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.puts
}

// batching gives a faulty replica the power of batches.
type batching struct{ *faulty }

func (b batching) PutBatch(ctx context.Context, vs []module.Verified) []replica.Outcome {
	out := make([]replica.Outcome, len(vs))
	for i, v := range vs {
		out[i].Location, out[i].Err = b.Put(ctx, v)
	}
	return out
}

func silent(ctx context.Context, _ module.Verified) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

var errRefused = errors.New("connection refused")

func refuses(context.Context, module.Verified) (bool, error)        { return false, errRefused }
func storesAndFails(context.Context, module.Verified) (bool, error) { return true, errRefused }

// A host is an Intake with what it stands on.
type host struct {
	*Intake
	t       testing.TB
	journal *sqlite.Journal
	path    string
	r       []*faulty
	o       Options
	around  func(journal.Journal) journal.Journal // what intake is given; nil: the journal
}

// quick makes the outbox's pauses short.
var quick = pace{retry: 10 * time.Millisecond, maxRetry: 100 * time.Millisecond, conflict: 100 * time.Millisecond, probe: 10 * time.Millisecond, sweep: 100 * time.Millisecond}

// start opens a host with so many places, all counting and named a, b, …;
// the first batch.
func start(t testing.TB, places int, change func(*Options)) *host {
	h := &host{t: t, path: filepath.Join(t.TempDir(), "journal.db")}
	for range places {
		h.r = append(h.r, &faulty{Replica: memory.New()})
	}
	h.o = Options{
		Module: moduletest.Open(t), MinRedundancy: 2, Timeout: 20 * time.Second,
		Log: slog.New(slog.DiscardHandler), pace: quick,
	}
	for i, r := range h.r {
		p := replica.Place{Name: string(rune('a' + i)), Kind: "memory", Counts: true, Replica: r}
		if i == 0 {
			p.Replica = batching{r}
		}
		h.o.Places = append(h.o.Places, p)
	}
	if change != nil {
		change(&h.o)
	}
	h.open()
	t.Cleanup(h.close)
	return h
}

func (h *host) open() {
	j, err := sqlite.Open(h.path, sqlite.Options{UpdateDelay: 5 * time.Millisecond})
	if err != nil {
		h.t.Fatal(err)
	}
	h.journal, h.o.Journal = j, j
	if h.around != nil {
		h.o.Journal = h.around(j)
	}
	if h.o.Registerer != nil {
		h.o.Registerer = prometheus.NewRegistry()
	}
	if h.Intake, err = Open(h.o); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_ = h.Intake.Close(ctx) // a silent place is cut short
	_ = h.journal.Close()
}

func (h *host) store(event []byte, wait Wait) (Receipt, error) {
	return h.Store(context.Background(), event, wait)
}

// mustHold fails unless the place has exactly the record.
func (h *host) mustHold(place int, v module.Verified) {
	h.t.Helper()
	b, err := h.r[place].Get(context.Background(), replica.Ref{Hash: v.Hash()})
	if err != nil || !bytes.Equal(b, v.Record()) {
		h.t.Fatalf("place %d does not hold %s: %v", place, v.Hash(), err)
	}
}

// until waits for something that will come.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about", what)
		}
	}
}

// settled waits until nothing is owed.
func (h *host) settled() {
	h.t.Helper()
	until(h.t, "an empty backlog", func() bool {
		b, err := h.journal.Backlog(context.Background())
		return err == nil && len(b) == 0
	})
}

func is(err error, c code.Code) bool { return errors.Is(err, &code.Error{Code: c}) }

func TestStore(t *testing.T) {
	var admitted []digest.Hash
	var mu sync.Mutex
	h := start(t, 2, func(o *Options) {
		o.Registerer = prometheus.NewRegistry()
		o.Admitted = func(vs []module.Verified) {
			mu.Lock()
			defer mu.Unlock()
			for _, v := range vs {
				admitted = append(admitted, v.Hash())
			}
		}
	})
	v := moduletest.Event(t, 1)
	r, err := h.store(v.Record(), Quorum)
	if err != nil {
		t.Fatal(err)
	}
	if r.Hash != v.Hash() || !r.Created || r.Sequence != 1 || r.Durable != 2 || r.Required != 2 || len(r.Locations) != 2 {
		t.Errorf("the receipt is %+v", r)
	}
	for i := range h.r {
		h.mustHold(i, v)
		if l := r.Locations[i]; l.Location == "" || l.Error != "" || l.Replica != h.o.Places[i].Name || !l.Counts {
			t.Errorf("location %d is %+v", i, l)
		}
	}
	again, err := h.store(v.Record(), All)
	if err != nil || again.Created || again.Sequence != 1 || again.Durable != 2 || again.Locations[1] != r.Locations[1] {
		t.Errorf("stored again: %+v, %v", again, err)
	}
	h.settled()
	if _, err := h.journal.Record(context.Background(), v.Hash()); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("the bytes stay in the journal: %v", err)
	}
	again, err = h.store(v.Record(), "")
	if err != nil || again.Created || again.Durable != 2 {
		t.Errorf("stored again later: %+v, %v", again, err)
	}
	if len(admitted) == 0 || admitted[0] != v.Hash() {
		t.Errorf("Admitted was told of %v", admitted)
	}
}

func TestRefused(t *testing.T) {
	h := start(t, 2, nil)
	v := moduletest.Event(t, 1)
	bad := bytes.Replace(bytes.Clone(v.Record()), []byte("Low Tide"), []byte("Low tide"), 1)
	out := h.StoreBatch(context.Background(), [][]byte{[]byte("{"), v.Record(), bad, v.Record(), make([]byte, 300<<10)}, Quorum)
	for i, c := range []code.Code{code.InvalidJSON, 0, code.SignatureMismatch, 0, code.TooLarge} {
		if c == 0 && out[i].Err != nil || c != 0 && !is(out[i].Err, c) {
			t.Errorf("event %d: %v, want %v", i, out[i].Err, c)
		}
	}
	if !out[1].Receipt.Created || out[3].Receipt.Created {
		t.Errorf("the same event twice in a batch: created %v and %v", out[1].Receipt.Created, out[3].Receipt.Created)
	}
	if _, err := h.store(v.Record(), "later"); !is(err, code.InvalidParameter) {
		t.Errorf("an unknown wait: %v", err)
	}
	if n, _ := h.journal.Last(context.Background()); n != 1 {
		t.Errorf("the journal holds %d events", n)
	}
}

func TestSecondOpinion(t *testing.T) {
	disagree := &code.Error{Code: code.ImplementationsDisagree}
	v := moduletest.Event(t, 1)
	h := start(t, 2, func(o *Options) {
		o.SecondOpinion = func(_ context.Context, w module.Verified) error {
			if w.Hash() == v.Hash() {
				return disagree
			}
			return nil
		}
	})
	if _, err := h.store(v.Record(), Quorum); !is(err, code.ImplementationsDisagree) {
		t.Errorf("%v", err)
	}
	if _, err := h.store(moduletest.Event(t, 2).Record(), Quorum); err != nil {
		t.Errorf("another event: %v", err)
	}
	if n, _ := h.journal.Last(context.Background()); n != 1 || h.Disagreements() != 1 {
		t.Errorf("%d events in the journal, %d disagreements", n, h.Disagreements())
	}
}

// Two of three places are enough, whatever the third does.
// What may not be stored is refused as such, costs the journal nothing, and
// takes nothing else down.
func TestPermit(t *testing.T) {
	bad := moduletest.Event(t, 7)
	h := start(t, 2, func(o *Options) {
		o.Permit = func(_ context.Context, v module.Verified) error {
			if v.Hash() == bad.Hash() {
				return &code.Error{Code: code.Forbidden}
			}
			return nil
		}
		o.SecondOpinion = func(_ context.Context, v module.Verified) error {
			if v.Hash() == bad.Hash() {
				t.Error("it was looked at twice")
			}
			return nil
		}
	})
	if _, err := h.store(bad.Record(), Quorum); !is(err, code.Forbidden) {
		t.Errorf("%v", err)
	}
	for i, s := range h.StoreBatch(context.Background(), records([]module.Verified{moduletest.Event(t, 1), bad, moduletest.Event(t, 2)}), Quorum) {
		if (s.Err != nil) != (i == 1) || i == 1 && !is(s.Err, code.Forbidden) {
			t.Errorf("%d: %v", i, s.Err)
		}
	}
	if last, err := h.journal.Last(context.Background()); err != nil || last != 2 {
		t.Errorf("%d events, %v", last, err)
	}
}

func TestQuorum(t *testing.T) {
	for name, fault := range map[string]func(context.Context, module.Verified) (bool, error){
		"silent": silent, "refuses": refuses, "stores and fails": storesAndFails,
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, 3, nil)
			h.r[2].set(fault)
			v := moduletest.Event(t, 1)
			r, err := h.store(v.Record(), Quorum)
			if err != nil || r.Durable < 2 {
				t.Fatalf("%+v, %v", r, err)
			}
			h.r[2].set(nil)
			if name != "silent" { // which holds the lane until its deadline
				until(t, "the third copy", func() bool {
					r, err := h.store(v.Record(), All)
					return err == nil && r.Durable == 3
				})
				h.settled()
				h.mustHold(2, v)
			}
		})
	}
}

func TestInsufficient(t *testing.T) {
	h := start(t, 3, nil)
	h.r[1].set(refuses)
	h.r[2].set(refuses)
	h.r[1].sick, h.r[2].sick = errRefused, errRefused // so that the outbox does not try
	v := moduletest.Event(t, 1)
	begun := time.Now()
	_, err := h.store(v.Record(), Quorum)
	var short *InsufficientError
	if !errors.As(err, &short) || !is(err, code.InsufficientRedundancy) || !errors.Is(err, errRefused) {
		t.Fatalf("%v", err)
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("it took %v although every place had answered", took)
	}
	if len(short.Replicas) != 2 || short.Replicas[0].Replica != "b" || short.Receipt.Durable != 1 || short.Receipt.Locations[1].Error == "" {
		t.Errorf("%+v", short)
	}
	if _, err := h.journal.Record(context.Background(), v.Hash()); err != nil {
		t.Errorf("the journal does not hold it: %v", err)
	}
	// The client's retry, while it is still so and when it is no longer.
	if _, err := h.store(v.Record(), Quorum); !errors.As(err, &short) {
		t.Fatalf("the retry: %v", err)
	}
	h.r[1].set(nil)
	h.r[2].set(nil)
	if r, err := h.store(v.Record(), Quorum); err != nil || r.Created || r.Durable < 2 {
		t.Fatalf("the retry after healing: %+v, %v", r, err)
	}
	h.settled()
	h.mustHold(1, v)
	h.mustHold(2, v)
}

func TestTimeout(t *testing.T) {
	h := start(t, 2, func(o *Options) { o.Timeout = 300 * time.Millisecond })
	h.r[1].set(silent)
	v := moduletest.Event(t, 1)
	until(t, "the refusal", func() bool { // a slow machine may not get as far as the first copy in time
		r, err := h.store(v.Record(), Quorum)
		var short *InsufficientError
		if err == nil {
			t.Fatalf("%+v", r)
		}
		return errors.As(err, &short) && short.Receipt.Durable == 1 && r.Sequence == 1
	})
	if r, err := h.store(v.Record(), Journaled); err != nil || r.Durable != 1 {
		t.Fatalf("with wait=journal: %+v, %v", r, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := h.Store(ctx, moduletest.Event(t, 2).Record(), Quorum); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
}

// A store of an event that is on its way waits for the same copies.
func TestJoin(t *testing.T) {
	h := start(t, 2, nil)
	gate := make(chan struct{})
	h.r[1].set(func(ctx context.Context, v module.Verified) (bool, error) {
		<-gate
		return true, nil
	})
	v := moduletest.Event(t, 1)
	type answer struct {
		r   Receipt
		err error
	}
	answers := make(chan answer)
	for range 8 {
		go func() {
			r, err := h.store(v.Record(), Quorum)
			answers <- answer{r, err}
		}()
	}
	until(t, "eight waiting", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		f := h.flights[v.Hash()]
		return f != nil && len(f.waiters) == 8
	})
	close(gate)
	created := 0
	for range 8 {
		a := <-answers
		if a.err != nil || a.r.Durable != 2 {
			t.Errorf("%+v, %v", a.r, a.err)
		}
		if a.r.Created {
			created++
		}
	}
	if created != 1 || h.r[1].count() != 1 {
		t.Errorf("%d created it, with %d puts", created, h.r[1].count())
	}
}

// A place that holds another valid record of the event keeps it. The journal
// keeps the bytes of its own until enough places hold that.
func TestConflict(t *testing.T) {
	h := start(t, 2, nil)
	first, second := moduletest.Twice(t)
	if _, err := h.r[1].Replica.Put(context.Background(), second); err != nil {
		t.Fatal(err)
	}
	if r, err := h.store(first.Record(), Quorum); !is(err, code.InsufficientRedundancy) || !errors.Is(err, replica.ErrConflict) || r.Durable != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	until(t, "it to be tried again", func() bool { return h.r[1].count() > 3 })
	if err := h.journal.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if record, err := h.journal.Record(context.Background(), first.Hash()); err != nil || !bytes.Equal(record, first.Record()) {
		t.Fatalf("one place holds the record, and the journal none: %v", err)
	}
	h.mustHold(1, second)
	// Others are delivered meanwhile.
	if _, err := h.store(moduletest.Event(t, 1).Record(), All); err != nil {
		t.Error(err)
	}
	// The other record goes, as by a scrub.
	if err := h.r[1].Replica.Delete(context.Background(), replica.Ref{Hash: first.Hash()}); err != nil {
		t.Fatal(err)
	}
	h.settled()
	h.mustHold(1, first)
}

// What passes for the event and is signed by nobody gives way at once.
func TestForgedCopy(t *testing.T) {
	h := start(t, 2, nil)
	v := moduletest.Event(t, 1)
	other := moduletest.Event(t, 2)
	sig := func(v module.Verified) []byte {
		b := v.Record()
		return b[bytes.LastIndex(b, []byte(`"SIG_K1_`)) : bytes.LastIndex(b, []byte(`"SIG_K1_`))+110]
	}
	for i, forged := range [][]byte{
		bytes.Replace(v.Record(), sig(v), sig(other), 1), // of another event
		bytes.Replace(v.Record(), []byte(`"SIG_K1_`), []byte(`"SIG_K1_x`), 1),
		bytes.Replace(v.Record(), []byte(`"SIG_K1_`), []byte(`"SIG_K1\?`), 1), // no JSON any more
	} {
		_ = h.r[1].Replica.Delete(context.Background(), replica.Ref{Hash: v.Hash()})
		h.r[1].set(func(ctx context.Context, v module.Verified) (bool, error) {
			got, err := h.r[1].Get(ctx, replica.Ref{Hash: v.Hash()})
			if err == nil && !bytes.Equal(got, v.Record()) { // what places say to what is not damaged
				return false, fmt.Errorf("b: %w", replica.ErrConflict)
			}
			return true, nil
		})
		if _, err := h.r[1].Replica.Put(context.Background(), v); err != nil {
			t.Fatal(err)
		}
		if replica.Damaged(v.Hash(), forged) || !h.r[1].Corrupt(v.Hash(), forged) {
			t.Fatalf("%d is no forgery", i)
		}
		if i > 0 { // known by then: asked for again, as by a read
			h.Found(1, v.Hash(), "b", custody.Missing)
		} else if r, err := h.store(v.Record(), Quorum); err != nil || r.Durable != 2 {
			t.Fatalf("%d: %+v, %v", i, r, err)
		}
		until(t, "the forgery to go", func() bool {
			got, err := h.r[1].Get(context.Background(), replica.Ref{Hash: v.Hash()})
			return err == nil && bytes.Equal(got, v.Record())
		})
	}
	h.settled()
}

// With a quorum without it nobody goes on trying.
func TestConflictBesideQuorum(t *testing.T) {
	h := start(t, 3, nil)
	first, second := moduletest.Twice(t)
	if _, err := h.r[2].Replica.Put(context.Background(), second); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store(first.Record(), Quorum); err != nil {
		t.Fatal(err)
	}
	h.settled()
	h.mustHold(0, first)
	h.mustHold(1, first)
	h.mustHold(2, second)
	_, copies, err := h.journal.Get(context.Background(), first.Hash())
	if err != nil || copies[2].LastError == "" || copies[2].State.Owed() {
		t.Errorf("%+v, %v", copies, err)
	}
}

// What is owed outlives the process.
func TestRestart(t *testing.T) {
	h := start(t, 2, nil)
	h.r[1].set(refuses)
	h.r[1].sick = errRefused
	var vs []module.Verified
	for i := range 700 {
		vs = append(vs, moduletest.Event(t, i))
	}
	for i, s := range h.StoreBatch(context.Background(), records(vs), Quorum) {
		if !is(s.Err, code.InsufficientRedundancy) {
			t.Fatalf("event %d: %v", i, s.Err)
		}
	}
	h.close()
	h.r[1].set(nil)
	h.open()
	h.settled()
	for _, v := range vs {
		h.mustHold(1, v)
	}
}

func records(vs []module.Verified) [][]byte {
	out := make([][]byte, len(vs))
	for i, v := range vs {
		out[i] = v.Record()
	}
	return out
}

func TestRepair(t *testing.T) {
	h := start(t, 3, nil)
	v := moduletest.Event(t, 1)
	r, err := h.store(v.Record(), All)
	if err != nil {
		t.Fatal(err)
	}
	h.settled() // the journal has no bytes any more
	if err := h.r[1].Delete(context.Background(), replica.Ref{Hash: v.Hash()}); err != nil {
		t.Fatal(err)
	}
	h.r[0].Corrupt(v.Hash(), []byte("{}"))
	for range 3 {
		h.Found(r.Sequence, v.Hash(), "b", custody.Missing)
		h.Found(r.Sequence, v.Hash(), "a", custody.Missing)
		h.Found(r.Sequence, v.Hash(), "nobody", custody.Missing)
	}
	until(t, "the repair", func() bool {
		for _, r := range h.r {
			b, err := r.Get(context.Background(), replica.Ref{Hash: v.Hash()})
			if err != nil || !bytes.Equal(b, v.Record()) {
				return false
			}
		}
		return true
	})
	h.settled()
}

func TestPlaceRemoved(t *testing.T) {
	h := start(t, 3, nil)
	h.r[1].set(refuses)
	h.r[2].set(refuses)
	h.r[1].sick, h.r[2].sick = errRefused, errRefused
	v := moduletest.Event(t, 1)
	if _, err := h.store(v.Record(), Quorum); err == nil {
		t.Fatal("stored")
	}
	h.close()
	// c goes, d comes: it gets the copy in c's place.
	h.r[1].set(nil)
	d := &faulty{Replica: memory.New()}
	h.r[2] = d
	h.o.Places[2] = replica.Place{Name: "d", Kind: "memory", Counts: true, Replica: d}
	h.o.MinRedundancy = 3
	h.open()
	h.settled()
	h.mustHold(1, v)
	h.mustHold(2, v)
}

func TestClose(t *testing.T) {
	h := start(t, 2, nil)
	h.r[1].set(silent)
	v := moduletest.Event(t, 1)
	answer := make(chan error)
	go func() {
		_, err := h.store(v.Record(), Quorum)
		answer <- err
	}()
	until(t, "the first copy", func() bool {
		_, err := h.r[0].Get(context.Background(), replica.Ref{Hash: v.Hash()})
		return err == nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := h.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: %v", err)
	}
	if err := <-answer; err == nil {
		t.Error("the store was answered as done")
	}
	if _, err := h.store(v.Record(), Quorum); !is(err, code.ShuttingDown) {
		t.Errorf("a store after Close: %v", err)
	}
	h.close()
	h.r[1].set(nil)
	h.open()
	h.settled()
	h.mustHold(1, v)
}

// However often an event failed, its place has it within half a minute after it
// has healed: what failed for the place's sake is not put off for longer.
func TestPauses(t *testing.T) {
	var p pace
	p.fill()
	longest := time.Duration(0)
	for failures := range 100 {
		longest = max(longest, p.backoff(failures))
	}
	if longest > 30*time.Second || longest < 10*time.Second {
		t.Errorf("the longest pause is %v", longest)
	}
}

// Who is caught by the end of the host is told that, not that the journal is at fault.
func TestAdmissionCutShort(t *testing.T) {
	if err := journalError(fmt.Errorf("sqlite: %w", context.Canceled)); !is(err, code.ShuttingDown) {
		t.Errorf("%v", err)
	}
}

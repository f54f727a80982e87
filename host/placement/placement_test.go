package placement

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/local"
	"github.com/eventseal/eventseal/host/replica/memory"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A bench is a journal and places that were in use together.
type bench struct {
	t       *testing.T
	path    string
	journal *sqlite.Journal
	places  []replica.Place
	keeper  *Keeper
	vs      []module.Verified
}

func start(t *testing.T, events uint64, places ...replica.Replica) *bench {
	b := &bench{t: t, path: filepath.Join(t.TempDir(), "journal.db")}
	b.set(places...)
	b.open()
	t.Cleanup(func() { b.close() })
	b.vs = journaltest.Events(0, events, 300)
	b.admit(b.vs)
	return b
}

// set puts replicas behind the names a, b, …
func (b *bench) set(places ...replica.Replica) {
	b.places = nil
	for i, r := range places {
		b.places = append(b.places, replica.Place{Name: string(rune('a' + i)), Kind: "memory", Counts: true, Replica: r})
	}
}

func (b *bench) open() {
	b.t.Helper()
	if err := b.tryOpen(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) tryOpen() (err error) {
	if b.journal, err = sqlite.Open(b.path, sqlite.Options{}); err != nil {
		b.t.Fatal(err)
	}
	b.keeper, err = Open(context.Background(), Options{Journal: b.journal, Places: b.places, Every: time.Hour, Log: slog.New(slog.DiscardHandler)})
	return err
}

func (b *bench) close() {
	if b.keeper != nil {
		b.keeper.Close()
	}
	if err := b.journal.Close(); err != nil {
		b.t.Error(err)
	}
	b.keeper = nil
}

// admit stores events as an intake does.
func (b *bench) admit(vs []module.Verified) {
	b.t.Helper()
	ctx := context.Background()
	var names []string
	for _, p := range b.places {
		names = append(names, p.Name)
	}
	as, err := b.journal.Admit(ctx, vs, names)
	if err != nil {
		b.t.Fatal(err)
	}
	for i, a := range as {
		for _, p := range b.places {
			location, err := p.Replica.Put(ctx, vs[i])
			if err != nil {
				b.t.Fatal(err)
			}
			b.journal.Update(update(a.Entry.Sequence, p.Name, location))
		}
	}
	if err := b.journal.Flush(ctx); err != nil {
		b.t.Fatal(err)
	}
}

// states returns what the journal knows of an event's copies, a letter for each place.
func (b *bench) states(v module.Verified) string {
	b.t.Helper()
	_, copies, err := b.journal.Get(context.Background(), v.Hash())
	if err != nil {
		b.t.Fatal(err)
	}
	var s []string
	for _, c := range copies {
		s = append(s, c.Replica+" "+c.State.String())
	}
	return strings.Join(s, ", ")
}

// settled waits until no place is in arrears.
func (b *bench) settled() {
	b.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for _, p := range b.places {
		for {
			_, upto, err := b.journal.Arrears(context.Background(), p.Name, 1)
			if err != nil {
				b.t.Fatal(err)
			}
			if upto == 0 {
				break
			}
			if time.Now().After(deadline) {
				b.t.Fatalf("%s stays in arrears", p.Name)
			}
			time.Sleep(time.Millisecond)
		}
	}
}

func (b *bench) mustBe(want string, vs ...module.Verified) {
	b.t.Helper()
	for i, v := range vs {
		if got := b.states(v); got != want {
			b.t.Fatalf("event %d: %s; want %s", i, got, want)
		}
	}
}

func (b *bench) look() {
	b.t.Helper()
	b.keeper.mu.Lock()
	for _, s := range b.keeper.spots {
		s.sampled = time.Time{} // as if a minute had passed
	}
	b.keeper.mu.Unlock()
	if err := b.keeper.look(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

// The same places are believed, at every start.
func TestSamePlaces(t *testing.T) {
	a, c := memory.New(), memory.New()
	b := start(t, 300, a, c)
	for range 3 {
		b.mustBe("a held, b held", b.vs...)
		if ws := b.keeper.Warnings(); len(ws) != 0 {
			t.Fatal(ws)
		}
		b.close()
		b.open()
	}
}

// A place that was emptied, at the start or while the host runs, holds nothing
// from then on, and is owed everything, whatever is left of the journal's belief.
func TestEmptied(t *testing.T) {
	for _, running := range []bool{false, true} {
		t.Run(fmt.Sprint("running ", running), func(t *testing.T) {
			a, second := memory.New(), &changing{}
			second.set(memory.New())
			b := start(t, 300, a, second)
			other := memory.New() // what is behind the name now
			if running {
				second.set(other)
				b.look()
			} else {
				b.close()
				b.set(a, other)
				b.open()
			}
			b.settled()
			b.mustBe("a held, b missing", b.vs...)
			backlog, err := b.journal.Backlog(context.Background())
			if err != nil || backlog["b"] != 300 {
				t.Fatalf("%v, %v", backlog, err)
			}
			if _, total, err := b.journal.Lost(context.Background(), 0, 1); total != 0 || err != nil {
				t.Fatalf("%d lost, %v", total, err)
			}
			// And it stays so: the new place has an id of its own.
			b.admit(journaltest.Events(1000, 1001, 300))
			b.close()
			b.open()
			b.mustBe("a held, b missing", b.vs...)
			b.mustBe("a held, b held", journaltest.Events(1000, 1001, 300)...)
		})
	}
}

// While nobody has looked yet the copies count as owed, not as held.
func TestArrearsAreNotHeld(t *testing.T) {
	a, c := memory.New(), memory.New()
	b := start(t, 5, a, c)
	b.close()
	b.set(a, shut{memory.New()})
	b.open()
	b.mustBe("a held, b owed", b.vs...)
	if ws := b.keeper.Warnings(); len(ws) != 1 || !strings.Contains(ws[0], "b") {
		t.Fatal(ws)
	}
}

// shut says who it is and cannot be read.
type shut struct{ *memory.Replica }

func (shut) Get(context.Context, replica.Ref) ([]byte, error) { return nil, errors.New("refused") }

// Everything is gone: nothing is believed, and all of it is lost, until a place
// comes back.
func TestAllEmptied(t *testing.T) {
	a, c := memory.New(), memory.New()
	b := start(t, 200, a, c)
	b.close()
	b.set(memory.New(), memory.New())
	b.open()
	b.settled()
	b.mustBe("a missing, b missing", b.vs...)
	if _, total, err := b.journal.Lost(context.Background(), 0, 1); total != 200 || err != nil {
		t.Fatalf("%d lost, %v", total, err)
	}
	b.close()
	b.set(a, memory.New()) // the first is back
	b.open()
	b.settled()
	b.mustBe("a held, b missing", b.vs...)
	if _, total, err := b.journal.Lost(context.Background(), 0, 1); total != 0 || err != nil {
		t.Fatalf("%d lost, %v", total, err)
	}
}

// Places that have changed their names are known by what they are.
func TestSwapped(t *testing.T) {
	a, c, d := memory.New(), memory.New(), memory.New()
	b := start(t, 20, a, c, d)
	// One that only the first one has.
	v := journaltest.Event(5000, 300, 0)
	b.places = b.places[:1]
	b.admit([]module.Verified{v})
	for _, order := range [][]replica.Replica{{c, a, d}, {d, c, a}, {a, c, d}} {
		b.close()
		b.set(order...)
		b.open()
		b.settled()
		b.mustBe("a held, b held, c held", b.vs...)
		for i, r := range order {
			if r == replica.Replica(a) {
				b.mustBe(string(rune('a'+i))+" held", v)
			}
		}
	}
}

// A place that was put back to an earlier state lacks what came since.
func TestRolledBackPlace(t *testing.T) {
	for _, running := range []bool{false, true} {
		a, c := memory.New(), memory.New()
		b := start(t, 250, a, c)
		lost := b.vs[200:]
		back := func() {
			for _, v := range lost {
				if err := c.Delete(context.Background(), replica.Ref{Hash: v.Hash()}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if running {
			back()
			b.look()
		} else {
			b.close()
			back()
			b.open()
		}
		b.settled()
		b.mustBe("a held, b held", b.vs[:200]...)
		b.mustBe("a held, b missing", lost...)
	}
}

// A place that is new in the configuration is owed everything.
func TestNewPlace(t *testing.T) {
	a, c := memory.New(), memory.New()
	b := start(t, 200, a, c)
	b.close()
	b.set(a, c, memory.New())
	b.open()
	b.settled()
	b.mustBe("a held, b held, c missing", b.vs...)
	if ws := b.keeper.Warnings(); len(ws) != 0 {
		t.Fatal(ws)
	}
}

// One place behind two names is refused; a copy of a place, id included, is
// another place, and is looked through.
func TestOnePlaceTwiceAndACopy(t *testing.T) {
	a, c := memory.New(), memory.New()
	b := start(t, 30, a, c)
	b.close()
	b.set(a, a)
	if err := b.tryOpen(); err == nil || !strings.Contains(err.Error(), "one place") {
		t.Fatalf("%v", err)
	}
	b.close()
	id, err := a.Identity(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	copied := memory.New()
	for _, v := range b.vs[:10] {
		if _, err := copied.Put(context.Background(), v); err != nil {
			t.Fatal(err)
		}
	}
	if err := copied.Identify(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	b.set(a, copied)
	b.open()
	b.settled()
	b.mustBe("a held, b held", b.vs[:10]...)
	b.mustBe("a held, b missing", b.vs[10:]...)
}

// A place that cannot be asked stays what it was until it can.
func TestSilentPlace(t *testing.T) {
	a, c := memory.New(), memory.New()
	b := start(t, 10, a, c)
	b.close()
	second := &changing{}
	second.set(dumb{c})
	b.set(a, second)
	b.open()
	b.mustBe("a held, b held", b.vs...)
	second.set(memory.New())
	b.look()
	b.settled()
	b.mustBe("a held, b missing", b.vs...)
}

// changing is a name with one place behind it after the other.
type changing struct {
	now atomic.Pointer[replica.Replica]
}

func (c *changing) set(r replica.Replica) { c.now.Store(&r) }

func (c *changing) Put(ctx context.Context, v module.Verified) (string, error) {
	return (*c.now.Load()).Put(ctx, v)
}

func (c *changing) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	return (*c.now.Load()).Get(ctx, ref)
}

func (c *changing) Delete(ctx context.Context, ref replica.Ref) error {
	return (*c.now.Load()).Delete(ctx, ref)
}

func (c *changing) Check(ctx context.Context) error { return (*c.now.Load()).Check(ctx) }

func (c *changing) Identity(ctx context.Context, known []string) (string, error) {
	return (*c.now.Load()).(replica.Identified).Identity(ctx, known)
}

func (c *changing) Identify(ctx context.Context, id string) error {
	return (*c.now.Load()).(replica.Identified).Identify(ctx, id)
}

type dumb struct{ *memory.Replica }

func (dumb) Identity(context.Context, []string) (string, error) { return "", errors.New("no route") }

// A place that cannot hold an id is known by its name, and by what it lacks.
func TestNoIdentity(t *testing.T) {
	a, c := memory.New(), memory.New()
	b := start(t, 10, a, plain{c})
	b.mustBe("a held, b held", b.vs...)
	b.close()
	b.set(a, plain{memory.New()})
	b.open()
	b.settled()
	b.mustBe("a held, b missing", b.vs...)
}

type plain struct{ replica.Replica }

// A journal that is older than its places gets another epoch; an empty one
// beside full places is told.
func TestOlderJournal(t *testing.T) {
	a, c := recent{memory.New(), new([]module.Verified)}, memory.New()
	b := start(t, 30, a, c)
	before := b.journal.Epoch()
	b.close()
	b.open()
	if b.journal.Epoch() != before || len(b.keeper.Warnings()) != 0 {
		t.Fatalf("%s, %v", b.journal.Epoch(), b.keeper.Warnings())
	}
	newer := journaltest.Event(9000, 300, 0)
	if _, err := a.Put(context.Background(), newer); err != nil {
		t.Fatal(err)
	}
	b.close()
	b.open()
	after := b.journal.Epoch()
	if ws := b.keeper.Warnings(); after == before || len(ws) != 1 || !strings.Contains(ws[0], "reindex --from a") {
		t.Fatalf("%s, %v", after, ws)
	}
	if kept, err := b.journal.Kept(context.Background(), before); kept != 30 || err != nil {
		t.Fatalf("%d, %v", kept, err)
	}
	b.admit(journaltest.Events(100, 101, 300))
	b.close()
	b.open()
	if b.journal.Epoch() != after {
		t.Fatal("it gets another one at every start")
	}
	b.close()
	b.path = filepath.Join(t.TempDir(), "journal.db")
	b.open()
	if ws := b.keeper.Warnings(); len(ws) != 1 || !strings.Contains(ws[0], "empty") {
		t.Fatal(ws)
	}
}

// recent knows the order of its puts.
type recent struct {
	*memory.Replica
	order *[]module.Verified
}

func (r recent) Put(ctx context.Context, v module.Verified) (string, error) {
	*r.order = append(*r.order, v)
	return r.Replica.Put(ctx, v)
}

func (r recent) Newest(_ context.Context, n int) (hs []digest.Hash, err error) {
	for _, v := range slices.Backward(*r.order) {
		if len(hs) < n {
			hs = append(hs, v.Hash())
		}
	}
	return hs, nil
}

func update(sequence uint64, place, location string) journal.Update {
	return journal.Update{Sequence: sequence, Replica: place, State: custody.Held, Location: location}
}

// copyFile is a copy of the journal's file while nobody has it open.
func (b *bench) copyFile() (restore func()) {
	b.t.Helper()
	content, err := os.ReadFile(b.path)
	if err != nil {
		b.t.Fatal(err)
	}
	return func() {
		for _, ending := range []string{"-wal", "-shm"} {
			_ = os.Remove(b.path + ending)
		}
		if err := os.WriteFile(b.path, content, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
}

// A journal that was put back shows by what the places keep of it, whatever
// their kind, once; and so does one behind a repair of an old event.
func TestJournalPutBack(t *testing.T) {
	a := recent{memory.New(), new([]module.Verified)}
	for name, place := range map[string]replica.Replica{"marks": memory.New(), "newest": struct {
		replica.Replica
		replica.Recent
	}{a, a}} {
		t.Run(name, func(t *testing.T) {
			b := start(t, 20, place)
			before := b.journal.Epoch()
			b.close()
			back := b.copyFile()
			b.open()
			b.admit(journaltest.Events(20, 30, 300))
			b.close()
			b.open()
			if b.journal.Epoch() != before || len(b.keeper.Warnings()) != 0 {
				t.Fatalf("the same journal: %v", b.keeper.Warnings())
			}
			if _, err := place.Put(context.Background(), b.vs[3]); err != nil { // a repair, which is the newest put
				t.Fatal(err)
			}
			b.close()
			back()
			b.open()
			if kept, err := b.journal.Kept(context.Background(), before); b.journal.Epoch() == before || kept != 20 || err != nil {
				t.Fatalf("%s, %d, %v", b.journal.Epoch(), kept, err)
			}
			after := b.journal.Epoch()
			b.close()
			b.open()
			if name == "marks" && b.journal.Epoch() != after {
				t.Fatal("it gets another epoch at every start")
			}
		})
	}
}

func TestMarks(t *testing.T) {
	m := mark{journal.Position{Epoch: "7c31a88e00112233", Sequence: 42}, journaltest.Hash(1)}
	text := m.String()
	if got, ok := parseMark(text); !ok || got != m || len(text) > replica.MaxMark {
		t.Fatalf("%s: %+v, %v", text, got, ok)
	}
	for i := range text {
		for bit := range 8 {
			b := []byte(text)
			b[i] ^= 1 << bit
			if got, ok := parseMark(string(b)); ok {
				t.Fatalf("%q is read as %+v", b, got)
			}
		}
		if _, ok := parseMark(text[:i]); ok {
			t.Fatalf("%q is read", text[:i])
		}
	}
}

// A real folder whose files are removed, or that is moved away, under a running
// host: what it held is owed at once, and is stored again where it is now.
func TestFolderVanishesUnderTheHost(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"files": func(path string) error {
			files, err := filepath.Glob(filepath.Join(path, "segment-*"))
			for _, f := range files {
				err = errors.Join(err, os.Remove(f))
			}
			return err
		},
		"folder": func(path string) error { return os.Rename(path, path+"-away") },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "place")
			r, err := local.Open(path, local.Options{Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			b := start(t, 20, memory.New(), r)
			t.Cleanup(func() { _ = r.Close() })
			b.mustBe("a held, b held", b.vs...)
			if err := harm(path); err != nil {
				t.Fatal(err)
			}
			_ = r.Check(context.Background()) // as health and the next put do
			deadline := time.Now().Add(time.Minute)
			for b.states(b.vs[0]) != "a held, b missing" {
				if time.Now().After(deadline) {
					t.Fatalf("it is not noticed: %s", b.states(b.vs[0]))
				}
				time.Sleep(time.Millisecond)
			}
			b.settled()
			b.mustBe("a held, b missing", b.vs...)
		})
	}
}

package retrieve

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/local"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// ways are the ways to read one event.
var ways = map[string]func(ctx context.Context, h *host, v module.Verified) (module.Verified, error){
	"alone": func(ctx context.Context, h *host, v module.Verified) (module.Verified, error) {
		return h.Event(ctx, v.Hash())
	},
	"in a batch": func(ctx context.Context, h *host, v module.Verified) (module.Verified, error) { return h.one(ctx, v) },
	"in a sweep": func(ctx context.Context, h *host, v module.Verified) (module.Verified, error) {
		return h.one(Sweep(ctx), v)
	},
}

func (h *host) one(ctx context.Context, v module.Verified) (got module.Verified, err error) {
	for got, err = range h.Events(ctx, []digest.Hash{v.Hash()}) {
	}
	return got, err
}

// patient has one source asked after the other, however busy the machine is.
func patient(o *Options) { o.HedgeAfter = time.Hour }

// stored is an event that all three places hold, and the journal no more.
func (h *host) stored(v module.Verified) {
	h.t.Helper()
	h.store([]module.Verified{v}, 0, 1, 2)
	if _, err := h.journal.Record(h.t.Context(), v.Hash()); !errors.Is(err, journal.ErrNotFound) {
		h.t.Fatalf("the journal has the bytes: %v", err)
	}
}

func (h *host) remove(place int, v module.Verified) {
	h.t.Helper()
	if err := h.r[place].Delete(h.t.Context(), replica.Ref{Hash: v.Hash()}); err != nil {
		h.t.Fatal(err)
	}
}

// states are what the journal knows of the places' copies, in their order.
func (h *host) states(v module.Verified) []custody.State {
	h.t.Helper()
	_, copies, err := h.journal.Get(h.t.Context(), v.Hash())
	if err != nil {
		h.t.Fatal(err)
	}
	out := make([]custody.State, len(names))
	for i, name := range names {
		for _, c := range copies {
			if c.Replica == name {
				out[i] = c.State
			}
		}
	}
	return out
}

// lost is what the journal lists, once it has what it was told.
func (h *host) lost() []uint64 {
	h.t.Helper()
	if err := h.journal.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	es, total, err := h.journal.Lost(h.t.Context(), 0, 100)
	if err != nil || int(total) != len(es) {
		h.t.Fatalf("%d of %d: %v", len(es), total, err)
	}
	var seqs []uint64
	for _, e := range es {
		seqs = append(seqs, e.Sequence)
	}
	return seqs
}

// One place without a good copy is owed it, whoever reads; what a cache lacks is nothing.
func TestFoundAtOnePlace(t *testing.T) {
	for way, read := range ways {
		for what, c := range map[string]struct {
			spoil func(h *host, v module.Verified)
			want  []custody.State
		}{
			"missing":             {func(h *host, v module.Verified) { h.remove(1, v) }, []custody.State{custody.Held, custody.Missing, custody.Held}},
			"damaged":             {func(h *host, v module.Verified) { h.r[1].Corrupt(v.Hash(), []byte("{}")) }, []custody.State{custody.Held, custody.Damaged, custody.Held}},
			"damaged in a cache":  {func(h *host, v module.Verified) { h.r[0].Corrupt(v.Hash(), []byte("{}")) }, []custody.State{custody.Damaged, custody.Held, custody.Held}},
			"a cache that forgot": {func(h *host, v module.Verified) { h.remove(0, v); h.r[1].Corrupt(v.Hash(), nil) }, []custody.State{custody.Held, custody.Damaged, custody.Held}},
		} {
			t.Run(what+" "+way, func(t *testing.T) {
				h := start(t, patient)
				v := moduletest.Event(t, 1)
				h.stored(v)
				c.spoil(h, v)
				if c.want[0] == custody.Held {
					h.remove(0, v) // so that the others are asked
				}
				for range 2 {
					if got, err := read(t.Context(), h, v); err != nil || !bytes.Equal(got.Record(), v.Record()) {
						t.Fatal(err)
					}
				}
				until(t, "the report", func() bool { return slices.Equal(h.states(v), c.want) })
				if h.lost() != nil {
					t.Errorf("it counts as lost: %v", h.states(v))
				}
			})
		}
	}
}

// Who is told that an event is gone finds the journal to know it; and a store
// of it makes it known again.
func TestLost(t *testing.T) {
	missing := func(h *host, place int, v module.Verified) { h.remove(place, v) }
	damaged := func(h *host, place int, v module.Verified) { h.r[place].Corrupt(v.Hash(), []byte("{}")) }
	for way, read := range ways {
		for what, c := range map[string]struct {
			spoil [3]func(h *host, place int, v module.Verified)
			code  code.Code
			want  []custody.State
		}{
			"missing everywhere": {[3]func(*host, int, module.Verified){missing, missing, missing}, code.NotFound, []custody.State{custody.None, custody.Missing, custody.Missing}},
			"damaged everywhere": {[3]func(*host, int, module.Verified){damaged, damaged, damaged}, code.Corrupt, []custody.State{custody.Damaged, custody.Damaged, custody.Damaged}},
			"one of each":        {[3]func(*host, int, module.Verified){missing, damaged, missing}, code.Corrupt, []custody.State{custody.None, custody.Damaged, custody.Missing}},
		} {
			t.Run(what+" "+way, func(t *testing.T) {
				h := start(t, patient)
				other, v := moduletest.Event(t, 1), moduletest.Event(t, 2)
				h.stored(other)
				h.stored(v)
				for place, spoil := range c.spoil {
					spoil(h, place, v)
				}
				for range 2 {
					_, err := read(t.Context(), h, v)
					var refused *code.Error
					if !errors.As(err, &refused) || refused.Code != c.code || !strings.Contains(refused.Detail, "no replica has a good copy") {
						t.Fatalf("%v", err)
					}
					if got := h.states(v); !slices.Equal(got, c.want) {
						t.Fatalf("%v, want %v", got, c.want)
					}
					if got := h.lost(); !slices.Equal(got, []uint64{2}) {
						t.Fatalf("lost: %v", got)
					}
				}
				h.mu.Lock()
				for f, times := range h.found {
					if times > 1 {
						t.Errorf("%+v was told %d times", f, times)
					}
				}
				h.mu.Unlock()
				location, err := h.r[2].Put(t.Context(), v)
				if err != nil {
					t.Fatal(err)
				}
				h.journal.Update(journal.Update{Sequence: 2, Replica: "b", State: custody.Held, Location: location})
				if got := h.lost(); got != nil {
					t.Errorf("once it is stored again: %v", got)
				}
				h.mustRead(v)
			})
		}
	}
}

// A place that fails says nothing, nor does one that is not waited for.
func TestNothingIsFoundWhereNobodyAnswers(t *testing.T) {
	for what, fault := range map[string]func(context.Context) error{"refuses": refuses, "silent": silent} {
		for way, read := range ways {
			t.Run(what+" "+way, func(t *testing.T) {
				h := start(t, patient)
				v := moduletest.Event(t, 1)
				h.stored(v)
				h.remove(0, v)
				h.remove(1, v)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				h.r[2].set(func(ctx context.Context) error {
					if what == "silent" {
						leave()
					}
					return fault(ctx)
				})
				if _, err := read(ctx, h, v); err == nil {
					t.Fatal("it was found")
				}
				until(t, "the report of what was asked", func() bool { return h.states(v)[1] == custody.Missing })
				if got := h.states(v); got[0] != custody.Held || got[2] != custody.Held || h.lost() != nil {
					t.Errorf("%v, lost %v", got, h.lost())
				}
			})
		}
	}
}

// A copy under another valid signature is told as that, and one under a forged
// signature as damaged.
func TestForeignIsFound(t *testing.T) {
	for way, read := range ways {
		t.Run(way, func(t *testing.T) {
			h := start(t, patient)
			first, second := moduletest.Twice(t)
			h.stored(first)
			h.remove(0, first)
			h.r[1].Corrupt(first.Hash(), second.Record())
			for range 2 {
				if got, err := read(t.Context(), h, first); err != nil || !bytes.Equal(got.Record(), first.Record()) {
					t.Fatal(err)
				}
			}
			until(t, "the report", func() bool { return h.states(first)[1] == custody.Foreign })
			if n := h.Findings("a").BadCopies; n != 0 {
				t.Errorf("%d bad copies", n)
			}
			if h.lost() != nil {
				t.Error("it counts as lost")
			}
			forged := bytes.Replace(first.Record(), []byte(`"sig":"SIG_R1_`), []byte(`"sig":"SIG_R1_x`), 1)
			g := start(t, patient)
			g.stored(first)
			for _, r := range g.r {
				r.Corrupt(first.Hash(), forged)
			}
			if _, err := read(t.Context(), g, first); !errors.Is(err, errCorrupt) {
				t.Errorf("of a forged signature: %v", err)
			}
			if got := g.states(first); !slices.Equal(got, []custody.State{custody.Damaged, custody.Damaged, custody.Damaged}) || len(g.lost()) != 1 {
				t.Errorf("of a forged signature: %v", got)
			}
		})
	}
}

// What a place did not have when it was asked, and has by the time that would
// be told, is not told: what was not found at first is served.
func TestFoundTheSecondTime(t *testing.T) {
	for way, read := range ways {
		t.Run(way, func(t *testing.T) {
			h := start(t, patient)
			v := moduletest.Event(t, 1)
			h.stored(v)
			for _, r := range h.r {
				var asked atomic.Bool
				r.set(func(context.Context) error {
					if asked.CompareAndSwap(false, true) {
						return replica.ErrNotFound
					}
					return nil
				})
			}
			if got, err := read(t.Context(), h, v); err != nil || !bytes.Equal(got.Record(), v.Record()) {
				t.Fatal(err)
			}
			if len(h.found) > 0 || h.lost() != nil {
				t.Errorf("%v", h.found)
			}
		})
	}
}

// Folders that were emptied, and one whose bytes have changed.
func TestFoundInFolders(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	var rs []*local.Replica
	open := func(o *Options) {
		patient(o)
		rs, o.Places = nil, nil
		for i, dir := range dirs {
			r, err := local.Open(dir, local.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = r.Close() })
			rs = append(rs, r)
			o.Places = append(o.Places, replica.Place{Name: names[i+1], Kind: "local", Counts: true, Replica: r})
		}
	}
	h := start(t, open)
	vs := events(t, 0, 5)
	as, err := h.journal.Admit(t.Context(), vs, names[1:])
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range vs {
		for k, r := range rs {
			location, err := r.Put(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			h.journal.Update(journal.Update{Sequence: as[i].Entry.Sequence, Replica: names[k+1], State: custody.Held, Location: location})
		}
	}
	if h.lost() != nil {
		t.Fatal("lost at once")
	}
	for _, r := range rs {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dirs[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dirs[0], e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	damage(t, dirs[1], vs[3].Record())
	if err := h.Reader.Close(); err != nil {
		t.Fatal(err)
	}
	h.o.Registerer = nil
	open(&h.o)
	h.Reader = New(h.o)
	h.mustRead(vs[0])
	until(t, "the report of the empty folder", func() bool { return h.states(vs[0])[1] == custody.Missing })
	h.mustFail(vs[3], code.Corrupt)
	if got := h.states(vs[3]); got[1] != custody.Missing || got[2] != custody.Damaged || !slices.Equal(h.lost(), []uint64{4}) {
		t.Errorf("%v, lost %v", got, h.lost())
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

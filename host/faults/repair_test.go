package faults

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/scrub"
	"github.com/eventseal/eventseal/servers/proxy"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// fill stores n events that every place holds.
func (w *world) fill(n int) {
	w.t.Helper()
	vs := fresh(w.t, n)
	events := make([][]byte, n)
	for i, v := range vs {
		events[i] = v.Record()
	}
	for _, s := range w.intake.StoreBatch(ctx, events, intake.All) {
		w.must(s.Err)
	}
	w.acknowledged = append(w.acknowledged, vs...)
	w.must(w.complete(w.acknowledged, placeNames...))
}

// The journal is lost, and so is every place but one: from that one everything
// comes back, can be read and searched, and goes to the others again.
func TestALostJournalIsRebuiltFromOnePlace(t *testing.T) {
	for _, survivor := range []string{bucket, node, localA} {
		t.Run(survivor, func(t *testing.T) {
			w := newWorld(t, newStack(t), t.TempDir()) // a node lists what others stored in it, too
			defer w.close()
			w.fill(40)
			w.stop()
			files, err := filepath.Glob(filepath.Join(w.dir, "journal.db*"))
			if err != nil || len(files) == 0 {
				t.Fatal("there is no journal to lose", err)
			}
			for _, file := range files {
				w.must(os.Remove(file))
			}
			for _, name := range placeNames {
				if name == survivor {
					continue
				}
				w.must(w.raws[name].empty(w.acknowledged))
				_ = w.inner[name].Check(ctx) // a folder finds out that its files are gone
			}
			w.openJournal()
			var from replica.Place
			for _, p := range w.places {
				if p.Name == survivor {
					from = p
				}
			}
			report, err := scrub.Reindex(ctx, scrub.ReindexOptions{Module: moduletest.Open(t), Journal: w.journal, From: from, Places: w.places, Log: w.log})
			if err != nil || !report.Complete || report.Restored != uint64(len(w.acknowledged)) {
				t.Fatalf("%+v, %v", report, err)
			}
			w.start()
			w.must(w.read(w.acknowledged))
			entries, err := w.journal.Query(ctx, journal.Filter{Authors: [][34]byte{w.acknowledged[0].Meta().AuthorKey}})
			w.must(err)
			known := map[digest.Hash]bool{}
			for _, e := range entries {
				known[e.Hash] = true
			}
			for _, v := range w.acknowledged {
				if !known[v.Hash()] {
					t.Errorf("a search does not find %s", v.Hash())
				}
			}
			w.must(w.scrub())
		})
	}
}

// What the outbox owes outlives the process.
func TestTheOutboxSurvivesARestart(t *testing.T) {
	w := newWorld(t, newStack(t), t.TempDir())
	defer w.close()
	w.fill(2)
	w.must(w.set(bucket, proxy.Refused))
	vs := fresh(t, 20)
	for _, v := range vs {
		_, err := w.intake.Store(ctx, v.Record(), intake.Quorum)
		w.must(err)
	}
	w.acknowledged = append(w.acknowledged, vs...)
	w.stop()
	w.openJournal()
	if owed, err := w.journal.Backlog(ctx); err != nil || owed[bucket] != len(vs) {
		t.Errorf("owed: %v, %v", owed, err)
	}
	w.start()
	seen := 0
	for _, r := range w.health.Health(ctx).Replicas {
		if r.Name == bucket {
			seen = r.Backlog
		}
	}
	if seen != len(vs) {
		t.Errorf("the health document shows a backlog of %d", seen)
	}
	w.must(w.set(bucket, proxy.None))
	w.must(w.complete(w.acknowledged, placeNames...))
}

// A batch costs the cache one pipeline; what it does not have the others do;
// what nobody has is told by its code, in its place.
func TestABatchIsOnePipeline(t *testing.T) {
	w := newWorld(t, newStack(t), t.TempDir(), cache)
	defer w.close()
	w.fill(100)
	for _, v := range w.acknowledged[:10] {
		w.must(w.inner[cache].Delete(ctx, replica.Ref{Hash: v.Hash()}))
	}
	var hs []digest.Hash
	var want []module.Verified
	for i, v := range w.acknowledged {
		if i%25 == 0 { // between the others
			hs, want = append(hs, digest.Hash{byte(i + 1)}), append(want, module.Verified{})
		}
		hs, want = append(hs, v.Hash()), append(want, v)
	}
	read := func() (turns int64) {
		before := w.proxies[cache].Turns()
		i := 0
		for v, err := range w.reader.Events(ctx, hs) {
			switch {
			case want[i].Meta() == nil:
				if !errors.Is(err, &code.Error{Code: code.NotFound}) {
					t.Errorf("%d: %v, want not_found", i, err)
				}
			case err != nil || !bytes.Equal(v.Record(), want[i].Record()):
				t.Errorf("%d: %v", i, err)
			}
			i++
		}
		if i != len(hs) {
			t.Errorf("%d answers for %d", i, len(hs))
		}
		return w.proxies[cache].Turns() - before
	}
	read()
	w.must(w.complete(w.acknowledged, cache)) // the fills are in
	// One for the hundred; one each for the four that nobody has, which are
	// looked for one by one, and then not again for a while. An answer that
	// begins while the question is still being asked may add a turn.
	if turns := read(); turns > 10 {
		t.Errorf("%d round trips to the cache for %d events", turns, len(hs))
	}
}

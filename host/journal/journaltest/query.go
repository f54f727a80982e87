package journaltest

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// chosen is what a Query of f must return of all entries.
func chosen(all []journal.Entry, f journal.Filter) (es []journal.Entry) {
	for _, e := range all {
		ok := (len(f.Types) == 0 || slices.Contains(f.Types, e.Type)) &&
			(len(f.Authors) == 0 || slices.Contains(f.Authors, e.AuthorKey)) &&
			(f.Since == nil || e.CreatedAt >= *f.Since) && (f.Until == nil || e.CreatedAt <= *f.Until) &&
			e.Sequence > f.After && (f.Before == 0 || e.Sequence < f.Before)
		if ok && len(f.Parents) > 0 {
			ok = slices.ContainsFunc(e.Parents, func(p digest.Hash) bool { return slices.Contains(f.Parents, p) })
		}
		if ok {
			es = append(es, e)
		}
	}
	if f.Descending {
		slices.Reverse(es)
	}
	return es
}

func randomFilter(rng *rand.Rand, events uint64) (f journal.Filter) {
	for rng.IntN(2) == 0 {
		f.Types = append(f.Types, append(Types, Types[0])[rng.IntN(5)].Type)
	}
	if len(f.Types) > 0 && rng.IntN(8) == 0 {
		f.Types[0] = "NEVER_SEEN"
	}
	for rng.IntN(5) < 2 {
		f.Authors = append(f.Authors, Authors[rng.IntN(len(Authors))])
	}
	for rng.IntN(3) == 0 {
		f.Parents = append(f.Parents, Hash(rng.Uint64N(events)))
		for range rng.IntN(3) * 200 {
			f.Parents = append(f.Parents, Hash(rng.Uint64N(events)))
		}
	}
	at := func() *uint64 { x := 1758390021 - 1100 + rng.Uint64N(events+1200); return &x }
	if rng.IntN(3) == 0 {
		f.Since = at()
	}
	if rng.IntN(3) == 0 {
		f.Until = at()
	}
	if rng.IntN(3) == 0 {
		f.After = rng.Uint64N(events + 5)
	}
	if rng.IntN(3) == 0 {
		f.Before = rng.Uint64N(events + 5)
	}
	f.Descending = rng.IntN(2) == 0
	return f
}

func finder(t *testing.T, j journal.Journal) journal.Finder {
	t.Helper()
	f, ok := j.(journal.Finder)
	if !ok {
		t.Fatal("the journal is no Finder")
	}
	return f
}

// pages reads all pages of a filter.
func pages(t *testing.T, j journal.Finder, f journal.Filter, limit int) (es []journal.Entry) {
	t.Helper()
	f.Limit = limit
	for {
		page, err := j.Query(timeout(t), f)
		if err != nil {
			t.Fatalf("Query %+v: %v", f, err)
		}
		if len(page) > limit {
			t.Fatalf("a page of %d, the limit is %d", len(page), limit)
		}
		es = append(es, page...)
		if len(page) < limit {
			return es
		}
		if f.Descending {
			f.Before = page[len(page)-1].Sequence
		} else {
			f.After = page[len(page)-1].Sequence
		}
	}
}

func queries(t *testing.T, s Subject) {
	const events = 3000
	j := s.Journal
	for from := uint64(0); from < events; from += 250 {
		admit(t, j, Events(from, from+250, 100), both...)
	}
	check := func(j journal.Journal, rounds int) {
		all, err := j.Scan(timeout(t), 0, 2*events)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(7, uint64(len(all))))
		found := 0
		for range rounds {
			f := randomFilter(rng, uint64(len(all)))
			want := chosen(all, f)
			found += len(want)
			limit := 15 + rng.IntN(300)
			got := pages(t, finder(t, j), f, limit)
			if len(got) != len(want) {
				t.Fatalf("%+v in pages of %d: %d entries, want %d", f, limit, len(got), len(want))
			}
			for i := range want {
				sameEntry(t, got[i], want[i])
			}
			if n, err := finder(t, j).Count(timeout(t), f); err != nil || n != uint64(len(want)) {
				t.Fatalf("Count %+v: %d, %v; want %d", f, n, err, len(want))
			}
		}
		if found < 10*rounds {
			t.Fatalf("the filters chose %d entries in all: they prove little", found)
		}
	}
	check(j, 120)
	if page, err := finder(t, j).Query(timeout(t), journal.Filter{Limit: -1}); err != nil || len(page) != journal.MaxPage {
		t.Fatalf("%d entries without a limit, %v", len(page), err)
	}
	j = s.Reopen(t)
	admit(t, j, Events(events, events+700, 100), both...)
	check(j, 60)
}

// A reader that pages while others write misses none and sees none twice.
func paging(t *testing.T, s Subject) {
	j := s.Journal
	admit(t, j, Events(0, 2000, 100), both...)
	f := journal.Filter{Types: []string{"VOTE", "LIKE"}}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for w := range uint64(3) {
		wg.Go(func() {
			for n := w << 32; !stop.Load() && n < w<<32+10_000; n += 20 {
				if _, err := j.Admit(context.Background(), Events(1<<40+n, 1<<40+n+1+n%40, 100), both); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	down := f
	down.Descending = true
	for range 10 {
		last, err := j.Last(timeout(t))
		if err != nil {
			t.Fatal(err)
		}
		up, back := pages(t, finder(t, j), f, 37), pages(t, finder(t, j), down, 41)
		all, err := j.Scan(timeout(t), 0, 1_000_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			got []journal.Entry
			f   journal.Filter
		}{{up, f}, {back, down}} {
			// Beyond what was there at the start a reader may see more or less of what is new.
			want := chosen(all, c.f)
			late := func(e journal.Entry) bool { return e.Sequence > last }
			got := slices.DeleteFunc(c.got, late)
			want = slices.DeleteFunc(want, late)
			if !slices.EqualFunc(got, want, func(a, b journal.Entry) bool { return a.Sequence == b.Sequence }) {
				t.Fatalf("descending %v: %d entries, want %d", c.f.Descending, len(got), len(want))
			}
		}
	}
	stop.Store(true)
	wg.Wait()
}

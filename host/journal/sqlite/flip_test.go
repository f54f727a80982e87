package sqlite

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
	"github.com/eventseal/eventseal/wasm/digest"
)

const sampleEvents = 600 // a block and a tail

// sample makes a journal in which every table has rows: delivered, owed, failed and fresh events.
func sample(t testing.TB, path string) {
	t.Helper()
	ctx := context.Background()
	j := open(t, path, Options{})
	for from := uint64(0); from < sampleEvents; from += 150 {
		as, err := j.Admit(ctx, journaltest.Events(from, from+150, 200), both)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range as {
			seq := a.Entry.Sequence
			switch {
			case from == 450:
			case i%5 == 0:
				j.Update(journal.Update{Sequence: seq, Replica: "a", Location: fmt.Sprint("at ", seq), State: custody.Held},
					journal.Update{Sequence: seq, Replica: "b", Err: "down", State: custody.Owed, RetryIn: time.Duration(i) * time.Second})
			default:
				j.Update(journal.Update{Sequence: seq, Replica: "a", Location: "x", State: custody.Held}, journal.Update{Sequence: seq, Replica: "b", Location: "y", State: custody.Held})
			}
		}
		if err := j.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.PutPosts(ctx, samplePosts()); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

const sampleCursor = 450

var passedEvents = []uint64{2, 52, 102, 152, 202, 252, 302, 352}

// samplePosts are heads and single events, of which the last ones are not final.
func samplePosts() (c journal.PostChange) {
	state := func(n uint64) journal.PostState {
		if n < 8 {
			return journal.PostFinal
		}
		return journal.PostSubmitted
	}
	for n := range uint64(10) {
		c.Put = append(c.Put, journaltest.HeadPost(n+1, (n+1)*40, state(n)))
		var seqs []uint64
		for seq := n*40 + 1; seq <= n*40+40; seq += 2 {
			seqs = append(seqs, seq)
		}
		c.Put = append(c.Put, journaltest.EventsPost(n*20+1, state(n), seqs...))
	}
	cursor := uint64(sampleCursor)
	c.Pass, c.Cursor = passedEvents, &cursor
	return c
}

// answers asks a journal everything, and returns each answer, or error.
func answers(j *Journal) map[string]any {
	ctx := context.Background()
	out := map[string]any{}
	note := func(name string, v any, err error) {
		if out[name] = v; err != nil {
			out[name] = err
		}
	}
	var hs []digest.Hash
	for i := range uint64(sampleEvents) {
		hs = append(hs, journaltest.Hash(i))
	}
	scan := func(name string, read func(after uint64) ([]journal.Entry, error)) {
		var all []journal.Entry
		for after := uint64(0); ; {
			es, err := read(after)
			if err != nil {
				note(name, nil, err)
				return
			}
			if len(es) == 0 {
				note(name, all, nil)
				return
			}
			all, after = append(all, es...), es[len(es)-1].Sequence
		}
	}
	scan("scan", func(after uint64) ([]journal.Entry, error) { return j.Scan(ctx, after, 500) })
	since, until := uint64(1758390021+100), uint64(1758390021+400)
	for name, f := range map[string]journal.Filter{
		"all": {}, "down": {Descending: true}, "type": {Types: []string{"LIKE"}}, "author": {Authors: journaltest.Authors[3:4]},
		"parent": {Parents: hs[5:9]}, "time": {Since: &since, Until: &until},
		"two": {Types: []string{"VOTE"}, Authors: journaltest.Authors[:2], Descending: true},
	} {
		es, err := j.Query(ctx, f)
		note("query "+name, es, err)
		n, err := j.Count(ctx, f)
		note("count "+name, n, err)
	}
	scan("pages", func(after uint64) ([]journal.Entry, error) {
		return j.Query(ctx, journal.Filter{Types: []string{"VOTE", "FINALIZE"}, After: after, Limit: 50})
	})
	es, err := j.Entries(ctx, hs)
	var got []journal.Entry
	for _, e := range es {
		if e != nil {
			got = append(got, *e)
		}
	}
	note("entries", got, err)
	for _, i := range []int{3, 100, 301, 455, 590} {
		e, cs, err := j.Get(ctx, hs[i])
		for k := range cs {
			cs[k].UpdatedAt = time.Time{} // of what is fresh it is when the journal was opened
		}
		note(fmt.Sprint("get ", i), []any{e, cs}, err)
		r, err := j.Record(ctx, hs[i])
		if errors.Is(err, journal.ErrNotFound) {
			r, err = nil, nil
		}
		note(fmt.Sprint("record ", i), r, err)
		l, err := j.Location(ctx, hs[i], "a")
		note(fmt.Sprint("location ", i), l, err)
	}
	for _, r := range both {
		os, err := j.Owed(ctx, r, 1000*time.Hour, 2000)
		slices.SortFunc(os, func(a, b journal.Owed) int { return cmp.Compare(a.Entry.Sequence, b.Entry.Sequence) })
		note("owed "+r, os, err)
	}
	ls, err := j.Locations(ctx, hs, "a")
	note("locations", ls, err)
	last, err := j.Last(ctx)
	note("last", last, err)
	for kind, name := range map[journal.PostKind]string{journal.PostHead: "heads", journal.PostEvents: "events"} {
		ps, err := j.Unfinished(ctx, kind)
		note("unfinished "+name, ps, err)
		ps, err = j.Posts(ctx, kind, 0, 100)
		note("posts of "+name, ps, err)
	}
	for _, size := range []uint64{0, 200} {
		p, err := j.Covering(ctx, size)
		note(fmt.Sprint("covering ", size), p, err)
	}
	for _, seq := range []uint64{1, 201, 399} {
		p, n, err := j.PostOf(ctx, seq)
		note(fmt.Sprint("post of ", seq), []any{p, n}, err)
	}
	cursor, ok, err := j.Cursor(ctx)
	note("cursor", []any{cursor, ok}, err)
	passed, total, err := j.Passed(ctx, 0, 100)
	note("passed", []any{passed, total}, err)
	ss, err := j.Short(ctx, 0, sampleEvents, both, 2, 2*sampleEvents)
	var seqs []uint64
	for _, e := range ss {
		seqs = append(seqs, e.Sequence)
	}
	note("short", seqs, err)
	return out
}

// includes reports whether all of some is in all, which are in order.
func includes(all, some []uint64) bool {
	for _, s := range some {
		if _, ok := slices.BinarySearch(all, s); !ok {
			return false
		}
	}
	return slices.IsSorted(all)
}

// tried is what became of a number of damaged files.
type tried struct{ same, said, refused, silent, walked int }

// try opens a damaged copy and compares its answers with those of the whole one.
func (n *tried) try(t *testing.T, path, what string, want map[string]any) {
	t.Helper()
	j, err := Open(path, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		n.refused++
		if !errors.Is(err, journal.ErrDamaged) {
			t.Errorf("%s: Open: %v, which does not say damage", what, err)
		}
		return
	}
	defer j.Close()
	said := false
	got := answers(j)
	for name, w := range want {
		err, _ := got[name].(error)
		switch {
		case err == nil && reflect.DeepEqual(got[name], w):
		case errors.Is(err, journal.ErrDamaged), strings.HasPrefix(name, "owed") && j.guard.bad.Load()+j.guard.foreign.Load() > 0:
			said = true // an outbox gets what is left, and the log says so
		case name == "short" && err == nil && includes(got[name].([]uint64), w.([]uint64)):
			said = true // what cannot be read counts as short
		default:
			n.silent++
			t.Errorf("%s: %s: %+v, want %+v", what, name, got[name], w)
			return
		}
	}
	if n.walked++; said || n.walked%8 == 0 {
		n.walk(t, j, what, said)
	}
	if said {
		n.said++
	} else {
		n.same++
	}
}

// walk holds that a walk comes to the end with each event read or named, and
// that a check finds what a reader found.
func (n *tried) walk(t *testing.T, j *Journal, what string, said bool) {
	t.Helper()
	ctx := context.Background()
	for _, down := range []bool{false, true} {
		seen := map[uint64]bool{}
		for f := (journal.Filter{Descending: down, Limit: 100}); ; {
			s, err := j.Walk(ctx, f)
			if err != nil {
				t.Errorf("%s: Walk: %v", what, err)
				return
			}
			for _, e := range s.Entries {
				seen[e.Sequence] = true
				if e.Hash != journaltest.Hash(e.Sequence-1) {
					t.Errorf("%s: Walk gives another event as %d", what, e.Sequence)
				}
			}
			for _, d := range s.Damaged {
				for seq := d.From; seq <= d.To; seq++ {
					if seen[seq] {
						t.Errorf("%s: Walk reads event %d and says that it cannot", what, seq)
					}
					seen[seq] = true
				}
			}
			if s.Next == 0 {
				break
			}
			if f.After = s.Next; down {
				f.After, f.Before = 0, s.Next
			}
		}
		if len(seen) != sampleEvents {
			t.Errorf("%s: Walk tells of %d events of %d", what, len(seen), sampleEvents)
		}
	}
	if found, err := j.Check(ctx); err != nil || len(found) == 0 {
		t.Errorf("%s: Check finds %v, %v", what, found, err)
	}
}

// chosen is a fixed choice below n.
func chosen(seed, n int) int {
	sum := sha256.Sum256(fmt.Append(nil, seed))
	return int(binary.BigEndian.Uint64(sum[:]) % uint64(n))
}

// TestFlippedBits damages a journal's file in every page, in many ways, and has it
// answer everything: rightly, or with an error that says why not.
func TestFlippedBits(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "j.db")
	sample(t, path)
	j := open(t, path, Options{})
	want := answers(j)
	for name, v := range want {
		if err, ok := v.(error); ok {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if found, err := j.Check(context.Background()); err != nil || len(found) > 0 {
		t.Fatalf("Check of a whole journal finds %v, %v", found, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pages := len(whole) / pageBytes
	run := func(name string, times int, damage func(file, page []byte, i int)) {
		var n tried
		for i := range times {
			if n.silent > 3 {
				break
			}
			file := append([]byte{}, whole...)
			p := i % pages
			damage(file, file[p*pageBytes:(p+1)*pageBytes], i)
			copied := filepath.Join(folder, "copy.db")
			if err := errors.Join(removeFile(copied), os.WriteFile(copied, file, 0o600)); err != nil {
				t.Fatal(err)
			}
			n.try(t, copied, fmt.Sprintf("%s %d, page %d", name, i, p+1), want)
		}
		t.Logf("%s: of %d, %d were mended or did not matter, %d were named, %d refused at Open, %d silently wrong", name, times, n.same, n.said, n.refused, n.silent)
	}
	run("a bit", max(500, 2*pages), func(_, page []byte, i int) {
		bit := chosen(i, pageBytes*8)
		page[bit/8] ^= 1 << (bit % 8)
	})
	run("three bits", pages, func(_, page []byte, i int) {
		for k := range 3 {
			bit := chosen(3*i+k, pageBytes*8)
			page[bit/8] ^= 1 << (bit % 8)
		}
	})
	run("zeros", pages, func(_, page []byte, _ int) { clear(page) })
	run("half a page", pages, func(file, page []byte, i int) {
		copy(page[pageBytes/2:], file[chosen(i, pages)*pageBytes:][:pageBytes/2])
		page[0] ^= 1
	})
	run("another page", pages, func(file, page []byte, i int) {
		copy(page, file[(i+1+chosen(i, pages-1))%pages*pageBytes:][:pageBytes])
	})
}

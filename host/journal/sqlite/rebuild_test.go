package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func setting(t *testing.T, path, name string) (value string) {
	t.Helper()
	text, err := dsn(path, "mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	c, err := connect(text)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	err = c.query(`SELECT value FROM settings WHERE name = ?`, []driver.Value{name}, func(v []driver.Value) error {
		value = fmt.Sprint(v[0])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// same holds that a journal answers as want says, and is sound.
func same(t *testing.T, path, what string, want map[string]any) {
	t.Helper()
	j := open(t, path, Options{})
	defer j.Close()
	for name, got := range answers(j) {
		if !reflect.DeepEqual(got, want[name]) {
			t.Errorf("%s: %s: %+v, want %+v", what, name, got, want[name])
		}
	}
	if found, err := j.Check(context.Background()); err != nil || len(found) > 0 {
		t.Errorf("%s: Check finds %v, %v", what, found, err)
	}
}

func ask(t *testing.T, path string) map[string]any {
	t.Helper()
	j := open(t, path, Options{})
	defer j.Close()
	return answers(j)
}

// plain makes a journal as it was before there were sums.
func plain(t *testing.T, from, to string) {
	t.Helper()
	name, err := dsn(to, "", "journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	c, err := connect(name)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if err := migrate(c); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf(`ATTACH '%s' AS whole;`, from)
	err = c.query(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`, nil, func(v []driver.Value) error {
		script += fmt.Sprintf(`DELETE FROM main.%[1]s; INSERT INTO main.%[1]s SELECT * FROM whole.%[1]s;`, v[0])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.script(script); err != nil {
		t.Fatal(err)
	}
}

// TestRebuildWhole: of a journal that can be read, nothing is different afterwards.
func TestRebuildWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	sample(t, path)
	want, key, epoch := ask(t, path), setting(t, path, "term key"), setting(t, path, "epoch")
	r, err := Rebuild(context.Background(), path, false, quiet)
	if err != nil || r.Events != sampleEvents || len(r.Lost) > 0 || r.Rows > 0 {
		t.Fatalf("Rebuild: %+v, %v", r, err)
	}
	if setting(t, path, "term key") != key || setting(t, path, "epoch") != epoch {
		t.Error("the key of the index is another, or the epoch")
	}
	same(t, path, "rebuilt", want)
	same(t, r.Aside, "the old one", want)
}

// TestRebuildDamaged has one page after the other destroyed.
func TestRebuildDamaged(t *testing.T) {
	ctx := context.Background()
	folder := t.TempDir()
	path := filepath.Join(folder, "j.db")
	sample(t, path)
	j := open(t, path, Options{})
	epoch := j.Epoch()
	whole, err := os.ReadFile(path)
	if err := errors.Join(err, j.Close()); err != nil {
		t.Fatal(err)
	}
	pages, lossy, kept := len(whole)/pageBytes, 0, 0
	for p := range pages {
		file := append([]byte{}, whole...)
		copy(file[p*pageBytes+100:], "this is not what was written")
		damaged := filepath.Join(folder, fmt.Sprintf("%d.db", p))
		if err := os.WriteFile(damaged, file, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Rebuild(ctx, damaged, false, quiet)
		if err != nil {
			if !errors.Is(err, journal.ErrDamaged) {
				t.Errorf("page %d: %v", p+1, err)
			}
			if now, e := os.ReadFile(damaged); e != nil || len(now) != len(file) {
				t.Errorf("page %d: the old file is not as it was: %v", p+1, e)
			}
			continue
		}
		lost := uint64(0)
		gone := map[uint64]bool{}
		for _, d := range r.Lost {
			for seq := d.From; seq <= d.To; seq++ {
				gone[seq] = true
				lost++
			}
		}
		if lost+r.Events != sampleEvents {
			t.Errorf("page %d: %d events and %d lost ones, of %d", p+1, r.Events, lost, sampleEvents)
		}
		if kept++; lost > 0 {
			lossy++
		}
		j = open(t, damaged, Options{Log: quiet})
		if kept, err := j.Kept(ctx, epoch); err != nil || lost == 0 && j.Epoch() == epoch && kept != sampleEvents ||
			lost > 0 && (j.Epoch() == epoch || kept != r.Lost[0].From-1) {
			t.Errorf("page %d: of the epoch %d events are kept, %v; lost: %v", p+1, kept, err, r.Lost)
		}
		es, err := j.Scan(ctx, 0, 2*sampleEvents)
		if err != nil || uint64(len(es)) != r.Events {
			t.Fatalf("page %d: Scan gives %d events, %v", p+1, len(es), err)
		}
		old := uint64(1)
		for _, e := range es {
			for gone[old] {
				old++
			}
			if e.Hash != journaltest.Hash(old-1) {
				t.Fatalf("page %d: event %d is another", p+1, e.Sequence)
			}
			_, cs, err := j.Get(ctx, e.Hash)
			if err != nil {
				t.Errorf("page %d: Get: %v", p+1, err)
			}
			for _, c := range cs {
				if c.Location != "" && c.Location != "x" && c.Location != "y" && c.Location != fmt.Sprint("at ", old) {
					t.Errorf("page %d: the copy of event %d is another's: %+v", p+1, e.Sequence, c)
				}
			}
			old++
		}
		if found, err := j.Check(ctx); err != nil || len(found) > 0 {
			t.Errorf("page %d: Check finds %v, %v", p+1, found, err)
		}
		// What was lost can be brought back, and all else goes on.
		if _, err := j.Admit(ctx, journaltest.Events(0, sampleEvents+10, 200), both); err != nil {
			t.Errorf("page %d: %v", p+1, err)
		}
		if last, _ := j.Last(ctx); last != sampleEvents+10 {
			t.Errorf("page %d: there are %d events", p+1, last)
		}
		if err := j.Close(); err != nil {
			t.Errorf("page %d: %v", p+1, err)
		}
	}
	t.Logf("of %d pages, one destroyed at a time, %d journals were rebuilt, %d with events lost", pages, kept, lossy)
	if kept < pages*3/4 || lossy == 0 {
		t.Errorf("of %d pages, %d were survived, %d with a loss", pages, kept, lossy)
	}
}

// TestPlainIsConverted: a journal from before there were sums gets them at Open.
func TestPlainIsConverted(t *testing.T) {
	folder := t.TempDir()
	path, old := filepath.Join(folder, "j.db"), filepath.Join(folder, "old.db")
	sample(t, path)
	want := ask(t, path)
	plain(t, path, old)
	if f, err := formatOf(old); f != formatPlain || err != nil {
		t.Fatalf("format %d, %v", f, err)
	}
	same(t, old, "converted", want)
	if f, err := formatOf(old); f != formatSums || err != nil {
		t.Fatalf("format %d, %v", f, err)
	}
	left, err := filepath.Glob(old + ".*")
	if err != nil || len(left) != 1 { // the lock
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestSwapInterrupted ends the process between any two steps of a swap.
func TestSwapInterrupted(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "whole.db")
	sample(t, path)
	want := ask(t, path)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, b []byte) {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, files := range []map[string]bool{ // true: the rebuilt file
		{"": true, newEnding: false},
		{"": false, readyEnding: true},
		{".damaged-x": false, "-wal": false, readyEnding: true},
		{".damaged-x": false, readyEnding: true},
		{"": true, ".damaged-x": false},
		{"": true, oldEnding: false, oldEnding + "-wal": false},
	} {
		at := filepath.Join(folder, fmt.Sprint("case", i, ".db"))
		for ending, rebuilt := range files {
			if put(at+ending, []byte("what was there before is not to be read")); rebuilt {
				put(at+ending, file)
			}
		}
		same(t, at, fmt.Sprint("case ", i), want)
	}
}

func passedOf(t *testing.T, j *Journal) []uint64 {
	t.Helper()
	got, _, err := j.Passed(context.Background(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestRebuildPosts has a rebuild meet posts that cannot be read: they are
// dropped with all that are not final, and events that may not be in the contract
// are to be looked at later.
func TestRebuildPosts(t *testing.T) {
	ctx := context.Background()
	odd := func(from, to uint64) (seqs []uint64) {
		for seq := from; seq <= to; seq += 2 {
			seqs = append(seqs, seq)
		}
		return seqs
	}
	had := passedEvents // of samplePosts
	for _, c := range []struct {
		name, text   string
		heads, posts int      // that are left
		dropped      int      // that is told
		looked       []uint64 // events that are to be looked at besides
	}{
		{"all can be read", `SELECT 1`, 10, 10, 0, nil},
		{"the last head", `UPDATE anchors SET root = x'00' WHERE kind = 1 AND number = 10`, 8, 8, 4, odd(321, 400)},
		{"a final head", `UPDATE anchors SET state = 7 WHERE kind = 1 AND number = 3`, 7, 8, 5, odd(321, 400)},
		{"final events", `UPDATE anchors SET events = x'ff' WHERE kind = 2 AND number = 41`, 8, 7, 5, odd(321, 400)},
		{"the last final events", `UPDATE anchors SET events = x'ff' WHERE kind = 2 AND number = 141`, 8, 7, 5, odd(281, 400)},
		{"what is on its way", `DELETE FROM anchors WHERE kind = 2 AND number = 181; UPDATE anchors SET tx = 5 WHERE kind = 2 AND number = 161`, 8, 8, 3, odd(321, 400)},
		{"all posts of events", `UPDATE anchors SET block_id = x'' WHERE kind = 2`, 8, 0, 12, odd(1, 400)},
		{"those that the contract does not keep", `UPDATE anchors SET block_id = x'' WHERE kind = 2; UPDATE anchored SET at = at + 5000 WHERE at > 100`, 8, 0, 12, odd(201, 400)},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j.db")
			sample(t, path)
			script(t, path, c.text)
			r, err := Rebuild(ctx, path, false, quiet)
			if err != nil || r.Rows > 0 || len(r.Lost) > 0 || r.Posts != c.dropped {
				t.Fatalf("%+v, %v", r, err)
			}
			j := open(t, path, Options{})
			heads, e1 := j.Posts(ctx, journal.PostHead, 0, 100)
			events, e2 := j.Posts(ctx, journal.PostEvents, 0, 100)
			if e1 != nil || e2 != nil || len(heads) != c.heads || len(events) != c.posts {
				t.Fatalf("%d heads, %d posts of events, %v, %v", len(heads), len(events), e1, e2)
			}
			want := append(slices.Clone(c.looked), had...)
			slices.Sort(want)
			if got := passedOf(t, j); !slices.Equal(got, want) {
				t.Fatalf("to be looked at are %v, want %v", got, want)
			}
			in := map[uint64]bool{}
			for _, p := range events {
				for i, seq := range p.Events {
					in[seq] = true
					if q, at, err := j.PostOf(ctx, seq); err != nil || q.Number != p.Number || at != p.Number+uint64(i) {
						t.Fatalf("event %d is in %d as %d, %v", seq, q.Number, at, err)
					}
				}
			}
			for seq := uint64(1); seq <= sampleEvents; seq++ {
				if _, _, err := j.PostOf(ctx, seq); !in[seq] && !errors.Is(err, journal.ErrNotFound) {
					t.Fatalf("event %d: %v", seq, err)
				}
			}
			if upto, ok, err := j.Cursor(ctx); !ok || err != nil || upto != sampleCursor {
				t.Fatalf("the cursor is %d, %v, %v", upto, ok, err)
			}
			if found, err := j.Check(ctx); err != nil || len(found) > 0 {
				t.Fatal(found, err)
			}
		})
	}
}

// TestRebuildMovesPosts: where numbers change, those in posts do, and a post
// of an event that has none any more is dropped.
func TestRebuildMovesPosts(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "j.db")
	sample(t, path)
	if err := journaltest.Damage(path, journaltest.Hash(99)); err != nil {
		t.Fatal(err)
	}
	r, err := Rebuild(ctx, path, false, quiet)
	if err != nil || len(r.Lost) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	low, high := r.Lost[0].From, r.Lost[0].To
	moved := func(seq uint64) uint64 {
		if seq < low {
			return seq
		}
		return seq - (high - low + 1)
	}
	j := open(t, path, Options{})
	left := 0
	for _, p := range samplePosts().Put {
		if p.Kind == journal.PostHead || p.State != journal.PostFinal {
			continue
		}
		first, last := p.Events[0], p.Events[len(p.Events)-1]
		seq := first
		if low <= first && first <= high {
			seq = last
		}
		if low <= seq && seq <= high {
			continue
		}
		whole := !slices.ContainsFunc(p.Events, func(seq uint64) bool { return low <= seq && seq <= high })
		q, _, err := j.PostOf(ctx, moved(seq))
		if !whole {
			if !errors.Is(err, journal.ErrNotFound) {
				t.Errorf("a post that has lost events: %d, %v", q.Number, err)
			}
			continue
		}
		left++
		for i := range p.Events {
			p.Events[i] = moved(p.Events[i])
		}
		if err != nil || !reflect.DeepEqual(q, p) {
			t.Errorf("a post of %d is\n%+v, %v; want\n%+v", seq, q, err, p)
		}
	}
	if r.Posts == 0 || left == 0 {
		t.Errorf("%d posts are dropped, %d are left: the test proves nothing", r.Posts, left)
	}
	if upto, _, err := j.Cursor(ctx); err != nil || upto != moved(sampleCursor) {
		t.Errorf("the cursor is %d, %v", upto, err)
	}
	for _, seq := range passedEvents {
		if (seq < low || seq > high) && !slices.Contains(passedOf(t, j), moved(seq)) {
			t.Errorf("event %d, now %d, is not passed any more", seq, moved(seq))
		}
	}
	if found, err := j.Check(ctx); err != nil || len(found) > 0 {
		t.Error(found, err)
	}
}

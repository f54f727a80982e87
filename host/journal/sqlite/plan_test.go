package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
)

// Every query that a reader runs finds its rows by a key: none scans a table
// or sorts. The plans are asked of the texts that really were prepared.
func TestQueryPlans(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "j.db"), Options{})
	ctx := context.Background()
	as, err := j.Admit(ctx, journaltest.Events(0, 3000, 100), both)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range as[:1000] {
		j.Update(journal.Update{Sequence: a.Entry.Sequence, Replica: "a", Location: "x", State: custody.Held}, journal.Update{Sequence: a.Entry.Sequence, Replica: "b", Err: "down", State: custody.Owed})
	}
	if err := j.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if err := j.PutPosts(ctx, samplePosts()); err != nil {
		t.Fatal(err)
	}
	// With statistics the planner could choose otherwise; the plans must stand without and with them.
	plans := func(when string) {
		since := uint64(1758390021)
		for _, down := range []bool{false, true} {
			for _, f := range []journal.Filter{
				{}, {Types: []string{"VOTE", "LIKE"}}, {Authors: journaltest.Authors[:3]}, {Parents: hashes(1, 2)}, {Since: &since}, {Until: &since},
			} {
				f.Descending = down
				if _, err := j.Query(ctx, f); err != nil {
					t.Fatal(err)
				}
				if _, err := j.Count(ctx, f); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, _, e1 := j.Get(ctx, journaltest.Hash(1))
		_, e2 := j.Entries(ctx, hashes(1))
		_, e3 := j.Entries(ctx, hashes(1, 2, 3))
		_, e4 := j.Record(ctx, journaltest.Hash(2000))
		_, e5 := j.Owed(ctx, "b", 0, 10)
		_, e6 := j.Scan(ctx, 5, 10)
		_, e7 := j.Locations(ctx, hashes(1, 2), "a")
		_, e8 := j.Location(ctx, journaltest.Hash(1), "a")
		_, e9 := j.Hashes(ctx, 5, 1000)
		if _, err := j.Tile(ctx, 1, 1); !errors.Is(err, journal.ErrNotFound) {
			t.Fatal(err)
		}
		_, e10 := j.Unfinished(ctx, journal.PostHead)
		_, e11 := j.Posts(ctx, journal.PostEvents, 5, 10)
		_, _, e12 := j.PostOf(ctx, 1)
		_, e13 := j.Covering(ctx, 5)
		_, _, e14 := j.Passed(ctx, 0, 10)
		_, _, e15 := j.Cursor(ctx)
		_, e16 := j.Short(ctx, 0, 3000, both, 2, 5000)
		_, e17 := j.Short(ctx, 0, 3000, both, 3, 5000)
		for _, err := range []error{e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12, e13, e14, e15, e16, e17} {
			if err != nil {
				t.Fatal(err)
			}
		}
		seen := 0
		j.prepared.Range(func(text, _ any) bool {
			seen++
			args := make([]any, strings.Count(text.(string), "?"))
			for i, n := range []string{"?2", "?1"} {
				if strings.Contains(text.(string), n) {
					args = args[:2-i]
					break
				}
			}
			rows, err := j.read.QueryContext(ctx, "EXPLAIN QUERY PLAN "+text.(string), args...)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			defer rows.Close()
			for rows.Next() {
				var id, parent, unused int
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(detail, "SEARCH") || strings.Contains(detail, "SUBQUERY") || detail == "SCAN CONSTANT ROW" || detail == "MERGE (UNION ALL)" || detail == "LEFT" || detail == "RIGHT" {
					continue
				}
				// What is fresh is read from its oldest on, and the reader stops when it has enough.
				if detail == "SCAN f" && text == freshQuery {
					continue
				}
				// The names are few, and needed as a whole.
				if text == namesText || text == placesText {
					continue
				}
				t.Errorf("%s: %s: %s", when, text, detail)
			}
			return true
		})
		if seen < 27 {
			t.Fatalf("only %d queries were seen", seen)
		}
	}
	plans("without statistics")
	name, err := dsn(j.path, "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := connect(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.script(`ANALYZE`); err != nil {
		t.Fatal(err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, j.path, Options{})
	plans("with statistics")
}

// A block survives its encoding whatever it holds.
func TestBlockOfExtremes(t *testing.T) {
	for _, spread := range []uint64{0, 1, 255, 256, 65_535, 65_536, 1<<32 - 1, 1 << 32, 1<<53 - 1} {
		rows := make([]row, blockEvents)
		for i := range rows {
			rows[i] = row{kind: int64(i % 300), created: 0, author: int64(i) - 256}
			if i%2 == 1 {
				rows[i].created = spread
			}
			for p := range i % 5 {
				rows[i].parents = append(rows[i].parents, int64(i*10+p))
			}
		}
		c := encode(rows)
		if c.low != 0 || c.high != spread {
			t.Fatalf("%d … %d", c.low, c.high)
		}
		for name, got := range map[string]func(*mask) error{
			"1 type":    func(m *mask) error { return valuesIn(c.types, []int64{7}, m) },
			"2 author":  func(m *mask) error { return valuesIn(c.authors, []int64{-256, 100, 5000}, m) },
			"3 parent":  func(m *mask) error { return parentsIn(c.parents, []int64{42, 43, 5113}, m) },
			"4 created": func(m *mask) error { return createdIn(c.created, max(spread, 1), 1<<53, m) },
		} {
			var m mask
			if err := got(&m); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"1 type": "[7 307]", "2 author": "[0 356]", "3 parent": "[4 511]"}[name]
			var places []uint64
			places = appendBits(places, 0, &m, false)
			switch {
			case name == "4 created":
				if n := len(places); spread > 0 && n != blockEvents/2 || spread == 0 && n != 0 {
					t.Errorf("spread %d: %d events are late", spread, n)
				}
			case name == "3 parent":
				if got := fmt.Sprint(places); got != "[4 511]" && got != "[4]" {
					t.Errorf("%s: %s", name, got)
				}
			case fmt.Sprint(places) != want:
				t.Errorf("%s: %v, want %s", name, places, want)
			}
		}
	}
}

// Damage is an error, never a panic and never a wrong answer's silence.
func TestDamagedBlock(t *testing.T) {
	rows := make([]row, blockEvents)
	for i := range rows {
		rows[i] = row{kind: int64(i % 3), author: int64(i), parents: []int64{5}}
	}
	c := encode(rows)
	for n := range len(c.authors) {
		if valuesIn(c.authors[:n], []int64{1}, &mask{}) == nil {
			t.Fatalf("authors cut to %d bytes pass", n)
		}
	}
	for n := range len(c.created) {
		if createdIn(c.created[:n], 0, 1, &mask{}) == nil {
			t.Fatalf("created cut to %d bytes passes", n)
		}
	}
	c.parents[1] = 0xff
	if parentsIn(c.parents, []int64{5}, &mask{}) == nil {
		t.Fatal("a parent of event 65,280 of 512 passes")
	}
	for n := 1; n < 40; n++ {
		b := appendCopy(nil, copyState{replica: 1, updated: 1 << 40, location: "somewhere", err: "something"})
		if n < len(b) {
			if _, err := parseCopies(b[:n]); err == nil {
				t.Fatalf("copies cut to %d bytes pass", n)
			}
		}
	}
}

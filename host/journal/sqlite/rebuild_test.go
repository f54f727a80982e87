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

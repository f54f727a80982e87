package scrub

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
	"github.com/eventseal/eventseal/host/journal/sqlite"
)

// A reindex of a damaged journal passes over what that can say nothing about,
// counts it, and restores all else.
func TestReindexPastDamage(t *testing.T) {
	const n, there = 900, 700
	b := start(t, n)
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := sqlite.Open(path, sqlite.Options{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Admit(ctx, b.vs[:there], []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := journaltest.Damage(path, b.vs[200].Hash()); err != nil {
		t.Fatal(err)
	}
	if j, err = sqlite.Open(path, sqlite.Options{Log: quiet}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	found, err := j.Walk(ctx, journal.Filter{})
	if err != nil || len(found.Damaged) != 1 {
		t.Fatalf("%+v, %v", found.Damaged, err)
	}
	bad := found.Damaged[0].To - found.Damaged[0].From + 1
	o := ReindexOptions{Module: b.o.Module, Journal: j, From: b.o.Places[0], Places: b.o.Places, Log: quiet}
	d, err := Reindex(ctx, o)
	if err != nil || !d.Complete || d.Listed != n || d.Damaged != bad || d.Restored != n-there || d.Known != there-bad {
		t.Errorf("%d cannot be read: %+v, %v", bad, d, err)
	}
	if d, err = Reindex(ctx, o); err != nil || d.Damaged != bad || d.Restored != 0 || d.Known != n-bad {
		t.Errorf("again: %+v, %v", d, err)
	}
}

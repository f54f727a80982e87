package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
)

// TestSpaceIsGivenBack: a backlog makes the file long, and its end short again.
func TestSpaceIsGivenBack(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	path := filepath.Join(t.TempDir(), "j.db")
	j := open(t, path, Options{})
	const events, size = 640, 100_000 // 64 MB
	for from := uint64(0); from < events; from += 64 {
		if _, err := j.Admit(ctx, journaltest.Events(from, from+64, size), both); err != nil {
			t.Fatal(err)
		}
	}
	bytes := func() (n int64) {
		for _, ending := range []string{"", "-wal"} {
			if info, err := os.Stat(path + ending); err == nil {
				n += info.Size()
			}
		}
		return n
	}
	if full := bytes(); full < events*size {
		t.Fatalf("%d bytes hold the backlog", full)
	}
	for seq := uint64(1); seq <= events; seq++ {
		j.Update(journal.Update{Sequence: seq, Replica: "a", Location: "x", State: custody.Held}, journal.Update{Sequence: seq, Replica: "b", Location: "y", State: custody.Held})
	}
	if err := j.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	const live = slackPages*pageBytes + 1<<20
	for bytes() > live {
		if ctx.Err() != nil {
			t.Fatalf("%d bytes are left", bytes())
		}
		time.Sleep(10 * time.Millisecond)
	}
	if found, err := j.Check(ctx); err != nil || len(found) > 0 {
		t.Errorf("Check finds %v, %v", found, err)
	}
	if _, err := j.Admit(ctx, journaltest.Events(events, events+10, size), both); err != nil {
		t.Error(err)
	}
}

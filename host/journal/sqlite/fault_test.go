package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
)

var both = []string{"a", "b"}

// A commit that fails, whether it took effect or not, closes the journal to
// writes; reading goes on; a restart finds a sound file in which everything
// acknowledged is.
func TestFailedCommitClosesTheJournal(t *testing.T) {
	for _, applied := range []bool{false, true} {
		for _, at := range []string{"begin", "commit"} {
			if applied && at == "begin" {
				continue
			}
			var broken atomic.Bool
			path := filepath.Join(t.TempDir(), "j.db")
			j := open(t, path, Options{fault: func(step string) (bool, error) {
				if step == at && broken.Load() {
					return applied, errors.New("input/output error")
				}
				return true, nil
			}})
			ctx := context.Background()
			if _, err := j.Admit(ctx, journaltest.Events(0, 10, 200), both); err != nil {
				t.Fatal(err)
			}
			broken.Store(true)
			if _, err := j.Admit(ctx, journaltest.Events(10, 20, 200), both); !errors.Is(err, journal.ErrFailed) {
				t.Fatalf("Admit: %v, want ErrFailed", err)
			}
			broken.Store(false)
			if _, err := j.Admit(ctx, journaltest.Events(20, 30, 200), both); !errors.Is(err, journal.ErrFailed) {
				t.Fatalf("Admit after a failure: %v, want ErrFailed", err)
			}
			if err := j.Flush(ctx); !errors.Is(err, journal.ErrFailed) {
				t.Fatalf("Flush: %v, want ErrFailed", err)
			}
			if j.Failure() == nil {
				t.Fatal("no Failure")
			}
			j.Update(journal.Update{Sequence: 1, Replica: "a", Location: "x", State: custody.Held})
			if _, _, err := j.Get(ctx, journaltest.Hash(3)); err != nil {
				t.Fatalf("Get: %v", err)
			}
			if last, _ := j.Last(ctx); last != 10 {
				t.Fatalf("Last is %d", last)
			}
			if err := j.Close(); !errors.Is(err, journal.ErrFailed) {
				t.Fatalf("Close: %v, want ErrFailed", err)
			}
			j = open(t, path, Options{})
			want := uint64(10)
			if applied {
				want = 20 // unanswered, but there: a retry finds them known
			}
			if last, _ := j.Last(ctx); last != want {
				t.Fatalf("Last is %d after a restart, want %d", last, want)
			}
			if _, err := j.Admit(ctx, journaltest.Events(10, 20, 200), both); err != nil {
				t.Fatal(err)
			}
			if last, _ := j.Last(ctx); last != 20 {
				t.Fatalf("Last is %d", last)
			}
		}
	}
}

// What a rolled-back transaction began is forgotten: names, tail, sequence.
func TestRollbackLeavesNothing(t *testing.T) {
	full := &busy{}
	j := open(t, filepath.Join(t.TempDir(), "j.db"), Options{fault: full.fault})
	ctx := context.Background()
	if _, err := j.Admit(ctx, journaltest.Events(0, 500, 100), both); err != nil {
		t.Fatal(err)
	}
	full.on.Store(true)
	if _, err := j.Admit(ctx, journaltest.Events(500, 1700, 100), []string{"c"}); !errors.Is(err, journal.ErrFull) {
		t.Fatalf("Admit: %v, want ErrFull", err)
	}
	j.Update(journal.Update{Sequence: 1, Replica: "a", Location: "x", State: custody.Held})
	if err := j.Flush(ctx); !errors.Is(err, journal.ErrFull) {
		t.Fatalf("Flush: %v, want ErrFull", err)
	}
	full.on.Store(false)
	if es, err := j.Entries(ctx, hashes(499, 501)); err != nil || es[0] == nil || es[1] != nil {
		t.Fatalf("Entries: %v, %v", es, err)
	}
	as, err := j.Admit(ctx, journaltest.Events(1000, 2000, 100), []string{"d"})
	if err != nil || as[0].Entry.Sequence != 501 {
		t.Fatalf("Admit: %+v, %v", as[0], err)
	}
	if err := j.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if b, _ := j.Backlog(ctx); b["a"] != 499 || b["b"] != 500 || b["c"] != 0 || b["d"] != 1000 {
		t.Fatalf("Backlog: %v", b)
	}
	if len(j.w.tail) != 1500%blockEvents {
		t.Fatalf("the tail has %d events", len(j.w.tail))
	}
}

// busy refuses commits as a full disk does.
type busy struct{ on atomic.Bool }

func (b *busy) fault(step string) (bool, error) {
	if b.on.Load() && step == "commit" {
		return false, journal.ErrFull
	}
	return true, nil
}

func TestOneJournalPerFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	j := open(t, path, Options{})
	if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Fatalf("a second Open: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path, Options{})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	j := open(t, path, Options{})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	name, _ := dsn(path, "")
	c, err := connect(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.exec(`PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "schema 99") {
		t.Fatalf("Open: %v", err)
	}
}

// Moving the log into the file fails as a commit does: an error of the disk
// closes the journal to writes, a lack of room does not.
func TestFailedCheckpoint(t *testing.T) {
	for _, c := range []struct{ is, want error }{{journal.ErrFull, nil}, {errors.New("input/output error"), journal.ErrFailed}} {
		j := open(t, filepath.Join(t.TempDir(), "j.db"), Options{checkpoint: 50, fault: func(step string) (bool, error) {
			if step == "checkpoint" {
				return true, c.is
			}
			return true, nil
		}})
		ctx := context.Background()
		var err error
		for from := uint64(0); from < 2000 && err == nil; from += 100 {
			_, err = j.Admit(ctx, journaltest.Events(from, from+100, 1000), both)
		}
		if !errors.Is(err, c.want) {
			t.Fatalf("after a checkpoint failed with %v: %v, want %v", c.is, err, c.want)
		}
		if j.Stats().Checkpoints == 0 {
			t.Fatal("there was no checkpoint: the test proves nothing")
		}
	}
}

// What a killed process left in the log is in the file when the journal is
// open again, whatever that process's fsyncs were worth.
func TestLogIsSettledAtOpen(t *testing.T) {
	path, killed := filepath.Join(t.TempDir(), "j.db"), filepath.Join(t.TempDir(), "j.db")
	j := open(t, path, Options{})
	ctx := context.Background()
	if _, err := j.Admit(ctx, journaltest.Events(0, 300, 1000), both); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + end)
		if err == nil {
			err = os.WriteFile(killed+end, b, 0o600)
		}
		if err != nil || end != "" && len(b) < 300_000 {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
	}
	again := open(t, killed, Options{})
	if info, err := os.Stat(killed + "-wal"); err != nil && !errors.Is(err, os.ErrNotExist) || err == nil && info.Size() != 0 {
		t.Errorf("the log has %d bytes, %v", info.Size(), err)
	}
	if last, _ := again.Last(ctx); last != 300 {
		t.Errorf("Last is %d", last)
	}
	if b, err := again.Backlog(ctx); err != nil || b["a"] != 300 {
		t.Errorf("%v, %v", b, err)
	}
}

// Readers of which one is always in the middle of something keep the log from
// beginning anew; it does not grow for ever because of them.
func TestLogIsBounded(t *testing.T) {
	const pages = 50
	path := filepath.Join(t.TempDir(), "j.db")
	j := open(t, path, Options{checkpoint: pages})
	ctx := context.Background()
	if _, err := j.Admit(ctx, journaltest.Events(0, 100, 1000), both); err != nil {
		t.Fatal(err)
	}
	reading := func() *sql.Tx {
		tx, err := j.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		var n int
		if err == nil {
			err = tx.QueryRow(`SELECT count(*) FROM fresh`).Scan(&n)
		}
		if err != nil {
			t.Error(err)
		}
		return tx
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	begun := make(chan struct{})
	go func() {
		defer close(stopped)
		tx := reading()
		close(begun)
		for {
			next := reading() // before the one before ends
			_ = tx.Rollback()
			tx = next
			select {
			case <-stop:
				_ = tx.Rollback()
				return
			default:
			}
		}
	}()
	<-begun
	const events = 5000 // 1 KB each and more
	largest := int64(0)
	for from := uint64(100); from < events; from += 50 {
		if _, err := j.Admit(ctx, journaltest.Events(from, from+50, 1000), both); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
	}
	close(stop)
	<-stopped
	t.Logf("the log had %d KiB at most, at its last checkpoint %d", largest>>10, j.Stats().LogBytes>>10)
	if bound := int64((5 * longLog) * pages * 4200); largest > bound {
		t.Errorf("the log grew to %d KiB, over %d", largest>>10, bound>>10)
	}
}

// The outbox stays quick while it is long.
func TestLongOutbox(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "j.db"), Options{})
	ctx := context.Background()
	const events = 20_000
	for from := uint64(0); from < events; from += 4000 {
		as, err := j.Admit(ctx, journaltest.Events(from, from+4000, 100), both)
		if err != nil {
			t.Fatal(err)
		}
		if from >= events/2 {
			continue // half of it is fresh
		}
		for _, a := range as {
			j.Update(journal.Update{Sequence: a.Entry.Sequence, Replica: "a", Location: "x", State: custody.Held}, journal.Update{Sequence: a.Entry.Sequence, Replica: "b", Err: "down", State: custody.Owed, RetryIn: time.Minute})
		}
	}
	if err := j.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	os, err := j.Owed(ctx, "b", time.Hour, 100)
	t.Logf("it took %v", time.Since(begun)) // how it is found, TestPlans holds
	if err != nil || len(os) != 100 {
		t.Fatalf("%d events, %v", len(os), err)
	}
	// By the time they fell due: those that failed wait a minute longer.
	if os[0].Entry.Sequence <= events/2 || os[0].Attempts != 0 {
		t.Fatalf("first is %d, attempts %d", os[0].Entry.Sequence, os[0].Attempts)
	}
}

package sqlite

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
)

// A machine's clocks, of which one can be set.
type machine struct {
	mu     sync.Mutex
	wall   time.Time
	passed time.Duration
}

func (m *machine) options() Options {
	return Options{
		now: func() time.Time {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.wall
		},
		passed: func() time.Duration {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.passed
		},
	}
}

// pass lets time pass while the clock is set by step besides.
func (m *machine) pass(d, step time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passed += d
	m.wall = m.wall.Add(d + step)
}

func owes(t *testing.T, j *Journal, ahead time.Duration, want ...uint64) {
	t.Helper()
	os, err := j.Owed(context.Background(), "b", ahead, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, o := range os {
		got = append(got, o.Entry.Sequence)
	}
	slices.Sort(got) // journaltest holds their order
	if len(got) != len(want) {
		t.Fatalf("owed within %v: %v, want %v", ahead, got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("owed within %v: %v, want %v", ahead, got, want)
		}
	}
}

// TestClockSet has the machine's clock set back and forth while events wait.
func TestClockSet(t *testing.T) {
	for _, step := range []time.Duration{-time.Hour, time.Hour, -50 * 365 * 24 * time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			ctx := context.Background()
			path := filepath.Join(t.TempDir(), "journal.db")
			m := &machine{wall: time.Now(), passed: 5 * time.Second}
			j, err := Open(path, m.options())
			if err != nil {
				t.Fatal(err)
			}
			as, err := j.Admit(ctx, journaltest.Events(0, 3, 100), both)
			if err != nil {
				t.Fatal(err)
			}
			owes(t, j, 0, 1, 2, 3)
			owes(t, j, -time.Second)
			m.pass(2*time.Second, step)
			owes(t, j, -time.Second, 1, 2, 3)
			owes(t, j, -3*time.Second)
			fail := func(i int, in time.Duration) {
				j.Update(journal.Update{Sequence: as[i].Entry.Sequence, Replica: "b", Err: "down", State: custody.Owed, RetryIn: in})
			}
			fail(0, 10*time.Second)
			fail(1, 1000*time.Hour) // no pause of this program's
			if err := j.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			owes(t, j, 0, 3)
			owes(t, j, 10*time.Second, 1, 3)
			m.pass(4*time.Second, -step)
			m.pass(4*time.Second, step)
			owes(t, j, 0, 3)
			m.pass(2*time.Second, step)
			owes(t, j, 0, 1, 3)
			fail(0, 10*time.Second)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			// The next process finds what has waited, whatever the clock says by then.
			m.pass(0, step)
			o := m.options()
			o.passed = func() time.Duration { return m.options().passed() - 17*time.Second }
			if j, err = Open(path, o); err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			m.pass(11*time.Second, 0)
			owes(t, j, 0, 1, 3)
			m.pass(longestPause, 0)
			owes(t, j, 0, 1, 2, 3)
		})
	}
}

// TestNewsAfterSet: news are committed soon although the clock was set back.
func TestNewsAfterSet(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	m := &machine{wall: time.Now()}
	j, err := Open(filepath.Join(t.TempDir(), "journal.db"), Options{now: m.options().now, UpdateDelay: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	m.pass(0, -time.Hour)
	if _, err := j.Admit(ctx, journaltest.Events(0, 1, 100), both); err != nil {
		t.Fatal(err)
	}
	m.pass(0, -time.Hour)
	j.Update(journal.Update{Sequence: 1, Replica: "a", Location: "x"}, journal.Update{Sequence: 1, Replica: "b", Location: "y"})
	for j.Stats().Updates < 2 {
		if ctx.Err() != nil {
			t.Fatal("the news are not committed")
		}
		time.Sleep(time.Millisecond)
	}
}

// TestMarks holds what is thinned out to what it says.
func TestMarks(t *testing.T) {
	m := &machine{wall: time.Now()}
	c := newClock(m.options().now, m.options().passed)
	c.reach(10)
	for i := range uint64(5000) {
		m.pass(200*time.Millisecond, 0)
		c.reach(11 + i)
	}
	if len(c.marks) > maxMarks {
		t.Fatalf("%d marks are kept", len(c.marks))
	}
	now := c.now()
	if got := c.reached(c.opened - 1); got != 10 {
		t.Fatalf("before Open, %d were there", got)
	}
	if got := c.reached(now - 10_000); got != 5010-50 {
		t.Fatalf("ten seconds ago, %d were there", got)
	}
	for at := c.opened; at < now; at += 1000 {
		given := 10 + uint64(at-c.opened)/200
		coarse := uint64(now-at)/200/16 + 1
		if got := c.reached(at); got > given || got+coarse < given {
			t.Fatalf("after %d ms, %d were there, of %d", at-c.opened, got, given)
		}
	}
}

package sqlite

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"
)

// A clock is what the journal measures waiting by: Unix milliseconds at Open
// plus what has passed since, so that it neither jumps nor goes back when the
// machine's clock is set. The machine's clock only says when an event was
// admitted, which nothing is decided by.
type clock struct {
	wall   func() time.Time
	passed func() time.Duration // since Open
	opened int64                // Unix milliseconds

	mu    sync.Mutex
	marks []mark // by time
}

// A mark says which sequence numbers had been given out at a time, within markEvery.
type mark struct {
	at   int64
	last uint64
}

const (
	markEvery = 100 // milliseconds
	maxMarks  = 1024
	// longestPause is more than anything is ever made to wait.
	longestPause = 24 * time.Hour
)

// newClock starts the clock. Tests bring a wall and what has passed.
func newClock(wall func() time.Time, passed func() time.Duration) *clock {
	if wall == nil {
		wall = time.Now
	}
	if passed == nil {
		begun := time.Now()
		passed = func() time.Duration { return time.Since(begun) }
	}
	return &clock{wall: wall, passed: passed, opened: wall().UnixMilli() - passed().Milliseconds()}
}

// now returns Unix milliseconds that are comparable with each other.
func (c *clock) now() int64 { return c.opened + c.passed().Milliseconds() }

// reach notes that the events up to last are there.
func (c *clock) reach(last uint64) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.marks)
	switch {
	case n > 0 && c.marks[n-1].last >= last:
	case n > 1 && now-c.marks[n-1].at < markEvery: // the first is Open's own
		c.marks[n-1].last = last
	default:
		c.marks = append(c.marks, mark{now, last})
	}
	if len(c.marks) > maxMarks {
		kept := c.marks[:1]
		for _, m := range c.marks[1:] {
			if m.at-kept[len(kept)-1].at >= (now-m.at)/64 { // the older, the coarser
				kept = append(kept, m)
			}
		}
		c.marks = kept
	}
}

// reached returns the last event that was there at a time; all are when it is
// not over yet.
func (c *clock) reached(at int64) uint64 {
	if at >= c.now() {
		return math.MaxInt64
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i, exact := slices.BinarySearchFunc(c.marks, at, func(m mark, at int64) int { return cmp.Compare(m.at, at) })
	if exact {
		i++
	}
	// What was there at Open had waited before.
	return c.marks[max(0, i-1)].last
}

// since returns from when on an event has been there.
func (c *clock) since(seq uint64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, _ := slices.BinarySearchFunc(c.marks, seq, func(m mark, seq uint64) int { return cmp.Compare(m.last, seq) })
	if i == len(c.marks) {
		return c.now() // its commit is being published
	}
	return c.marks[i].at
}

// rein bounds what debts still have to wait by what they were made to wait: the
// machine's clock may have been set back, or been ahead, since they were written.
func (w *writer) rein() error {
	now := w.j.clock.now()
	return w.c.exec(`UPDATE owed SET due = ?1 + min(max(due - updated, 0), ?2), updated = ?1 WHERE updated > ?1 OR due - ?1 > ?2`,
		now, longestPause.Milliseconds())
}

// until returns the time that is so far ahead of now.
func (c *clock) until(ahead time.Duration) int64 { return c.now() + ahead.Milliseconds() }

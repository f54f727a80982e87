package health

import (
	"cmp"
	"log/slog"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/journal"
)

// Lost says which events the host took and nobody has any more.
type Lost struct {
	Events uint64   `json:"events"`
	First  []string `json:"first"` // hashes, by sequence number, at most firstLost
}

const firstLost = 10

// heal is what whoever reads of lost events can do.
const heal = "list them with eventseal scrub --lost; importing an export that has them, or storing them again, heals them"

// A LostLog tells a log of events that have become lost: at once of the first,
// and of what comes after it together, every Pause. Nothing else is held back
// with it, so that nothing can keep it from being said.
type LostLog struct {
	Log   *slog.Logger  // nil: slog.Default()
	Pause time.Duration // 0: 10 s

	writing sync.Mutex // a log that is slow holds nobody up who tells

	mu    sync.Mutex
	newly int
	total uint64
	first []string
	due   *time.Timer // nil: nothing is to be told
	next  time.Time   // when something may be
}

// Tell has events told. It writes nothing itself and is quick.
func (l *LostLog) Tell(ls []journal.Losing, total uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newly, l.total = l.newly+len(ls), total
	for _, e := range ls[:min(len(ls), firstLost-len(l.first))] {
		l.first = append(l.first, e.Hash.String())
	}
	if l.due == nil {
		l.due = time.AfterFunc(time.Until(l.next), l.flush)
	}
}

func (l *LostLog) flush() {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	newly, first, total, pending := l.newly, l.first, l.total, l.due != nil
	l.newly, l.first, l.due = 0, nil, nil
	l.next = time.Now().Add(cmp.Or(l.Pause, 10*time.Second))
	l.mu.Unlock()
	if pending { // else Close was first
		cmp.Or(l.Log, slog.Default()).Error("events are lost: nobody has a good copy of them any more; "+heal, "newly", newly, "first", first, "total", total)
	}
}

// Close tells what was not told yet. Nothing may be told afterwards.
func (l *LostLog) Close() {
	l.mu.Lock()
	due := l.due
	l.mu.Unlock()
	if due != nil {
		due.Stop()
	}
	l.flush()
}

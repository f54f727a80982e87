package sqlite

import (
	"sync/atomic"
	"time"
)

// Stats are totals since Open.
type Stats struct {
	Commits     uint64
	Events      uint64 // admitted or restored
	Updates     uint64 // made durable
	CommitTime  time.Duration
	Checkpoints uint64
	CheckTime   time.Duration // in checkpoints
	LogBytes    uint64        // in the write-ahead log, at the last checkpoint
	Mended      uint64        // reads of pages with one wrong bit, which was put right
	Damaged     uint64        // reads of pages that are not what was written
}

type stats struct {
	commits, events, updates, commitTime, checkpoints, checkTime, logPages atomic.Uint64
}

func (s *stats) commit(took time.Duration, events, updates int) {
	s.commits.Add(1)
	s.events.Add(uint64(events))
	s.updates.Add(uint64(updates))
	s.commitTime.Add(uint64(took))
}

func (s *stats) checkpoint(took time.Duration, log int) {
	s.logPages.Store(uint64(max(0, log)))
	s.checkpoints.Add(1)
	s.checkTime.Add(uint64(took))
}

// Stats returns what the writer did so far.
func (j *Journal) Stats() Stats {
	s := &j.stats
	return Stats{
		Commits: s.commits.Load(), Events: s.events.Load(), Updates: s.updates.Load(), CommitTime: time.Duration(s.commitTime.Load()),
		Checkpoints: s.checkpoints.Load(), CheckTime: time.Duration(s.checkTime.Load()), LogBytes: s.logPages.Load() * pageBytes,
		Mended: j.guard.mended.Load(), Damaged: j.guard.bad.Load() + j.guard.foreign.Load(),
	}
}

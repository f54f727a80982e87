package sqlite

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/journal"
)

const (
	// checkpointPages are in the log when the writer moves them into the
	// file: a page that many commits changed is moved once. 32 MiB.
	checkpointPages = 8192
	// longLog checkpoints' worth of log is when readers that kept it from beginning
	// anew are waited for, the writer standing still for a moment. 128 MiB.
	longLog = 4
	// maxKnownFresh bounds the memory for what is fresh; the table knows the rest.
	maxKnownFresh = 1 << 16
	// retryNews is the pause after news found no room.
	retryNews = time.Second
)

// The writer owns the one connection that writes, in one goroutine.
type writer struct {
	j          *Journal
	c          *conn
	names      *names // with those of the open transaction
	last       uint64 // sequence, with the open transaction
	fresh      map[uint64]int64
	tail       []row // events after the last block, with the open transaction
	pages      int   // in the log, about
	retry      time.Time
	stuck      bool // the last checkpoint found no room
	wrote      bool // since the log was last emptied
	nextCut    int  // how long the log was when a reader kept it
	toldLocked time.Time
	toldKept   int
	admitted   int                // by the open transaction
	owed       map[int64]int      // change of the backlog by the open transaction
	blocks     map[int64]*columns // made by the open transaction
	unfresh    []uint64           // what the open transaction takes out of fresh
	refresh    map[uint64]int64
	opened     map[int64]int    // change of the numbers that are reserved in blocks by the open transaction
	reserved   int64            // change of their number by it
	tailMine   bool             // tail was copied in it
	losing     []journal.Losing // events that the open transaction finds lost
	lost       int64            // change of their number by the open transaction
	passed     int64            // change of the number of passed events by it
}

func openWriter(j *Journal) (*writer, error) {
	name, err := dsn(j.path, "_txlock=immediate&"+j.guarded, busyTimeout(writerWait), "journal_mode(wal)", "synchronous(full)",
		"wal_autocheckpoint(0)", fmt.Sprintf("cache_size(-%d)", j.o.CacheBytes>>10), "foreign_keys(off)", "temp_store(memory)", "mmap_size(0)")
	if err != nil {
		return nil, err
	}
	c, err := connect(name)
	if err != nil {
		return nil, err
	}
	w := &writer{j: j, c: c, fresh: map[uint64]int64{}}
	j.w = w
	if err := migrate(c); err != nil {
		return w, err
	}
	if err := w.settle(); err != nil {
		return w, err
	}
	if w.names, err = loadNames(c.query); err != nil {
		return w, err
	}
	j.names.Store(w.names)
	if err := w.loadLast(); err != nil {
		return w, err
	}
	j.last.Store(w.last)
	j.clock.reach(w.last)
	if err := w.rein(); err != nil {
		return w, err
	}
	err = w.count("fresh", "owed", func(set int64, n int) {
		for _, r := range w.names.sets[set] {
			j.backlog[r] += n
		}
	})
	if err != nil {
		return w, err
	}
	if err := w.loadStanding(); err != nil {
		return w, err
	}
	if err := w.count("owed", "replica", func(r int64, n int) { j.backlog[r] += n }); err != nil {
		return w, err
	}
	if err := w.loadHead(); err != nil {
		return w, err
	}
	if err := w.count("passed", "1", func(_ int64, n int) { j.passed.Store(int64(n)) }); err != nil {
		return w, err
	}
	if err := w.loadTail(); damaged(err) {
		w.refuse(err)
	} else if err != nil {
		return w, err
	}
	return w, nil
}

func (w *writer) run() {
	defer close(w.j.stopped)
	idle := idleFor
	for {
		g, more := w.j.next(w.retry, idle)
		switch {
		case !more:
			return
		case g.empty():
			if idle = 0; w.shrink() {
				idle = time.Nanosecond // and so on, unless someone comes
			}
			continue
		}
		idle = idleFor
		w.wrote = true
		w.commit(g)
		// Those who were answered may come back before the next group is taken,
		// which then is 26 events of 32 callers instead of 15.
		runtime.Gosched()
	}
}

// commit does one group in one transaction and answers its callers.
func (w *writer) commit(g group) {
	begun, tail, last := time.Now(), w.tail, w.last
	w.admitted, w.owed, w.unfresh, w.refresh, w.blocks = 0, map[int64]int{}, w.unfresh[:0], map[uint64]int64{}, map[int64]*columns{}
	w.losing, w.lost, w.passed, w.opened, w.reserved, w.tailMine = nil, 0, 0, map[int64]int{}, 0, false
	err := w.j.Failure()
	if err == nil {
		err = classify(w.transact(g))
	}
	if err != nil {
		w.names, w.tail, w.last = w.j.names.Load(), tail, last
		if held(err) {
			w.locked()
		}
		if parts := g.split(); damaged(err) && len(parts) > 0 {
			for _, p := range parts {
				w.commit(p)
			}
			return
		}
		w.failed(g, err)
		return
	}
	for _, seq := range w.unfresh {
		delete(w.fresh, seq)
	}
	for seq, set := range w.refresh {
		if len(w.fresh) < maxKnownFresh {
			w.fresh[seq] = set
		}
	}
	w.publish(g)
	for _, t := range g.tasks {
		close(t.done)
	}
	if len(w.losing) > 0 && w.j.o.OnLost != nil {
		w.j.o.OnLost(w.losing, w.j.lost.Load())
	}
	took := time.Since(begun)
	w.j.stats.commit(took, w.admitted, len(g.news))
	if w.j.o.OnCommit != nil {
		w.j.o.OnCommit(took, w.admitted)
	}
	w.checkpoint(false)
}

// publish shows the transaction to everyone.
func (w *writer) publish(g group) {
	j := w.j
	j.names.Store(w.names)
	j.lost.Add(uint64(w.lost))
	j.reserved.Add(w.reserved)
	j.passed.Add(w.passed)
	for b, c := range w.blocks {
		j.blocks.put(b, c) // the newest are asked for most
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for r, n := range w.owed {
		j.backlog[r] += n
	}
	j.answerFlushes(len(g.news), nil)
	j.settled(g.news)
	for b, n := range w.opened {
		if j.open[b] += n; w.blocks[b] != nil {
			delete(j.open, b)
		}
	}
	if w.last > j.last.Load() {
		j.clock.reach(w.last)
		j.packed.Store((int64(w.last) - int64(len(w.tail))) / blockEvents)
		j.last.Store(w.last)
		close(j.changed)
		j.changed = make(chan struct{})
	}
}

// settled takes news out of what is still to come. j.mu is held.
func (j *Journal) settled(ns []news) {
	for _, n := range ns {
		left := slices.DeleteFunc(j.overlay[n.Sequence], func(o news) bool { return o.id == n.id })
		if len(left) == 0 {
			delete(j.overlay, n.Sequence)
		} else {
			j.overlay[n.Sequence] = left
		}
	}
}

// failed answers a group that was rolled back.
func (w *writer) failed(g group, err error) {
	j := w.j
	j.mu.Lock()
	switch {
	case errors.Is(err, journal.ErrFailed):
		if j.failure == nil {
			j.failure = err
			j.o.Log.Error("the journal accepts no more events until a restart", "error", err)
		}
		j.answerFlushes(len(g.news)+len(j.updates), err)
		j.updates = nil
		clear(j.overlay)
	case len(g.news) > 0 && damaged(err):
		// One, of an event of which nothing can be noted.
		j.o.Log.Error("news of a copy cannot be noted", "sequence", g.news[0].Sequence, "error", err, "then", mend)
		j.answerFlushes(len(g.news), nil)
		j.settled(g.news)
	case len(g.news) > 0 && j.closed:
		j.answerFlushes(len(g.news), err) // lost, which is harmless: the copies stay owed
	case len(g.news) > 0:
		j.updates = append(g.news, j.updates...)
		w.retry = time.Now().Add(retryNews)
		for _, t := range j.flushes {
			t.err = err
			close(t.done)
		}
		j.flushes = nil
	}
	j.mu.Unlock()
	for _, t := range g.tasks {
		t.out, t.err = nil, err
		close(t.done)
	}
	if errors.Is(err, journal.ErrFull) {
		// What the log holds may fit into room that the file has, and then the log
		// begins anew in the room that it has. When the file would have to grow,
		// the news wait, too, until someone makes room on the disk.
		w.checkpoint(true)
	}
}

// answerFlushes notes that n news have been done with, and answers those who
// waited for them. j.mu is held.
func (j *Journal) answerFlushes(n int, err error) {
	j.learned += uint64(n)
	j.flushes = slices.DeleteFunc(j.flushes, func(t *task) bool {
		if t.upto > j.learned {
			return false
		}
		t.err = err
		close(t.done)
		return true
	})
}

// step runs a statement of the transaction frame, through the fault hook.
func (w *writer) step(name, text string) error {
	if f := w.j.o.fault; f != nil {
		apply, err := f(name)
		if apply {
			if e := w.c.exec(text); e != nil {
				return e
			}
		}
		if err != nil || !apply {
			return err
		}
		return nil
	}
	return w.c.exec(text)
}

// transact runs g in a transaction. On an error it was rolled back.
func (w *writer) transact(g group) error {
	if err := w.step("begin", `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	err := w.work(g)
	if err == nil {
		err = w.step("commit", `COMMIT`)
	}
	if err != nil {
		// Some failures have rolled back already, so its error says nothing.
		_ = w.c.exec(`ROLLBACK`)
		return err
	}
	return nil
}

func (w *writer) work(g group) error {
	if err := w.admit(g.tasks); err != nil {
		return err
	}
	// Before the news of the same group, which may be of what they do.
	for _, t := range g.tasks {
		if t.do != nil {
			if err := t.do(w); err != nil {
				return err
			}
		}
	}
	if err := w.learn(g.news); err != nil {
		return err
	}
	return w.pack()
}

package sqlite

import (
	"strings"
	"time"
)

// What other programs may do to the writer: keep it waiting for writerWait, once
// a commit, and for shortWait, once in longLog checkpoints.
const (
	writerWait = 400 * time.Millisecond
	shortWait  = 250 * time.Millisecond
	// tellEvery is the pause between two complaints about the same.
	tellEvery = 10 * time.Second
)

// blame names who holds a lock, as far as that is known.
func (w *writer) blame(reading bool) string {
	if names := holders(w.j.path, reading); len(names) > 0 {
		return strings.Join(names, ", ")
	}
	if reading {
		return "a long query of this process, or an unknown program"
	}
	return "unknown"
}

// locked tells of a writer besides this one.
func (w *writer) locked() {
	if time.Since(w.toldLocked) < tellEvery {
		return
	}
	w.toldLocked = time.Now()
	w.j.o.Log.Error("another program has locked the journal; nothing can be stored until it ends", "held by", w.blame(false))
}

// kept tells of readers that keep the log from beginning anew, when that
// begins and whenever the log has doubled.
func (w *writer) kept(log int) {
	switch {
	case log < longLog*w.j.o.checkpoint:
		if w.toldKept > 0 {
			w.j.o.Log.Info("the journal's log is short again")
		}
		w.toldKept, w.nextCut = 0, 0
	case log >= 2*w.toldKept:
		w.toldKept = log
		w.j.o.Log.Warn("a reader keeps the journal's log from being emptied, which grows until it ends",
			"bytes", log*pageBytes, "held by", w.blame(true))
	}
}

package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"

	"github.com/eventseal/eventseal/host/journal"
)

// checkpoint moves the log into the file, now or when there is enough of it.
// Callers have their answers by then. A reader in the middle of a query keeps
// some of it back for the next time, and the log goes on growing where it is;
// with one reader after the other it would do so for ever. So a log that has
// become long is cut off between readers.
func (w *writer) checkpoint(now bool) {
	if s, ok := w.c.c.(sqlite.DBStatus); ok {
		if n, _, err := s.Status(sqlite.DBStatusCacheWrite, true); err == nil {
			w.pages += n
		}
	}
	if w.pages < w.j.o.checkpoint && !now {
		return
	}
	w.pages = 0
	begun := time.Now()
	log, err := w.move("PASSIVE")
	if f := w.j.o.fault; f != nil && err == nil {
		_, err = f("checkpoint")
	}
	if err == nil && log >= w.nextCut+longLog*w.j.o.checkpoint {
		log, err = w.cut(shortWait)
		w.nextCut = log // where a reader keeps it, some log later
	}
	if err == nil {
		w.kept(log)
	}
	w.j.stats.checkpoint(time.Since(begun), log)
	switch err = classify(err); {
	case errors.Is(err, journal.ErrFailed):
		w.failed(group{}, err)
	case err != nil && !w.stuck:
		w.j.o.Log.Warn("the journal's log could not be moved into its file yet", "error", err)
	}
	w.stuck = err != nil
}

// settle moves what a process before this one left in the log into the file.
// That process may have ended because an fsync of the log had failed: the pages
// are read as they were written then, and the kernel counts them as clean, so
// that no later fsync of the log would write them, and what is acknowledged
// behind them would be lost with them in a power cut. In the file they are
// written once more. A full disk leaves them where they are.
func (w *writer) settle() error {
	if _, err := w.move("TRUNCATE"); err != nil {
		if err = classify(err); !errors.Is(err, journal.ErrFull) {
			return err
		}
		w.j.o.Log.Warn("the journal's log could not be moved into its file yet", "error", err)
	}
	return nil
}

// cut moves the whole log and makes its file empty, unless readers keep it for
// longer than wait. It returns how many pages the log has then.
func (w *writer) cut(wait time.Duration) (log int, err error) {
	if err := w.c.script("PRAGMA " + busyTimeout(wait)); err != nil {
		return 0, err
	}
	log, err = w.move("TRUNCATE")
	return log, errors.Join(err, w.c.script("PRAGMA "+busyTimeout(writerWait)))
}

// move runs a checkpoint of a mode of SQLite's and returns how many pages the
// log has, those that were moved included. Readers that were in the way are no error.
func (w *writer) move(mode string) (log int, err error) {
	err = w.c.query("PRAGMA wal_checkpoint("+mode+")", nil, func(v []driver.Value) error {
		if n, ok := v[1].(int64); ok { // of busy, log, checkpointed
			log = int(n)
		}
		return nil
	})
	return log, err
}

func busyTimeout(d time.Duration) string { return fmt.Sprintf("busy_timeout(%d)", d.Milliseconds()) }

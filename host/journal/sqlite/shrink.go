package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/eventseal/eventseal/host/journal"
)

// The file gives back what it does not need while nobody stores: pages of
// events that were delivered are moved to its end some at a time, so that
// whoever comes waits for one step at most, and cut off.
const (
	idleFor     = 2 * time.Second
	pagesAtOnce = 128
	// slackPages are kept, or an eighth of the file where that is more: a host that
	// stores a little all the time does not shrink and grow all the time.
	slackPages = 1024
)

// shrink takes one step and says whether there is another one to take.
func (w *writer) shrink() (more bool) {
	if w.j.Failure() != nil {
		return false
	}
	free, pages, err := w.freePages()
	if err == nil && free > max(slackPages, pages/8) {
		// A statement alone is a transaction.
		err = w.c.script(fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, pagesAtOnce))
		left, _, e := w.freePages()
		if err = errors.Join(err, e); err == nil && left < free {
			w.pages += pagesAtOnce
			w.checkpoint(false)
			return true
		}
	}
	if err == nil {
		if w.wrote {
			w.wrote = false
			var log int
			if log, err = w.cut(shortWait); err == nil {
				w.pages = 0
				w.j.stats.logPages.Store(uint64(max(0, log)))
			}
		}
	}
	switch err = classify(err); {
	case errors.Is(err, journal.ErrFailed):
		w.failed(group{}, err)
	case err != nil:
		w.j.o.Log.Warn("the journal's file could not be made smaller", "error", err)
	}
	return false
}

func (w *writer) freePages() (free, pages int64, err error) {
	one := func(text string, into *int64) {
		if err == nil {
			err = w.c.query(text, nil, func(v []driver.Value) error {
				*into = v[0].(int64)
				return nil
			})
		}
	}
	one(`PRAGMA freelist_count`, &free)
	one(`PRAGMA page_count`, &pages)
	return free, pages, err
}
